/*
 * upstream - see upstream.h.
 *
 * Which connection a request takes, whether it may be tried again, and
 * whether the connection is kept.
 */
#include "fcgi/upstream.h"

#include "base/clock.h"
#include "base/log.h"
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
 * Whether a request may be sent once more after a kept connection died
 * under it: when no byte of it was written, or when it has no body and
 * asking twice is asking once (RFC 9110 section 9.2.2).
 */
static bool
may_repeat(const struct transfer *t)
{
	struct span method = t->call->request->method;

	if (!t->written)
		return true;
	return t->call->request->body_length == 0 &&
	    (span_eq(method, SPAN("GET")) || span_eq(method, SPAN("HEAD")) ||
		span_eq(method, SPAN("OPTIONS")));
}

static bool
open_fresh(struct transfer *t, struct connection **c)
{
	char why[160] = "";

	switch (connection_open(t->call->backend, t->total_until_us,
	    exchange_fd(t->call->exchange), c, why, sizeof(why))) {
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
	log_warn("reason=%s backend=%.*s id=%.*s %s",
	    reason_word(t->decision->reason), SPAN_ARG(t->origin),
	    SPAN_ARG(t->call->request->id), why);
	return false;
}

/* Keep or close the connection, as the transfer left it. */
static void
release(struct transfer *t, struct origin *o, enum progress p)
{
	bool clean = p == ANSWERED && t->body.reusable && transfer_sent(t) &&
	    !t->stopped && !t->surplus;

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
		if (!may_repeat(t))
			return transfer_fail(t, REASON_UPSTREAM_BROKEN,
			    "closed without an answer");
	}
	if (!open_fresh(t, &c))
		return REFUSED;
	begin(t, c, false, head);
	p = transfer_run(t);
	release(t, o, p);
	return p;
}

bool
upstream_run(const struct upstream_call *c, bool *whole, struct decision *d)
{
	const struct request *r = c->request;
	int64_t start_us = clock_mono_us();
	enum progress p = REFUSED;
	struct transfer t = { .call = c,
		.decision = d,
		.body_read = r->body_length == 0,
		.total_until_us = INT64_MAX };
	struct origin *o = kept_origin(c->upstreams, c->backend);
	struct span head;

	*whole = false;
	if (o == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	t.origin = c->meter->backend = kept_origin_name(o);
	if (r->body_length > 0)
		t.left_bytes = (uint64_t)r->body_length;
	if (t.left_bytes > c->max_body_bytes)
		return refuse(d, REASON_BODY_TOO_LARGE, SPAN("body too large"));
	if (c->backend->total_ms > 0)
		t.total_until_us = start_us + c->backend->total_ms * US_PER_MS;
	if (!passing_request_head(c, &head, d))
		return false;
	t.lane = kept_lane_get(c->upstreams);
	if (t.lane == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	p = run_on_some(&t, o, head);
	kept_lane_put(c->upstreams, t.lane);
	c->meter->backend_us = clock_mono_us() - start_us;
	*whole = p == ANSWERED;
	return p != REFUSED;
}
