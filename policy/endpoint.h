/*
 * endpoint - which list of endpoints a request goes to.
 *
 * An API, and each of its operations, has up to two: for production, and
 * as a sandbox.  The key type of the credential says which; a request
 * never goes to the other one because its own is missing.
 */
#ifndef MGW_POLICY_ENDPOINT_H
#define MGW_POLICY_ENDPOINT_H

#include "policy/outside.h"
#include "policy/principal.h"
#include "policy/route.h"

/*
 * The list that the bundle has for a match: the operation's, else the
 * API's.  n == 0: none.
 */
struct range endpoint_list(const struct match *m, bool sandbox);

/* His key type is that of sandboxes. */
bool endpoint_is_sandbox(const struct principal *who);

/*
 * Which list the caller is to have: that of its key type, or production
 * where the credential tells none.  False: claim-refused, for a type that
 * is not known, or that the API has no endpoints of while it has others.
 */
bool endpoint_choose(const struct outside *world, const struct match *m,
    const struct principal *who, bool *sandbox, struct decision *d);

/* Part of bundle_check: lengths, and that a list is balanced in one way. */
bool endpoint_lists_ok(const struct bundle *b);

/* The same: of checks, that a request can be made of them. */
bool endpoint_checks_ok(const struct bundle *b);

#endif
