/*
 * published - documents that the gate itself serves, for anybody.
 *
 * The metadata of an API as a protected resource (RFC 9728), at the place
 * that follows from its public URL; and the public keys of assertions, at
 * a path of choice.  Nothing in them comes from the
 * request.
 */
#ifndef MGW_POLICY_PUBLISHED_H
#define MGW_POLICY_PUBLISHED_H

#include "policy/answer.h"

/*
 * The answer to GET or HEAD of "target" (a request target, as it came);
 * false: nothing is published there.
 */
bool published_find(const struct policy *p, struct span method,
    struct span target, struct arena *a, struct answer *answer);

/* The URL of the metadata of an API that has them. */
void published_metadata_url(
    const struct bundle *b, const struct row_api *api, struct buf *to);

#endif
