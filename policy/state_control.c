/*
 * state_control - what all processes know of the rules of mgw-throttle,
 * and of a single address that makes most of the traffic.
 *
 * For the latter every sampled request votes (Boyer and Moore's majority
 * vote): for the candidate if it is the same address, else against it;
 * without votes left the next address is the candidate.  Processes vote at
 * once without a lock; a vote that goes astray changes nothing much.
 */
#include "base/clock.h"
#include "policy/state_file.h"

/* So many votes are one round, and so many must be left for a majority. */
#define ROUND 256
#define MAJORITY (ROUND / 4)
#define TELL_AGAIN_US (INT64_C(3600) * US_PER_S)

uint64_t
state_rules_seq(const struct state *s)
{
	return atomic_load_explicit(
	    &s->control->rules_seq, memory_order_acquire);
}

void
state_rules_raise(struct state *s, uint64_t seq)
{
	uint64_t have = atomic_load(&s->control->rules_seq);

	while (have < seq &&
	    !atomic_compare_exchange_weak(&s->control->rules_seq, &have, seq))
		;
}

static void
vote(struct control_words *c, uint64_t id)
{
	uint64_t votes = atomic_load(&c->votes);

	if (atomic_load(&c->candidate) == id) {
		atomic_store(&c->votes, votes + 1);
	} else if (votes > 0) {
		atomic_store(&c->votes, votes - 1);
	} else {
		atomic_store(&c->candidate, id);
		atomic_store(&c->votes, 1);
	}
}

bool
state_traffic(struct state *s, struct span address, bool tell, int64_t now_us)
{
	struct control_words *c = s->control;
	uint64_t id = siphash_64(&s->key, address);
	int64_t told_us = atomic_load(&c->told_us);
	bool most;

	vote(c, id);
	if (atomic_fetch_add(&c->counted, 1) < ROUND)
		return false;
	most = atomic_load(&c->candidate) == id &&
	    atomic_load(&c->votes) >= MAJORITY;
	atomic_store(&c->counted, 0);
	atomic_store(&c->votes, 0);
	/* Told in the future: by a clock that was set back since. */
	return most && tell &&
	    (told_us == 0 || now_us - told_us >= TELL_AGAIN_US ||
		told_us > now_us) &&
	    atomic_compare_exchange_strong(&c->told_us, &told_us, now_us);
}
