/*
 * state_store - that a store of several machines does not answer.
 *
 * A process of one request cannot remember it, and would wait in vain
 * each time.  A time that lies far ahead comes from another clock.
 */
#include "base/clock.h"
#include "policy/state_file.h"

#define FAR_US (10 * US_PER_S)

void
state_store_down(struct state *s, int64_t until_us)
{
	if (s->writable)
		atomic_store(&s->control->store_down_us, until_us);
}

bool
state_store_is_down(const struct state *s, int64_t now_us)
{
	int64_t until_us = atomic_load(&s->control->store_down_us);

	return until_us > now_us && until_us - now_us <= FAR_US;
}
