/*
 * decide - see decide.h.
 */
#include "policy/decide.h"

#include "base/clock.h"
#include "policy/application_check.h"
#include "policy/attempts.h"
#include "policy/cors.h"
#include "policy/deny.h"
#include "policy/endpoint.h"
#include "policy/issue.h"
#include "policy/maintenance.h"
#include "policy/security.h"

/*
 * A bundle cannot have been written after now.  A little more than what
 * clocks of two machines differ, when the file was copied with its time.
 */
#define CLOCK_BEHIND_US (60 * US_PER_S)

struct stage {
	const struct policy *p;
	struct request *r;
	struct ruling *v;
};

/* Tell the trace how a stage ended; returns "ok". */
static bool
note(const struct stage *s, const char *stage, bool ok)
{
	const struct outside *world = s->p->outside;
	struct decision *d = &s->v->decision;

	if (ok)
		*d = (struct decision){ .reason = REASON_NONE };
	else if (d->reason == REASON_NONE) /* no reason: we cannot tell */
		(void)refuse(d, REASON_FAULT, SPAN("refused without reason"));
	if (world->note != NULL)
		world->note(world->world, stage, -1, d->reason, d->detail);
	return ok;
}

/* With a wrong clock neither tokens nor limits can be judged. */
static bool
clock_is_right(const struct stage *s)
{
	int64_t made_us = s->p->bundle->made_us;

	if (made_us == 0 || s->r->now_us >= made_us - CLOCK_BEHIND_US)
		return true;
	return note(s, "clock",
	    refuse(&s->v->decision, REASON_FAULT,
		SPAN("the clock is behind the bundle")));
}

static bool
shape(const struct stage *s)
{
	return note(s, "shape",
	    request_read(s->r, s->p->bundle, &s->p->rules, &s->v->decision));
}

static bool
route(const struct stage *s)
{
	return note(s, "route",
	    route_match(s->p->bundle, s->r, &s->v->match, &s->v->decision));
}

/*
 * OPTIONS that no document has, and what a browser asks before a page of
 * another origin may send a request: answered here, without a credential,
 * for a browser sends none.
 */
static bool
is_preflight(const struct stage *s)
{
	return s->v->match.operation == NULL ||
	    (cors_of(s->p->bundle, s->v->match.api) != NULL &&
		cors_is_preflight(s->r));
}

static bool
preflight(const struct stage *s)
{
	s->v->preflight = note(s, "preflight",
	    cors_count_preflight(s->p->outside, s->p->bundle, s->r,
		&s->v->match, &s->v->decision));
	return s->v->preflight;
}

/* By "who", or when NULL by all that is known before. */
static bool
deny(const struct stage *s, const struct principal *who)
{
	/* Where there are no rules nothing is to be told of them. */
	return !deny_has_rules(s->p->bundle, s->r) ||
	    note(s, "deny",
		deny_check(
		    s->p->bundle, s->r, &s->v->match, who, &s->v->decision));
}

static bool
is_open(const struct stage *s)
{
	return !maintenance_is_on(s->p, s->r, &s->v->match, &s->v->decision) ||
	    note(s, "maintenance", false);
}

/* Where the backend looks at credentials, guesses are limited here. */
static bool
attempts(const struct stage *s)
{
	return s->v->match.api->attempts.n == 0 ||
	    note(s, "attempts",
		attempts_allow(s->p->outside, s->p->bundle, s->r,
		    s->v->match.api, &s->v->decision));
}

/* Passwords and keys go over TLS only, where we are who gives keys. */
static bool
privacy(const struct stage *s)
{
	const struct row_issue *row = issue_of(s->p->bundle, s->v->match.api);

	if (row == NULL)
		return true;
	s->v->issue = row;
	return note(s, "issue", issue_is_private(s->r, &s->v->decision));
}

static bool
authenticate(const struct stage *s)
{
	return note(s, "security",
	    security_check(s->p->outside, s->p->bundle, s->r, &s->v->match,
		&s->v->who, &s->v->decision));
}

static bool
application(const struct stage *s)
{
	return !application_has_rules(s->p->bundle, &s->v->match) ||
	    note(s, "application",
		application_check(
		    s->p->bundle, &s->v->match, &s->v->who, &s->v->decision));
}

static bool
endpoint(const struct stage *s)
{
	if (s->v->issue != NULL)
		return true;
	if (!endpoint_choose(s->p->outside, &s->v->match, &s->v->who,
		&s->v->sandbox, &s->v->decision))
		return note(s, "endpoint", false);
	return !s->v->sandbox || note(s, "sandbox", true);
}

/* What says its length too long is refused before it is counted. */
static bool
body(const struct stage *s)
{
	uint64_t max = decide_max_body(s->p->bundle, &s->v->match);

	if (s->r->body_length <= 0 || (uint64_t)s->r->body_length <= max)
		return true;
	return note(s, "body",
	    refuse(&s->v->decision, REASON_BODY_TOO_LARGE,
		SPAN("the body is longer than allowed here")));
}

/* What cannot be formed is refused before it is counted. */
static bool
change(const struct stage *s)
{
	struct ruling *v = s->v;

	return v->match.operation->changes.n == 0 ||
	    note(s, "changes",
		change_make(s->p->bundle, s->r, &v->match, &v->who, &v->change,
		    &v->decision));
}

static bool
throttle(const struct stage *s)
{
	return note(s, "throttle",
	    throttle_take(s->p->outside, s->p->bundle, s->r, &s->v->match,
		&s->v->who, &s->v->receipt, &s->v->decision));
}

bool
decide(const struct policy *p, struct request *r, struct ruling *v)
{
	struct stage s = { p, r, v };

	*v = (struct ruling){ .decision = { .reason = REASON_FAULT } };
	if (!clock_is_right(&s) || !shape(&s) || !route(&s))
		return false;
	if (is_preflight(&s))
		return preflight(&s);
	return deny(&s, NULL) && is_open(&s) && attempts(&s) && privacy(&s) &&
	    authenticate(&s) && deny(&s, &v->who) && application(&s) &&
	    endpoint(&s) && body(&s) && change(&s) && throttle(&s);
}

/* Import has resolved what is inherited, "none" included. */
uint64_t
decide_max_body(const struct bundle *b, const struct match *m)
{
	if (m->operation != NULL)
		return m->operation->max_body_bytes;
	if (m->api != NULL)
		return m->api->max_body_bytes;
	return bundle_settings(b, 0)->max_body_bytes;
}
