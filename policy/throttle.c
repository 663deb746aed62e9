/*
 * throttle - see throttle.h.
 */
#include "policy/throttle.h"

#include "base/clock.h"
#include "policy/calendar.h"
#include "policy/throttle_key.h"

/* Longer periods are quotas: a client should not wait for them. */
#define RATE_PERIOD_MAX_US (60 * US_PER_S)

/* A store that is gone is looked for that often. */
#define STORE_RETRY_S 1

/* The one of "from" and up to "to" that makes wait longest. */
static int
longest(const struct receipt *receipt, unsigned from, unsigned to, bool refused)
{
	int found = -1;

	for (unsigned i = from; i < to; i++) {
		const struct take *t = &receipt->takes[i];

		if (!(refused ? t->refused : t->over))
			continue;
		if (found == -1 || t->wait_us > receipt->takes[found].wait_us)
			found = (int)i;
	}
	return found;
}

int
throttle_culprit(const struct receipt *receipt)
{
	int found = longest(receipt, receipt->n_spikes, receipt->n, true);

	if (found == -1)
		found = longest(receipt, 0, receipt->n_spikes, true);
	return found != -1 ? found : longest(receipt, 0, receipt->n, false);
}

static uint64_t
seconds_up(uint64_t us)
{
	return us / US_PER_S + (us % US_PER_S != 0);
}

/* Some printable ASCII to stand in a message. */
static char
clean(char c)
{
	return c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? '_' : c;
}

static struct span
clean_name(const struct bundle *b, const struct row_tier *tier, struct arena *a)
{
	struct span name = bundle_text(b, tier->name);
	char *p = arena_alloc(a, name.n + 1);

	for (size_t i = 0; p != NULL && i < name.n; i++)
		p[i] = clean(name.p[i]);
	return p != NULL ? span_of(p, name.n) : SPAN("?");
}

static bool
exceeded(const struct bundle *b, const struct request *r,
    const struct receipt *receipt, struct decision *d)
{
	enum reason reason = REASON_RATE_EXCEEDED;
	int culprit = throttle_culprit(receipt);
	uint64_t s = 1;

	if (culprit == -1)
		return refuse(d, REASON_FAULT, SPAN("refused by no limit"));
	for (unsigned i = 0; i < receipt->n; i++) {
		const struct take *t = &receipt->takes[i];

		if (!t->refused)
			continue;
		if (seconds_up(t->wait_us) > s)
			s = seconds_up(t->wait_us);
		if (i < receipt->n_spikes)
			continue;
		if (t->limit->unit == LIMIT_CONCURRENT &&
		    reason == REASON_RATE_EXCEEDED)
			reason = REASON_CONCURRENCY_EXCEEDED;
		if (t->limit->period_us > RATE_PERIOD_MAX_US)
			reason = REASON_QUOTA_EXCEEDED;
	}
	/* How much a backend can bear is no caller's to know. */
	if ((unsigned)culprit < receipt->n_spikes)
		refuse(d, REASON_OVERLOADED,
		    SPAN("more is asked of the backend than it may get"));
	else
		refuse(d, reason,
		    arena_printf(r->arena, "the limit of tier %.*s for this %s",
			SPAN_ARG(
			    clean_name(b, receipt->tiers[culprit], r->arena)),
			receipt->levels[culprit]));
	d->retry_after_s = s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
	return false;
}

/* Of a counter that was not asked nothing is told. */
static void
keep_untold(struct receipt *receipt)
{
	for (unsigned i = 0; i < receipt->n; i++)
		if (receipt->takes[i].untold)
			receipt->own[i] = false;
}

bool
throttle_take(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct match *m, const struct principal *who,
    struct receipt *receipt, struct decision *d)
{
	struct throttle_call c = { world, b, r, m, who, receipt, d };

	/* Not all of it: the takes are written as they are needed. */
	receipt->bundle = b;
	receipt->n = receipt->n_spikes = 0;
	receipt->charged = false;
	if (!throttle_collect(&c)) {
		receipt->n = 0;
		return false;
	}
	if (receipt->n == 0)
		return true;
	if (world->take == NULL) {
		receipt->n = 0;
		return refuse(d, REASON_FAULT, SPAN("no counters"));
	}
	switch (
	    world->take(world->world, receipt->takes, receipt->n, r->now_us)) {
	case TAKE_ALLOWED:
		keep_untold(receipt);
		receipt->charged = true;
		return true;
	case TAKE_REFUSED:
		keep_untold(receipt);
		return exceeded(b, r, receipt, d);
	case TAKE_DOWN:
		receipt->n = 0;
		(void)refuse(d, REASON_STORE_DOWN,
		    SPAN("the counters of all machines cannot be reached"));
		d->retry_after_s = STORE_RETRY_S;
		return false;
	case TAKE_FAULT:
		break;
	}
	receipt->n = 0;
	return refuse(d, REASON_FAULT, SPAN("the counters cannot tell"));
}

void
throttle_set_window(const struct bundle *b, struct take *t, int64_t now_us)
{
	t->from_us = t->until_us = 0;
	if (t->limit->calendar != CALENDAR_NONE)
		calendar_window(b, t->limit, now_us, &t->from_us, &t->until_us);
}

/* At the end of a long answer another window may have begun. */
static bool
counts_bytes(struct receipt *receipt, int64_t now_us)
{
	bool any = false;

	for (unsigned i = 0; i < receipt->n; i++) {
		struct take *t = &receipt->takes[i];

		if (t->limit->unit != LIMIT_BYTES)
			continue;
		any = true;
		throttle_set_window(receipt->bundle, t, now_us);
	}
	return any;
}

void
throttle_settle(const struct outside *world, struct receipt *receipt,
    int64_t now_us, uint64_t bytes, enum outcome outcome)
{
	(void)outcome; /* what went over the wire was used, whatever came */
	if (receipt->charged && bytes > 0 && world->charge != NULL &&
	    counts_bytes(receipt, now_us))
		world->charge(
		    world->world, receipt->takes, receipt->n, bytes, now_us);
	for (unsigned i = 0; receipt->charged && i < receipt->n; i++)
		if (receipt->takes[i].limit->unit == LIMIT_CONCURRENT)
			world->give(
			    world->world, &receipt->takes[i], 1, now_us);
	receipt->charged = false;
}
