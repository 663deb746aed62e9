/*
 * state_bucket - counters, charged by all processes at once.
 *
 * A bucket is found by the id of its counter in one group of the table,
 * and charged by one compare-and-swap of its value.  Who may write what:
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
#include "policy/gauge.h"
#include "policy/state_file.h"

#define PAYLOAD ((UINT64_C(1) << 56) - 1)
#define BUSY PAYLOAD
#define GENERATION (UINT64_C(1) << 56)

/* A bucket may be lost to others this often before we give up. */
#define TRIES_MAX 64

/* No limit lasts longer; an expiry beyond comes from another clock. */
#define FAR_US (INT64_C(400) * 86400 * US_PER_S)

static_assert(GAUGE_PAYLOAD_MAX < BUSY, "BUSY is no payload");
static_assert(GAUGE_US_MAX < FAR_US, "a full counter is not far");

/* A take, and where its counter is. */
struct spot {
	struct take *take;
	struct gauge gauge;
	struct bucket *bucket;
};

static struct hash128
counter_id(const struct state *s, const struct take *t, const struct gauge *g)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h,
	    SPACE_COUNTER | (uint64_t)t->n_parts << 8 |
		(uint64_t)t->limit->algorithm << 16 |
		(uint64_t)t->limit->unit << 32);
	siphash_u64(&h, g->start);
	siphash_u64(&h, g->end);
	for (unsigned i = 0; i < t->n_parts; i++)
		siphash_part(&h, t->parts[i]);
	return siphash_done(&h);
}

/* All that find no place share this one: of the level and the limit. */
static struct hash128
overflow_id(const struct state *s, const struct take *t, const struct gauge *g)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h,
	    SPACE_OVERFLOW | (uint64_t)t->limit->algorithm << 16 |
		(uint64_t)t->limit->unit << 32);
	siphash_u64(&h, t->limit->count);
	siphash_u64(&h, t->limit->period_us);
	siphash_u64(&h, t->limit->burst);
	siphash_u64(&h, g->start);
	if (t->n_parts > 0)
		siphash_part(&h, t->parts[0]);
	return siphash_done(&h);
}

static bool
bucket_is(const struct bucket *b, struct hash128 id)
{
	return atomic_load_explicit(&b->lo, memory_order_acquire) == id.lo &&
	    atomic_load_explicit(&b->hi, memory_order_acquire) == id.hi;
}

/* True, with its value, when "b" is in use by "id". */
static bool
bucket_read(const struct bucket *b, struct hash128 id, uint64_t *value)
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
	return &table->p[(size_t)group_of(table, id) * GROUP +
	    ((id.hi + i) & (GROUP - 1))];
}

static struct bucket *
find(const struct bucket_table *table, struct hash128 id)
{
	uint64_t value;

	for (unsigned i = 0; i < GROUP; i++) {
		struct bucket *b = bucket_at(table, id, i);

		if (bucket_read(b, id, &value))
			return b;
	}
	return NULL;
}

/*
 * How long ago "b" expired, as the time since when it is free: never used
 * and half made ones are free since ever, and so is what another clock
 * made.  False: it still limits somebody.
 */
static bool
is_free(const struct bucket *b, int64_t now_us, int64_t *since_us)
{
	const uint64_t v = atomic_load(&b->value);
	const int64_t expires_us = atomic_load(&b->expires_us);

	*since_us = expires_us;
	if (expires_us <= now_us && (v & PAYLOAD) != BUSY)
		return true;
	*since_us = 0;
	return (v & PAYLOAD) == BUSY || expires_us - now_us >= FAR_US;
}

/*
 * Of the group's free buckets the one that is free for longest: a counter
 * that just expired may be asked for once more, by a request that was
 * slow or when the clock is set back.
 */
static struct bucket *
oldest(const struct bucket_table *table, struct hash128 id, int64_t now_us)
{
	struct bucket *best = NULL;
	int64_t best_us = INT64_MAX, since_us;

	for (unsigned i = 0; i < GROUP && best_us > 0; i++) {
		struct bucket *b = bucket_at(table, id, i);

		if (!is_free(b, now_us, &since_us) || since_us >= best_us)
			continue;
		best = b;
		best_us = since_us;
	}
	return best;
}

/* Step (1) of the head comment, under the lock. */
static bool
seize(struct bucket *b, int64_t now_us, uint64_t *value)
{
	int64_t since_us;
	uint64_t v = atomic_load(&b->value);

	if (!is_free(b, now_us, &since_us))
		return false;
	*value = ((v & ~PAYLOAD) + GENERATION) | BUSY;
	return atomic_compare_exchange_strong(&b->value, &v, *value);
}

static struct bucket *
insert_locked(const struct bucket_table *table, struct hash128 id,
    uint64_t payload, int64_t now_us, int64_t expires_us)
{
	struct bucket *b = find(table, id), *free;
	uint64_t value;

	for (int i = 0; i < TRIES_MAX && b == NULL; i++) {
		free = oldest(table, id, now_us);
		if (free == NULL)
			break;
		/* It may be charged, and so kept, at the same time. */
		if (!seize(free, now_us, &value))
			continue;
		atomic_store(&free->lo, id.lo);
		atomic_store(&free->hi, id.hi);
		atomic_store(&free->expires_us, expires_us);
		atomic_store(&free->value, (value & ~PAYLOAD) | payload);
		b = free;
	}
	return b;
}

/*
 * The bucket of p->take->id, made with "payload" if need be; NULL when
 * there is no place.  False: could not lock.
 */
static bool
locate_in(struct state *s, const struct bucket_table *table, struct spot *p,
    uint64_t payload, int64_t now_us)
{
	struct hash128 id = p->take->id;
	off_t lock = table->locks + group_of(table, id);
	int64_t expires_us = gauge_expires_us(&p->gauge, payload);

	if (!state_lock(s, lock))
		return false;
	p->bucket = insert_locked(table, id, payload, now_us, expires_us);
	state_unlock(s, lock);
	return true;
}

/*
 * A new counter begins with what all have used that found no place, since
 * its own use may be among it: else a table that is full for a moment
 * would give everybody the limit twice.
 */
static bool
locate(struct state *s, struct spot *p, int64_t now_us)
{
	struct hash128 shared_id;
	struct bucket *shared;
	uint64_t used = 0;

	p->take->id = counter_id(s, p->take, &p->gauge);
	p->bucket = find(&s->buckets, p->take->id);
	if (p->bucket != NULL)
		return true;
	shared_id = overflow_id(s, p->take, &p->gauge);
	shared = find(&s->overflow, shared_id);
	if (shared == NULL || !bucket_read(shared, shared_id, &used))
		used = 0;
	if (!locate_in(s, &s->buckets, p, used & PAYLOAD, now_us))
		return false;
	if (p->bucket != NULL)
		return true;
	state_tally(s, STATE_TAKE_SHARED);
	p->take->id = shared_id;
	return locate_in(s, &s->overflow, p, 0, now_us) && p->bucket != NULL;
}

static void
raise_expiry(struct bucket *b, int64_t to_us, int64_t now_us)
{
	int64_t have = atomic_load(&b->expires_us);

	while ((have < to_us || have - now_us >= FAR_US) &&
	    !atomic_compare_exchange_weak(&b->expires_us, &have, to_us))
		;
}

/* The value, mended if need be; false: the bucket is no longer ours. */
static bool
read_mended(const struct spot *p, uint64_t *value)
{
	while (bucket_read(p->bucket, p->take->id, value)) {
		uint64_t held = *value & PAYLOAD;
		uint64_t mended = gauge_mend(&p->gauge, held);
		uint64_t now = (*value & ~PAYLOAD) | mended;

		if (mended == held)
			return true;
		if (atomic_compare_exchange_strong(
			&p->bucket->value, value, now)) {
			*value = now;
			return true;
		}
	}
	return false;
}

/* Have the counter's value, wherever it is now; false: fault. */
static bool
look(struct state *s, struct spot *p, int64_t now_us, uint64_t *value)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		if (p->bucket == NULL && !locate(s, p, now_us))
			return false;
		if (read_mended(p, value))
			return true;
		p->bucket = NULL;
	}
	return false;
}

/* How a later give finds the bucket: its number in the whole file. */
static uint64_t
place_of(const struct state *s, const struct bucket *b)
{
	return (uint64_t)((const char *)b - s->map) / sizeof(*b);
}

static enum take_result
charge(struct state *s, struct spot *p, int64_t now_us)
{
	struct take *t = p->take;
	uint64_t value, next;

	do {
		if (!look(s, p, now_us, &value))
			return TAKE_FAULT;
		if (!gauge_admit(&p->gauge, t, value & PAYLOAD, &next))
			return TAKE_REFUSED;
		next |= value & ~PAYLOAD;
		if (next == value)
			return TAKE_ALLOWED; /* over, and nothing to charge */
		raise_expiry(p->bucket,
		    gauge_expires_us(&p->gauge, next & PAYLOAD), now_us);
	} while (
	    !atomic_compare_exchange_strong(&p->bucket->value, &value, next));
	t->undo = place_of(s, p->bucket);
	t->charged = next;
	return TAKE_ALLOWED;
}

static void
refund(struct state *s, struct take *t, int64_t now_us)
{
	struct bucket *b;
	struct gauge g;
	uint64_t value, next;

	if (t->undo == 0 || t->undo >= s->size / sizeof(*b) ||
	    !gauge_init(&g, t->limit, now_us))
		return;
	b = (struct bucket *)(void *)s->map + t->undo;
	t->undo = 0;
	do {
		if (!bucket_read(b, t->id, &value) ||
		    ((value ^ t->charged) & ~PAYLOAD) != 0)
			return; /* expired meanwhile, and somebody else's */
		next = gauge_refund(&g, t->charged & PAYLOAD, value & PAYLOAD);
		next |= value & ~PAYLOAD;
	} while (next != value &&
	    !atomic_compare_exchange_strong(&b->value, &value, next));
}

void
state_give(struct state *s, struct take *takes, unsigned n, int64_t now_us)
{
	for (unsigned i = 0; i < n; i++)
		refund(s, &takes[i], now_us);
}

/* See what each would say; nothing is charged. */
static enum take_result
look_at_all(struct state *s, struct spot *spots, unsigned n, int64_t now_us)
{
	enum take_result result = TAKE_ALLOWED;
	uint64_t value, next;

	for (unsigned i = 0; i < n; i++) {
		struct spot *p = &spots[i];

		if (!look(s, p, now_us, &value))
			return TAKE_FAULT;
		if (!gauge_admit(&p->gauge, p->take, value & PAYLOAD, &next))
			result = TAKE_REFUSED;
	}
	return result;
}

static enum take_result
take_all(struct state *s, struct spot *spots, unsigned n, int64_t now_us)
{
	enum take_result result = TAKE_ALLOWED;

	/* One alone is looked at and charged in one step. */
	if (n > 1)
		result = look_at_all(s, spots, n, now_us);
	for (unsigned i = n; i-- > 0 && result == TAKE_ALLOWED;)
		result = charge(s, &spots[i], now_us);
	return result;
}

enum take_result
state_take(struct state *s, struct take *takes, unsigned n, int64_t now_us)
{
	struct spot spots[STATE_TAKES_MAX];
	enum take_result result = TAKE_ALLOWED;

	if (n > STATE_TAKES_MAX)
		return TAKE_FAULT;
	for (unsigned i = 0; i < n; i++) {
		struct take *t = &takes[i];

		t->refused = t->over = false;
		t->remaining = t->reset_us = t->wait_us = 0;
		t->undo = t->charged = 0;
		spots[i] = (struct spot){ .take = t };
		if (!gauge_init(&spots[i].gauge, t->limit, now_us))
			result = TAKE_FAULT;
	}
	if (result == TAKE_ALLOWED)
		result = take_all(s, spots, n, now_us);
	if (result == TAKE_FAULT)
		state_tally(s, STATE_TAKE_FAULT);
	if (result != TAKE_ALLOWED)
		state_give(s, takes, n, now_us);
	/* What was counted for this request is given back. */
	for (unsigned i = 0; i < n && result == TAKE_REFUSED; i++) {
		if (!takes[i].refused && !takes[i].over)
			takes[i].remaining++;
	}
	return result;
}
