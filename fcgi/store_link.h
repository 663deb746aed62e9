/*
 * store_link - kept connections to the server of a store, and a breaker.
 *
 * A worker takes a connection, asks, and puts it back; one that finds none
 * makes one.  An answer that does not come in time, or is none, opens the
 * breaker: from then on nobody asks, so that a server that is gone costs
 * its time limit once.  A thread of its own looks for it, and closes the
 * breaker when it answers in time again.
 *
 * A process of one request ("direct") has no thread: it asks unless the
 * breaker in the state says that another has just waited in vain.
 *
 * Locked inside.
 */
#ifndef MGW_FCGI_STORE_LINK_H
#define MGW_FCGI_STORE_LINK_H

#include "fcgi/store_call.h"
#include "policy/state.h"

struct store_link;

struct store_link_settings {
	struct redis_target target; /* texts outlive the link */
	uint32_t timeout_us;        /* of one request, connecting included */
	bool direct;
	struct state *state; /* for the figures */
};

/*
 * A server that is not there is no mistake: it may come.  NULL: "why" says
 * what is (no hiredis, no memory).
 */
struct store_link *store_link_open(
    const struct store_link_settings *s, char *why, size_t why_size);
void store_link_close(struct store_link *l);

/* Ask; false: nothing is known, and it was logged. */
bool store_link_ask(
    struct store_link *l, struct store_call *c, struct redis_answer *a);

/* The answer made no sense: the same as none. */
void store_link_distrust(struct store_link *l);

/* Connect and ask for a sign of life, for --check; false with "why". */
bool store_link_try(
    const struct store_link_settings *s, char *why, size_t why_size);

#endif
