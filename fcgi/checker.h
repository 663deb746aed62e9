/*
 * checker - endpoints are asked how they are, again and again.
 *
 * Of all pools that share a state one does it, which holds a lease; what
 * it finds is in the state for all processes (state_health.h).  A few
 * threads ask, so that endpoints that do not answer hold up none of the
 * others for long.  They are made when the first endpoint is to be checked.
 *
 * An endpoint is reached as by requests, with what holds for them: what a
 * document names is not looked for on this machine.
 */
#ifndef MGW_FCGI_CHECKER_H
#define MGW_FCGI_CHECKER_H

#include "fcgi/live.h"

struct checker;

/* NULL: out of memory or descriptors.  "live" and "state" outlive it. */
struct checker *checker_new(struct live *live, struct state *state);

/* About once a second, from one thread. */
void checker_tick(struct checker *c);

/* Waits for what is being asked, which is given up. */
void checker_stop(struct checker *c);

/*
 * Ask "b" once.  "left_fd" becomes readable or closed when it is to be
 * given up; -1: never.  True: it is well; "*status" is 0 without an answer.
 */
bool checker_ask(const struct policy *policy, const struct backend *b,
    int left_fd, unsigned *status, char *why, size_t why_size);

#endif
