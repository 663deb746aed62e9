/*
 * security - OpenAPI's "security", exactly: alternatives are OR, the
 * requirements in one are AND, all scopes of a requirement are needed
 * (one, where a document is read as WSO2 does), {} is anonymous.
 *
 * When all alternatives fail, the answer is that of the one that got
 * furthest (missing < malformed < invalid < scope), the first on a tie;
 * one that could not be judged (verifier-down, fault) goes before all of
 * these.  {} is tried last, wherever it stands, so that who brings a
 * credential is known by it.
 */
#ifndef MGW_POLICY_SECURITY_H
#define MGW_POLICY_SECURITY_H

#include "policy/outside.h"
#include "policy/principal.h"
#include "policy/route.h"

/* Fill "who" from the first alternative that holds; false with "d". */
bool security_check(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct match *m, struct principal *who,
    struct decision *d);

#endif
