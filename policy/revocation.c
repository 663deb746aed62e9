/*
 * revocation - see revocation.h.
 */
#include "policy/revocation.h"

#define RETRY_AFTER_S 5

bool
revocation_check(const struct outside *world, const struct principal *who,
    int64_t now_us, struct arena *a, struct decision *d)
{
	struct revoked_query q = { .who = who, .now_us = now_us };

	if (world->revoked == NULL)
		return true;
	switch (world->revoked(world->world, &q)) {
	case REVOKED_NO:
		return true;
	case REVOKED_YES:
		return refuse(d, REASON_REVOKED,
		    arena_printf(
			a, "revoked by %s", revoked_kind_word(q.kind)));
	default:
		(void)refuse(d, REASON_VERIFIER_DOWN,
		    SPAN("what is revoked cannot be known now"));
		d->retry_after_s = RETRY_AFTER_S;
		return false;
	}
}
