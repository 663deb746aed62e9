/*
 * state_revocation - words that processes tell each other of revocation
 * lists; what they mean is told in revocation_list.c.
 */
#include "policy/state_file.h"

uint64_t
state_revoked_get(const struct state *s, unsigned word)
{
	return atomic_load_explicit(
	    &s->revocation->words[word], memory_order_acquire);
}

void
state_revoked_set(struct state *s, unsigned word, uint64_t v)
{
	if (s->writable)
		atomic_store(&s->revocation->words[word], v);
}

void
state_revoked_raise(struct state *s, unsigned word, uint64_t v)
{
	uint64_t have = state_revoked_get(s, word);

	while (s->writable && have < v &&
	    !atomic_compare_exchange_weak(
		&s->revocation->words[word], &have, v))
		;
}

bool
state_revoked_swap(struct state *s, unsigned word, uint64_t from, uint64_t to)
{
	return s->writable &&
	    atomic_compare_exchange_strong(
		&s->revocation->words[word], &from, to);
}
