/*
 * revocation_fetch - a feed, brought up to date.
 */
#ifndef MGW_FCGI_REVOCATION_FETCH_H
#define MGW_FCGI_REVOCATION_FETCH_H

#include "policy/revocation_list.h"

/* What a feed is asked with; borrowed. */
struct revocation_feed {
	const struct revoked_source *source;
	const struct span *issuers;
	size_t n_issuers;
	struct span user, password; /* absent: none */
	int64_t every_us;
	unsigned timeout_ms;
};

/*
 * It is to be fetched now, by us: what was fetched at "fetched_us" (0:
 * nothing) is old, and no process has tried lately.
 */
bool revocation_fetch_is_due(
    const struct revocation_feed *f, int64_t fetched_us, int64_t now_us);

/* Somebody may be fetching it. */
bool revocation_fetch_is_tried(const struct revocation_feed *f, int64_t now_us);

/*
 * Fetch it, and keep what it tells, if that is a whole list.  A failure is
 * logged.  Blocks up to "limit_ms" for the server.
 */
void revocation_fetch(const struct revocation_feed *f, unsigned limit_ms);

#endif
