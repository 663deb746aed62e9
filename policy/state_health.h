/*
 * state_health - which endpoints are of use, as all processes know it.
 *
 * Two things are kept of an endpoint: what a check found that some process
 * makes again and again, and, from requests that failed, until when it is
 * better left aside.  There are no locks: two that tell at once may lose
 * one, and the next one tells again.  Where no place is left nothing is
 * known, and an endpoint is used.
 */
#ifndef MGW_POLICY_STATE_HEALTH_H
#define MGW_POLICY_STATE_HEALTH_H

#include "policy/format.h"
#include "policy/state.h"

enum health_verdict {
	HEALTH_NOT_KNOWN, /* not checked, or not for long */
	HEALTH_UP,
	HEALTH_DOWN,
	HEALTH_VERDICT__MAX,
};

enum health_verdict state_health_verdict(
    const struct state *s, struct hash128 id, int64_t now_us);

/*
 * A check of "id", which people know as "url", by "rule" ended: "well" or
 * not, with "status" or 0.  True when the verdict has changed.
 */
bool state_health_checked(struct state *s, struct hash128 id, struct span url,
    const struct row_health *rule, bool well, unsigned status, int64_t now_us);

/* A request failed there, or went well. */
void state_health_fail(
    struct state *s, struct hash128 id, struct span url, int64_t now_us);
void state_health_well(struct state *s, struct hash128 id, int64_t now_us);

/* Requests failed there a moment ago. */
bool state_health_is_aside(
    const struct state *s, struct hash128 id, int64_t now_us);

/* All that is known, for mgw-status; false: the arena is full. */
bool state_health_report(const struct state *s, int64_t now_us, struct arena *a,
    struct state_report *r);

#endif
