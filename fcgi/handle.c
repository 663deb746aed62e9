/*
 * handle - see handle.h.
 */
#include "fcgi/handle.h"

#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"
#include "policy/answer.h"
#include "policy/meter.h"

/* Most requests fit into the first; the second bounds any of them. */
#define ARENA_FIRST (16 * 1024)
#define ARENA_MAX (4 * 1024 * 1024)
#define RETRY_AFTER_S 1

/* Everything about the request at hand, on the worker's stack. */
struct handling {
	const struct gate *gate;
	struct exchange *exchange;
	const struct generation *generation;
	struct arena arena;
	struct request request;
	struct ruling ruling;
	struct meter meter;
	bool whole; /* the answer */
};

/* 32 hexadecimal digits that nobody can guess. */
static struct span
make_id(struct arena *a)
{
	static _Thread_local struct siphash_key key;
	static _Thread_local uint64_t n;
	struct hash128 h;

	if (n == 0 && getrandom(&key, sizeof(key), 0) != sizeof(key))
		key.k0 = (uint64_t)clock_wall_us();
	n++;
	h = siphash_128(&key, span_of(&n, sizeof(n)));
	return arena_printf(a, "%016llx%016llx", (unsigned long long)h.hi,
	    (unsigned long long)h.lo);
}

static void
begin(struct handling *h, const struct gate *gate, struct exchange *x)
{
	struct request *r = &h->request;

	*h = (struct handling){ .gate = gate,
		.exchange = x,
		.whole = true,
		.meter = { .start_us = clock_mono_us(), .node = gate->node } };
	arena_init(&h->arena, ARENA_FIRST, ARENA_MAX);
	h->generation = live_get(gate->live);
	r->params = exchange_params(x, &r->n_params);
	r->arena = &h->arena;
	r->now_us = clock_wall_us();
	r->id = make_id(&h->arena);
}

/* An answer of our own: status, headers and body of "a". */
static void
send_answer(struct handling *h, const struct answer *a)
{
	struct exchange *x = h->exchange;
	struct buf b;

	buf_init(&b, a->headers.n + 128);
	buf_add(&b, a->headers);
	buf_add_str(&b, "X-Request-Id: ");
	buf_add(&b, h->request.id);
	/* RFC 9110 section 8.6: never with 204. */
	if (a->status != 204) {
		buf_add_str(&b, "\r\nContent-Length: ");
		buf_add_u64(&b, a->body.n);
	}
	buf_add_str(&b, "\r\n");
	h->meter.status = a->status;
	h->whole = !b.failed && exchange_head(x, a->status, buf_span(&b)) &&
	    exchange_write_last(x, a->body);
	h->meter.bytes_out = exchange_has_body(x) ? a->body.n : 0;
	buf_fini(&b);
}

/* The answer to what the ruling refuses, or to a preflight. */
static void
send_ruling(struct handling *h)
{
	struct answer a;

	answer_make(&h->generation->policy, &h->request, &h->ruling, &a);
	send_answer(h, &a);
}

/* The web server asks whether we live, before anything is decided. */
static bool
is_health(const struct handling *h)
{
	struct span target = request_param(&h->request, SPAN("REQUEST_URI"));
	const char *path = h->gate->config->health_path;

	return path != NULL && target.p != NULL &&
	    span_eq(span_cut(&target, '?'), span_str(path));
}

/* What the event tells of a request that was not read. */
static void
read_little(struct request *r)
{
	r->method = request_param(r, SPAN("REQUEST_METHOD"));
	r->target = request_param(r, SPAN("REQUEST_URI"));
	r->address = request_param(r, SPAN("REMOTE_ADDR"));
	r->host = request_param(r, SPAN("HTTP_HOST"));
	r->protocol = request_param(r, SPAN("SERVER_PROTOCOL"));
}

static void
send_health(struct handling *h)
{
	struct answer a;

	read_little(&h->request);
	answer_health(&a);
	send_answer(h, &a);
}

static bool
is_proxied(const struct handling *h, struct span address)
{
	const struct config *c = h->gate->config;

	return network_has(c->trusted_proxies, c->n_trusted_proxies, address);
}

/*
 * Whose share of the workers this takes.  Behind a trusted proxy it is
 * the client's that the proxy names: all would share one, else.
 */
static uint64_t
address_key(const struct handling *h)
{
	const struct request *r = &h->request;
	struct span address = request_param(r, SPAN("REMOTE_ADDR"));
	struct span list = request_param(r, SPAN("HTTP_X_FORWARDED_FOR"));

	if (list.n > 0 && is_proxied(h, address))
		while (list.p != NULL)
			address = span_trim(span_cut(&list, ','));
	return share_key_address(address);
}

static void
keys_of(const struct handling *h, const struct match *m,
    const struct backend *backend, struct share_keys *k)
{
	const struct bundle *b = h->generation->policy.bundle;

	if (m->api != NULL && bundle_n(b, SECTION_API) > 1)
		k->key[SHARE_API] = share_key(span_of(m->api, sizeof(*m->api)));
	if (backend != NULL && bundle_n(b, SECTION_ENDPOINT) > 1)
		k->key[SHARE_BACKEND] = share_key(backend->url);
}

static bool
refuse_with(struct handling *h, enum reason reason, struct span detail)
{
	return refuse(&h->ruling.decision, reason, detail);
}

/* Send the request to its backend; false: refused. */
static bool
pass_on(struct handling *h, struct share_slot *slot)
{
	struct ruling *v = &h->ruling;
	const struct policy *p = &h->generation->policy;
	struct share_keys k = { { 0 } };
	struct upstream_call call = { .upstreams = h->gate->upstreams,
		.policy = p,
		.request = &h->request,
		.ruling = v,
		.backend = live_backend(h->generation, &v->match),
		.exchange = h->exchange,
		.proxied = is_proxied(h, h->request.address),
		.meter = &h->meter,
		.max_body_bytes = decide_max_body(p->bundle, &v->match) };

	if (h->request.body_length > 0 &&
	    (uint64_t)h->request.body_length > call.max_body_bytes)
		return refuse_with(h, REASON_BODY_TOO_LARGE, SPAN(""));
	if (call.backend == NULL)
		return refuse_with(h, REASON_UPSTREAM_CONNECT,
		    SPAN("no endpoint is configured"));
	if (slot != NULL) {
		k.key[SHARE_ADDRESS] = address_key(h);
		keys_of(h, &v->match, call.backend, &k);
		share_note(slot, &k);
	}
	return upstream_run(&call, &h->whole, &v->decision);
}

/* How throttling is to see what became of the request. */
static enum outcome
outcome_of(const struct handling *h)
{
	if (h->ruling.decision.reason != REASON_NONE)
		return OUTCOME_REFUSED;
	return h->whole ? OUTCOME_ANSWERED : OUTCOME_ABORTED;
}

/* On every way out, once: settle, event, counters. */
static bool
end(struct handling *h)
{
	const struct policy *p = &h->generation->policy;
	struct ruling *v = &h->ruling;
	struct span api = { NULL, 0 }, version;
	struct buf line;

	throttle_settle(p->outside, &v->receipt, clock_wall_us(),
	    h->meter.bytes_in + h->meter.bytes_out, outcome_of(h));
	buf_init(&line, EVENT_BYTES_MAX);
	meter_write(p, &h->request, v, &h->meter, &line);
	events_put(h->gate->events, buf_span(&line));
	buf_fini(&line);
	if (v->match.api != NULL) {
		api = bundle_text(p->bundle, v->match.api->title);
		version = bundle_text(p->bundle, v->match.api->version);
		api = arena_printf(
		    &h->arena, "%.*s/%.*s", SPAN_ARG(api), SPAN_ARG(version));
	}
	log_debug("request=%.*s %.*s %.*s status=%u reason=%s",
	    SPAN_ARG(h->request.id), SPAN_ARG(h->request.method),
	    SPAN_ARG(h->request.path), h->meter.status,
	    reason_word(v->decision.reason));
	state_count(h->gate->state, api, v->decision.reason,
	    (uint64_t)(clock_mono_us() - h->meter.start_us));
	live_put(h->gate->live, h->generation);
	arena_fini(&h->arena);
	return h->whole;
}

bool
handle(const struct gate *gate, struct exchange *x, struct share_slot *slot)
{
	struct handling h;
	bool passed;

	begin(&h, gate, x);
	if (exchange_role(x) != ROLE_RESPONDER) {
		/* Anything but an explicit status would let it through. */
		read_little(&h.request);
		refuse_with(&h, REASON_NO_VERIFIER,
		    SPAN("only the RESPONDER role is served"));
		send_ruling(&h);
	} else if (is_health(&h)) {
		send_health(&h);
	} else {
		passed = decide(&h.generation->policy, &h.request, &h.ruling);
		h.meter.policy_us = clock_mono_us() - h.meter.start_us;
		if (!passed || h.ruling.preflight || !pass_on(&h, slot))
			send_ruling(&h);
	}
	return end(&h);
}

bool
handle_overload(const struct gate *gate, struct exchange *x)
{
	struct handling h;

	begin(&h, gate, x);
	read_little(&h.request);
	refuse_with(&h, REASON_OVERLOADED, SPAN(""));
	h.ruling.decision.retry_after_s = RETRY_AFTER_S;
	send_ruling(&h);
	return end(&h);
}

void
handle_keys(const struct gate *gate, struct exchange *x, bool deep,
    struct share_keys *k)
{
	const struct policy *p;
	struct handling h;
	struct decision d;
	struct match m;

	begin(&h, gate, x);
	k->key[SHARE_ADDRESS] = address_key(&h);
	p = &h.generation->policy;
	/* What is refused takes no time: no share is asked for it. */
	if (deep && request_read(&h.request, p->bundle, &p->rules, &d) &&
	    route_match(p->bundle, &h.request, &m, &d))
		keys_of(&h, &m, live_backend(h.generation, &m), k);
	live_put(gate->live, h.generation);
	arena_fini(&h.arena);
}
