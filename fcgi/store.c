/*
 * store - see store.h.
 */
#include "fcgi/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "fcgi/store_set.h"

struct store {
	struct state *state;
	struct store_set set;
	struct store_link *link;
};

/* Takes of one kind, and where in the caller's list they stand. */
struct part {
	struct take takes[STORE_TAKES_MAX];
	unsigned at[STORE_TAKES_MAX];
	unsigned n;
};

static void
part_add(struct part *p, const struct take *t, unsigned at)
{
	p->takes[p->n] = *t;
	p->at[p->n++] = at;
}

static void
part_copy_back(const struct part *p, struct take *takes)
{
	for (unsigned i = 0; i < p->n; i++)
		takes[p->at[i]] = p->takes[i];
}

static void
part_untold(struct part *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct take *t = &p->takes[i];

		t->untold = true;
		t->refused = t->over = false;
		t->remaining = t->reset_us = t->wait_us = 0;
	}
}

/* Give back what a request had taken that is refused after all. */
static void
part_give(struct store *s, struct part *p, int64_t now_us)
{
	state_give(s->state, p->takes, p->n, now_us);
	for (unsigned i = 0; i < p->n; i++)
		if (!p->takes[i].refused && !p->takes[i].over &&
		    p->takes[i].limit->unit != LIMIT_BYTES)
			p->takes[i].remaining++;
}

/* False: the server cannot tell. */
static bool
ask(struct store *s, struct part *shared, bool *refused)
{
	struct redis_answer a;
	struct store_call c;

	if (!store_call_take(&c, &s->set.names, shared->takes, shared->n) ||
	    !store_link_ask(s->link, &c, &a))
		return false;
	if (store_call_read(&a, shared->takes, shared->n, refused))
		return true;
	store_link_distrust(s->link);
	return false;
}

/*
 * Each tier as it says: TIER_STORE_REFUSE before all others, as what they
 * charge would have to be given back.
 */
static enum take_result
do_without(struct store *s, struct part *shared, int64_t now_us)
{
	enum take_result result = TAKE_ALLOWED;
	struct part local = { .n = 0 };

	part_untold(shared);
	for (unsigned i = 0; i < shared->n; i++) {
		uint32_t how = shared->takes[i].store;

		if ((how & TIER_STORE_REFUSE) != 0) {
			state_tally(s->state, STATE_STORE_REFUSED);
			return TAKE_DOWN;
		}
		if ((how & TIER_STORE_ALLOW) == 0) {
			shared->takes[i].untold = false;
			part_add(&local, &shared->takes[i], i);
		}
	}
	state_tally(
	    s->state, local.n > 0 ? STATE_STORE_LOCAL : STATE_STORE_ALLOWED);
	if (local.n > 0)
		result = state_take(s->state, local.takes, local.n, now_us);
	part_copy_back(&local, shared->takes);
	return result;
}

static enum take_result
take_shared(struct store *s, struct part *shared, int64_t now_us)
{
	bool refused = false;

	if (ask(s, shared, &refused))
		return refused ? TAKE_REFUSED : TAKE_ALLOWED;
	return do_without(s, shared, now_us);
}

enum take_result
store_take(struct store *s, struct take *takes, unsigned n, int64_t now_us)
{
	struct part local = { .n = 0 }, shared = { .n = 0 };
	enum take_result result = TAKE_ALLOWED;

	if (n > STORE_TAKES_MAX)
		return TAKE_FAULT;
	for (unsigned i = 0; i < n; i++)
		part_add((takes[i].store & TIER_STORE) != 0 ? &shared : &local,
		    &takes[i], i);
	if (shared.n == 0)
		return state_take(s->state, takes, n, now_us);
	if (local.n > 0)
		result = state_take(s->state, local.takes, local.n, now_us);
	if (result != TAKE_ALLOWED) {
		part_untold(&shared);
	} else {
		result = take_shared(s, &shared, now_us);
		if (result != TAKE_ALLOWED)
			part_give(s, &local, now_us);
	}
	part_copy_back(&local, takes);
	part_copy_back(&shared, takes);
	return result;
}

/* False: the server has not heard of it. */
static bool
tell(struct store *s, const struct part *shared, uint64_t bytes)
{
	struct redis_answer a;
	struct store_call c;

	if (!store_call_charge(
		&c, &s->set.names, shared->takes, shared->n, bytes) ||
	    !store_link_ask(s->link, &c, &a))
		return false;
	if (store_call_charged(&a, shared->n))
		return true;
	store_link_distrust(s->link);
	return false;
}

void
store_charge(struct store *s, struct take *takes, unsigned n, uint64_t bytes,
    int64_t now_us)
{
	struct part local = { .n = 0 }, shared = { .n = 0 };

	for (unsigned i = 0; i < n && i < STORE_TAKES_MAX; i++)
		if (takes[i].limit->unit == LIMIT_BYTES)
			part_add((takes[i].store & TIER_STORE) != 0 ? &shared
								    : &local,
			    &takes[i], i);
	if (shared.n > 0 && !tell(s, &shared, bytes)) {
		/* So that the local count knows, where it stands in. */
		for (unsigned i = 0; i < shared.n; i++)
			if ((shared.takes[i].store &
				(TIER_STORE_ALLOW | TIER_STORE_REFUSE)) == 0)
				part_add(
				    &local, &shared.takes[i], shared.at[i]);
		state_tally(s->state,
		    local.n > 0 ? STATE_STORE_LOCAL : STATE_STORE_ALLOWED);
	}
	state_charge(s->state, local.takes, local.n, bytes, now_us);
}

bool
store_is_needed(const struct bundle *b)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++)
		if ((bundle_tier(b, i)->flags & TIER_STORE) != 0)
			return true;
	return false;
}

static bool
secret_of(void *sources, uint32_t row, struct span *secret, char *why,
    size_t why_size)
{
	struct source from;

	if (sources_get(sources, row, &from) != SOURCE_OK) {
		(void)snprintf(
		    why, why_size, "store: its secret cannot be read");
		return false;
	}
	*secret = from.secret;
	return true;
}

struct store *
store_open(const struct bundle *b, const struct config *c,
    struct sources *sources, struct state *state, bool direct, char *why,
    size_t why_size)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)snprintf(why, why_size, "store: out of memory");
		return NULL;
	}
	s->state = state;
	if (store_set_read(&s->set, b, c, secret_of, sources, why, why_size)) {
		s->set.link.direct = direct;
		s->set.link.state = state;
		s->link = store_link_open(&s->set.link, why, why_size);
	}
	if (s->link != NULL)
		return s;
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_link_close(s->link);
	store_set_fini(&s->set);
	free(s);
}
