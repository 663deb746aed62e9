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

static struct hash128
verdict_id(const struct state *s, const struct span *parts, unsigned n)
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

static bool
copy_out(const struct state *s, const struct verdict_slot *slot,
    struct hash128 id, struct arena *a, struct verdict *v)
{
	uint32_t n_key = slot->key_bytes, n_payload = slot->payload_bytes;
	struct hash128 sum = slot->sum;
	struct span all;

	if (n_key > VERDICT_BYTES_MAX || n_payload > VERDICT_BYTES_MAX - n_key)
		return false;
	all = arena_copy(a, span_of(slot->bytes, n_key + n_payload));
	if (all.p == NULL)
		return false;
	v->expires_s = atomic_load(&slot->expires_s);
	v->key_id = span_of(all.p, n_key);
	v->payload = span_of(all.p + n_key, n_payload);
	return hash128_eq(
	    sum, verdict_sum(s, id, v->expires_s, v->key_id, v->payload));
}

bool
state_recall(struct state *s, const struct span *parts, unsigned n,
    struct arena *a, struct verdict *v)
{
	struct hash128 id = verdict_id(s, parts, n);

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
	struct hash128 id = verdict_id(s, parts, n);
	struct verdict_slot *slot;
	size_t n_key = v->key_id.n, n_payload = v->payload.n;

	if (n_key > VERDICT_BYTES_MAX || n_payload > VERDICT_BYTES_MAX - n_key)
		return;
	slot = slot_for(s, id);
	atomic_store(&slot->lo, 0);
	atomic_store(&slot->hi, 0);
	atomic_store(&slot->expires_s, v->expires_s);
	slot->key_bytes = (uint32_t)n_key;
	slot->payload_bytes = (uint32_t)n_payload;
	if (n_key > 0)
		memcpy(slot->bytes, v->key_id.p, n_key);
	if (n_payload > 0)
		memcpy(slot->bytes + n_key, v->payload.p, n_payload);
	slot->sum = verdict_sum(s, id, v->expires_s, v->key_id, v->payload);
	atomic_store_explicit(&slot->hi, id.hi, memory_order_release);
	atomic_store_explicit(&slot->lo, id.lo, memory_order_release);
}
