/*
 * health - which endpoints are of use now, as seen from requests.
 *
 * An endpoint that fails is left aside for a moment while its list has
 * others; longer each time it fails again.  So is one that a check found
 * down (checker.h).  Where the policy has a breaker for it, that decides
 * whether it may be asked at all.  All of it is known to all processes.
 */
#ifndef MGW_FCGI_HEALTH_H
#define MGW_FCGI_HEALTH_H

#include "fcgi/upstream.h"

enum health_outcome {
	HEALTH_GOOD,
	HEALTH_BAD,
	HEALTH_UNKNOWN, /* the client left: nothing was seen */
};

/* May a request be sent there?  "down" too: even if it was set aside. */
bool health_usable(const struct upstream_call *c, const struct backend *b,
    bool down, int64_t *wait_us);

/* The same, for a request that is sent now; "*probe" is told back. */
bool health_claim(const struct upstream_call *c, const struct backend *b,
    bool *probe, int64_t *wait_us);

void health_tell(const struct upstream_call *c, const struct backend *b,
    bool probe, enum health_outcome outcome);

#endif
