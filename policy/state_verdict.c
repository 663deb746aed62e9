/*
 * state_verdict - verdicts on tokens, shared by all processes.
 *
 * There are no locks.  A slot is copied out and believed only if a keyed
 * sum over all of it holds, so one that two processes wrote at once, that
 * was half written when its writer was killed, or that is damaged, is a
 * miss and no more.
 */
#include "base/clock.h"
#include "policy/state_file.h"

struct hash128
state_name(const struct state *s, const struct span *parts, unsigned n)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h, SPACE_VERDICT_ID | (uint64_t)n << 8);
	for (unsigned i = 0; i < n; i++)
		siphash_part(&h, parts[i]);
	return siphash_done(&h);
}

static struct hash128
verdict_sum(const struct state *s, struct hash128 id, int64_t expires_s,
    struct span key, struct span payload)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h, SPACE_VERDICT);
	siphash_u64(&h, id.lo);
	siphash_u64(&h, id.hi);
	siphash_u64(&h, (uint64_t)expires_s);
	siphash_part(&h, key);
	siphash_part(&h, payload);
	return siphash_done(&h);
}

/* The i-th place to look for "id". */
static struct verdict_slot *
slot_at(const struct state *s, struct hash128 id, unsigned i)
{
	uint64_t group = id.lo & (s->n_verdicts / GROUP - 1);

	return &s->verdicts[group * GROUP + ((id.hi + i) & (GROUP - 1))];
}

static bool
slot_is(const struct verdict_slot *slot, struct hash128 id)
{
	return atomic_load_explicit(&slot->lo, memory_order_acquire) == id.lo &&
	    atomic_load_explicit(&slot->hi, memory_order_acquire) == id.hi;
}

/* Copied by words, the last of which may have bytes of no meaning. */
static char *
read_bytes(const struct verdict_slot *slot, size_t n, struct arena *a)
{
	char *to = arena_room(a, (n + 7) / 8 * 8);

	for (size_t i = 0; to != NULL && i < (n + 7) / 8; i++) {
		uint64_t word =
		    atomic_load_explicit(&slot->words[i], memory_order_relaxed);

		memcpy(to + i * 8, &word, 8);
	}
	return to;
}

static void
write_bytes(struct verdict_slot *slot, size_t at, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		_Atomic uint64_t *to = &slot->words[(at + i) / 8];
		uint64_t word = atomic_load_explicit(to, memory_order_relaxed);

		((char *)&word)[(at + i) % 8] = bytes.p[i];
		atomic_store_explicit(to, word, memory_order_relaxed);
	}
}

static bool
copy_out(const struct state *s, const struct verdict_slot *slot,
    struct hash128 id, struct arena *a, struct verdict *v)
{
	uint32_t n_key = atomic_load(&slot->key_bytes);
	uint32_t n_payload = atomic_load(&slot->payload_bytes);
	struct hash128 sum = { atomic_load(&slot->sum_lo),
		atomic_load(&slot->sum_hi) };
	char *all;

	if (n_key > VERDICT_BYTES_MAX || n_payload > VERDICT_BYTES_MAX - n_key)
		return false;
	all = read_bytes(slot, n_key + n_payload, a);
	if (all == NULL)
		return false;
	v->expires_s = atomic_load(&slot->expires_s);
	v->key_id = span_of(all, n_key);
	v->payload = span_of(all + n_key, n_payload);
	return hash128_eq(
	    sum, verdict_sum(s, id, v->expires_s, v->key_id, v->payload));
}

bool
state_recall(struct state *s, const struct span *parts, unsigned n,
    struct arena *a, struct verdict *v)
{
	struct hash128 id = state_name(s, parts, n);

	for (unsigned i = 0; i < GROUP; i++) {
		const struct verdict_slot *slot = slot_at(s, id, i);

		if (!slot_is(slot, id))
			continue;
		if (!copy_out(s, slot, id, a, v))
			break;
		state_tally(s, STATE_VERDICT_HIT);
		return true;
	}
	state_tally(s, STATE_VERDICT_MISS);
	return false;
}

/*
 * The slot to write: ours, else one that is free or out of date, else the
 * first: verdicts may be forgotten at any time.
 */
static struct verdict_slot *
slot_for(const struct state *s, struct hash128 id)
{
	struct verdict_slot *best = NULL;
	int64_t now_s = clock_wall_us() / US_PER_S;

	for (unsigned i = 0; i < GROUP; i++) {
		struct verdict_slot *slot = slot_at(s, id, i);

		if (slot_is(slot, id))
			return slot;
		if (best == NULL && atomic_load(&slot->expires_s) <= now_s)
			best = slot;
	}
	return best != NULL ? best : slot_at(s, id, 0);
}

void
state_remember(struct state *s, const struct span *parts, unsigned n,
    const struct verdict *v)
{
	struct hash128 id = state_name(s, parts, n);
	struct verdict_slot *slot;
	struct hash128 sum;
	size_t n_key = v->key_id.n, n_payload = v->payload.n;

	if (n_key > VERDICT_BYTES_MAX || n_payload > VERDICT_BYTES_MAX - n_key)
		return;
	slot = slot_for(s, id);
	atomic_store(&slot->lo, 0);
	atomic_store(&slot->hi, 0);
	atomic_store(&slot->expires_s, v->expires_s);
	atomic_store(&slot->key_bytes, (uint32_t)n_key);
	atomic_store(&slot->payload_bytes, (uint32_t)n_payload);
	write_bytes(slot, 0, v->key_id);
	write_bytes(slot, n_key, v->payload);
	sum = verdict_sum(s, id, v->expires_s, v->key_id, v->payload);
	atomic_store(&slot->sum_lo, sum.lo);
	atomic_store(&slot->sum_hi, sum.hi);
	atomic_store_explicit(&slot->hi, id.hi, memory_order_release);
	atomic_store_explicit(&slot->lo, id.lo, memory_order_release);
}
