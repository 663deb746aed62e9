/*
 * state_held - how many requests of a key are in progress.
 *
 * A record has a place for each process that may serve from this state,
 * its owner, and a count there of what that process holds.  A process is
 * owner number i as long as it has the lock on byte i, which the kernel
 * frees with it: what a killed process held is seen to be nobody's when
 * there is no room without it.  Places are used again with a generation
 * of their own, so that what a dead owner left there counts for nobody.
 *
 * Taking is under the lock of a group of records, since it adds up counts
 * of many owners; giving back is one atomic subtraction.
 */
#include <fcntl.h>
#include <unistd.h>

#include "policy/state_file.h"

/* The last group is for those that found no place. */
#define COMMON(s) ((s)->n_held / GROUP - 1)

#define COUNT_MASK UINT32_C(0xffff)
#define ENTRY(generation, count) ((uint32_t)(generation) << 16 | (count))

/* Until then somebody may have ended. */
#define WAIT_US 1000000

static bool
owner_lives(const struct state *s, unsigned i)
{
	short type = F_WRLCK;

	return (int)i == atomic_load(&s->owner) ||
	    (state_byte_lock(s->fd, F_OFD_GETLK, LOCK_OWNERS + i, &type) &&
		type != F_UNLCK);
}

/* Become an owner, once; with the lock on all owners. */
static int
become_owner(struct state *s)
{
	unsigned first = (unsigned)getpid();

	for (unsigned i = 0; i < HELD_OWNERS; i++) {
		unsigned at = (first + i) % HELD_OWNERS;
		short type = F_WRLCK;

		if (!state_byte_lock(
			s->fd, F_OFD_SETLK, LOCK_OWNERS + at, &type))
			continue;
		atomic_fetch_add(&s->control->owners[at], 1);
		atomic_store(&s->owner, (int)at);
		return (int)at;
	}
	return -1;
}

/* Our number, or -1: more processes than there are places. */
static int
owner(struct state *s)
{
	int i = atomic_load(&s->owner);

	if (i != -1 || !state_lock(s, LOCK_OWNERS - 1))
		return i;
	i = atomic_load(&s->owner);
	if (i == -1)
		i = become_owner(s);
	state_unlock(s, LOCK_OWNERS - 1);
	return i;
}

/* What owner "i" has in "h", if that is its own. */
static uint32_t
count_of(const struct state *s, const struct held *h, unsigned i)
{
	uint32_t entry = atomic_load_explicit(&h->by[i], memory_order_relaxed);
	uint32_t generation;

	if ((entry & COUNT_MASK) == 0)
		return 0;
	generation =
	    atomic_load_explicit(&s->control->owners[i], memory_order_relaxed);
	return entry >> 16 == (generation & COUNT_MASK) ? entry & COUNT_MASK
							: 0;
}

/*
 * Of all owners; with "living" those who are dead are left out, and what
 * they had is freed.
 */
static uint64_t
sum(const struct state *s, struct held *h, bool living)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < HELD_OWNERS; i++) {
		uint32_t count = count_of(s, h, i);

		if (count > 0 && living && !owner_lives(s, i)) {
			atomic_store(&h->by[i], 0);
			count = 0;
		}
		n += count;
	}
	return n;
}

/* In a group whose lock is held: the record of "id", or a free one, or NULL. */
static struct held *
record_in(struct state *s, uint32_t group, struct hash128 id)
{
	struct held *first = &s->held[(size_t)group * GROUP], *free = NULL;

	for (unsigned i = 0; i < GROUP; i++)
		if (atomic_load(&first[i].lo) == id.lo &&
		    atomic_load(&first[i].hi) == id.hi)
			return &first[i];
	for (unsigned i = 0; i < GROUP && free == NULL; i++)
		if (sum(s, &first[i], true) == 0)
			free = &first[i];
	if (free != NULL) {
		atomic_store(&free->lo, id.lo);
		atomic_store(&free->hi, id.hi);
	}
	return free;
}

/* As many as there are hold one more: ours are added by many threads. */
static bool
add_one(struct state *s, struct held *h, unsigned me)
{
	uint32_t generation = atomic_load(&s->control->owners[me]) & COUNT_MASK;
	uint32_t have = atomic_load(&h->by[me]), next;

	do {
		uint32_t n = have >> 16 == generation ? have & COUNT_MASK : 0;

		if (n == COUNT_MASK)
			return false;
		next = ENTRY(generation, n + 1);
	} while (!atomic_compare_exchange_weak(&h->by[me], &have, next));
	return true;
}

/* With the lock of its group. */
static enum take_result
take_one(struct state *s, struct held *h, struct take *t, unsigned me)
{
	uint64_t limit = t->limit->count, n = sum(s, h, false);
	bool full;

	if (n >= limit)
		n = sum(s, h, true);
	full = n >= limit;
	t->over = full && t->pass_over;
	t->refused = full && !t->pass_over;
	t->wait_us = t->refused ? WAIT_US : 0;
	t->remaining = full ? 0 : limit - n - 1;
	if (t->refused)
		return TAKE_REFUSED;
	if (!add_one(s, h, me))
		return TAKE_FAULT;
	t->undo = (uint64_t)(h - s->held) + 1;
	return TAKE_ALLOWED;
}

/* Where it is held: with its own parts, or by all of a level and limit. */
static struct hash128
held_id(const struct state *s, const struct take *t, bool common)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h, SPACE_HELD | (common ? 1u << 8 : 0));
	if (common)
		siphash_u64(&h, t->limit->count);
	for (unsigned i = 0; i < (common ? 1 : t->n_parts); i++)
		siphash_part(&h, t->parts[i]);
	return siphash_done(&h);
}

static enum take_result
take_in(
    struct state *s, uint32_t group, struct take *t, unsigned me, bool *found)
{
	enum take_result result = TAKE_FAULT;
	struct held *h;

	if (!state_lock(s, LOCK_HELD + group))
		return TAKE_FAULT;
	h = record_in(s, group, t->id);
	*found = h != NULL;
	if (h != NULL)
		result = take_one(s, h, t, me);
	state_unlock(s, LOCK_HELD + group);
	return result;
}

enum take_result
state_held_take(struct state *s, struct take *t)
{
	enum take_result result;
	int me = owner(s);
	bool found = false;

	if (me == -1)
		return TAKE_FAULT;
	t->id = held_id(s, t, false);
	result = take_in(
	    s, (uint32_t)(t->id.lo % COMMON(s)), t, (unsigned)me, &found);
	if (found)
		return result;
	state_tally(s, STATE_TAKE_SHARED);
	t->id = held_id(s, t, true);
	return take_in(s, COMMON(s), t, (unsigned)me, &found);
}

void
state_held_give(struct state *s, struct take *t)
{
	int me = atomic_load(&s->owner);
	uint32_t have;
	struct held *h;

	if (t->undo == 0 || t->undo > s->n_held || me == -1)
		return;
	h = &s->held[t->undo - 1];
	t->undo = 0;
	/* While it holds anything of ours, the record stays this one. */
	have = atomic_load(&h->by[me]);
	while ((have & COUNT_MASK) > 0 &&
	    !atomic_compare_exchange_weak(&h->by[me], &have, have - 1))
		;
}

uint64_t
state_held_count(const struct state *s, const struct take *t)
{
	struct hash128 id = held_id(s, t, false);
	struct held *first = &s->held[id.lo % COMMON(s) * GROUP];
	uint64_t n = 0;

	for (unsigned i = 0; i < GROUP; i++) {
		const struct held *h = &first[i];

		if (atomic_load(&h->lo) != id.lo ||
		    atomic_load(&h->hi) != id.hi)
			continue;
		for (unsigned k = 0; k < HELD_OWNERS; k++)
			if (count_of(s, h, k) > 0 && owner_lives(s, k))
				n += count_of(s, h, k);
	}
	return n;
}

uint64_t
state_held_used(const struct state *s)
{
	uint64_t n = 0;

	for (uint32_t k = 0; k < s->n_held; k++)
		for (unsigned i = 0; i < HELD_OWNERS; i++)
			if (count_of(s, &s->held[k], i) > 0 &&
			    owner_lives(s, i)) {
				n++;
				break;
			}
	return n;
}
