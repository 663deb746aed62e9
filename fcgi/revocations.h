/*
 * revocations - the lists of what is revoked, as they are at this moment.
 *
 * A change that mgw-token made is seen by every process with its next
 * request, by a word in the shared state; other files are looked at some
 * times a second, by whoever asks then.
 */
#ifndef MGW_FCGI_REVOCATIONS_H
#define MGW_FCGI_REVOCATIONS_H

#include "fcgi/config.h"
#include "fcgi/sources.h"
#include "policy/revocation_set.h"

struct revocations;

/*
 * The lists of bundle "b", "state" and "c", which outlive it, and feeds with
 * the secrets of "sources".  "direct": for a process of one request, which
 * reads them when they are asked for.  NULL with "why".
 */
struct revocations *revocations_open(const struct bundle *b,
    const struct config *c, struct sources *sources, struct state *state,
    bool direct, char *why, size_t why_size);
void revocations_close(struct revocations *r);

/* Look at files and feeds.  Now and then, so that requests need not. */
void revocations_refresh(struct revocations *r);

/* Wait until no feed is being fetched for one that was closed. */
void revocations_wait(void);

enum revoked_result revocations_check(
    struct revocations *r, struct revoked_query *q);

#endif
