/*
 * keysource - "issuers" and "api-keys" of mgw.yaml.
 *
 * Part of policyfile.c: what comes from outside the bundle, and may hold
 * secrets, is named here and only named.
 */
#ifndef MGW_SPEC_KEYSOURCE_H
#define MGW_SPEC_KEYSOURCE_H

#include "spec/policyfile.h"

/* Read both from "root" into "f"; for "bundle" see policyfile_read. */
void keysource_read(struct policyfile *f, const struct node *root,
    const char *bundle, struct diag *d);

#endif
