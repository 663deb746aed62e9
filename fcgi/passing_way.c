/*
 * passing_way - see passing_way.h.
 */
#include "fcgi/passing_way.h"

#include "base/ascii.h"
#include "fcgi/passing.h"

/* Names and punctuation of all lines together. */
#define FIXED_BYTES_MAX 512

#define TRACEPARENT_BYTES 55

static bool
is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == ',')
			return false;
	}
	return s.n > 0;
}

/* Of trusted proxies, and of this kind of field if they write one kind. */
static bool
is_believed(const struct upstream_call *c, enum client_header kind)
{
	enum client_header written = c->policy->rules.client.header;

	return c->proxied && (written == CLIENT_HEADER_AUTO || written == kind);
}

/* What a trusted proxy says in this field; absent from anybody else. */
static struct span
said_before(
    const struct upstream_call *c, enum client_header kind, struct span name)
{
	struct span none = { NULL, 0 };

	return is_believed(c, kind) ? span_trim(request_param(c->request, name))
				    : none;
}

/* The proxies before us, then who connected, as the rule has it. */
static void
add_list(struct buf *b, const char *name, struct span before, struct span own)
{
	if (before.n + own.n == 0)
		return;
	buf_add_str(b, name);
	buf_add(b, before);
	if (before.n > 0 && own.n > 0)
		buf_add(b, SPAN(", "));
	buf_add(b, own);
	buf_add(b, SPAN("\r\n"));
}

static struct span
x_said(const struct upstream_call *c, struct span name)
{
	if (c->backend->x_forwarded == FORWARD_SET)
		return (struct span){ NULL, 0 };
	return said_before(c, CLIENT_HEADER_X_FORWARDED_FOR, name);
}

static void
add_prefix(const struct upstream_call *c, struct buf *b)
{
	struct span before = x_said(c, SPAN("HTTP_X_FORWARDED_PREFIX"));
	struct span base =
	    bundle_text(c->policy->bundle, c->ruling->match.api->base_path);
	struct span mount = c->request->mount;

	if (!is_plain(before) || before.p[0] != '/')
		before.n = 0;
	if (before.n + mount.n + base.n == 0)
		return;
	buf_add_str(b, "X-Forwarded-Prefix: ");
	buf_add(b, before);
	buf_add(b, mount);
	buf_add(b, base);
	buf_add(b, SPAN("\r\n"));
}

static void
add_x_forwarded(const struct upstream_call *c, struct buf *b)
{
	const struct request *r = c->request;
	bool pass = c->backend->x_forwarded == FORWARD_PASS;
	struct span before = x_said(c, SPAN("HTTP_X_FORWARDED_FOR"));
	struct span proto = x_said(c, SPAN("HTTP_X_FORWARDED_PROTO"));
	struct span host = x_said(c, SPAN("HTTP_X_FORWARDED_HOST"));
	struct span own = r->address;

	if (c->backend->x_forwarded == FORWARD_OFF)
		return;
	if (pass || !is_plain(own))
		own.n = 0;
	add_list(b, "X-Forwarded-For: ", before, own);
	if (!span_eq(proto, SPAN("https")) && !span_eq(proto, SPAN("http")))
		proto = pass   ? SPAN("")
		    : r->https ? SPAN("https")
			       : SPAN("http");
	if (proto.n > 0)
		passing_add_line(b, SPAN("X-Forwarded-Proto"), proto);
	if (!is_plain(host) && !pass)
		host = r->host;
	if (is_plain(host))
		passing_add_line(b, SPAN("X-Forwarded-Host"), host);
	if (c->backend->prefix)
		add_prefix(c, b);
}

/* A node (RFC 7239 section 6); what is no address has no name. */
static void
add_node(struct buf *b, struct span address)
{
	bool v6 = span_has(address, ':');

	if (!is_plain(address) || span_has(address, '"') ||
	    span_has(address, '\\'))
		address = SPAN("unknown");
	buf_add_str(b, v6 ? "\"[" : "");
	buf_add(b, address);
	buf_add_str(b, v6 ? "]\"" : "");
}

static void
add_forwarded(const struct upstream_call *c, struct buf *b)
{
	enum forward_rule rule = c->backend->forwarded;
	const struct request *r = c->request;
	struct span before = { NULL, 0 };

	if (rule == FORWARD_USUAL || rule == FORWARD_OFF)
		return;
	if (rule != FORWARD_SET)
		before = said_before(
		    c, CLIENT_HEADER_FORWARDED, SPAN("HTTP_FORWARDED"));
	if (rule == FORWARD_PASS) {
		add_list(b, "Forwarded: ", before, SPAN(""));
		return;
	}
	buf_add_str(b, "Forwarded: ");
	buf_add(b, before);
	buf_add_str(b, before.n > 0 ? ", for=" : "for=");
	add_node(b, r->address);
	buf_add_str(b, r->https ? ";proto=https" : ";proto=http");
	if (is_plain(r->host) && !span_has(r->host, '"') &&
	    !span_has(r->host, '\\')) {
		buf_add_str(b, ";host=\"");
		buf_add(b, r->host);
		buf_add_char(b, '"');
	}
	buf_add(b, SPAN("\r\n"));
}

static bool
is_hex(struct span s, bool zero_too)
{
	bool zero = true;

	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_digit(s.p[i]) && (s.p[i] < 'a' || s.p[i] > 'f'))
			return false;
		zero = zero && s.p[i] == '0';
	}
	return zero_too || !zero;
}

/* Trace Context section 3.2; later versions may have more behind. */
static bool
is_traceparent(struct span s)
{
	bool first = span_starts(s, SPAN("00-"));

	return s.n >= TRACEPARENT_BYTES &&
	    (s.n == TRACEPARENT_BYTES ||
		(!first && s.p[TRACEPARENT_BYTES] == '-')) &&
	    !span_starts(s, SPAN("ff")) && is_hex(span_of(s.p, 2), true) &&
	    s.p[2] == '-' && is_hex(span_of(s.p + 3, 32), false) &&
	    s.p[35] == '-' && is_hex(span_of(s.p + 36, 16), false) &&
	    s.p[52] == '-' && is_hex(span_of(s.p + 53, 2), true);
}

/*
 * The trace goes by the id of the request, so that both are found from
 * each other; whoever takes part decides whether to record it.
 */
static void
make_trace(const struct request *r, struct buf *b)
{
	if (r->id.n != 32 || !is_hex(r->id, false) ||
	    !is_hex(span_of(r->id.p + 16, 16), false))
		return;
	buf_add_str(b, "traceparent: 00-");
	buf_add(b, r->id);
	buf_add_char(b, '-');
	buf_add(b, span_of(r->id.p + 16, 16));
	buf_add_str(b, "-00\r\n");
}

static void
add_trace(const struct upstream_call *c, struct buf *b)
{
	const struct request *r = c->request;
	struct span parent, state;
	bool good;

	if (c->backend->trace == TRACE_OFF)
		return;
	parent = request_param_single(r, SPAN("HTTP_TRACEPARENT"));
	good = is_traceparent(parent);
	if (c->backend->trace == TRACE_MAKE && !(good && c->proxied)) {
		make_trace(r, b);
	} else if (good) {
		passing_add_line(b, SPAN("traceparent"), parent);
		state = request_param_single(r, SPAN("HTTP_TRACESTATE"));
		if (state.n > 0)
			passing_add_line(b, SPAN("tracestate"), state);
	}
}

static struct span
pseudonym(const struct upstream_call *c)
{
	return c->pseudonym.n > 0 ? c->pseudonym : SPAN("mgw");
}

/* By one of the two a request can be told that comes once more. */
static void
add_loop_marks(const struct upstream_call *c, struct buf *b)
{
	struct span loops =
	    span_trim(request_param(c->request, SPAN("HTTP_CDN_LOOP")));

	if (!c->backend->no_via) {
		buf_add_str(b, "Via: 1.1 ");
		buf_add(b, pseudonym(c));
		buf_add(b, SPAN("\r\n"));
	}
	if (c->backend->no_via || loops.n > 0)
		add_list(b, "CDN-Loop: ", loops, pseudonym(c));
}

void
passing_way(const struct upstream_call *c, struct buf *b)
{
	add_x_forwarded(c, b);
	add_forwarded(c, b);
	add_loop_marks(c, b);
	add_trace(c, b);
}

size_t
passing_way_room(const struct upstream_call *c)
{
	const struct request *r = c->request;
	struct span base =
	    bundle_text(c->policy->bundle, c->ruling->match.api->base_path);

	return FIXED_BYTES_MAX + 2 * r->address.n + 2 * r->host.n + r->mount.n +
	    base.n + 2 * pseudonym(c).n;
}

/* The word of a member that says who: "1.1 NAME (comment)", "NAME; a=b". */
static bool
names_us(const struct upstream_call *c, struct span member, bool via)
{
	struct span word;

	member = span_trim(member);
	word = span_cut(&member, via ? ' ' : ';');
	if (via && member.p != NULL) {
		member = span_trim(member);
		word = span_cut(&member, ' ');
	}
	return span_eq_nocase(span_trim(word), c->pseudonym);
}

bool
passing_is_loop(const struct upstream_call *c)
{
	const struct request *r = c->request;

	/* Without a name of its own every gate would be this one. */
	if (c->pseudonym.n == 0)
		return false;
	for (size_t i = 0; i < r->n_params; i++) {
		bool via = span_eq(r->params[i].name, SPAN("HTTP_VIA"));
		struct span list = r->params[i].value;

		if (!via && !span_eq(r->params[i].name, SPAN("HTTP_CDN_LOOP")))
			continue;
		while (list.p != NULL)
			if (names_us(c, span_cut(&list, ','), via))
				return true;
	}
	return false;
}
