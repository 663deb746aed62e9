/*
 * token - what tokens have in common, however they were verified.
 *
 * A JWT's payload (jwt.c) and the answer of an introspection server
 * (opaque.c) hold the same claims, and are held to the same rules.
 */
#ifndef MGW_POLICY_TOKEN_H
#define MGW_POLICY_TOKEN_H

#include "policy/claims.h"
#include "policy/credential.h"

/* Read claims with the mappings among CLAIM rows "rules". */
bool token_claims_read(const struct credential_call *call, struct range rules,
    struct span scope_claim, struct span json, struct claims *c,
    const char **why);

/*
 * Every claim that CLAIM rows "rules" require is there and has one of
 * their values.  False: claim-refused.
 */
bool token_claims_hold(const struct credential_call *call, struct range rules,
    struct span json, struct decision *d);

struct token_subscription {
	bool needed; /* the issuer wants one to be there */
	bool found;
	struct span tier; /* of it, or absent */
};

/*
 * The list of APIs "json", as WSO2 writes "subscribedAPIs" and
 * "allowedAPIs", names the one that is asked for; "*tier" is that of the
 * subscription, or absent.
 */
bool token_lists_api(
    const struct credential_call *call, struct span json, struct span *tier);

/*
 * Look for the API in WSO2's "subscribedAPIs", given as JSON text or
 * absent.  False: claim-refused, when it is needed, not there, and no file
 * of applications could have it.
 */
bool token_subscribed(const struct credential_call *call,
    struct span subscriptions, struct token_subscription *to,
    struct decision *d);

/*
 * Ask the server of INTROSPECT row "row", or take what it said before.
 * "*answer" is JSON of an active token, in the arena.  False: inactive, or
 * that it could not be found out.
 */
bool token_introspect(const struct credential_call *call, uint32_t row,
    struct span token, struct span *answer, struct decision *d);

/* What checks a token that is no JWT, of these INDEX rows; opaque.c. */
bool opaque_check_token(const struct credential_call *call, struct span token,
    struct principal *who, struct decision *d);

/* Fill "who" from claims; what decides more than a name only if "trusted". */
void token_principal(const struct credential_call *call, const struct claims *c,
    bool trusted, struct principal *who);

#endif
