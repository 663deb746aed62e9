/*
 * attempts - whom the backend of an API refuses too often.
 *
 * Where the backend looks at credentials itself, as a key manager does at
 * those of clients and users, the gate cannot tell a guess.  It counts the
 * answers 400, 401 and 403 by the client's address, for IPv6 by its /64,
 * /56 and /48, and past a limit asks the backend no more for a while.
 */
#ifndef MGW_POLICY_ATTEMPTS_H
#define MGW_POLICY_ATTEMPTS_H

#include "policy/outside.h"
#include "policy/request.h"

/* The LIMIT rows of row_api.attempts, in this order. */
enum attempts_limit {
	ATTEMPTS_ADDRESS, /* IPv4, or the /64 */
	ATTEMPTS_56,
	ATTEMPTS_48,
	ATTEMPTS__MAX,
};

/* May the backend of "api" be asked?  False: rate-exceeded, or fault. */
bool attempts_allow(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct row_api *api, struct decision *d);

/* It answered with "status". */
void attempts_count(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct row_api *api, unsigned status);

#endif
