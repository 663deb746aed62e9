/*
 * decide - may this request pass?
 *
 * The column of checks that every request walks down, in this order:
 * clock, shape, route, preflight, deny, maintenance, attempts, issue (who
 * wants an API key comes by https), authenticate and authorize, deny by who
 * it is, application and groups, endpoint, body, changes, throttle.  Each is
 * one call in decide.c; the first that says no ends it.  One that is not
 * configured for what was asked costs a look at a row.  The gate and
 * mgw-spec explain run this very function.
 */
#ifndef MGW_POLICY_DECIDE_H
#define MGW_POLICY_DECIDE_H

#include "policy/change.h"
#include "policy/outside.h"
#include "policy/principal.h"
#include "policy/request.h"
#include "policy/route.h"
#include "policy/throttle.h"

struct policy {
	const struct bundle *bundle;
	const struct outside *outside;
	struct request_rules rules;
	/* Of each API, as mgw.conf closes it, or 0; NULL: none. */
	const uint32_t *maintenance_s;
};

/* What decide() found, for the answer, the backend and the event. */
struct ruling {
	struct match match;
	struct principal who;
	struct receipt receipt;
	struct change change;     /* what is sent and answered instead */
	struct decision decision; /* REASON_NONE when allowed */
	bool sandbox;             /* goes to the sandbox's endpoints */
	bool preflight; /* allowed, and answered by us: 204 with Allow */
	const struct row_issue *issue; /* allowed, and answered: with a key */
};

/*
 * True: send the request on, or answer the preflight.  False:
 * v->decision says why.  Either way the receipt is to be settled.
 */
bool decide(const struct policy *p, struct request *r, struct ruling *v);

/*
 * The most bytes of body a match may bring: the operation's, else the
 * API's, else the bundle's; UINT64_MAX: no limit.
 */
uint64_t decide_max_body(const struct bundle *b, const struct match *m);

#endif
