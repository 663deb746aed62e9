/*
 * gauge - see gauge.h.
 */
#include "policy/gauge.h"

#include "base/clock.h"

#define TICKS UINT64_C(16) /* in a microsecond; 56 bits last until 2112 */

/* Farther ahead of the clock no bucket can be. */
#define LEAD_MAX (GAUGE_US_MAX * TICKS)

/*
 * A request brings the time at which it began, so that two processes may
 * differ by as long as one waits for a key set; it must not take the
 * other's charge for a clock that was set back.
 */
#define SKEW_US UINT64_C(10000000)

/*
 * How long a counter is kept for requests that began before its end.  One
 * that is slower still would find its window's counter gone, and begin
 * another.
 */
#define SLACK_MIN_US UINT64_C(1000000)
#define SLACK_MAX_US UINT64_C(10000000)

static uint64_t
spacing(const struct row_limit *l)
{
	return (l->period_us * TICKS - 1) / l->count + 1;
}

bool
gauge_can_hold(const struct row_limit *l)
{
	if (l->unit != LIMIT_REQUESTS || l->count == 0 || l->period_us == 0 ||
	    l->period_us > GAUGE_US_MAX)
		return false;
	if (l->algorithm == LIMIT_WINDOW)
		return true;
	return l->algorithm == LIMIT_TOKEN_BUCKET && l->burst > 0 &&
	    l->burst <= LEAD_MAX / spacing(l);
}

bool
gauge_init(struct gauge *g, const struct row_limit *limit, int64_t now_us)
{
	uint64_t period = limit->period_us, now = (uint64_t)now_us;

	*g = (struct gauge){ .window = limit->algorithm == LIMIT_WINDOW };
	if (!gauge_can_hold(limit) || now_us <= 0 ||
	    now > (GAUGE_PAYLOAD_MAX - LEAD_MAX) / TICKS)
		return false;
	if (g->window) {
		g->now = now;
		g->count = limit->count < GAUGE_PAYLOAD_MAX ? limit->count
							    : GAUGE_PAYLOAD_MAX;
		g->start = now - now % period;
		g->end = g->start + period;
		return true;
	}
	g->now = now * TICKS;
	g->spacing = spacing(limit);
	g->lead = limit->burst * g->spacing;
	return true;
}

static uint64_t
ticks_to_us(uint64_t ticks)
{
	return (ticks + TICKS - 1) / TICKS;
}

static bool
admit_window(
    const struct gauge *g, struct take *t, uint64_t held, uint64_t *next)
{
	bool full = held >= g->count;

	t->reset_us = g->end - g->now;
	t->over = full && t->pass_over;
	t->refused = full && !t->pass_over;
	t->wait_us = t->refused ? t->reset_us : 0;
	t->remaining = full ? 0 : g->count - held - 1;
	*next = t->refused || held >= GAUGE_PAYLOAD_MAX ? held : held + 1;
	return !t->refused;
}

static bool
admit_bucket(
    const struct gauge *g, struct take *t, uint64_t held, uint64_t *next)
{
	uint64_t from = held > g->now ? held : g->now;
	uint64_t to = from + g->spacing, most = g->now + g->lead;
	bool full = to > most;

	t->over = full && t->pass_over;
	t->refused = full && !t->pass_over;
	t->wait_us = t->refused ? ticks_to_us(to - most) : 0;
	t->remaining = full ? 0 : (most - to) / g->spacing;
	t->reset_us = ticks_to_us((full ? from : to) - g->now);
	*next = full ? held : to;
	return !t->refused;
}

bool
gauge_admit(
    const struct gauge *g, struct take *t, uint64_t held, uint64_t *next)
{
	return g->window ? admit_window(g, t, held, next)
			 : admit_bucket(g, t, held, next);
}

uint64_t
gauge_mend(const struct gauge *g, uint64_t held)
{
	uint64_t most = g->now + g->lead;

	return !g->window && held > most + SKEW_US * TICKS ? most : held;
}

uint64_t
gauge_refund(const struct gauge *g, uint64_t charged, uint64_t held)
{
	uint64_t apart = held > charged ? held - charged : charged - held;

	if (g->window)
		return held > 0 ? held - 1 : 0;
	/* Charges on a bucket that is never full are whole spacings. */
	if (apart % g->spacing != 0 || held < g->spacing)
		return held;
	return held - g->spacing;
}

int64_t
gauge_expires_us(const struct gauge *g, uint64_t held)
{
	uint64_t slack = 2 * (g->end - g->start);

	/* Short windows would fill the table if each stayed that long. */
	if (!g->window || slack > SLACK_MAX_US)
		slack = SLACK_MAX_US;
	if (slack < SLACK_MIN_US)
		slack = SLACK_MIN_US;
	if (g->window)
		return (int64_t)(g->end + slack);
	return (int64_t)(ticks_to_us(held > g->now ? held : g->now) + slack);
}
