/*
 * wso2key - what an API key that is a JWT is held to, besides its signature.
 *
 * Such a key says what it is for: the APIs ("allowedAPIs", or
 * "subscribedAPIs" of keys that an API Manager has made), the addresses
 * ("permittedIP") and the pages ("permittedReferer").  All of it is heeded
 * always.
 */
#ifndef MGW_POLICY_WSO2KEY_H
#define MGW_POLICY_WSO2KEY_H

#include "policy/claims.h"
#include "policy/credential.h"

struct user_entry;

/*
 * The claims "c" of a key of "issuer", whose signature holds, let it pass
 * here; "*tier" is that of the subscription, or absent; "*user" who its
 * subject is in the user file, or NULL where keys have none.  False:
 * claim-refused, address-refused, revoked when its user is gone, or that
 * it cannot be told.
 */
bool wso2_key_holds(const struct credential_call *call,
    const struct row_issuer *issuer, const struct claims *c, struct span *tier,
    const struct user_entry **user, struct decision *d);

#endif
