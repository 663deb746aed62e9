/*
 * assertion - "backend-jwt" and "identity-headers" of mgw.yaml: what
 * backends are told of the caller, signed and in fields.
 */
#ifndef MGW_SPEC_ASSERTION_H
#define MGW_SPEC_ASSERTION_H

#include "spec/keysource.h"

struct spec_assertion {
	struct spec_text header, issuer, dialect, keys_path;
	struct spec_word *claims;
	struct spec_source *key;
	int algorithm; /* enum algorithm */
	uint64_t life_us;
	struct place place;
};

/* The map "identity-headers", which may be NULL, likewise. */
void assertion_read_identities(const struct keysource *r, const struct node *n);

/* Read the map "n", which may be NULL, into r->f; after the issuers. */
void assertion_read(const struct keysource *r, const struct node *n);

#endif
