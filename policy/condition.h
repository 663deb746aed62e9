/*
 * condition - what a request must be for a rule of mgw.yaml to hold.
 *
 * A rule is a row of CONDITION that stands in settings.deny, or in the
 * conditions of the tier that it replaces; its parts, and theirs, stand
 * behind it.
 */
#ifndef MGW_POLICY_CONDITION_H
#define MGW_POLICY_CONDITION_H

#include "policy/principal.h"
#include "policy/request.h"

/* Conditions within conditions. */
#define CONDITION_DEPTH_MAX 16

struct condition_call {
	const struct bundle *bundle;
	const struct request *request;
	const struct principal *who; /* NULL: not known (yet) */
	bool twice; /* out: a field that decides came more than once */
};

/* Row "row" holds. */
bool condition_holds(struct condition_call *c, uint32_t row);

/* Row "row", or a part of it, asks who it is. */
bool condition_asks_who(const struct bundle *b, uint32_t row);

/* Of bundle_check: the rows are as condition.c expects them. */
bool condition_check(const struct bundle *b, char *why, size_t why_size);

#endif
