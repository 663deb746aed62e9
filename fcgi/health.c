/*
 * health - see health.h.
 */
#include "fcgi/health.h"

#include "base/clock.h"
#include "policy/state_breaker.h"
#include "policy/state_health.h"

/* For a probe without a limit of its own. */
#define LEASE_US (60 * US_PER_S)

static bool
has_breaker(const struct upstream_call *c, const struct backend *b)
{
	return b->breaker != NULL && b->life != NULL && c->state != NULL;
}

/* What others and the checks know of it. */
static bool
is_up(const struct upstream_call *c, const struct backend *b)
{
	int64_t now_us = clock_wall_us();

	if (b->life == NULL || c->state == NULL)
		return true;
	return !state_health_is_aside(c->state, b->life->health, now_us) &&
	    (b->health == NULL ||
		state_health_verdict(c->state, b->life->health, now_us) !=
		    HEALTH_DOWN);
}

bool
health_usable(const struct upstream_call *c, const struct backend *b, bool down,
    int64_t *wait_us)
{
	if (has_breaker(c, b) &&
	    state_breaker_ask(c->state, b->life->breaker, false, 0,
		clock_wall_us(), wait_us) == BREAKER_OPEN)
		return false;
	return down || is_up(c, b);
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

void
health_tell(const struct upstream_call *c, const struct backend *b, bool probe,
    enum health_outcome outcome)
{
	if (b->life == NULL || c->state == NULL)
		return;
	if (outcome == HEALTH_BAD)
		state_health_fail(
		    c->state, b->life->health, b->url, clock_wall_us());
	else if (outcome == HEALTH_GOOD)
		state_health_well(c->state, b->life->health, clock_wall_us());
	if (!has_breaker(c, b))
		return;
	if (outcome != HEALTH_UNKNOWN)
		state_breaker_tell(c->state, b->life->breaker, b->breaker,
		    outcome == HEALTH_BAD, probe, clock_wall_us());
	else if (probe)
		state_breaker_give_up(c->state, b->life->breaker);
}
