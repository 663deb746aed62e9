/*
 * state_breaker - see state_breaker.h.
 *
 * The window is a ring of counts, each of an eighth of it: 24 bits that
 * number the eighth, 20 of all requests, 20 of those that failed.
 */
#include "policy/state_breaker.h"

#include "base/clock.h"
#include "policy/state_file.h"

#define COUNT_BITS 20
#define COUNT_MAX ((UINT64_C(1) << COUNT_BITS) - 1)
#define NUMBER_MASK UINT64_C(0xffffff)

/* A slot that was not used for so long is somebody else's. */
#define FORGET_US (3600 * US_PER_S)

/* As many places are looked at. */
#define TRIES 8

/* The slot of "id", made if "make"; NULL: there is none. */
static struct breaker_slot *
find(struct state *s, struct hash128 id, bool make, int64_t now_us)
{
	struct breaker_slot *stale = NULL;

	for (uint32_t i = 0; i < TRIES; i++) {
		struct breaker_slot *b =
		    &s->breakers[(id.lo + i) & (s->n_breakers - 1)];
		uint64_t lo = atomic_load(&b->lo);

		if (lo == id.lo && atomic_load(&b->hi) == id.hi)
			return b;
		if (stale == NULL &&
		    (lo == 0 || atomic_load(&b->used_us) < now_us - FORGET_US))
			stale = b;
	}
	if (!make || stale == NULL)
		return NULL;
	/* Two that come at once may mix; their counts are soon outdated. */
	atomic_store(&stale->lo, id.lo);
	atomic_store(&stale->hi, id.hi);
	atomic_store(&stale->open_until_us, 0);
	atomic_store(&stale->probe_until_us, 0);
	for (int i = 0; i < BREAKER_PARTS; i++)
		atomic_store(&stale->parts[i], 0);
	return stale;
}

enum breaker_answer
state_breaker_ask(struct state *s, struct hash128 id, bool claim,
    int64_t lease_us, int64_t now_us, int64_t *wait_us)
{
	struct breaker_slot *b = find(s, id, false, now_us);
	int64_t until_us, probe_us;

	*wait_us = 0;
	if (b == NULL)
		return BREAKER_CLOSED;
	until_us = atomic_load(&b->open_until_us);
	if (until_us == 0)
		return BREAKER_CLOSED;
	if (now_us < until_us) {
		*wait_us = until_us - now_us;
		return BREAKER_OPEN;
	}
	probe_us = atomic_load(&b->probe_until_us);
	if (now_us < probe_us ||
	    (claim &&
		!atomic_compare_exchange_strong(
		    &b->probe_until_us, &probe_us, now_us + lease_us))) {
		*wait_us = US_PER_S;
		return BREAKER_OPEN;
	}
	return BREAKER_PROBE;
}

static void
count(struct breaker_slot *b, uint64_t number, bool failed)
{
	_Atomic uint64_t *part = &b->parts[number % BREAKER_PARTS];
	uint64_t old = atomic_load(part), new;

	do {
		uint64_t all = 0, bad = 0;

		if (old >> (2 * COUNT_BITS) == (number & NUMBER_MASK)) {
			all = old >> COUNT_BITS & COUNT_MAX;
			bad = old & COUNT_MAX;
		}
		if (all == COUNT_MAX)
			return;
		new = (number & NUMBER_MASK) << (2 * COUNT_BITS) |
		    (all + 1) << COUNT_BITS | (bad + failed);
	} while (!atomic_compare_exchange_weak(part, &old, new));
}

static bool
is_too_much(const struct breaker_slot *b, const struct row_breaker *rule,
    uint64_t number)
{
	uint64_t all = 0, bad = 0;

	for (int i = 0; i < BREAKER_PARTS; i++) {
		uint64_t v = atomic_load(&b->parts[i]);
		uint64_t age = (number - (v >> (2 * COUNT_BITS))) & NUMBER_MASK;

		if (age >= BREAKER_PARTS)
			continue;
		all += v >> COUNT_BITS & COUNT_MAX;
		bad += v & COUNT_MAX;
	}
	return all >= rule->volume && bad > 0 &&
	    bad * 1000000 >= all * rule->ratio_ppm;
}

void
state_breaker_tell(struct state *s, struct hash128 id,
    const struct row_breaker *rule, bool failed, bool probe, int64_t now_us)
{
	struct breaker_slot *b = find(s, id, true, now_us);
	int64_t part_us = (int64_t)rule->window_ms * US_PER_MS / BREAKER_PARTS;
	uint64_t number;

	if (b == NULL)
		return;
	number = (uint64_t)(now_us / (part_us > 0 ? part_us : 1));
	atomic_store(&b->used_us, now_us);
	/* What was sent before it opened says nothing of now. */
	if (atomic_load(&b->open_until_us) != 0 && !probe)
		return;
	if (probe && !failed) {
		for (int i = 0; i < BREAKER_PARTS; i++)
			atomic_store(&b->parts[i], 0);
		atomic_store(&b->open_until_us, 0);
		atomic_store(&b->probe_until_us, 0);
		return;
	}
	count(b, number, failed);
	if (probe || (failed && is_too_much(b, rule, number))) {
		atomic_store(&b->open_until_us,
		    now_us + (int64_t)rule->reset_ms * US_PER_MS);
		atomic_store(&b->probe_until_us, 0);
	}
}

void
state_breaker_give_up(struct state *s, struct hash128 id)
{
	struct breaker_slot *b = find(s, id, false, clock_wall_us());

	if (b != NULL)
		atomic_store(&b->probe_until_us, 0);
}
