/*
 * state_table - where counters are, found and made by all processes.
 *
 * A bucket is found by the id of its counter in one group of the table,
 * and charged by one compare-and-swap of its value (state_bucket.c).  Who may
 * write what:
 *
 * - "value" of a bucket in use: anybody, by compare-and-swap, having seen
 *   the id before and after reading it;
 * - "expires_us": anybody raises it, and always before the charge that
 *   needs it, so that no charged bucket ever looks expired;
 * - "lo", "hi": who holds the group's lock, and only while the value is
 *   BUSY.
 *
 * To give an expired bucket to a new counter, under the lock: (1) swap
 * the value for BUSY with the next generation, which fails if somebody
 * charged it meanwhile; (2) write id and expiry; (3) store a payload.
 * Whoever read the value before (1) fails to swap it; whoever reads it
 * before (3) sees BUSY and asks for the lock; whoever reads it after (3)
 * sees the new id.  A process killed between (1) and (3) leaves a BUSY
 * bucket, which the next to hold the lock may use like an expired one.
 *
 * Generations wrap at 256.  A swap would go wrong only if a process slept
 * while its bucket changed hands exactly 256 times and then held the very
 * payload that it had read.
 */
#include "base/clock.h"
#include "policy/state_file.h"

#define GENERATION (UINT64_C(1) << 56)

/* No limit lasts longer; an expiry beyond comes from another clock. */
#define FAR_US (INT64_C(400) * 86400 * US_PER_S)

/* Clocks of the machines that a state was made on and runs on may differ. */
#define DAY_US (INT64_C(86400) * US_PER_S)

static_assert(GAUGE_PAYLOAD_MAX < BUSY, "BUSY is no payload");
static_assert(GAUGE_US_MAX < FAR_US, "a full counter is not far");

static bool
bucket_is(const struct bucket *b, struct hash128 id)
{
	return atomic_load_explicit(&b->lo, memory_order_acquire) == id.lo &&
	    atomic_load_explicit(&b->hi, memory_order_acquire) == id.hi;
}

bool
state_bucket_read(const struct bucket *b, struct hash128 id, uint64_t *value)
{
	if (!bucket_is(b, id))
		return false;
	*value = atomic_load(&b->value);
	return (*value & PAYLOAD) != BUSY && bucket_is(b, id);
}

static uint32_t
group_of(const struct bucket_table *table, struct hash128 id)
{
	return (uint32_t)(id.lo & (table->n_groups - 1));
}

/*
 * The i-th place to look: the search starts anywhere in the group, so that
 * it mostly ends in the first cache line.
 */
static struct bucket *
bucket_at(const struct bucket_table *table, struct hash128 id, unsigned i)
{
	size_t n =
	    (size_t)group_of(table, id) * GROUP + ((id.hi + i) & (GROUP - 1));

	return (struct bucket *)(void *)(table->p + n * table->stride);
}

struct bucket *
state_find(const struct bucket_table *table, struct hash128 id)
{
	uint64_t value;

	for (unsigned i = 0; i < GROUP; i++) {
		struct bucket *b = bucket_at(table, id, i);

		if (state_bucket_read(b, id, &value))
			return b;
	}
	return NULL;
}

bool
state_clock_is_right(const struct state *s, int64_t now_us)
{
	return now_us >= s->header->made_us - DAY_US;
}

/* What is looked for, and when. */
struct search {
	const struct bucket_table *table;
	struct hash128 id;
	int64_t now_us;
	bool far_is_free;
	bool forgot; /* answer: one that still limited somebody gave way */
};

/*
 * How long ago "b" expired, as the time since when it is free: never used
 * and half made ones are free since ever, and so is what another clock
 * made, unless it is ours that is wrong.  False: it still limits somebody.
 *
 * In a table that forgets, that is no reason to keep it, and the time until
 * it would be free stands in for the one since: who is nearest to that has
 * failed least.
 */
static bool
is_free(const struct search *q, const struct bucket *b, int64_t *since_us)
{
	const uint64_t v = atomic_load(&b->value);
	const int64_t expires_us = atomic_load(&b->expires_us);

	*since_us = expires_us;
	if (expires_us <= q->now_us && (v & PAYLOAD) != BUSY)
		return true;
	if ((v & PAYLOAD) != BUSY &&
	    (!q->far_is_free || expires_us - q->now_us < FAR_US))
		return q->table->forgets;
	*since_us = 0;
	return true;
}

/*
 * Of the group's free buckets the one that is free for longest: a counter
 * that just expired may be asked for once more, by a request that was
 * slow or when the clock is set back.
 */
static struct bucket *
oldest(const struct search *q)
{
	struct bucket *best = NULL;
	int64_t best_us = INT64_MAX, since_us;

	for (unsigned i = 0; i < GROUP && best_us > 0; i++) {
		struct bucket *b = bucket_at(q->table, q->id, i);

		if (!is_free(q, b, &since_us) || since_us >= best_us)
			continue;
		best = b;
		best_us = since_us;
	}
	return best;
}

/* Step (1) of the head comment, under the lock. */
static bool
seize(const struct search *q, struct bucket *b, uint64_t *value)
{
	int64_t since_us;
	uint64_t v = atomic_load(&b->value);

	if (!is_free(q, b, &since_us))
		return false;
	*value = ((v & ~PAYLOAD) + GENERATION) | BUSY;
	return atomic_compare_exchange_strong(&b->value, &v, *value);
}

/* While the value is BUSY, or to begin anew. */
static void
clear_ring(const struct bucket_table *table, struct bucket *b)
{
	struct slide *slide = (struct slide *)(void *)b;

	for (unsigned i = 0; i < SLIDE_SLOTS && table->stride == sizeof(*slide);
	     i++)
		atomic_store(&slide->ring[i], 0);
}

static struct bucket *
insert_locked(struct search *q, uint64_t payload, int64_t expires_us)
{
	struct bucket *b = state_find(q->table, q->id), *free;
	uint64_t value;
	bool expired;

	for (int i = 0; i < TRIES_MAX && b == NULL; i++) {
		free = oldest(q);
		if (free == NULL)
			break;
		/* It may be charged, and so kept, at the same time. */
		expired = atomic_load(&free->expires_us) <= q->now_us;
		if (!seize(q, free, &value))
			continue;
		q->forgot = q->table->forgets && !expired;
		atomic_store(&free->lo, q->id.lo);
		atomic_store(&free->hi, q->id.hi);
		clear_ring(q->table, free);
		atomic_store(&free->expires_us, expires_us);
		atomic_store(&free->value, (value & ~PAYLOAD) | payload);
		b = free;
	}
	return b;
}

bool
state_insert(struct state *s, const struct bucket_table *table,
    struct hash128 id, uint64_t payload, int64_t now_us, int64_t expires_us,
    struct bucket **found)
{
	struct search q = { .table = table,
		.id = id,
		.now_us = now_us,
		.far_is_free = state_clock_is_right(s, now_us) };
	off_t lock = table->locks + group_of(table, id);

	if (!state_lock(s, lock))
		return false;
	*found = insert_locked(&q, payload, expires_us);
	state_unlock(s, lock);
	if (q.forgot)
		state_tally(s, STATE_FAILURE_FORGOTTEN);
	return true;
}

void
state_raise_expiry(struct bucket *b, int64_t to_us, int64_t now_us)
{
	int64_t have = atomic_load(&b->expires_us);

	while ((have < to_us || have - now_us >= FAR_US) &&
	    !atomic_compare_exchange_weak(&b->expires_us, &have, to_us))
		;
}

void
state_forget_all(const struct bucket_table *table)
{
	for (size_t i = 0; i < (size_t)table->n_groups * GROUP; i++) {
		struct bucket *b =
		    (struct bucket *)(void *)(table->p + i * table->stride);
		uint64_t v = atomic_load(&b->value);

		clear_ring(table, b);
		while ((v & PAYLOAD) != BUSY &&
		    !atomic_compare_exchange_weak(&b->value, &v, v & ~PAYLOAD))
			;
	}
}
