/*
 * deny - who is refused whatever his limits, the first level.
 *
 * Held against the rules that mgw-throttle keeps (control.h).  Looked at
 * twice: before a credential is verified, for all that can be told by
 * then, so that who is denied by his address costs nothing; and once it is
 * known who asks.
 */
#ifndef MGW_POLICY_DENY_H
#define MGW_POLICY_DENY_H

#include "policy/principal.h"
#include "policy/route.h"

/* Whether there is anything to hold the request against. */
bool deny_has_rules(const struct bundle *b, const struct request *r);

/*
 * "who" is NULL before a credential was looked at.
 * False: blocked; or verifier-down when the rules cannot be had.
 */
bool deny_check(const struct bundle *b, const struct request *r,
    const struct match *m, const struct principal *who, struct decision *d);

#endif
