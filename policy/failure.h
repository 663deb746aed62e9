/*
 * failure - who fails too often is not served with guesses.
 *
 * Refusals that a guess brings (400, 401, 403, 404) are counted by the
 * client's address, for IPv6 by its /64, /56 and /48 with growing limits,
 * and by the name that the credential claimed together with the address.
 * Past a limit only what is expensive or worth guessing is refused: a
 * credential that is not known to be good from before.  Who shares the
 * address, behind a NAT, and has one that is known goes on.
 */
#ifndef MGW_POLICY_FAILURE_H
#define MGW_POLICY_FAILURE_H

#include "policy/credential.h"

/* The LIMIT rows of row_settings.failures, in this order. */
enum failure_limit {
	FAILURE_ADDRESS, /* IPv4, or the /64 */
	FAILURE_56,
	FAILURE_48,
	FAILURE_NAME, /* with the address */
	FAILURE__MAX,
};

/*
 * May a credential be verified that is not known?  "name" is what it
 * claims to be, or absent.  False: rate-exceeded, or fault.
 */
bool failure_guard(
    const struct credential_call *c, struct span name, struct decision *d);

/* A request ended with "d": count it, if it is one that failed. */
void failure_count(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct decision *d);

/*
 * The same of other counters, the widest first; see attempts.h.  None of
 * "takes" is full; false: rate-exceeded, or fault.
 */
bool failure_look(const struct outside *world, struct take *takes, unsigned n,
    int64_t now_us, struct decision *d);

/* Charge them, unless one of the first "n_networks" is full. */
void failure_charge(const struct outside *world, struct take *takes, unsigned n,
    unsigned n_networks, int64_t now_us);

#endif
