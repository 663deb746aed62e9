/*
 * gauge - see gauge.h.  Sliding windows: gauge_slide.c.
 */
#include "policy/gauge.h"

#include "base/clock.h"
#include "policy/gauge_part.h"

#define TICKS UINT64_C(16) /* in a microsecond; 56 bits last until 2112 */

/* Farther ahead of the clock no bucket can be. */
#define LEAD_MAX (GAUGE_US_MAX * TICKS)

/* Products stay below this, so that nothing overflows. */
#define PRODUCT_MAX (UINT64_C(1) << 62)

/*
 * How long bytes that went out already may keep a bucket empty: as long as
 * it takes to fill, and an hour at least.  What is farther ahead comes
 * from a clock that was set back.
 */
#define DEBT_MIN_TICKS (UINT64_C(3600000000) * TICKS)

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

/* n x num / den, rounded up; UINT64_MAX when that would overflow. */
static uint64_t
ratio_up(uint64_t n, uint64_t num, uint64_t den)
{
	if (n > PRODUCT_MAX / num)
		return UINT64_MAX;
	return (n * num + den - 1) / den;
}

/* The period in ticks over the count, in lowest terms. */
static void
reduce(const struct row_limit *l, uint64_t *num, uint64_t *den)
{
	uint64_t a = l->period_us * TICKS, b = l->count;

	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	*num = l->period_us * TICKS / a;
	*den = l->count / a;
}

static bool
bucket_can_hold(const struct row_limit *l)
{
	uint64_t num, den;

	if (l->burst == 0)
		return false;
	if (l->unit == LIMIT_REQUESTS)
		return l->burst <= LEAD_MAX / spacing(l);
	reduce(l, &num, &den);
	return l->burst <= PRODUCT_MAX / num && den <= PRODUCT_MAX &&
	    ratio_up(l->burst, num, den) <= LEAD_MAX;
}

bool
gauge_can_hold(const struct row_limit *l)
{
	if (l->unit == LIMIT_CONCURRENT)
		return l->count > 0 && l->count <= GAUGE_CONCURRENT_MAX &&
		    l->algorithm == LIMIT_WINDOW && l->period_us == 0 &&
		    l->burst == 0 && l->calendar == CALENDAR_NONE;
	if ((l->unit != LIMIT_REQUESTS && l->unit != LIMIT_BYTES) ||
	    l->count == 0 || l->period_us == 0 || l->period_us > GAUGE_US_MAX)
		return false;
	switch (l->algorithm) {
	case LIMIT_WINDOW:
		return true;
	case LIMIT_SLIDING:
		return l->calendar == CALENDAR_NONE &&
		    l->period_us >= SLIDE_PERIOD_MIN_US &&
		    l->count <= SLIDE_COUNT_MAX;
	case LIMIT_TOKEN_BUCKET:
		return l->calendar == CALENDAR_NONE && bucket_can_hold(l);
	default:
		return false;
	}
}

static bool
init_window(struct gauge *g, const struct take *t)
{
	uint64_t period = t->limit->period_us;

	g->count = t->limit->count < GAUGE_PAYLOAD_MAX ? t->limit->count
						       : GAUGE_PAYLOAD_MAX;
	g->start = g->now - g->now % period;
	g->end = g->start + period;
	if (t->limit->calendar == CALENDAR_NONE)
		return true;
	if (t->from_us < 0 || t->until_us <= (int64_t)g->now ||
	    t->from_us > (int64_t)g->now)
		return false;
	g->start = (uint64_t)t->from_us;
	g->end = (uint64_t)t->until_us;
	return true;
}

bool
gauge_init(struct gauge *g, const struct take *t, int64_t now_us)
{
	const struct row_limit *l = t->limit;
	uint64_t now = (uint64_t)now_us;

	*g = (struct gauge){ .algorithm = (enum limit_algorithm)l->algorithm,
		.bytes = l->unit == LIMIT_BYTES,
		.now = now };
	if (!gauge_can_hold(l) || l->unit == LIMIT_CONCURRENT || now_us <= 0 ||
	    now > (GAUGE_PAYLOAD_MAX - 3 * LEAD_MAX) / TICKS)
		return false;
	if (g->algorithm == LIMIT_WINDOW)
		return init_window(g, t);
	if (g->algorithm == LIMIT_SLIDING) {
		gauge_slide_init(g, l);
		return true;
	}
	g->now = now * TICKS;
	g->spacing = spacing(l);
	g->lead = l->burst * g->spacing;
	if (g->bytes) {
		reduce(l, &g->num, &g->den);
		g->lead = ratio_up(l->burst, g->num, g->den);
	}
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
	uint64_t more = g->bytes ? 0 : 1;

	t->reset_us = g->end - g->now;
	t->over = full && t->pass_over;
	t->refused = full && !t->pass_over;
	t->wait_us = t->refused ? t->reset_us : 0;
	t->remaining = full ? 0 : g->count - held - more;
	*next = t->refused || held >= GAUGE_PAYLOAD_MAX ? held : held + more;
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
	if (g->bytes) {
		t->remaining = full ? 0 : (most - from) * g->den / g->num;
		t->reset_us = ticks_to_us(from - g->now);
		*next = held;
		return !t->refused;
	}
	t->remaining = full ? 0 : (most - to) / g->spacing;
	t->reset_us = ticks_to_us((full ? from : to) - g->now);
	*next = full ? held : to;
	return !t->refused;
}

bool
gauge_admit(
    const struct gauge *g, struct take *t, uint64_t held, uint64_t *next)
{
	switch (g->algorithm) {
	case LIMIT_WINDOW:
		return admit_window(g, t, held, next);
	case LIMIT_SLIDING:
		return gauge_slide_admit(g, t, held, next);
	default:
		return admit_bucket(g, t, held, next);
	}
}

uint64_t
gauge_ahead_max(const struct gauge *g)
{
	if (!g->bytes)
		return g->lead;
	return g->lead + (g->lead > DEBT_MIN_TICKS ? g->lead : DEBT_MIN_TICKS);
}

uint64_t
gauge_ticks(const struct gauge *g, uint64_t n)
{
	uint64_t cost = ratio_up(n, g->num, g->den), most = gauge_ahead_max(g);

	return cost < most ? cost : most;
}

static uint64_t
farthest(const struct gauge *g)
{
	return g->now + gauge_ahead_max(g);
}

uint64_t
gauge_charge(const struct gauge *g, uint64_t held, uint64_t n)
{
	uint64_t most, from, cost;

	switch (g->algorithm) {
	case LIMIT_WINDOW:
		return n < GAUGE_PAYLOAD_MAX - held ? held + n
						    : GAUGE_PAYLOAD_MAX;
	case LIMIT_SLIDING:
		return gauge_slide_charge(g, held, n);
	default:
		break;
	}
	most = farthest(g);
	from = held > g->now ? held : g->now;
	cost = ratio_up(n, g->num, g->den);
	if (from >= most)
		return from;
	return cost < most - from ? from + cost : most;
}

uint64_t
gauge_mend(const struct gauge *g, uint64_t held)
{
	if (g->algorithm != LIMIT_TOKEN_BUCKET)
		return held;
	return held > farthest(g) + GAUGE_SKEW_US * TICKS ? g->now + g->lead
							  : held;
}

uint64_t
gauge_refund(const struct gauge *g, uint64_t charged, uint64_t held)
{
	uint64_t apart = held > charged ? held - charged : charged - held;

	if (g->algorithm == LIMIT_WINDOW)
		return held > 0 ? held - 1 : 0;
	if (g->algorithm == LIMIT_SLIDING)
		return gauge_slide_refund(charged, held);
	/* Charges on a bucket that is never full are whole spacings. */
	if (apart % g->spacing != 0 || held < g->spacing)
		return held;
	return held - g->spacing;
}

uint64_t
gauge_start(const struct gauge *g, uint64_t used)
{
	return g->algorithm == LIMIT_SLIDING ? gauge_slide_start(g, used)
					     : used;
}

int64_t
gauge_expires_us(const struct gauge *g, uint64_t held)
{
	uint64_t slack = 2 * (g->end - g->start);

	/* Short windows would fill the table if each stayed that long. */
	if (g->algorithm != LIMIT_WINDOW || slack > SLACK_MAX_US)
		slack = SLACK_MAX_US;
	if (slack < SLACK_MIN_US)
		slack = SLACK_MIN_US;
	if (g->algorithm == LIMIT_WINDOW)
		return (int64_t)(g->end + slack);
	if (g->algorithm == LIMIT_SLIDING)
		return (int64_t)(gauge_slide_ends_us(g, held) + slack);
	return (int64_t)(ticks_to_us(held > g->now ? held : g->now) + slack);
}
