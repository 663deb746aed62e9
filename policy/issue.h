/*
 * issue - API keys made for users by the gate itself, as WSO2's does.
 *
 * The operation is one of a built-in API, behind a scheme of users and a
 * limit of its own, and only over TLS; what it answers is the bare key.
 */
#ifndef MGW_POLICY_ISSUE_H
#define MGW_POLICY_ISSUE_H

#include "policy/answer.h"

/* The most bytes of what a user may send: {"validityTime":600}. */
#define ISSUE_BODY_MAX 1024

/* The row by which "api" makes keys; NULL: it does not. */
const struct row_issue *issue_of(
    const struct bundle *b, const struct row_api *api);

/*
 * The request came by TLS, as the web server says; false: https-required.
 */
bool issue_is_private(const struct request *r, struct decision *d);

/*
 * "validityTime" of the JSON object "body", in seconds, becomes "*life_s"
 * where it is shorter.  Nothing at all is as {}.  False: it is no such
 * object, or the arena is full.
 */
bool issue_read_life(struct span body, struct arena *a, uint32_t *life_s);

/*
 * The answer with a key for the user of "v", who may ask for a shorter
 * life in "body".  False: bad-request, or fault.
 */
bool issue_make(const struct policy *p, const struct request *r,
    const struct ruling *v, struct span body, struct answer *a,
    struct decision *d);

/*
 * The key to sign with fits, and its issuer's keys verify what it signs,
 * where they are there; false with "why".
 */
bool issue_check(const struct policy *p, char *why, size_t why_size);

#endif
