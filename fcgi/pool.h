/*
 * pool - workers that serve whichever connection has something to say.
 *
 * All workers wait on one epoll set that holds the listening sockets and
 * every connection nobody works on.  A worker serves a request from its
 * first byte to its last and puts the connection back.  A worker is added
 * when the last idle one is taken, up to "threads", and ends after having
 * been idle for a while.  What waits longer than "queue_time" because all
 * are busy, or because its share (share.h) is used up, is refused.
 *
 * A thread of its own refuses what has waited too long, with little
 * patience for each; the thread that calls pool_run waits for signals and
 * closes what is silent, and never waits for a client.
 */
#ifndef MGW_FCGI_POOL_H
#define MGW_FCGI_POOL_H

#include "fcgi/exchange.h"
#include "fcgi/listen.h"
#include "fcgi/share.h"

struct pool_settings {
	unsigned threads;
	unsigned queue_time_ms;
	struct span peer_secret; /* asked of TCP connections */
	void *gate;              /* passed to the functions below */

	/*
	 * Whom the request of "x" is for; "deep": its API and backend too,
	 * which takes some work and is asked only when half are busy.
	 */
	void (*keys)(
	    void *gate, struct exchange *x, bool deep, struct share_keys *k);
	/*
	 * Answer the request of "x"; "slot" is to be told its API and
	 * backend.  False: the answer is not whole.
	 */
	bool (*serve)(void *gate, struct exchange *x, struct share_slot *slot);
	/* Answer that there are no workers. */
	bool (*refuse)(void *gate, struct exchange *x);
	/* About once a second, and after SIGHUP with "reload". */
	void (*tick)(void *gate, unsigned workers, unsigned busy, bool reload);
};

/* Signals that the process waits for; before any other thread. */
void pool_block_signals(void);

/*
 * Serve until SIGTERM or SIGINT, then to the end of what has begun.
 * False: it could not begin, errno says why.
 */
bool pool_run(const struct pool_settings *s, struct listeners *l);

#endif
