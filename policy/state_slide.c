/*
 * state_slide - the rings of sliding windows.
 *
 * A sliding window is a value, its newest slot, and a ring of those before
 * (gauge.h).  The value says what is true: the ring is read after it, and a
 * charge swaps it only if it has not changed.  Who begins a new slot first
 * writes the old one into the ring; as others may do the same, and one of
 * them late, an entry only ever grows.
 */
#include "policy/state_file.h"

bool
state_slide_mend(
    struct slide *slide, struct gauge *g, uint64_t *value, bool over)
{
	_Atomic uint64_t *ring = slide->ring;
	uint64_t held = *value & PAYLOAD, used, now, e;
	_Atomic uint64_t seen[SLIDE_SLOTS];

	for (unsigned i = 0; i < SLIDE_SLOTS; i++)
		atomic_init(&seen[i], atomic_load(&ring[i]));
	gauge_weigh(g, held, seen);
	used = over ? 0 : g->older + (uint32_t)held;
	if (used > g->count)
		used = g->count;
	now = (*value & ~PAYLOAD) | gauge_start(g, used);
	if (!atomic_compare_exchange_strong(&slide->head.value, value, now))
		return false;
	*value = now;
	/* Only what was seen: newer entries are of the right time. */
	for (unsigned i = 0; i < SLIDE_SLOTS; i++) {
		e = atomic_load(&seen[i]);
		(void)atomic_compare_exchange_strong(&ring[i], &e, 0);
	}
	return true;
}

/* "have" is of a slot before that of "kept", or knows of less in it. */
static bool
is_less(uint64_t have, uint64_t kept)
{
	if (SLIDE_ENTRY_COUNT(have) == 0)
		return true;
	if (SLIDE_ENTRY_SLOT(have) == SLIDE_ENTRY_SLOT(kept))
		return SLIDE_ENTRY_COUNT(have) < SLIDE_ENTRY_COUNT(kept);
	return (int32_t)(SLIDE_ENTRY_SLOT(have) - SLIDE_ENTRY_SLOT(kept)) < 0;
}

void
state_slide_keep(struct slide *slide, const struct gauge *g, uint64_t value)
{
	_Atomic uint64_t *e;
	uint64_t kept = SLIDE_ENTRY(g->head, value), have;

	if (g->head >= g->slot || (uint32_t)value == 0)
		return;
	e = &slide->ring[g->head % SLIDE_SLOTS];
	have = atomic_load(e);
	while (is_less(have, kept) &&
	    !atomic_compare_exchange_weak(e, &have, kept))
		;
}

void
state_slide_refund(struct slide *slide, const struct gauge *g, uint64_t charged)
{
	uint64_t slot = gauge_slot_of(g, charged);
	_Atomic uint64_t *e = &slide->ring[slot % SLIDE_SLOTS];
	uint64_t have = atomic_load(e);

	while (SLIDE_ENTRY_SLOT(have) == (uint32_t)slot &&
	    SLIDE_ENTRY_COUNT(have) > 0 &&
	    !atomic_compare_exchange_weak(e, &have, have - 1))
		;
}
