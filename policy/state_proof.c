/*
 * state_proof - which proofs have come, for as long as they could again.
 *
 * A proof is one word: half of it of its keyed name, half the second until
 * which it counts.  There are no locks.  Two that bring the same proof at
 * once may each find another place free, when one was freed in between;
 * so each looks again once it has written, and at least one of them sees
 * the other.  That both may be refused then does no harm: a proof that
 * comes twice at once is a replay.
 */
#include "policy/state_file.h"

/* Entries that are searched for one name: chance fills few groups early. */
#define PROOF_GROUP STATE_PROOF_GROUP

/*
 * An entry stays longer than its proof counts: between looking at the
 * clock and looking here somebody may have been held up.
 */
#define MARGIN_S 5

/*
 * None lasts as long.  What says so was written under a clock that has
 * been set back since; its proof is refused as of the future.
 */
#define LIFE_MAX_S 3600

static bool
is_live(uint64_t entry, uint32_t now_s)
{
	uint32_t until_s = (uint32_t)entry;

	return (int64_t)until_s + MARGIN_S >= now_s &&
	    (int64_t)until_s <= (int64_t)now_s + LIFE_MAX_S;
}

static _Atomic uint64_t *
group_of(const struct state *s, struct hash128 id)
{
	uint64_t n = s->n_proofs / PROOF_GROUP;

	return &s->proofs[(id.lo & (n - 1)) * PROOF_GROUP];
}

/* "name" is in the group, elsewhere than at "but". */
static bool
is_there(_Atomic uint64_t *group, uint32_t name, unsigned but, uint32_t now_s)
{
	for (unsigned i = 0; i < PROOF_GROUP; i++) {
		uint64_t entry = atomic_load(&group[i]);

		if (i != but && entry >> 32 == name && is_live(entry, now_s))
			return true;
	}
	return false;
}

/* A place that nobody needs, and what is in it; PROOF_GROUP: none. */
static unsigned
find_free(_Atomic uint64_t *group, uint32_t now_s, uint64_t *held)
{
	for (unsigned i = 0; i < PROOF_GROUP; i++) {
		*held = atomic_load(&group[i]);
		if (!is_live(*held, now_s))
			return i;
	}
	return PROOF_GROUP;
}

static struct hash128
id_of(const struct state *s, const struct span *parts, unsigned n)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h, SPACE_PROOF);
	for (unsigned i = 0; i < n; i++)
		siphash_part(&h, parts[i]);
	return siphash_done(&h);
}

static uint32_t
name_of(struct hash128 id)
{
	return (uint32_t)(id.hi >> 32);
}

bool
state_replayed(
    const struct state *s, const struct span *parts, unsigned n, int64_t now_s)
{
	struct hash128 id = id_of(s, parts, n);

	return now_s >= 0 && now_s <= UINT32_MAX &&
	    is_there(
		group_of(s, id), name_of(id), PROOF_GROUP, (uint32_t)now_s);
}

enum replay_result
state_replay(struct state *s, const struct span *parts, unsigned n,
    int64_t until_s, int64_t now_s)
{
	struct hash128 id;
	_Atomic uint64_t *group;
	uint32_t name, now = (uint32_t)now_s;

	if (now_s < 0 || until_s < 0 || until_s > now_s + LIFE_MAX_S ||
	    now_s + LIFE_MAX_S > UINT32_MAX)
		return REPLAY_FAULT;
	if (until_s < now_s)
		return REPLAY_LATE;
	id = id_of(s, parts, n);
	group = group_of(s, id);
	name = name_of(id);
	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		uint64_t held;
		unsigned at;

		if (is_there(group, name, PROOF_GROUP, now))
			return REPLAY_SEEN;
		at = find_free(group, now, &held);
		if (at == PROOF_GROUP)
			return REPLAY_FULL;
		if (!atomic_compare_exchange_strong(&group[at], &held,
			(uint64_t)name << 32 | (uint32_t)until_s))
			continue;
		return is_there(group, name, at, now) ? REPLAY_SEEN
						      : REPLAY_NEW;
	}
	return REPLAY_FULL;
}

uint64_t
state_proofs_used(const struct state *s, int64_t now_s)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < s->n_proofs; i++)
		used += is_live(atomic_load(&s->proofs[i]), (uint32_t)now_s);
	return used;
}
