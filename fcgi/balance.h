/*
 * balance - which of several endpoints a request goes to, and which next.
 *
 * A set says an order for each request; whoever sends it takes the first
 * that is usable, then, when that failed and the request may be sent
 * again, the next.  No endpoint is tried twice for one request.
 *
 * How many requests are in progress is counted by each process for itself.
 * A pool is one process; of those that serve one request at a time none
 * could tell more than that it is at work, and what a killed one has begun
 * would have to be found out with each choice.
 */
#ifndef MGW_FCGI_BALANCE_H
#define MGW_FCGI_BALANCE_H

#include <stdatomic.h>

#include "fcgi/upstream.h"
#include "policy/outside.h"

struct balance_set {
	enum balance balance;
	enum hash_by hash_by;
	uint32_t field; /* NAME, for HASH_BY_FIELD */
	unsigned n;
	struct backend *list; /* each with its weight */
	/* Round robin: the endpoints in turn, each as often as it weighs. */
	unsigned char *turns;
	unsigned n_turns;
	_Atomic unsigned turn;
	uint64_t share;    /* see share.h; 0: the gate has no other list */
	_Atomic int spent; /* on repeats, in hundredths; see upstream.c */
};

/*
 * Lay out the turns of a set whose other members are filled in.  False:
 * the arena is full.
 */
bool balance_init(struct balance_set *s, struct arena *a);

/* A name for a list, whoever lists the same, in whichever order; not 0. */
uint64_t balance_name(const struct balance_set *s);

/* One request and its way through a set. */
struct pick {
	struct balance_set *set;
	uint64_t tried; /* a bit for each endpoint */
	unsigned start; /* in "turns" */
	uint64_t hash;
};

/* "r" and "who" may be NULL where the set does not hash. */
void balance_begin(struct pick *p, struct balance_set *set,
    const struct request *r, const struct principal *who);

/* May this one be used now? */
typedef bool balance_usable(void *arg, const struct backend *b);

/*
 * The best one that was not tried and may be used, and from now on was
 * tried; NULL: there is none.
 */
struct backend *balance_next(struct pick *p, balance_usable *usable, void *arg);

/*
 * "b" as operation "op" (or NULL) has it, with time limits of its own:
 * "b" itself, or "*room".
 */
const struct backend *balance_limit(const struct backend *b,
    const struct row_operation *op, struct backend *room);

/* How many were not tried yet. */
unsigned balance_left(const struct pick *p);

#endif
