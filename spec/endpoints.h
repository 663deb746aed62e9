/*
 * endpoints - where requests go, as mgw.yaml and x-mgw-* say it.
 *
 * A URL, a list of them, or
 *
 *	urls: [https://a.example/v1, {url: https://b.example, weight: 3}]
 *	balance: round-robin | least-in-flight | hash | failover
 *	hash-by: address | subject | header:NAME | cookie:NAME
 *	timeouts: {connect: 3s, first-byte: 30s, between-bytes: 0s, total: 60s}
 *	retry: {count: 2, interval: 100ms, factor: 2, max-interval: 1s,
 *	    statuses: [503], budget: 20}
 *	spike: NAME of a tier
 *	breaker: {volume: 10, ratio: 0.5, window: 60s, reset: 10s,
 *	    statuses: [500, 502]}
 *	health-check: /path, or {path: /path, period: 10s, timeout: 2s,
 *	    healthy: 2, unhealthy: 3, statuses: [200]}
 *
 * and what reach.h has, also beside a "url".
 */
#ifndef MGW_SPEC_ENDPOINTS_H
#define MGW_SPEC_ENDPOINTS_H

#include "spec/reach.h"

/*
 * Read "n", which "what" names in messages.  A document, for which "r" is
 * NULL, may neither hold ${...} nor what reach.h has, nor URLs that are
 * none; those of mgw.yaml are judged by link.  NULL after an error.
 */
struct spec_url *endpoints_read(const struct node *n, const char *what,
    const struct keysource *r, struct diag *d);

/* A list that says nothing but its URLs; NULL: out of memory. */
struct spec_set *endpoints_set(struct diag *d);

/*
 * What a map of endpoints says of how they are asked, besides "urls" and
 * "spike"; an API itself has none of these, and who writes them there is
 * told where they belong.
 */
#define ENDPOINTS_KEYS                                                        \
	"balance", "hash-by", "timeouts", "retry", "breaker", "health-check", \
	    REACH_KEYS
void endpoints_misplaced(const struct node *api, struct diag *d);

/* A list that says nothing but these time limits; NULL: out of memory. */
struct spec_set *endpoints_times(const struct node *n, struct diag *d);

/*
 * retry.c: rules of ours, and of WSO2's advanceEndpointConfig; NULL after
 * an error.
 */
struct spec_retry *retry_read(const struct node *n, struct diag *d);
struct spec_retry *retry_read_wso2(const struct node *n, struct diag *d);
struct spec_breaker *breaker_read(const struct node *n, struct diag *d);
struct spec_breaker *breaker_read_wso2(const struct node *n, struct diag *d);

/* healthcheck.c; NULL after an error. */
struct spec_health *healthcheck_read(const struct node *n, struct diag *d);

/* Append a URL of a document if it is one. */
bool endpoints_add(struct spec_text url, bool document, struct spec_set *set,
    struct spec_url **list, struct diag *d);

#endif
