/*
 * handle - see handle.h.
 */
#include "fcgi/handle.h"

#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"
#include "policy/answer.h"
#include "policy/attempts.h"
#include "policy/failure.h"
#include "policy/issue.h"
#include "policy/meter.h"
#include "policy/published.h"
#include "policy/request_id.h"

#define RETRY_AFTER_S 1
#define ID_BYTES 32
#define TRAFFIC_SAMPLE 16

/* Everything about the request at hand, on the worker's stack. */
struct handling {
	const struct gate *gate;
	struct exchange *exchange;
	const struct generation *generation;
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
	struct buf b = {
		.p = arena_alloc(a, ID_BYTES), .size = ID_BYTES, .max = ID_BYTES
	};

	if (b.p == NULL)
		return (struct span){ NULL, 0 };
	if (n == 0 && getrandom(&key, sizeof(key), 0) != sizeof(key))
		key.k0 = (uint64_t)clock_wall_us();
	n++;
	h = siphash_128(&key, span_of(&n, sizeof(n)));
	buf_add_hex64(&b, h.hi);
	buf_add_hex64(&b, h.lo);
	return buf_span(&b);
}

static void
begin(struct handling *h, const struct gate *gate, struct exchange *x)
{
	struct request *r = &h->request;

	*h = (struct handling){ .gate = gate,
		.exchange = x,
		.whole = true,
		.meter = { .start_us = clock_mono_us(), .node = gate->node } };
	h->generation = live_get(gate->live);
	r->params = exchange_params(x, &r->n_params);
	r->arena = exchange_arena(x);
	r->now_us = clock_wall_us();
	r->id = make_id(r->arena);
}

/* An answer of our own: status, headers and body of "a". */
static void
send_answer(struct handling *h, const struct answer *a)
{
	struct exchange *x = h->exchange;
	struct buf b;

	buf_init(&b, a->headers.n + 512);
	buf_add(&b, a->headers);
	buf_add(&b, request_id_name(h->generation->policy.bundle));
	buf_add_str(&b, ": ");
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
read_little(struct handling *h)
{
	struct request *r = &h->request;

	r->method = request_param(r, SPAN("REQUEST_METHOD"));
	r->target = request_param(r, SPAN("REQUEST_URI"));
	r->address = request_param(r, SPAN("REMOTE_ADDR"));
	r->host = request_param(r, SPAN("HTTP_HOST"));
	r->protocol = request_param(r, SPAN("SERVER_PROTOCOL"));
	client_find(r, &h->generation->policy.rules.client, &r->client);
}

static void
send_health(struct handling *h)
{
	struct answer a;

	read_little(h);
	answer_health(&a);
	send_answer(h, &a);
}

/* A document of our own, which no credential guards. */
static bool
send_published(struct handling *h)
{
	struct answer a;

	if (!published_find(&h->generation->policy,
		request_param(&h->request, SPAN("REQUEST_METHOD")),
		request_param(&h->request, SPAN("REQUEST_URI")),
		h->request.arena, &a))
		return false;
	read_little(h);
	send_answer(h, &a);
	return true;
}

static void
keys_of(const struct bundle *b, const struct match *m,
    const struct balance_set *set, struct share_keys *k)
{
	if (m->api != NULL && bundle_n(b, SECTION_API) > 1)
		k->key[SHARE_API] = share_key(span_of(m->api, sizeof(*m->api)));
	if (set != NULL)
		k->key[SHARE_BACKEND] = set->share;
}

/*
 * How many requests may be in progress at one endpoint of several that take
 * turns: half of what its list may have, so that one which hangs leaves the
 * others room.
 */
static unsigned
most_in_flight(const struct gate *gate, const struct balance_set *set)
{
	unsigned n = (gate->config->threads + 1) / (set->share != 0 ? 4 : 2);

	return n > 0 ? n : 1;
}

static bool
refuse_with(struct handling *h, enum reason reason, struct span detail)
{
	return refuse(&h->ruling.decision, reason, detail);
}

/* The whole body, in the arena; false: refused. */
static bool
read_body(struct handling *h, size_t max, struct span *body)
{
	char *p = arena_alloc(h->request.arena, max + 1);
	size_t n = 0;
	long got;

	if (p == NULL)
		return refuse_with(h, REASON_FAULT, SPAN("out of memory"));
	while ((got = exchange_read(h->exchange, p + n, max + 1 - n)) > 0) {
		n += (size_t)got;
		h->meter.bytes_in += (uint64_t)got;
		if (n > max)
			return refuse_with(h, REASON_BODY_TOO_LARGE,
			    SPAN("the body is longer than allowed here"));
	}
	*body = span_of(p, n);
	if (got == EXCHANGE_END)
		return true;
	return got == EXCHANGE_SLOW
	    ? refuse_with(h, REASON_BODY_TIMEOUT, SPAN("body too slow"))
	    : refuse_with(h, REASON_BAD_REQUEST, SPAN("the body broke off"));
}

/* Answer with an API key; false: refused. */
static bool
send_key(struct handling *h)
{
	struct span body;
	struct answer a;

	if (!read_body(h, ISSUE_BODY_MAX, &body) ||
	    !issue_make(&h->generation->policy, &h->request, &h->ruling, body,
		&a, &h->ruling.decision))
		return false;
	send_answer(h, &a);
	return true;
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
		.exchange = h->exchange,
		.proxied = h->request.client.proxied,
		.meter = &h->meter,
		.max_body_bytes = decide_max_body(p->bundle, &v->match) };
	struct balance_set *set;
	struct pick pick;

	set = live_backends(h->generation, &v->match, v->sandbox);
	if (set == NULL)
		return refuse_with(h, REASON_UPSTREAM_CONNECT,
		    SPAN("no endpoint is configured"));
	balance_begin(&pick, set, &h->request, &v->who);
	call.pick = &pick;
	call.most_in_flight = most_in_flight(h->gate, set);
	call.state = h->gate->state;
	call.grants = h->gate->grants;
	call.pseudonym = span_str(h->gate->pseudonym);
	if (slot != NULL) {
		k.key[SHARE_ADDRESS] =
		    share_key_address(h->request.client.text);
		keys_of(p->bundle, &v->match, set, &k);
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

/* "TITLE/VERSION", for the counters. */
static struct span
name_api(const struct bundle *b, const struct row_api *api, struct arena *a)
{
	struct span title = bundle_text(b, api->title);
	struct span version = bundle_text(b, api->version);
	char *p = arena_alloc(a, title.n + 1 + version.n);

	if (p == NULL)
		return (struct span){ NULL, 0 };
	memcpy(p, title.p, title.n);
	p[title.n] = '/';
	memcpy(p + title.n + 1, version.p, version.n);
	return span_of(p, title.n + 1 + version.n);
}

/*
 * One vote of a few for where requests come from: a proxy that nobody
 * named makes all its clients one address, and their limits one limit.
 */
static void
watch_traffic(const struct handling *h)
{
	static _Thread_local unsigned n;
	const struct client *c = &h->request.client;

	if (n++ % TRAFFIC_SAMPLE != 0 || !c->known)
		return;
	if (state_traffic(h->gate->state,
		span_of(c->at.bytes, sizeof(c->at.bytes)),
		!c->proxied && network_is_private(&c->at), h->request.now_us))
		log_warn("most requests come from address=%.*s: if it is a "
			 "proxy, name it with trusted-proxy",
		    SPAN_ARG(c->text));
}

/* On every way out, once: settle, event, counters. */
static bool
end(struct handling *h)
{
	const struct policy *p = &h->generation->policy;
	struct ruling *v = &h->ruling;
	struct span api = { NULL, 0 };
	char room[EVENT_BYTES_MAX];
	struct buf line = {
		.p = room, .size = sizeof(room), .max = sizeof(room)
	};

	throttle_settle(p->outside, &v->receipt, clock_wall_us(),
	    h->meter.bytes_in + h->meter.bytes_out, outcome_of(h));
	meter_write(p, &h->request, v, &h->meter, &line);
	events_put(h->gate->events, buf_span(&line));
	if (v->match.api != NULL)
		api = name_api(p->bundle, v->match.api, h->request.arena);
	log_debug("request=%.*s %.*s %.*s status=%u reason=%s",
	    SPAN_ARG(h->request.id), SPAN_ARG(h->request.method),
	    SPAN_ARG(h->request.path), h->meter.status,
	    reason_word(v->decision.reason));
	state_count(h->gate->state, api, v->decision.reason,
	    (uint64_t)(clock_mono_us() - h->meter.start_us));
	failure_count(p->outside, p->bundle, &h->request, &v->decision);
	if (v->match.api != NULL)
		attempts_count(p->outside, p->bundle, &h->request, v->match.api,
		    h->meter.upstream_status);
	watch_traffic(h);
	rules_put(h->gate->rules, h->request.control);
	live_put(h->gate->live, h->generation);
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
		read_little(&h);
		refuse_with(&h, REASON_NO_VERIFIER,
		    SPAN("only the RESPONDER role is served"));
		send_ruling(&h);
	} else if (is_health(&h)) {
		send_health(&h);
	} else if (!send_published(&h)) {
		h.request.control = rules_get(gate->rules);
		h.request.control_lost = h.request.control == NULL;
		passed = decide(&h.generation->policy, &h.request, &h.ruling);
		h.meter.policy_us = clock_mono_us() - h.meter.start_us;
		if (!passed || h.ruling.preflight ||
		    !(h.ruling.issue != NULL ? send_key(&h)
					     : pass_on(&h, slot)))
			send_ruling(&h);
	}
	return end(&h);
}

bool
handle_overload(const struct gate *gate, struct exchange *x)
{
	struct handling h;

	begin(&h, gate, x);
	read_little(&h);
	refuse_with(&h, REASON_OVERLOADED, SPAN(""));
	h.ruling.decision.retry_after_s = RETRY_AFTER_S;
	send_ruling(&h);
	return end(&h);
}

/* The API and the backend of a request that nothing is decided of yet. */
static void
keys_of_target(const struct gate *gate, struct exchange *x, struct request *r,
    struct share_keys *k)
{
	const struct generation *g = live_get(gate->live);
	const struct policy *p = &g->policy;
	struct decision d;
	struct match m;

	r->arena = exchange_arena(x);
	r->now_us = clock_wall_us();
	/* Where there is one of each, there is nothing to find out. */
	if ((bundle_n(p->bundle, SECTION_API) > 1 ||
		bundle_n(p->bundle, SECTION_ENDPOINT) > 1) &&
	    /* What is refused takes no time: no share is asked for it. */
	    request_read(r, p->bundle, &p->rules, &d) &&
	    route_match(p->bundle, r, &m, &d))
		keys_of(p->bundle, &m, live_backends(g, &m, false), k);
	live_put(gate->live, g);
}

/*
 * Whose share of the workers this takes.  Behind a trusted proxy it is
 * the client's that the proxy names: all would share one, else.
 */
static uint64_t
address_key(const struct gate *gate, const struct request *r)
{
	const struct config *c = gate->config;
	const struct client_rules rules = { .trusted = c->trusted_proxies,
		.n_trusted = c->n_trusted_proxies,
		.header = c->proxy_header };
	struct client client;

	client_find(r, &rules, &client);
	return share_key_address(client.text);
}

void
handle_keys(const struct gate *gate, struct exchange *x, bool deep,
    struct share_keys *k)
{
	struct request r = { 0 };

	r.params = exchange_params(x, &r.n_params);
	k->key[SHARE_ADDRESS] = address_key(gate, &r);
	if (deep)
		keys_of_target(gate, x, &r, k);
}
