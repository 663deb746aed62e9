/*
 * state_breaker - circuit breakers that all processes share.
 *
 * A breaker counts what became of requests in a rolling window, and opens
 * when too many of them failed.  While it is open no request passes; when
 * its time is over one does, the probe, and what becomes of that one
 * closes it or opens it again.  A probe whose process dies is forgotten
 * after a while.
 *
 * There are no locks: counts may lose one now and then, and that is well
 * enough; who may probe is one compare-and-swap.  When no place is left
 * for a breaker there is none, and requests pass.
 */
#ifndef MGW_POLICY_STATE_BREAKER_H
#define MGW_POLICY_STATE_BREAKER_H

#include "policy/format.h"
#include "policy/state.h"

enum breaker_answer {
	BREAKER_CLOSED,
	BREAKER_OPEN,
	BREAKER_PROBE, /* half open: the next one shows */
};

/*
 * How the breaker "id" stands at "now_us".  With "claim" it is asked for a
 * request that is sent now: BREAKER_PROBE is told to one alone, who must
 * tell what became of it within "lease_us"; the others see BREAKER_OPEN.
 * "*wait_us": until it may be asked again, when it is open.
 */
enum breaker_answer state_breaker_ask(struct state *s, struct hash128 id,
    bool claim, int64_t lease_us, int64_t now_us, int64_t *wait_us);

/*
 * A request ended.  "probe": it was the one that was to show; it may also
 * give up, when its client left before anything was shown.
 */
void state_breaker_tell(struct state *s, struct hash128 id,
    const struct row_breaker *rule, bool failed, bool probe, int64_t now_us);
void state_breaker_give_up(struct state *s, struct hash128 id);

#endif
