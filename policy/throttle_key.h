/*
 * throttle_key - which counters a request is charged to, and their names.
 *
 * Private to throttle*.c.
 */
#ifndef MGW_POLICY_THROTTLE_KEY_H
#define MGW_POLICY_THROTTLE_KEY_H

#include "policy/throttle.h"

struct throttle_call {
	const struct outside *world;
	const struct bundle *bundle;
	const struct request *request;
	const struct match *match;
	const struct principal *who; /* NULL: nobody */
	struct receipt *receipt;
	struct decision *decision;
};

/*
 * Row of the tier that a credential, or the file of applications, means by
 * this name, or ROW_NONE.
 */
uint32_t throttle_find_tier(
    const struct bundle *b, struct span name, enum level level);

/*
 * Fill the receipt with all takes, in the order of levels.  False: the
 * decision says why.
 */
bool throttle_collect(const struct throttle_call *c);

#endif
