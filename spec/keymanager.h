/*
 * keymanager - the key manager behind the gate, from mgw.yaml.
 *
 *	key-manager: https://id.example/oauth2
 *	key-manager:
 *	    endpoints: https://id.example/oauth2	see endpoints.h
 *	    base-path: ''				before /token
 *	    tier: NAME
 *	    max-body: 64KB
 *	    failures: {limit: 60, per: 1m}		or off
 *
 * POST /token and /revoke, GET and POST /authorize and /userinfo go to it:
 * they are the operations of an API "Key Manager" without a credential of
 * its own, so that all that holds for APIs holds for them.
 */
#ifndef MGW_SPEC_KEYMANAGER_H
#define MGW_SPEC_KEYMANAGER_H

#include "policy/attempts.h"
#include "spec/model.h"

#define KEYMANAGER_TITLE "Key Manager"

struct policyfile; /* spec/policyfile.h */

struct spec_key_manager {
	struct place place;
	struct spec_url *endpoints;
	struct spec_text base_path, tier;
	uint64_t max_body_bytes;
	bool unlimited; /* failures: off */
	struct row_limit attempts[ATTEMPTS__MAX];
};

/* What stands under "key-manager"; NULL: nothing, or after an error. */
struct spec_key_manager *keymanager_read(
    struct policyfile *f, const struct node *n, struct diag *d);

/*
 * The document of its API, called "file" in messages; NULL: out of memory,
 * or the key manager may not be reached so.
 */
struct spec_document *keymanager_document(
    const struct spec_key_manager *k, const char *file, struct diag *d);

#endif
