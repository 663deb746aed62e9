/*
 * assertion - who asks, told to the backend in a freshly signed JWT.
 *
 * It is the gate's own: its own key, issuer and type, and the backend as
 * audience, so that no gate takes it for a token of a client.  Claims are
 * those of WSO2 under the dialect's prefix, and of the token those that
 * the policy lists; registered names are never copied.
 */
#ifndef MGW_POLICY_ASSERTION_H
#define MGW_POLICY_ASSERTION_H

#include "policy/decide.h"

/* Its "typ"; no issuer may ask for it. */
#define ASSERTION_TYPE "backend+jwt"

/*
 * The assertion for an allowed request, in its arena; absent where the API
 * or the caller has none.  One that was made before is used while it has a
 * third of its life.  "audience" is used where the API names none.  False:
 * fault.
 */
bool assertion_make(const struct policy *p, const struct request *r,
    const struct ruling *v, struct span audience, struct span *token,
    struct decision *d);

/* Append the public key as a JWK set; false: the key cannot be had. */
bool assertion_keys(const struct policy *p, struct arena *a, struct buf *to);

/* The key is private and fits the algorithm; false with "why". */
bool assertion_check(const struct policy *p, char *why, size_t why_size);

/* A claim that may not be copied: a registered name, or the dialect's. */
bool assertion_is_own(struct span claim, struct span dialect);

#endif
