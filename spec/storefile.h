/*
 * storefile - "store" of mgw.yaml: counters that several machines share.
 *
 *	store:
 *	  url: rediss://cache.example:6380/1   see policy/store.h; or mgw.conf
 *	  user: mgw                 of the server's access list
 *	  password: ${env:NAME}     or ${file:PATH}
 *	  key: ${file:store.key}    the same on all machines; names counters
 *	  ca: ca.pem                who signs the server's certificate
 *	  prefix: mgw               of the names of counters
 *	  timeout: 10ms             of one request, connecting included
 *	  tiers: named              or all that do not say local
 *	  when-down: local          or allow or refuse; of tiers that do not say
 *
 * Part of policyfile.c.
 */
#ifndef MGW_SPEC_STOREFILE_H
#define MGW_SPEC_STOREFILE_H

#include "spec/policyfile.h"

/*
 * Read it from "root" into "f", and settle for each tier where it is
 * counted; for "bundle" see policyfile_read.
 */
void storefile_read(struct policyfile *f, const struct node *root,
    const char *bundle, struct diag *d);

#endif
