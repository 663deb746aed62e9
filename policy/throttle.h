/*
 * throttle - limits on how much one API, operation or caller may do.
 *
 * Levels are charged in one call, all or none: API, operation,
 * subscription, application, subject, or address for who has no
 * credential.  What was charged is the receipt; every way out of a request
 * settles it.  Counters are found by names that survive a rebuild of the
 * bundle (API title and version, method and template, issuer and subject),
 * and hold no limit themselves, so that a changed limit applies at once to
 * what was already used.
 */
#ifndef MGW_POLICY_THROTTLE_H
#define MGW_POLICY_THROTTLE_H

#include "policy/outside.h"
#include "policy/principal.h"
#include "policy/route.h"

/* Eight levels with several limits each; more is an import error. */
#define TAKES_MAX 16

struct receipt {
	struct take takes[TAKES_MAX];
	const struct row_tier *tiers[TAKES_MAX]; /* of each take */
	const char *levels[TAKES_MAX]; /* "api", "operation", "subject" ... */
	bool own[TAKES_MAX]; /* counts this caller alone: may be told to him */
	const struct bundle *bundle;
	unsigned n;
	unsigned n_spikes; /* the first: of backends, not of callers */
	bool charged;
};

/* Fill in the window of "t" at "now_us" when its limit goes by a calendar. */
void throttle_set_window(
    const struct bundle *b, struct take *t, int64_t now_us);

/* How many parts of a take's name a part of a key fills. */
unsigned throttle_key_parts(enum key_by kind);

enum outcome {
	OUTCOME_ANSWERED, /* a backend's answer went to the client */
	OUTCOME_REFUSED,  /* refused after throttling */
	OUTCOME_ABORTED,  /* the client left */
};

/*
 * Charge every level that "m" and "who" ask for: the API's tier, the
 * operation's (unless API_TIER_REPLACES says that the API's stands in its
 * place), and the caller's, which the credential names, or else the LEVEL
 * rows.  Each counts under the key of its tier, else of its LEVEL row, else
 * under what the level is called.  Limits on bytes are only asked whether
 * any are left.
 *
 * What backends may be sent in all (SPIKE rows) is charged with it.
 *
 * False: rate-exceeded (all limits that refuse have a period of a minute
 * or less), overloaded (only a SPIKE refuses), quota-exceeded, claim-refused
 * (the credential names a tier that the bundle lacks, and no LEVEL_UNKNOWN is
 * there; "Unlimited" needs no row), or fault.  Then nothing is charged; where
 * limits refused, the receipt still tells them for the answer's headers.
 */
bool throttle_take(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct match *m, const struct principal *who,
    struct receipt *receipt, struct decision *d);

/*
 * The take that the answer and the event speak of: the one that refuses
 * and makes the client wait longest, of the caller's rather than of
 * backends; else one that is over its quota and passed.  -1: none.
 */
int throttle_culprit(const struct receipt *receipt);

/*
 * The end of a request, on every way out.  A request that was let pass
 * counts whatever became of it; "bytes" of its bodies, both ways, are
 * charged to the limits that count them.  Once; a second call does nothing.
 */
void throttle_settle(const struct outside *world, struct receipt *receipt,
    int64_t now_us, uint64_t bytes, enum outcome outcome);

/*
 * What the bundle's settings ask for of RateLimit-Policy and RateLimit
 * (IETF draft-ietf-httpapi-ratelimit-headers) and X-RateLimit-*, as header
 * lines, each with CRLF: of the limits that count this caller alone, since
 * what others do is not his to know.  A policy has its tier's name, with
 * level and period added where one tier stands at two levels or has two
 * limits.
 */
void throttle_write_headers(
    const struct bundle *b, const struct receipt *receipt, struct buf *to);

#endif
