/*
 * health - see health.h.
 */
#include "fcgi/health.h"

#include "base/clock.h"
#include "policy/state_breaker.h"

/* Set aside: this long after the first failure, twice after the next. */
#define DOWN_FIRST_US (500 * US_PER_MS)
#define DOWN_LAST_US (10 * US_PER_S)

/* For a probe without a limit of its own. */
#define LEASE_US (60 * US_PER_S)

static bool
has_breaker(const struct upstream_call *c, const struct backend *b)
{
	return b->breaker != NULL && b->life != NULL && c->state != NULL;
}

bool
health_usable(const struct upstream_call *c, const struct backend *b, bool down,
    int64_t *wait_us)
{
	if (has_breaker(c, b) &&
	    state_breaker_ask(c->state, b->life->breaker, false, 0,
		clock_wall_us(), wait_us) == BREAKER_OPEN)
		return false;
	return down || b->life == NULL ||
	    atomic_load(&b->life->down_until_us) <= clock_mono_us();
}

bool
health_claim(const struct upstream_call *c, const struct backend *b,
    bool *probe, int64_t *wait_us)
{
	int64_t lease_us =
	    b->total_ms > 0 ? (b->total_ms + 1000) * US_PER_MS : LEASE_US;
	enum breaker_answer answer;

	*probe = false;
	if (!has_breaker(c, b))
		return true;
	answer = state_breaker_ask(c->state, b->life->breaker, true, lease_us,
	    clock_wall_us(), wait_us);
	*probe = answer == BREAKER_PROBE;
	return answer != BREAKER_OPEN;
}

static void
set_aside(struct backend_life *life)
{
	unsigned n = atomic_fetch_add(&life->failures, 1);
	int64_t us = n < 5 ? DOWN_FIRST_US << n : DOWN_LAST_US;

	atomic_store(&life->down_until_us,
	    clock_mono_us() + (us < DOWN_LAST_US ? us : DOWN_LAST_US));
}

void
health_tell(const struct upstream_call *c, const struct backend *b, bool probe,
    enum health_outcome outcome)
{
	if (b->life == NULL)
		return;
	if (outcome == HEALTH_BAD) {
		set_aside(b->life);
	} else if (outcome == HEALTH_GOOD &&
	    atomic_load(&b->life->failures) != 0) {
		atomic_store(&b->life->failures, 0);
		atomic_store(&b->life->down_until_us, 0);
	}
	if (!has_breaker(c, b))
		return;
	if (outcome != HEALTH_UNKNOWN)
		state_breaker_tell(c->state, b->life->breaker, b->breaker,
		    outcome == HEALTH_BAD, probe, clock_wall_us());
	else if (probe)
		state_breaker_give_up(c->state, b->life->breaker);
}
