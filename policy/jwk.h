/*
 * jwk - one key as JSON (RFC 7517), read and written.
 */
#ifndef MGW_POLICY_JWK_H
#define MGW_POLICY_JWK_H

#include "policy/sign.h"

#define KEY_ID_BYTES_MAX 256

struct json_object;

struct jwk {
	struct sign_key *key; /* the caller's */
	struct span kid;      /* borrowed from the JSON; p == NULL: none */
	uint32_t algorithms;  /* bits that the key and its "alg" allow */
	bool verifies;        /* "use" and "key_ops" allow verifying */
};

/*
 * Read one JWK.  Private numbers are used only with "private_too".  False:
 * "*why" is a static text and nothing is held.  "a" is scratch.
 */
bool jwk_read(const struct json_object *o, bool private_too, struct arena *a,
    struct jwk *jwk, const char **why);

/*
 * A new object with the public members of "k"; "kid" p == NULL gives the
 * key its thumbprint (RFC 7638) as name.  NULL for secrets.
 */
struct json_object *jwk_public(
    const struct sign_key *k, struct span kid, struct arena *a);

/* RFC 7638; p == NULL for a secret, or when the arena is full. */
struct span jwk_thumbprint(const struct sign_key *k, struct arena *a);

/*
 * The same of a JWK's members as they are written, without making a key of
 * them; p == NULL: it lacks one, or is symmetric or of no kind known here.
 */
struct span jwk_thumbprint_of(const struct json_object *o, struct arena *a);

/* What the JWK of "k" says of its use ("use", "key_ops", "alg") allows it. */
bool jwk_may_verify(
    const struct json_object *o, const struct sign_key *k, enum algorithm alg);

/* The bits of all algorithms that "k" fits. */
uint32_t jwk_algorithms(const struct sign_key *k);

#endif
