/*
 * revocation_feed - what a server tells of revoked tokens, in the form of
 * "revokedjwt" of WSO2's internal data API:
 *
 *	[{"jwt_signature":"...","expiry_time":1593187742000}, ...]
 *
 * The names may also be jwtSignature and expiryTime; the time is in
 * milliseconds.  What is called a signature is a "jti" or a JWT's signature
 * (its last part), and nothing tells which: both are looked up.  A signature
 * by ECDSA has a second form that anybody can make of the first, so that it
 * is entered as well.
 */
#ifndef MGW_POLICY_REVOCATION_FEED_H
#define MGW_POLICY_REVOCATION_FEED_H

#include "policy/revocation_list.h"

#define REVOKED_FEED_BYTES_MAX (128 * 1024 * 1024)
#define REVOKED_FEED_VALUE_MAX 2048
#define REVOKED_FEED_LEEWAY_S 600 /* no issuer's is longer */

/*
 * Call "each" with the entries of "json", of kinds JTI and SIGNATURE and of
 * each of "n" issuers.  NULL, or what is wrong: then it is no list, however
 * far it was read.
 */
const char *revoked_feed_walk(struct span json, const struct span *issuers,
    size_t n, revoked_each *each, void *user);

#endif
