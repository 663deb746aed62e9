/*
 * gauge - the arithmetic of one limit at one moment; touches no store.
 *
 * A counter holds 56 bits, and what they mean depends on the limit:
 *
 * Token bucket (GCRA, ITU-T I.371): the time at which the bucket is full
 * again, in ticks of 1/16 microsecond since 1970.  A request moves it on
 * by one spacing, from now if it has passed, and is refused if that would
 * lead the clock by more than "burst" spacings.  Spacings are rounded up
 * to a tick, so that never more than the limit passes.  Bytes are often
 * closer to each other than a tick: what many of them take is reckoned at
 * once.
 *
 * Window: the requests of one period of the clock, which begins at a
 * multiple of the period since 1970 (UTC), or by the calendar of a place.
 * Each window is a counter of its own, found by its start.
 *
 * Sliding: what passed in the last period, at any moment.  The period is
 * cut into slots; the counter holds the newest slot that was used (24 bits
 * of its number) and its count (32 bits), and a ring beside it those
 * before.  A slot counts as long as any of it lies in the period, so that
 * never more than the limit passes, and at most one slot in SLIDE_SLOTS
 * less.
 *
 * The limit is not in the counter, so that a changed one applies at once:
 * a window's count is compared with the new limit, and a bucket keeps the
 * time until it is full, at most that of the new limit when empty.
 */
#ifndef MGW_POLICY_GAUGE_H
#define MGW_POLICY_GAUGE_H

#include <stdatomic.h>

#include "policy/outside.h"

#define GAUGE_PAYLOAD_MAX ((UINT64_C(1) << 56) - 2)

/* Makes the record of a sliding counter 1024 bytes. */
#define SLIDE_SLOTS 124

/* Slots shorter than this would be lost in what clocks differ. */
#define SLIDE_PERIOD_MIN_US UINT64_C(1000000)
#define SLIDE_COUNT_MAX (UINT32_MAX - 1) /* not that of a BUSY one */

/* Requests in progress are counted elsewhere, in 16 bits. */
#define GAUGE_CONCURRENT_MAX UINT64_C(0xffff)

struct gauge {
	enum limit_algorithm algorithm;
	bool bytes;
	uint64_t now; /* ticks of a token bucket, else microseconds */
	/* Token bucket, in ticks. */
	uint64_t spacing;  /* of one, rounded up */
	uint64_t num, den; /* of bytes: "n" take n x num / den */
	uint64_t lead;
	/* Window. */
	uint64_t count; /* and of sliding */
	uint64_t start, end;
	/* Sliding. */
	uint64_t slot_us;
	uint64_t slot;  /* of now, or of the head if that is ahead */
	uint64_t head;  /* the slot of the counter's value */
	uint64_t older; /* passed in slots before "slot" */
	/* Of bytes, and when all is used: */
	uint64_t newest; /* used slot, 0: none */
	uint64_t leaves; /* slot with which enough of them is gone */
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

/*
 * For the limit of "t" at "now_us".  False: a limit, a time or a window
 * that nobody can hold to.
 */
bool gauge_init(struct gauge *g, const struct take *t, int64_t now_us);

/*
 * Would a request pass a counter that holds "held"?  Fills the answer of
 * "t" as if it was charged; "*next" is what the counter then holds.  A
 * limit on bytes is charged later, and asks only whether any are left.
 */
bool gauge_admit(
    const struct gauge *g, struct take *t, uint64_t held, uint64_t *next);

/* What a counter holds after "n" bytes more. */
uint64_t gauge_charge(const struct gauge *g, uint64_t held, uint64_t n);

/*
 * Token bucket, in ticks: what "n" bytes take, and how far ahead of the
 * clock charges bring it at most.
 */
uint64_t gauge_ticks(const struct gauge *g, uint64_t n);
uint64_t gauge_ahead_max(const struct gauge *g);

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

/*
 * Sliding: the ring of a counter, an entry (slot, count) for each slot but
 * the newest, at its number modulo SLIDE_SLOTS.  Others write it while it
 * is read; the caller makes sure that "held" has not changed meanwhile.
 */
#define SLIDE_ENTRY(slot, count) \
	((uint64_t)(uint32_t)(slot) << 32 | (uint32_t)(count))
#define SLIDE_ENTRY_SLOT(e) ((uint32_t)((e) >> 32))
#define SLIDE_ENTRY_COUNT(e) ((uint32_t)(e))

/* Add the ring up, before any of the above is asked. */
void gauge_weigh(
    struct gauge *g, uint64_t held, const _Atomic uint64_t ring[SLIDE_SLOTS]);

/* The whole number of the slot that "held" names, near to now. */
uint64_t gauge_slot_of(const struct gauge *g, uint64_t held);

/* "held" is of a slot that comes only after a clock was set back. */
bool gauge_slide_is_ahead(const struct gauge *g, uint64_t held);

/* A counter of "used", all of it just now. */
uint64_t gauge_start(const struct gauge *g, uint64_t used);

#endif
