/*
 * state_names - who uses most, and who is refused.
 *
 * Counters are found by keyed hashes and know no names; here some names
 * are kept beside them, for people: of each take that was refused, and of
 * one in so many that passed.  Like verdicts they have no locks: a slot is
 * believed only if a keyed sum over its name holds, and may be lost at any
 * time.  In a group the one that was not seen for longest gives way.
 *
 * A slot holds all that is needed to find its counter again, so that it
 * can be reset.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "policy/state_file.h"

/* How many takes that pass stand for one that is noted. */
#define SAMPLE 16

/* Fewer than elsewhere: slots are large. */
#define NAME_GROUP 4

#define RECORD_BYTES (NAME_WORDS * sizeof(uint64_t))

/* What stands at the begin of a slot's words; parts follow. */
struct record {
	struct row_limit limit;
	int64_t from_us, until_us;
	uint8_t client, n_parts, cut, failure, stored, pad[3];
};

static struct hash128
name_id(const struct state *s, const struct take *t)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h, SPACE_NAME | (uint64_t)t->n_parts << 8);
	for (unsigned i = 0; i < t->n_parts; i++)
		siphash_part(&h, t->parts[i]);
	return siphash_done(&h);
}

static struct hash128
name_sum(const struct state *s, struct hash128 id, struct span record)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h, SPACE_NAME_SUM);
	siphash_u64(&h, id.lo);
	siphash_u64(&h, id.hi);
	siphash_part(&h, record);
	return siphash_done(&h);
}

static struct name_slot *
slot_at(const struct state *s, struct hash128 id, unsigned i)
{
	uint64_t group = id.lo & (s->n_names / NAME_GROUP - 1);

	return &s->names[group * NAME_GROUP + i];
}

static struct hash128
slot_id(const struct name_slot *slot)
{
	return (
	    struct hash128){ atomic_load(&slot->lo), atomic_load(&slot->hi) };
}

/* The record of "t"; how long it is. */
static size_t
write_record(const struct take *t, char to[RECORD_BYTES])
{
	struct record r = { .limit = *t->limit,
		.from_us = t->from_us,
		.until_us = t->until_us,
		.client = t->client,
		.failure = t->failure,
		.stored = (t->store & TIER_STORE) != 0 };
	size_t n = sizeof(r);

	memset(to, 0, RECORD_BYTES);
	for (unsigned i = 0; i < t->n_parts && r.cut == 0; i++) {
		size_t room = RECORD_BYTES - n, bytes = t->parts[i].n;
		uint16_t length;

		r.cut = room < sizeof(length) + bytes;
		if (room <= sizeof(length))
			break;
		if (r.cut != 0)
			bytes = room - sizeof(length);
		length = (uint16_t)bytes;
		memcpy(to + n, &length, sizeof(length));
		if (bytes > 0)
			memcpy(to + n + sizeof(length), t->parts[i].p, bytes);
		n += sizeof(length) + bytes;
		r.n_parts++;
	}
	memcpy(to, &r, sizeof(r));
	return n;
}

/* What may be counted anew stays; the name is written whole. */
static void
write_name(const struct state *s, struct name_slot *slot, struct hash128 id,
    const struct take *t)
{
	char record[RECORD_BYTES];
	size_t n = write_record(t, record);
	struct hash128 sum = name_sum(s, id, span_of(record, n));

	atomic_store(&slot->lo, 0);
	atomic_store(&slot->hi, 0);
	for (size_t i = 0; i < NAME_WORDS; i++) {
		uint64_t word;

		memcpy(&word, record + i * sizeof(word), sizeof(word));
		atomic_store_explicit(
		    &slot->words[i], word, memory_order_relaxed);
	}
	atomic_store(&slot->bytes, n);
	atomic_store(&slot->window_us, t->from_us);
	atomic_store(&slot->sum_lo, sum.lo);
	atomic_store(&slot->sum_hi, sum.hi);
	atomic_store(&slot->hi, id.hi);
	atomic_store(&slot->lo, id.lo);
}

static struct name_slot *
slot_for(const struct state *s, struct hash128 id)
{
	struct name_slot *best = slot_at(s, id, 0);

	for (unsigned i = 0; i < NAME_GROUP; i++) {
		struct name_slot *slot = slot_at(s, id, i);

		if (hash128_eq(slot_id(slot), id))
			return slot;
		if (atomic_load(&slot->last_us) < atomic_load(&best->last_us))
			best = slot;
	}
	return best;
}

static void
note(struct state *s, const struct take *t, uint64_t weight, int64_t now_us)
{
	struct hash128 id = name_id(s, t);
	struct name_slot *slot = slot_for(s, id);

	if (!hash128_eq(slot_id(slot), id)) {
		atomic_store(&slot->taken, 0);
		atomic_store(&slot->refused, 0);
		atomic_store(&slot->until_us, 0);
		atomic_store(&slot->first_us, now_us);
		write_name(s, slot, id, t);
	} else if (atomic_load(&slot->window_us) != t->from_us) {
		write_name(s, slot, id, t);
	}
	atomic_store(&slot->last_us, now_us);
	if (weight > 0) {
		atomic_fetch_add(&slot->taken, weight);
		return;
	}
	atomic_fetch_add(&slot->refused, 1);
	atomic_store(&slot->until_us, now_us + (int64_t)t->wait_us);
}

void
state_note(struct state *s, const struct take *takes, unsigned n,
    enum take_result result, int64_t now_us)
{
	static _Thread_local unsigned turn;

	if (result == TAKE_ALLOWED && turn++ % SAMPLE == 0) {
		for (unsigned i = 0; i < n; i++)
			note(s, &takes[i], SAMPLE, now_us);
	}
	for (unsigned i = 0; i < n && result == TAKE_REFUSED; i++)
		if (takes[i].refused)
			note(s, &takes[i], 0, now_us);
}

/* Copy the record out; false: there is none that can be believed. */
static bool
read_record(const struct state *s, const struct name_slot *slot,
    char record[RECORD_BYTES], size_t *n)
{
	struct hash128 id = slot_id(slot);
	struct hash128 sum = { atomic_load(&slot->sum_lo),
		atomic_load(&slot->sum_hi) };

	*n = atomic_load(&slot->bytes);
	if (*n < sizeof(struct record) || *n > RECORD_BYTES)
		return false;
	for (size_t i = 0; i < NAME_WORDS; i++) {
		uint64_t word =
		    atomic_load_explicit(&slot->words[i], memory_order_relaxed);

		memcpy(record + i * sizeof(word), &word, sizeof(word));
	}
	return hash128_eq(sum, name_sum(s, id, span_of(record, *n)));
}

/* The take of a record: "limit" and the parts, which are in the record. */
static bool
read_take(struct span record, struct record *r, struct take *t)
{
	memcpy(r, record.p, sizeof(*r));
	record = span_skip(record, sizeof(*r));
	*t = (struct take){ .limit = &r->limit,
		.from_us = r->from_us,
		.until_us = r->until_us,
		.client = r->client != 0,
		.failure = r->failure != 0 };
	if (r->n_parts > TAKE_PARTS_MAX)
		return false;
	for (unsigned i = 0; i < r->n_parts; i++) {
		uint16_t length;

		if (record.n < sizeof(length))
			return false;
		memcpy(&length, record.p, sizeof(length));
		record = span_skip(record, sizeof(length));
		if (record.n < length)
			return false;
		t->parts[t->n_parts++] = span_of(record.p, length);
		record = span_skip(record, length);
	}
	return t->n_parts >= 2;
}

/* Behind level and number: as people read it. */
static struct span
key_text(const struct take *t, bool cut, struct arena *a)
{
	struct buf b;
	struct span text;

	buf_init(&b, RECORD_BYTES * 2);
	for (unsigned i = 2; i < t->n_parts; i++) {
		if (i > 2)
			buf_add_char(&b, ' ');
		/* A NUL alone stands for what was not there. */
		if (t->parts[i].n == 0 || t->parts[i].p[0] == '\0')
			buf_add_str(&b, "(none)");
		else
			buf_add(&b, t->parts[i]);
	}
	if (cut)
		buf_add_str(&b, "...");
	text = arena_copy(a, buf_span(&b));
	buf_fini(&b);
	return text;
}

/* A request that lasts holds back others however long ago that was. */
static void
find_counter(const struct state *s, const struct record *r, struct take *t,
    int64_t now_us, struct state_name *name)
{
	if (r->stored != 0) {
		name->counter = STATE_COUNTER_STORE;
	} else if (r->limit.unit == LIMIT_CONCURRENT) {
		name->counter = STATE_COUNTER_HELD;
		name->held = state_held_count(s, t);
		name->most = r->limit.count;
		name->until_us =
		    name->held < name->most ? 0 : now_us + (int64_t)US_PER_S;
	} else if (name->until_us > now_us && state_is_shared(s, t, now_us)) {
		name->counter = STATE_COUNTER_SHARED;
	}
}

static bool
read_name(const struct state *s, const struct name_slot *slot, int64_t now_us,
    struct arena *a, struct state_name *name)
{
	char record[RECORD_BYTES];
	struct record r;
	struct take t;
	size_t n;

	if (!read_record(s, slot, record, &n) ||
	    !read_take(span_of(record, n), &r, &t))
		return false;
	*name = (struct state_name){ .level = arena_copy(a, t.parts[0]),
		.key = key_text(&t, r.cut != 0, a),
		.limit = t.parts[1].n > 0 ? t.parts[1].p[0] : '?',
		.taken = atomic_load(&slot->taken),
		.refused = atomic_load(&slot->refused),
		.first_us = atomic_load(&slot->first_us),
		.last_us = atomic_load(&slot->last_us),
		.until_us = atomic_load(&slot->until_us) };
	if (r.cut == 0)
		find_counter(s, &r, &t, now_us, name);
	return name->level.p != NULL && name->key.p != NULL;
}

bool
state_names(const struct state *s, int64_t now_us, struct arena *a,
    struct state_name **list, size_t *n)
{
	*n = 0;
	*list = arena_calloc(a, s->n_names, sizeof(**list));
	for (uint32_t i = 0; *list != NULL && i < s->n_names; i++)
		*n += read_name(s, &s->names[i], now_us, a, &(*list)[*n]);
	return *list != NULL && !a->full;
}

static bool
reset_slot(struct state *s, struct name_slot *slot, int64_t now_us)
{
	char record[RECORD_BYTES];
	struct record r;
	struct take t;
	size_t n;

	if (!read_record(s, slot, record, &n) ||
	    !read_take(span_of(record, n), &r, &t) || r.cut != 0)
		return false;
	atomic_store(&slot->until_us, 0);
	atomic_store(&slot->taken, 0);
	atomic_store(&slot->refused, 0);
	atomic_store(&slot->first_us, now_us);
	state_forget(s, &t, now_us);
	return true;
}

struct state_resets
state_reset(struct state *s, struct span level, struct span key,
    struct arena *a, int64_t now_us)
{
	struct state_resets done = { .n = 0 };
	struct state_name name;

	for (uint32_t i = 0; i < s->n_names; i++) {
		if (!read_name(s, &s->names[i], now_us, a, &name) ||
		    (level.p != NULL && !span_eq(level, name.level)) ||
		    !span_eq(key, name.key))
			continue;
		if (name.counter != STATE_COUNTER_OWN)
			done.kept[name.counter]++;
		else
			done.n += reset_slot(s, &s->names[i], now_us);
	}
	return done;
}

void
state_reset_all(struct state *s, int64_t now_us)
{
	for (int i = 0; i < TABLE__MAX; i++)
		state_forget_all(&s->tables[i]);
	for (uint32_t i = 0; i < s->n_names; i++)
		(void)reset_slot(s, &s->names[i], now_us);
}
