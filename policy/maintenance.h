/*
 * maintenance - an API that is closed for a while.
 *
 * The bundle (mgw.yaml), mgw.conf or, while the gate runs, a rule of
 * control.h closes an API: every request to it is refused, whoever asks,
 * and no credential is looked at.  What the gate answers itself, such as
 * its health path and preflights, goes on.
 */
#ifndef MGW_POLICY_MAINTENANCE_H
#define MGW_POLICY_MAINTENANCE_H

#include "policy/decide.h"

/* What a client is told to wait where nobody says how long. */
#define MAINTENANCE_DEFAULT_S 60
#define MAINTENANCE_MAX_S API_MAINTENANCE_S_MAX

/* Whether an API is closed.  False: it is open. */
bool maintenance_is_on(const struct policy *p, const struct request *r,
    const struct match *m, struct decision *d);

#endif
