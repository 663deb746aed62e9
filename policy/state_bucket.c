/*
 * state_bucket - counters, charged by all processes at once.
 *
 * Where they are, and who may write what, is told in state_table.c; here
 * is what a take does with them.
 */
#include "base/clock.h"
#include "policy/gauge.h"
#include "policy/state_file.h"

/* A take, and where its counter is. */
struct spot {
	struct take *take;
	struct gauge gauge;
	struct bucket *bucket;
};

/* Of a clock that is wrong nothing is mixed with what was right before. */
static uint64_t
space_of(const struct state *s, uint64_t space, int64_t now_us)
{
	return space | (state_clock_is_right(s, now_us) ? 0 : 128);
}

static struct hash128
counter_id(const struct state *s, const struct spot *p, int64_t now_us)
{
	const struct take *t = p->take;
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h,
	    space_of(s, SPACE_COUNTER, now_us) | (uint64_t)t->n_parts << 8 |
		(uint64_t)t->limit->algorithm << 16 |
		(uint64_t)t->limit->unit << 32);
	siphash_u64(&h, p->gauge.start);
	siphash_u64(&h, p->gauge.end);
	for (unsigned i = 0; i < t->n_parts; i++)
		siphash_part(&h, t->parts[i]);
	return siphash_done(&h);
}

/* All that find no place share this one: of the level and the limit. */
static struct hash128
overflow_id(const struct state *s, const struct spot *p, int64_t now_us)
{
	const struct take *t = p->take;
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h,
	    space_of(s, SPACE_OVERFLOW, now_us) | (uint64_t)t->client << 8 |
		(uint64_t)t->limit->algorithm << 16 |
		(uint64_t)t->limit->unit << 32);
	siphash_u64(&h, t->limit->count);
	siphash_u64(&h, t->limit->period_us);
	siphash_u64(&h, t->limit->burst);
	siphash_u64(&h, p->gauge.start);
	if (t->n_parts > 0)
		siphash_part(&h, t->parts[0]);
	return siphash_done(&h);
}

static bool
is_slide(const struct spot *p)
{
	return p->gauge.algorithm == LIMIT_SLIDING;
}

static const struct bucket_table *
table_of(const struct state *s, const struct spot *p)
{
	if (is_slide(p))
		return &s->tables[p->take->client ? TABLE_CLIENT_SLIDES
						  : TABLE_SLIDES];
	if (p->take->failure)
		return &s->tables[TABLE_FAILURES];
	return &s->tables[p->take->client ? TABLE_CLIENT : TABLE_BUCKETS];
}

static const struct bucket_table *
overflow_of(const struct state *s, const struct spot *p)
{
	return &s->tables[is_slide(p) ? TABLE_SLIDE_OVERFLOW : TABLE_OVERFLOW];
}

static struct slide *
slide_of(struct bucket *b)
{
	return (struct slide *)(void *)b;
}

/* What the counter of all that found no place has counted. */
static uint64_t
used_of(const struct spot *p, struct hash128 id, struct bucket *b)
{
	struct gauge g = p->gauge;
	uint64_t value;

	if (b == NULL || !state_bucket_read(b, id, &value))
		return 0;
	value &= PAYLOAD;
	if (!is_slide(p))
		return value;
	gauge_weigh(&g, value, slide_of(b)->ring);
	return g.older + (g.head == g.slot ? (uint32_t)value : 0);
}

static struct bucket *
find_overflow(const struct state *s, const struct spot *p, struct hash128 id)
{
	return p->take->failure ? NULL : state_find(overflow_of(s, p), id);
}

static bool
make(struct state *s, const struct bucket_table *table, struct spot *p,
    uint64_t used, int64_t now_us)
{
	uint64_t payload = gauge_start(&p->gauge, used);

	return state_insert(s, table, p->take->id, payload, now_us,
	    gauge_expires_us(&p->gauge, payload), &p->bucket);
}

/*
 * A new counter begins with what all have used that found no place, since
 * its own use may be among it: else a table that is full for a moment
 * would give everybody the limit twice.
 */
static bool
locate(struct state *s, struct spot *p, int64_t now_us)
{
	const struct bucket_table *table = table_of(s, p);
	struct hash128 shared;

	p->take->id = counter_id(s, p, now_us);
	p->bucket = state_find(table, p->take->id);
	if (p->bucket != NULL)
		return true;
	shared = overflow_id(s, p, now_us);
	if (!make(s, table, p, used_of(p, shared, find_overflow(s, p, shared)),
		now_us))
		return false;
	if (p->bucket != NULL || p->take->failure)
		return p->bucket != NULL;
	state_tally(s, STATE_TAKE_SHARED);
	p->take->id = shared;
	return make(s, overflow_of(s, p), p, 0, now_us) && p->bucket != NULL;
}

/* Nobody asked for so long that its slot cannot be told any more. */
static bool
slide_is_over(const struct spot *p)
{
	return atomic_load(&p->bucket->expires_us) <= (int64_t)p->gauge.now;
}

static bool
mend(struct spot *p, uint64_t *value, uint64_t to)
{
	uint64_t now = (*value & ~PAYLOAD) | to;

	if (!atomic_compare_exchange_strong(&p->bucket->value, value, now))
		return false;
	*value = now;
	return true;
}

/* The value, mended if need be; false: the bucket is no longer ours. */
static bool
read_mended(struct spot *p, uint64_t *value)
{
	while (state_bucket_read(p->bucket, p->take->id, value)) {
		uint64_t held = *value & PAYLOAD;
		uint64_t mended = gauge_mend(&p->gauge, held);

		bool over = is_slide(p) && slide_is_over(p);

		if (over ||
		    (is_slide(p) && gauge_slide_is_ahead(&p->gauge, held))) {
			if (state_slide_mend(
				slide_of(p->bucket), &p->gauge, value, over))
				return true;
		} else if (mended == held || mend(p, value, mended)) {
			return true;
		}
	}
	return false;
}

/*
 * Have the counter's value, wherever it is now, and what else the gauge
 * needs; false: fault.
 */
static bool
look(struct state *s, struct spot *p, int64_t now_us, uint64_t *value)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		if (p->bucket == NULL && !locate(s, p, now_us))
			return false;
		if (read_mended(p, value)) {
			if (is_slide(p))
				gauge_weigh(&p->gauge, *value & PAYLOAD,
				    slide_of(p->bucket)->ring);
			return true;
		}
		p->bucket = NULL;
	}
	return false;
}

/* Swap "*value" for one with the payload "next"; false: it changed. */
static bool
swap(struct spot *p, uint64_t *value, uint64_t next, int64_t now_us)
{
	state_raise_expiry(
	    p->bucket, gauge_expires_us(&p->gauge, next), now_us);
	if (is_slide(p) && p->gauge.head < p->gauge.slot)
		state_slide_keep(
		    slide_of(p->bucket), &p->gauge, *value & PAYLOAD);
	return atomic_compare_exchange_strong(
	    &p->bucket->value, value, (*value & ~PAYLOAD) | next);
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
		if (next == (value & PAYLOAD))
			return TAKE_ALLOWED; /* nothing to charge */
	} while (!swap(p, &value, next, now_us));
	t->undo = place_of(s, p->bucket);
	t->charged = (value & ~PAYLOAD) | next;
	return TAKE_ALLOWED;
}

static void
refund(struct state *s, struct take *t, int64_t now_us)
{
	struct bucket *b;
	struct gauge g;
	uint64_t value, next;

	if (t->undo == 0 || t->undo >= s->size / sizeof(*b) ||
	    !gauge_init(&g, t, now_us))
		return;
	b = (struct bucket *)(void *)s->map + t->undo;
	t->undo = 0;
	do {
		if (!state_bucket_read(b, t->id, &value) ||
		    ((value ^ t->charged) & ~PAYLOAD) != 0)
			return; /* expired meanwhile, and somebody else's */
		next = gauge_refund(&g, t->charged & PAYLOAD, value & PAYLOAD);
		if (next == (value & PAYLOAD) && g.algorithm == LIMIT_SLIDING) {
			state_slide_refund(
			    slide_of(b), &g, t->charged & PAYLOAD);
			return;
		}
		next |= value & ~PAYLOAD;
	} while (next != value &&
	    !atomic_compare_exchange_strong(&b->value, &value, next));
}

static void
charge_bytes(struct state *s, struct take *t, uint64_t bytes, int64_t now_us)
{
	struct spot p = { .take = t };
	uint64_t value, next;

	if (!gauge_init(&p.gauge, t, now_us)) {
		state_tally(s, STATE_TAKE_FAULT);
		return;
	}
	do {
		if (!look(s, &p, now_us, &value)) {
			state_tally(s, STATE_TAKE_FAULT);
			return;
		}
		next = gauge_charge(&p.gauge, value & PAYLOAD, bytes);
	} while (next != (value & PAYLOAD) && !swap(&p, &value, next, now_us));
}

void
state_charge(struct state *s, struct take *takes, unsigned n, uint64_t bytes,
    int64_t now_us)
{
	for (unsigned i = 0; i < n; i++)
		if (takes[i].limit->unit == LIMIT_BYTES)
			charge_bytes(s, &takes[i], bytes, now_us);
}

void
state_give(struct state *s, struct take *takes, unsigned n, int64_t now_us)
{
	for (unsigned i = 0; i < n; i++) {
		if (takes[i].limit->unit == LIMIT_CONCURRENT)
			state_held_give(s, &takes[i]);
		else
			refund(s, &takes[i], now_us);
	}
}

bool
state_is_shared(const struct state *s, struct take *t, int64_t now_us)
{
	struct spot p = { .take = t };
	struct bucket *b;
	uint64_t value;

	if (!gauge_init(&p.gauge, t, now_us) ||
	    state_find(table_of(s, &p), counter_id(s, &p, now_us)) != NULL)
		return false;
	t->id = overflow_id(s, &p, now_us);
	b = find_overflow(s, &p, t->id);
	return b != NULL && atomic_load(&b->expires_us) > now_us &&
	    state_bucket_read(b, t->id, &value);
}

void
state_forget(struct state *s, struct take *t, int64_t now_us)
{
	struct spot p = { .take = t };
	uint64_t value, next;

	if (!gauge_init(&p.gauge, t, now_us))
		return;
	t->id = counter_id(s, &p, now_us);
	p.bucket = state_find(table_of(s, &p), t->id);
	if (p.bucket == NULL)
		return;
	for (unsigned i = 0; i < SLIDE_SLOTS && is_slide(&p); i++)
		atomic_store(&slide_of(p.bucket)->ring[i], 0);
	do {
		if (!state_bucket_read(p.bucket, t->id, &value))
			return; /* expired meanwhile */
		next = (value & ~PAYLOAD) | gauge_start(&p.gauge, 0);
	} while (
	    !atomic_compare_exchange_strong(&p.bucket->value, &value, next));
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

/* What a counter says, if it is there. */
static enum take_result
look_at(struct state *s, struct take *t, int64_t now_us)
{
	struct spot p = { .take = t };
	uint64_t value, next;

	t->refused = t->over = false;
	t->wait_us = 0;
	if (!gauge_init(&p.gauge, t, now_us))
		return TAKE_FAULT;
	t->id = counter_id(s, &p, now_us);
	p.bucket = state_find(table_of(s, &p), t->id);
	if (p.bucket == NULL) {
		t->id = overflow_id(s, &p, now_us);
		p.bucket = find_overflow(s, &p, t->id);
	}
	if (p.bucket == NULL)
		return TAKE_ALLOWED;
	if (!look(s, &p, now_us, &value))
		return TAKE_FAULT;
	return gauge_admit(&p.gauge, t, value & PAYLOAD, &next) ? TAKE_ALLOWED
								: TAKE_REFUSED;
}

enum take_result
state_look(struct state *s, struct take *takes, unsigned n, int64_t now_us)
{
	enum take_result result = TAKE_ALLOWED;

	for (unsigned i = 0; i < n && result != TAKE_FAULT; i++) {
		enum take_result one = look_at(s, &takes[i], now_us);

		if (one != TAKE_ALLOWED)
			result = one;
	}
	return result;
}

/* Of those that count requests in progress; all of them are asked. */
static enum take_result
hold_all(struct state *s, struct take *takes, unsigned n)
{
	enum take_result result = TAKE_ALLOWED;

	for (unsigned i = 0; i < n && result != TAKE_FAULT; i++) {
		enum take_result one;

		if (takes[i].limit->unit != LIMIT_CONCURRENT)
			continue;
		one = state_held_take(s, &takes[i]);
		if (one != TAKE_ALLOWED)
			result = one;
	}
	return result;
}

enum take_result
state_take(struct state *s, struct take *takes, unsigned n, int64_t now_us)
{
	struct spot spots[STATE_TAKES_MAX];
	enum take_result result = TAKE_ALLOWED;
	unsigned n_spots = 0;

	if (n > STATE_TAKES_MAX)
		return TAKE_FAULT;
	for (unsigned i = 0; i < n; i++) {
		struct take *t = &takes[i];

		t->refused = t->over = false;
		t->remaining = t->reset_us = t->wait_us = 0;
		t->undo = t->charged = 0;
		if (t->limit->unit == LIMIT_CONCURRENT &&
		    gauge_can_hold(t->limit))
			continue;
		spots[n_spots] = (struct spot){ .take = t };
		if (!gauge_init(&spots[n_spots++].gauge, t, now_us))
			result = TAKE_FAULT;
	}
	if (result == TAKE_ALLOWED && n_spots < n)
		result = hold_all(s, takes, n);
	if (result == TAKE_ALLOWED)
		result = take_all(s, spots, n_spots, now_us);
	else if (result == TAKE_REFUSED &&
	    look_at_all(s, spots, n_spots, now_us) == TAKE_FAULT)
		result = TAKE_FAULT;
	if (result == TAKE_FAULT)
		state_tally(s, STATE_TAKE_FAULT);
	if (result != TAKE_ALLOWED)
		state_give(s, takes, n, now_us);
	/* What was counted for this request is given back. */
	for (unsigned i = 0; i < n && result == TAKE_REFUSED; i++) {
		if (!takes[i].refused && !takes[i].over &&
		    takes[i].limit->unit != LIMIT_BYTES)
			takes[i].remaining++;
	}
	return result;
}
