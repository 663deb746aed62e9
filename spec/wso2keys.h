/*
 * wso2keys - "wso2-keys" of mgw.yaml: who makes API keys that are JWTs, in
 * the way of WSO2.
 *
 *	wso2-keys:
 *	  - issuer: https://localhost:9095/apikey
 *	    keys: {pem: gateway.pem}	as of issuers
 *	    audiences: [gate]		or any; without, keys have none
 *	    expiry: required		or optional: they may last forever
 *	    subject: any		or user: must stand in users
 *	    issue:			made here, for users
 *	      key: ${file:PATH}		private, PEM or JWK
 *	      apis: {PetStore: [1.0.0], Other: any}
 *	      path: /apikey
 *	      algorithm: RS256
 *	      lifetime: 1h		at most 90d
 *	      tier: NAME		10 a minute for each user
 *	    algorithms, leeway, scope-claim, trust-claims, required-claims,
 *	    claim-map: as of issuers
 *
 * No issuer of tokens has the name of one of keys, so that neither passes
 * for the other.
 */
#ifndef MGW_SPEC_WSO2KEYS_H
#define MGW_SPEC_WSO2KEYS_H

#include "spec/keysource.h"

#define WSO2KEYS_TITLE "API Keys"

struct spec_issue {
	struct place place;
	struct spec_text path, tier;
	struct spec_source *key;
	struct spec_word *apis; /* title, version or "*", title ... */
	int algorithm;          /* enum algorithm */
	uint64_t life_us;
};

/*
 * The document of the API that makes keys, if any issuer has them made;
 * else NULL.
 */
struct spec_document *wso2keys_document(
    const struct policyfile *f, struct diag *d);

/* Read the list "n", which may be NULL; after the issuers. */
void wso2keys_read(const struct keysource *r, const struct node *n);

#endif
