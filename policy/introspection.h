/*
 * introspection - what a server says of a token (RFC 7662), made small.
 *
 * The answer becomes a verdict whose payload is "" for a token that is not
 * active, else the members of the answer as a JSON object.  Its times and
 * everything else are checked at every use, see opaque.c.
 */
#ifndef MGW_POLICY_INTROSPECTION_H
#define MGW_POLICY_INTROSPECTION_H

#include "policy/bundle.h"
#include "policy/verdict.h"

/* A server that says more is not listened to. */
#define INTROSPECTION_BYTES_MAX (64 * 1024)

/*
 * Read "answer" to the question of INTROSPECT row "row" at "now_s"; spans
 * of "v" lie in "a".  "active" is the boolean true or the token is not;
 * an "exp" or "nbf" of 2^63-1, as WSO2 writes for never, is left out; an
 * answer that is too long to be kept is cut to the members that are read.
 * False: "*why", not an answer at all.  RFC 7662 section 2.2.
 */
bool introspection_read(const struct bundle *b, uint32_t row,
    struct span answer, int64_t now_s, struct arena *a, struct verdict *v,
    const char **why);

#endif
