/*
 * upstream - see upstream.h.
 *
 * Which endpoint a request goes to, over which connection, whether it may
 * be tried again, and whether the connection is kept.
 */
#include "fcgi/upstream.h"

#include <poll.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/balance.h"
#include "fcgi/grant.h"
#include "fcgi/health.h"
#include "fcgi/passing.h"
#include "fcgi/transfer.h"

static void
begin(struct transfer *t, struct connection *c, bool kept, struct span head)
{
	t->connection = c;
	t->kept = kept;
	t->head = head;
	t->stopped = false;
	t->written = false;
	t->moved_us = clock_mono_us();
}

/*
 * Whether a request may be sent once more: when no byte of it was, or when
 * it has no body and asking twice is asking once (RFC 9110 section 9.2.2).
 * That holds for PUT and DELETE too, but the answer to the second may say
 * that there is nothing left to delete: those only where the policy says
 * that requests are to be sent again.
 */
static bool
may_repeat(const struct transfer *t, bool sent)
{
	static const char *const safe[] = { "GET", "HEAD", "OPTIONS", NULL };
	static const char *const idempotent[] = { "GET", "HEAD", "OPTIONS",
		"PUT", "DELETE", NULL };
	const struct request *r = t->call->request;

	return !sent ||
	    (r->body_length == 0 &&
		span_is_one_of(r->method,
		    t->call->backend->retry != NULL ? idempotent : safe));
}

static bool
open_fresh(struct transfer *t, struct span head, struct connection **c)
{
	const struct connect_call q = { .backend = t->call->backend,
		.outside = t->call->policy->outside,
		.until_us = t->total_until_us,
		.client_fd = exchange_fd(t->call->exchange),
		.head = head };
	struct connect_problem problem = { .why = "" };

	switch (connection_open(&q, c, &problem)) {
	case CONNECT_OK:
		return true;
	case CONNECT_FAILED:
		refuse(t->decision, REASON_UPSTREAM_CONNECT,
		    SPAN("backend not reachable"));
		break;
	case CONNECT_TIMEOUT:
		refuse(t->decision, REASON_UPSTREAM_TIMEOUT,
		    SPAN("no connection in time"));
		break;
	case CONNECT_LEFT:
		return refuse(
		    t->decision, REASON_BAD_REQUEST, SPAN("the client left"));
	case CONNECT_FAULT:
		refuse(t->decision, REASON_FAULT, SPAN("no connection"));
		break;
	}
	t->decision->proxy_error = problem.type;
	log_warn("reason=%s backend=%.*s id=%.*s error=%.*s %s",
	    reason_word(t->decision->reason), SPAN_ARG(t->origin),
	    SPAN_ARG(t->call->request->id), SPAN_ARG(problem.type),
	    problem.why);
	return false;
}

/* Keep or close the connection, as the transfer left it. */
static void
release(struct transfer *t, struct origin *o, enum progress p)
{
	bool clean = p == ANSWERED && t->body.reusable && transfer_sent(t) &&
	    !t->stopped && !t->surplus && connection_may_be_kept(t->connection);

	if (clean)
		kept_give(t->call->upstreams, o, t->connection);
	else
		connection_close(t->connection);
	t->connection = NULL;
}

/* Over a kept connection if there is one, then once over a fresh one. */
static enum progress
run_on_some(struct transfer *t, struct origin *o, struct span head)
{
	struct connection *c = kept_take(t->call->upstreams, o);
	enum progress p;

	if (c != NULL) {
		begin(t, c, true, head);
		p = transfer_run(t);
		release(t, o, p);
		if (p != DIED)
			return p;
		if (!may_repeat(t, t->written))
			return transfer_fail(t, REASON_UPSTREAM_BROKEN,
			    "closed without an answer");
	}
	if (!open_fresh(t, head, &c))
		return REFUSED;
	begin(t, c, false, head);
	p = transfer_run(t);
	release(t, o, p);
	return p;
}

/* One request on its way through the endpoints of its list. */
struct tries {
	struct upstream_call call; /* with the endpoint at hand */
	struct transfer t;
	unsigned n;      /* attempts begun */
	unsigned rounds; /* through the whole list */
	bool probe;      /* this attempt shows how a breaker's endpoint is */
	int64_t wait_us; /* until some breaker may be asked again */
	struct backend limited; /* the endpoint at hand, if the operation
				   has limits of its own */
};

/* So many repeats may be made at once, and then a share of all requests. */
#define BUDGET_MAX (100 * 100)
#define BUDGET_PERCENT 20

/* Others of the list may take what is too much for one. */
static bool
is_full(const struct upstream_call *c, const struct backend *b)
{
	enum balance balance = c->pick->set->balance;

	return c->most_in_flight > 0 && b->life != NULL &&
	    (balance == BALANCE_ROUND_ROBIN || balance == BALANCE_LEAST) &&
	    atomic_load(&b->life->in_flight) >= c->most_in_flight;
}

static bool
is_up(void *arg, const struct backend *b)
{
	struct tries *y = arg;

	return !is_full(&y->call, b) &&
	    health_usable(&y->call, b, false, &y->wait_us);
}

static bool
is_not_open(void *arg, const struct backend *b)
{
	struct tries *y = arg;

	return health_usable(&y->call, b, true, &y->wait_us);
}

/* The next endpoint, or false: none may be asked. */
static bool
choose(struct tries *y)
{
	struct pick *p = y->call.pick;

	if (p == NULL)
		return y->n == 0;
	for (;;) {
		y->call.backend = balance_next(p, is_up, y);
		/* Better one that was set aside than none. */
		if (y->call.backend == NULL)
			y->call.backend = balance_next(p, is_not_open, y);
		if (y->call.backend == NULL)
			return false;
		y->call.backend = balance_limit(y->call.backend,
		    y->call.ruling->match.operation, &y->limited);
		if (health_claim(
			&y->call, y->call.backend, &y->probe, &y->wait_us))
			return true;
	}
}

static const struct row_retry *
rule_of(const struct tries *y)
{
	return y->call.backend != NULL ? y->call.backend->retry : NULL;
}

static unsigned
most_tries(const struct tries *y)
{
	const struct row_retry *rule = rule_of(y);

	if (y->call.pick == NULL)
		return 1;
	return rule != NULL ? rule->count + 1 : y->call.pick->set->n;
}

/* Each request adds to what may be repeated; a repeat takes from it. */
static bool
spend(const struct tries *y, bool repeat)
{
	const struct row_retry *rule = rule_of(y);
	int percent = rule != NULL ? (int)rule->budget_percent : BUDGET_PERCENT;
	_Atomic int *spent = &y->call.pick->set->spent;
	int old = atomic_load(spent), new;

	do {
		new = repeat ? old + 100 : old - percent;
		if (new < 0)
			new = 0;
		if (repeat && new > BUDGET_MAX)
			return false;
	} while (!repeat && new != old &&
	    !atomic_compare_exchange_weak(spent, &old, new));
	if (repeat)
		atomic_fetch_add(spent, 100);
	return true;
}

/* How long before the list is gone through once more. */
static int64_t
back_off_us(const struct tries *y)
{
	const struct row_retry *rule = rule_of(y);
	uint64_t ms;

	if (rule == NULL)
		return 0;
	ms = rule->interval_ms;
	for (unsigned i = 1; i < y->rounds && ms < rule->max_interval_ms; i++)
		ms = ms * rule->factor_milli / 1000;
	if (ms > rule->max_interval_ms)
		ms = rule->max_interval_ms;
	return (int64_t)ms * US_PER_MS;
}

/* False: the client left, or there is no time. */
static bool
back_off(struct tries *y)
{
	struct pollfd p = { .fd = exchange_fd(y->call.exchange),
		.events = POLLRDHUP };
	int64_t us = back_off_us(y);

	if (clock_mono_us() + us >= y->t.total_until_us)
		return false;
	return us == 0 || poll(&p, 1, (int)(us / US_PER_MS)) == 0;
}

/* What failed could be tried again, by its kind and by the rules. */
static bool
may_try_again(struct tries *y, enum progress p)
{
	struct pick *pick = y->call.pick;
	bool failed = p == REJECTED ||
	    (p == REFUSED &&
		(y->t.decision->reason == REASON_UPSTREAM_CONNECT ||
		    y->t.decision->reason == REASON_UPSTREAM_TIMEOUT ||
		    y->t.decision->reason == REASON_UPSTREAM_BROKEN));

	if (!failed || y->n >= most_tries(y) || !may_repeat(&y->t, y->t.sent) ||
	    clock_mono_us() >= y->t.total_until_us)
		return false;
	if (balance_left(pick) > 0)
		return !y->t.sent || spend(y, true);
	if (rule_of(y) == NULL || !spend(y, true))
		return false;
	y->rounds++;
	pick->tried = 0;
	return back_off(y);
}

/* The last attempt passes on whatever status the backend has. */
static const struct row_retry *
statuses_to_repeat(const struct tries *y)
{
	const struct row_retry *rule = rule_of(y);

	return rule != NULL && y->n < most_tries(y) && may_repeat(&y->t, true)
	    ? rule
	    : NULL;
}

static enum health_outcome
outcome_of(const struct tries *y, enum progress p)
{
	const struct backend *b = y->call.backend;
	unsigned status = y->call.meter->upstream_status;

	if (p == REFUSED && y->t.decision->reason == REASON_UPSTREAM_CONNECT)
		return HEALTH_BAD;
	if (y->t.failed || p == REJECTED ||
	    (p == REFUSED && y->t.decision->reason == REASON_UPSTREAM_TIMEOUT))
		return HEALTH_BAD;
	if (p != ANSWERED)
		return HEALTH_UNKNOWN;
	if (b->breaker != NULL && b->breaker->statuses.n > 0)
		return transfer_has_status(
			   y->call.policy->bundle, b->breaker->statuses, status)
		    ? HEALTH_BAD
		    : HEALTH_GOOD;
	return status >= 502 && status <= 504 ? HEALTH_BAD : HEALTH_GOOD;
}

/* Which of our certificates the endpoint sees; 0: none. */
static uint64_t
certificate_of(const struct upstream_call *c)
{
	const struct row_security *s = c->backend->security;
	const struct outside *w = c->policy->outside;
	struct source source;

	if (s == NULL || s->certificate == ROW_NONE || w == NULL ||
	    w->source(w->world, s->certificate, &source) != SOURCE_OK)
		return 0;
	return source.generation;
}

/* The token for the endpoint at hand, if it wants one; false: refused. */
static bool
get_token(struct tries *y, struct span refused)
{
	struct upstream_call *c = &y->call;
	const struct row_security *s = c->backend->security;
	struct decision *d = y->t.decision;

	if (s == NULL || s->auth != BACKEND_AUTH_OAUTH2)
		return true;
	switch (grant_get(c->grants, c->policy->outside, c->policy->bundle,
	    c->backend, refused, c->request->arena, &c->token)) {
	case GRANT_OK:
		return true;
	case GRANT_DOWN:
		return refuse(d, REASON_UPSTREAM_CONNECT,
		    SPAN("no token for the backend"));
	case GRANT_BUSY:
		return refuse(
		    d, REASON_OVERLOADED, SPAN("too many wait for a token"));
	default:
		return refuse(d, REASON_FAULT, SPAN("cannot ask for a token"));
	}
}

/* The backend does not take our token: is there another one? */
static bool
renew(struct transfer *t)
{
	struct tries *y =
	    (struct tries *)(void *)((char *)t - offsetof(struct tries, t));
	struct decision before = *t->decision;

	if (get_token(y, y->call.token))
		return true;
	*t->decision = before;
	return false;
}

static bool
has_token(const struct upstream_call *c)
{
	return c->backend->security != NULL &&
	    c->backend->security->auth == BACKEND_AUTH_OAUTH2;
}

/* Once, and once more with a new token where that is possible. */
static enum progress
run_with_token(struct tries *y, struct origin *o)
{
	struct transfer *t = &y->t;
	enum progress p = REFUSED;
	struct span head;

	if (!get_token(y, (struct span){ NULL, 0 }))
		return REFUSED;
	t->renew = has_token(&y->call) && may_repeat(t, true) ? renew : NULL;
	do {
		t->received = false;
		t->surplus = false;
		t->n_in = 0;
		t->interims = 0;
		if (!passing_request_head(&y->call, &head, t->decision))
			return REFUSED;
		p = run_on_some(t, o, head);
		t->renew = NULL;
	} while (p == STALE);
	return p;
}

/* One attempt at the endpoint at hand. */
static enum progress
attempt(struct tries *y)
{
	const struct backend *b = y->call.backend;
	struct transfer *t = &y->t;
	struct origin *o =
	    kept_origin(y->call.upstreams, b, certificate_of(&y->call));
	enum progress p = REFUSED;

	y->n++;
	t->failed = false;
	t->again = statuses_to_repeat(y);
	y->call.meter->upstream_status = 0;
	if (o == NULL) {
		refuse(t->decision, REASON_FAULT, SPAN("out of memory"));
		return REFUSED;
	}
	t->origin = y->call.meter->backend = kept_origin_name(o);
	if (b->life != NULL)
		atomic_fetch_add(&b->life->in_flight, 1);
	p = run_with_token(y, o);
	if (b->life != NULL)
		atomic_fetch_sub(&b->life->in_flight, 1);
	return p;
}

static bool
refuse_open(struct tries *y)
{
	struct decision *d = y->t.decision;

	refuse(d, REASON_BREAKER_OPEN, SPAN("the backend is being spared"));
	d->retry_after_s = (uint32_t)(y->wait_us / US_PER_S) + 1;
	return false;
}

static enum progress
try_all(struct tries *y)
{
	enum progress p = REFUSED;

	if (y->call.pick != NULL)
		(void)spend(y, false); /* gives, and so cannot fail */
	do {
		if (!choose(y)) {
			/* After a failure that one is told. */
			if (y->n == 0)
				(void)refuse_open(y);
			return REFUSED;
		}
		if (y->n == 0 && y->call.backend->total_ms > 0)
			y->t.total_until_us = clock_mono_us() +
			    y->call.backend->total_ms * US_PER_MS;
		p = attempt(y);
		health_tell(
		    &y->call, y->call.backend, y->probe, outcome_of(y, p));
	} while (may_try_again(y, p));
	return p == REJECTED ? REFUSED : p;
}

bool
upstream_run(const struct upstream_call *c, bool *whole, struct decision *d)
{
	const struct request *r = c->request;
	int64_t start_us = clock_mono_us();
	struct tries y = { .call = *c,
		.t = { .decision = d,
		    .body_read = r->body_length == 0,
		    .total_until_us = INT64_MAX } };
	enum progress p;

	*whole = false;
	y.t.call = &y.call;
	if (r->body_length > 0)
		y.t.left_bytes = (uint64_t)r->body_length;
	if (y.t.left_bytes > c->max_body_bytes)
		return refuse(d, REASON_BODY_TOO_LARGE, SPAN("body too large"));
	y.t.lane = kept_lane_get(c->upstreams);
	if (y.t.lane == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	p = try_all(&y);
	kept_lane_put(c->upstreams, y.t.lane);
	c->meter->backend_us = clock_mono_us() - start_us;
	*whole = p == ANSWERED;
	if (p == ANSWERED || p == CUT)
		*d = (struct decision){ .reason = REASON_NONE };
	return p != REFUSED;
}
