/*
 * gauge_slide - the arithmetic of sliding windows; see gauge.h.
 *
 * A value names its slot by 24 bits, which is enough to tell it from all
 * that the record can still be in use for: one that nobody asked for in
 * longer has expired, and begins anew.
 */
#include "policy/gauge_part.h"

#define HEAD_SLOT_MASK UINT32_C(0xffffff)

static uint32_t
count_of(uint64_t held)
{
	return (uint32_t)held;
}

static uint64_t
head_of(uint64_t slot, uint64_t count)
{
	return (slot & HEAD_SLOT_MASK) << 32 |
	    (count < SLIDE_COUNT_MAX ? count : SLIDE_COUNT_MAX);
}

void
gauge_slide_init(struct gauge *g, const struct row_limit *l)
{
	g->count = l->count;
	g->slot_us = (l->period_us + SLIDE_SLOTS - 1) / SLIDE_SLOTS;
	g->slot = g->head = g->now / g->slot_us;
}

uint64_t
gauge_slot_of(const struct gauge *g, uint64_t held)
{
	uint64_t now = g->now / g->slot_us;
	uint32_t apart =
	    ((uint32_t)(held >> 32) - (uint32_t)now) & HEAD_SLOT_MASK;

	if (apart <= HEAD_SLOT_MASK / 2)
		return now + apart;
	return now - (HEAD_SLOT_MASK + 1 - apart);
}

bool
gauge_slide_is_ahead(const struct gauge *g, uint64_t held)
{
	/* A slot more, since both may be at any place in theirs. */
	return gauge_slot_of(g, held) >
	    (g->now + GAUGE_SKEW_US) / g->slot_us + 1;
}

/*
 * What only an answer needs that tells when to come again, or of bytes: the
 * newest slot that was used, and the one with which, as they leave one by
 * one, there is room again.
 */
static void
find_ends(struct gauge *g, uint64_t held, const _Atomic uint64_t *ring)
{
	uint64_t first = g->slot - SLIDE_SLOTS, left = g->older;
	uint32_t counts[SLIDE_SLOTS + 1] = { 0 };

	for (unsigned i = 0; i < SLIDE_SLOTS; i++) {
		uint64_t e =
		    atomic_load_explicit(&ring[i], memory_order_relaxed);
		uint32_t at = SLIDE_ENTRY_SLOT(e) - (uint32_t)first;

		if (at < SLIDE_SLOTS)
			counts[at] = SLIDE_ENTRY_COUNT(e);
	}
	if (g->head >= first)
		counts[g->head - first] = count_of(held);
	if (g->head == g->slot)
		left += count_of(held);
	g->newest = 0;
	for (unsigned i = 0; i <= SLIDE_SLOTS; i++)
		if (counts[i] != 0)
			g->newest = first + i;
	g->leaves = g->slot;
	for (unsigned i = 0; i < SLIDE_SLOTS && left >= g->count; i++) {
		/* Others write the ring meanwhile. */
		left -= counts[i] < left ? counts[i] : left;
		g->leaves = first + i;
	}
	if (left >= g->count)
		g->leaves = g->slot;
}

/* What the entries from "i" to before "end" hold of the period at "first". */
static uint64_t
sum(const _Atomic uint64_t *ring, unsigned i, unsigned end, uint64_t first)
{
	uint64_t n = 0;

	for (; i < end; i++) {
		uint64_t e =
		    atomic_load_explicit(&ring[i], memory_order_relaxed);

		if (e - first < SLIDE_ENTRY(SLIDE_SLOTS, 0))
			n += SLIDE_ENTRY_COUNT(e);
	}
	return n;
}

void
gauge_weigh(
    struct gauge *g, uint64_t held, const _Atomic uint64_t ring[SLIDE_SLOTS])
{
	uint64_t older, first;
	unsigned own;

	g->head = gauge_slot_of(g, held);
	g->slot = g->now / g->slot_us;
	if (g->head > g->slot)
		g->slot = g->head;
	first = SLIDE_ENTRY(g->slot - SLIDE_SLOTS, 0);
	own = g->head % SLIDE_SLOTS;
	/* An entry lies at its number, so that no two are of one slot. */
	if (SLIDE_ENTRY(g->head, 0) - first < SLIDE_ENTRY(SLIDE_SLOTS, 0))
		/* The head's own entry, if any, is of an earlier moment. */
		older = sum(ring, 0, own, first) +
		    sum(ring, own + 1, SLIDE_SLOTS, first) + count_of(held);
	else
		older = sum(ring, 0, SLIDE_SLOTS, first);
	g->older = older;
	if (g->bytes ||
	    older + (g->head == g->slot ? count_of(held) : 0) >= g->count)
		find_ends(g, held, ring);
}

/* How long until "slot" is out of the period. */
static uint64_t
until_gone(const struct gauge *g, uint64_t slot)
{
	uint64_t end = (slot + SLIDE_SLOTS + 1) * g->slot_us;

	return end > g->now ? end - g->now : 0;
}

bool
gauge_slide_admit(
    const struct gauge *g, struct take *t, uint64_t held, uint64_t *next)
{
	uint64_t here = g->head == g->slot ? count_of(held) : 0;
	uint64_t passed = g->older + here, more = g->bytes ? 0 : 1;
	bool full = passed >= g->count;

	t->over = full && t->pass_over;
	t->refused = full && !t->pass_over;
	t->wait_us = t->refused ? until_gone(g, g->leaves) : 0;
	t->remaining = full ? 0 : g->count - passed - more;
	t->reset_us = 0;
	if (!t->refused && !g->bytes)
		t->reset_us = until_gone(g, g->slot);
	else if (g->newest != 0)
		t->reset_us = until_gone(g, g->newest);
	*next = t->refused || g->bytes ? held : head_of(g->slot, here + 1);
	return !t->refused;
}

uint64_t
gauge_slide_charge(const struct gauge *g, uint64_t held, uint64_t n)
{
	uint64_t here = g->head == g->slot ? count_of(held) : 0;

	return head_of(
	    g->slot, n < SLIDE_COUNT_MAX ? here + n : SLIDE_COUNT_MAX);
}

uint64_t
gauge_slide_refund(uint64_t charged, uint64_t held)
{
	if (held >> 32 != charged >> 32 || count_of(held) == 0)
		return held; /* it lies in the ring by now */
	return held - 1;
}

uint64_t
gauge_slide_start(const struct gauge *g, uint64_t used)
{
	return head_of(g->now / g->slot_us, used);
}

uint64_t
gauge_slide_ends_us(const struct gauge *g, uint64_t held)
{
	return (gauge_slot_of(g, held) + SLIDE_SLOTS + 1) * g->slot_us;
}
