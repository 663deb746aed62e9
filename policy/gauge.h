/*
 * gauge - the arithmetic of one limit at one moment; touches no store.
 *
 * A counter holds 56 bits, and what they mean depends on the limit:
 *
 * Token bucket (GCRA, ITU-T I.371): the time at which the bucket is full
 * again, in ticks of 1/16 microsecond since 1970.  A request moves it on
 * by one spacing, from now if it has passed, and is refused if that would
 * lead the clock by more than "burst" spacings.  Spacings are rounded up
 * to a tick, so that never more than the limit passes.
 *
 * Window: the requests of one period of the clock, which begins at a
 * multiple of the period since 1970 (UTC).  Each window is a counter of
 * its own, found by its start.
 *
 * The limit is not in the counter, so that a changed one applies at once:
 * a window's count is compared with the new limit, and a bucket keeps the
 * time until it is full, at most that of the new limit when empty.
 */
#ifndef MGW_POLICY_GAUGE_H
#define MGW_POLICY_GAUGE_H

#include "policy/outside.h"

#define GAUGE_PAYLOAD_MAX ((UINT64_C(1) << 56) - 2)

struct gauge {
	bool window;
	uint64_t now; /* ticks, or microseconds for a window */
	/* Token bucket, in ticks. */
	uint64_t spacing;
	uint64_t lead;
	/* Window. */
	uint64_t count;
	uint64_t start, end;
};

/*
 * Neither a window nor a bucket that fills takes longer: a leap year.  A
 * counter that is to be kept much longer looks, to state_bucket.c, like
 * one from another clock.
 */
#define GAUGE_US_MAX (UINT64_C(366) * 86400 * 1000000)

/*
 * A limit that can be counted: of a kind that this build has, and within
 * GAUGE_US_MAX.  What cannot is refused at import and when a bundle is
 * loaded, not when a request comes.
 */
bool gauge_can_hold(const struct row_limit *l);

/* False: a limit, or a time, that nobody can hold to. */
bool gauge_init(struct gauge *g, const struct row_limit *limit, int64_t now_us);

/*
 * Would a request pass a counter that holds "held"?  Fills the answer of
 * "t" as if it was charged; "*next" is what the counter then holds.
 */
bool gauge_admit(
    const struct gauge *g, struct take *t, uint64_t held, uint64_t *next);

/*
 * What "held" should be, if it cannot have come about under this clock
 * and limit: the clock was set back, the limit changed, or it is damaged.
 * Such a bucket counts as empty, and fills at its rate.
 */
uint64_t gauge_mend(const struct gauge *g, uint64_t held);

/*
 * "held" without a charge that had left "charged" there.  A bucket that
 * has been full since keeps what it holds: time gave the request back.
 */
uint64_t gauge_refund(const struct gauge *g, uint64_t charged, uint64_t held);

/* From when a counter that holds "held" limits nobody, Unix us. */
int64_t gauge_expires_us(const struct gauge *g, uint64_t held);

#endif
