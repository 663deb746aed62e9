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
 *	    algorithms, leeway, scope-claim, trust-claims, required-claims,
 *	    claim-map: as of issuers
 *
 * No issuer of tokens has the name of one of keys, so that neither passes
 * for the other.
 */
#ifndef MGW_SPEC_WSO2KEYS_H
#define MGW_SPEC_WSO2KEYS_H

#include "spec/keysource.h"

/* Read the list "n", which may be NULL; after the issuers. */
void wso2keys_read(const struct keysource *r, const struct node *n);

#endif
