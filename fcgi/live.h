/*
 * live - the policy in force, and how it is replaced without a pause.
 *
 * A generation is a checked bundle with its sources and backends.  Each
 * request borrows the current one from begin to end; a new one is built
 * and checked beside it and put in its place in one step; the old one
 * goes when its last request has ended.  One that is bad never replaces
 * a good one.
 */
#ifndef MGW_FCGI_LIVE_H
#define MGW_FCGI_LIVE_H

#include "fcgi/balance.h"
#include "fcgi/config.h"
#include "policy/decide.h"
#include "policy/state.h"

struct live;

struct generation {
	struct policy policy; /* with "outside" filled in */
			      /* The rest is private to live.c. */
};

/*
 * "c" and "state" outlive it.  NULL: "why" says what is wrong with the
 * bundle, its sources or its endpoints.  "direct": for a process of one
 * request, which fetches what it needs itself.
 */
struct live *live_open(const struct config *c, struct state *state, bool direct,
    char *why, size_t why_size);
void live_close(struct live *l);

const struct generation *live_get(struct live *l);
void live_put(struct live *l, const struct generation *g);

/* Where a match goes, of production or sandbox; NULL: nowhere is named. */
struct balance_set *live_backends(
    const struct generation *g, const struct match *m, bool sandbox);

/* The endpoints that are to be checked. */
struct backend *const *live_checked(const struct generation *g, unsigned *n);

/*
 * Look whether bundle or source files changed, and swap if so; "force"
 * looks at the bundle even if its file seems unchanged, as after SIGHUP.
 * One caller at a time, from outside of any request.
 */
void live_refresh(struct live *l, bool force);

#endif
