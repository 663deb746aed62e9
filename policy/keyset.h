/*
 * keyset - public keys (and shared secrets) of a token issuer.
 *
 * Read once from a JWK set (RFC 7517) or PEM, then immutable and shared
 * by all threads.  A key that cannot be used is skipped and reported, it
 * does not spoil the others.
 */
#ifndef MGW_POLICY_KEYSET_H
#define MGW_POLICY_KEYSET_H

#include "base/arena.h"
#include "base/buf.h"
#include "policy/format.h"

#define KEY_SET_KEYS_MAX 64
#define KEY_SET_BYTES_MAX (256 * 1024)

struct key_set;

/*
 * "remote" refuses symmetric keys: who can serve a key set must not be
 * able to make mgw accept HMAC tokens.  "notes" (may be NULL) takes a line
 * for each key that was skipped.  NULL: no usable key, "why" says why.
 */
struct key_set *key_set_new(struct span text, bool remote, struct buf *notes,
    char *why, size_t why_size);
void key_set_free(struct key_set *k);
unsigned key_set_n(const struct key_set *k);

enum key_result {
	KEY_GOOD,
	KEY_BAD_SIGNATURE,
	KEY_UNKNOWN, /* no key of this kid, type and algorithm */
	KEY_FAULT,   /* OpenSSL or memory failed */
};

/*
 * Verify "signature" (raw, as in JWS) over "signed_text" with the key
 * named "kid" (a key without a name, as from PEM, has any), or, when
 * kid.p == NULL, with those that fit "alg"; at most 4 keys are tried.
 * The key's own "alg", "use" and "key_ops" must agree with it.
 */
enum key_result key_set_verify(const struct key_set *k, enum algorithm alg,
    struct span kid, struct span signed_text, struct span signature);

/* The same; "*used" is the name of the key that was right, if it has one. */
enum key_result key_set_verify_by(const struct key_set *k, enum algorithm alg,
    struct span kid, struct span signed_text, struct span signature,
    struct span *used);

/* "RS256" and so on; false for anything else, "none" included. */
bool algorithm_parse(struct span name, enum algorithm *alg);
const char *algorithm_name(enum algorithm alg);

#endif
