/*
 * balance - see balance.h.
 */
#include "fcgi/balance.h"

#include <math.h>

#include "base/clock.h"
#include "base/siphash.h"
#include "fcgi/share.h"

/* Weights are cut down to so many turns in all. */
#define TURNS_MAX 1024

static unsigned
weight_of(const struct backend *b)
{
	return b->weight > 0 ? b->weight : 1;
}

/*
 * The turns are mixed (a, a, b, a rather than a, a, a, b): each time the
 * one that is furthest behind what it weighs.
 */
bool
balance_init(struct balance_set *s, struct arena *a)
{
	uint64_t total = 0;
	int64_t *behind = arena_calloc(a, s->n + 1, sizeof(*behind));

	for (unsigned i = 0; i < s->n; i++)
		total += weight_of(&s->list[i]);
	s->n_turns = total < TURNS_MAX ? (unsigned)total : TURNS_MAX;
	s->turns = arena_alloc(a, s->n_turns + 1);
	if (behind == NULL || s->turns == NULL)
		return false;
	for (unsigned t = 0; t < s->n_turns; t++) {
		unsigned best = 0;

		for (unsigned i = 0; i < s->n; i++) {
			behind[i] += weight_of(&s->list[i]);
			if (behind[i] > behind[best])
				best = i;
		}
		behind[best] -= (int64_t)total;
		s->turns[t] = (unsigned char)best;
	}
	/* Else every process of one request would ask the first. */
	if (s->n_turns > 0)
		atomic_store(
		    &s->turn, (unsigned)(clock_wall_us() % s->n_turns));
	return true;
}

uint64_t
balance_name(const struct balance_set *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->n; i++)
		sum += share_key(s->list[i].url);
	return sum != 0 ? sum : 1;
}

static struct span
hash_text(const struct balance_set *s, const struct request *r,
    const struct principal *who)
{
	if (s->hash_by == HASH_BY_SUBJECT && who->subject.n > 0)
		return who->subject;
	if (s->hash_by == HASH_BY_FIELD && r->fields[s->field].n > 0)
		return r->fields[s->field].value;
	return r->client.text;
}

void
balance_begin(struct pick *p, struct balance_set *set, const struct request *r,
    const struct principal *who)
{
	static const struct siphash_key key = { 0, 0 };

	*p = (struct pick){ .set = set };
	if (set->n < 2)
		return;
	if (set->balance == BALANCE_HASH && r != NULL)
		p->hash = siphash_64(&key, hash_text(set, r, who));
	else if (set->balance != BALANCE_FAILOVER)
		p->start = atomic_fetch_add(&set->turn, 1) % set->n_turns;
}

/*
 * Rendezvous: each endpoint and the client together give a number, the
 * greatest wins; so that one which goes or comes moves only its own
 * clients.  With weights, -w / ln(number as a fraction).
 */
static double
rank(const struct pick *p, const struct backend *b)
{
	const struct siphash_key key = { p->hash, ~p->hash };
	uint64_t h = siphash_64(&key, b->url);

	return -(double)weight_of(b) /
	    log(((double)(h >> 11) + 0.5) / 9007199254740992.0);
}

/* In progress, by weight; fewer is better. */
static double
load_of(const struct backend *b)
{
	return ((double)atomic_load(&b->life->in_flight) + 1) / weight_of(b);
}

/* "i" is better than "best" for this request. */
static bool
is_better(const struct pick *p, unsigned i, unsigned best)
{
	const struct backend *list = p->set->list;

	if (p->set->balance == BALANCE_LEAST)
		return load_of(&list[i]) < load_of(&list[best]);
	return p->set->balance == BALANCE_HASH &&
	    rank(p, &list[i]) > rank(p, &list[best]);
}

struct backend *
balance_next(struct pick *p, balance_usable *usable, void *arg)
{
	struct balance_set *s = p->set;
	bool in_turn = s->n > 1 &&
	    (s->balance == BALANCE_ROUND_ROBIN || s->balance == BALANCE_LEAST);
	unsigned n = in_turn ? s->n_turns : s->n, best = s->n;

	for (unsigned k = 0; k < n; k++) {
		unsigned i = in_turn ? s->turns[(p->start + k) % n] : k;

		if ((p->tried >> i & 1) != 0 || i == best ||
		    (usable != NULL && !usable(arg, &s->list[i])))
			continue;
		if (best == s->n || is_better(p, i, best))
			best = i;
		/* In turn and in order, the first is the best. */
		if (s->balance == BALANCE_ROUND_ROBIN ||
		    s->balance == BALANCE_FAILOVER)
			break;
	}
	if (best == s->n)
		return NULL;
	p->tried |= UINT64_C(1) << best;
	return &s->list[best];
}

static void
limit(uint32_t *ms, uint32_t own)
{
	if (own != 0)
		*ms = own != ROW_NONE ? own : 0;
}

const struct backend *
balance_limit(const struct backend *b, const struct row_operation *op,
    struct backend *room)
{
	if (b == NULL || op == NULL ||
	    (op->connect_ms | op->first_byte_ms | op->idle_ms | op->total_ms) ==
		0)
		return b;
	*room = *b;
	limit(&room->connect_ms, op->connect_ms);
	limit(&room->first_byte_ms, op->first_byte_ms);
	limit(&room->idle_ms, op->idle_ms);
	limit(&room->total_ms, op->total_ms);
	return room;
}

unsigned
balance_left(const struct pick *p)
{
	return p->set->n - (unsigned)__builtin_popcountll(p->tried);
}
