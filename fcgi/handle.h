/*
 * handle - one request, one straight line.
 */
#ifndef MGW_FCGI_HANDLE_H
#define MGW_FCGI_HANDLE_H

#include "fcgi/config.h"
#include "fcgi/events.h"
#include "fcgi/grant.h"
#include "fcgi/live.h"
#include "fcgi/rules.h"
#include "fcgi/share.h"

struct checker; /* fcgi/checker.h */

/* What requests need; everything in it is safe from every thread. */
struct gate {
	const struct config *config;
	struct live *live;
	struct rules *rules;
	struct state *state;
	struct upstreams *upstreams;
	struct grants *grants;
	struct events *events;
	struct checker *checker; /* of a pool, or NULL */
	struct span node;        /* host name */
	/* In Via: the same in all processes of a state, of no other. */
	char pseudonym[24];
};

/*
 * Answer the request of "x", which has begun, and write its event.
 * "slot" (may be NULL) is told for which API and backend.  False: the
 * answer is not whole.
 */
bool handle(
    const struct gate *gate, struct exchange *x, struct share_slot *slot);

/* The same, but refuse it with "overloaded". */
bool handle_overload(const struct gate *gate, struct exchange *x);

/* Whom the request is for; "deep": API and backend too. */
void handle_keys(const struct gate *gate, struct exchange *x, bool deep,
    struct share_keys *k);

#endif
