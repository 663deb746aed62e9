/*
 * answer - the one place where refusals get their form.
 *
 * Every refusal, from 400 to 504, has the same shape: a JSON body in the
 * API's error format, Cache-Control: no-store, X-Content-Type-Options:
 * nosniff, and whatever its status demands: WWW-Authenticate, Allow,
 * Retry-After, RateLimit.
 */
#ifndef MGW_POLICY_ANSWER_H
#define MGW_POLICY_ANSWER_H

#include "policy/decide.h"

struct answer {
	unsigned status;
	struct span headers; /* lines with CRLF, Content-Type included, */
			     /* Status and Content-Length not */
	struct span body;    /* to be left out for HEAD */
};

/*
 * The answer to a request that "v" refuses, or to a preflight that it
 * allows; in the request's arena.  Never fails: without memory it is a
 * fixed text with the right status, which for a preflight is 500.
 */
void answer_make(const struct policy *p, const struct request *r,
    const struct ruling *v, struct answer *a);

/* {"status":"healthy"}, for health-path. */
void answer_health(struct answer *a);

#endif
