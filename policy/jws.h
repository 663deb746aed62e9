/*
 * jws - a JWT made and signed by the gate.
 */
#ifndef MGW_POLICY_JWS_H
#define MGW_POLICY_JWS_H

#include "policy/sign.h"

#define JWS_BYTES_MAX (16 * 1024)
#define JWS_ID_BYTES 16

/*
 * "claims" (a JSON object) signed with "key", in the arena; the header
 * names the key by its thumbprint (RFC 7638).  False: OpenSSL or memory
 * fails, or the key does not fit.
 */
bool jws_sign(const struct sign_key *key, enum algorithm alg, const char *type,
    struct span claims, struct arena *a, struct span *token);

/* Append a "jti" that nobody can guess; false: no random bytes. */
bool jws_write_id(struct buf *to);

/* "key" is private and fits "alg"; else what is wrong with it, static. */
const char *jws_problem(const struct sign_key *key, enum algorithm alg);

#endif
