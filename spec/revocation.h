/*
 * revocation - "revocation" of mgw.yaml: lists of what is revoked.
 *
 *	revocation:
 *	  - file: revoked.txt       another program writes it, mgw-revoked(5)
 *	    max-age: 1d             an older one is of no use; default: any is
 *	  - feed: https://km.example/internal/data/v1/revokedjwt
 *	    issuers: [https://km.example/oauth2/token]   whose tokens it tells
 *	    user: gate              HTTP Basic
 *	    password: ${env:NAME}   or ${file:PATH}
 *	    every: 1m               it is fetched
 *	    max-age: 1h
 *	    timeout: 5s
 *
 * Part of policyfile.c.
 */
#ifndef MGW_SPEC_REVOCATION_H
#define MGW_SPEC_REVOCATION_H

#include "spec/policyfile.h"

struct spec_revocation {
	struct spec_revocation *next;
	struct place place;
	struct spec_text file, feed; /* one of both */
	struct spec_word *issuers;
	struct spec_text user;
	struct spec_source *password; /* or NULL */
	uint64_t every_us, max_age_us, timeout_us;
};

/*
 * Read it from "root" into "f", whose issuers were read; for "bundle" see
 * policyfile_read.
 */
void revocation_read(struct policyfile *f, const struct node *root,
    const char *bundle, struct diag *d);

#endif
