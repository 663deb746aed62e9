/*
 * passing_request - the head of a request; see passing.h.
 */
#include "fcgi/passing.h"

#include "base/ascii.h"
#include "fcgi/passing_login.h"
#include "fcgi/passing_way.h"
#include "policy/assertion.h"
#include "policy/credential_fields.h"
#include "policy/field.h"
#include "policy/identity.h"
#include "policy/request_id.h"
#include "policy/reserved.h"
#include "policy/target.h"

/* Field names and values of our own, identities apart. */
#define ADDED_BYTES_MAX 1024

/* Words of Connection that can hide a field; more are refused. */
#define LISTED_MAX 16
#define LISTED_BYTES_MAX 64 /* of each; no field of ours is as long */

/*
 * What Connection may not name: fields that were decided on, or without
 * which the rest of the request means something else.
 */
static const struct span not_hidden[] = { SPAN_INIT("AUTHORIZATION"),
	SPAN_INIT("CONTENT_*"), SPAN_INIT("COOKIE"), SPAN_INIT("FORWARDED"),
	SPAN_INIT("HOST"), SPAN_INIT("VIA"), SPAN_INIT("CDN_LOOP"),
	SPAN_INIT("TRACE*"), SPAN_INIT("X_FORWARDED*"), SPAN_INIT("X_MGW*") };

/* Of CONTENT_* only these are the client's to say. */
static const struct span content_passed[] = {
	SPAN_INIT("CONTENT_DIGEST"),
	SPAN_INIT("CONTENT_DISPOSITION"),
	SPAN_INIT("CONTENT_ENCODING"),
	SPAN_INIT("CONTENT_LANGUAGE"),
	SPAN_INIT("CONTENT_LOCATION"),
	SPAN_INIT("CONTENT_MD5"),
	SPAN_INIT("CONTENT_RANGE"),
};

struct writer {
	const struct upstream_call *call;
	const struct bundle *bundle;
	const struct row_api *api;
	struct buf b;
	struct span listed[LISTED_MAX]; /* by Connection, as they came */
	unsigned n_listed;
};

static bool
starts_http(struct span name)
{
	return span_starts(name, SPAN("HTTP_"));
}

static bool
is_cgi_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A name that CGI made from a field name, without HTTP_. */
static bool
is_cgi_name(struct span name)
{
	if (name.n == 0 || name.p[0] == '_')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!is_cgi_char(name.p[i]))
			return false;
	}
	return true;
}

/* A field that backends take for our word; X-Mgw-* is reserved anyway. */
static bool
is_our_word(const struct writer *w, struct span name)
{
	struct range own = bundle_settings(w->bundle, 0)->identities;

	for (uint32_t i = 0; i < own.n; i++)
		if (credential_name_eq(
			name, bundle_string(w->bundle, own.first + i)))
			return true;
	return bundle_n(w->bundle, SECTION_ASSERTION) > 0 &&
	    credential_name_eq(name,
		bundle_text(w->bundle, bundle_assertion(w->bundle, 0)->header));
}

static bool
may_pass(const struct writer *w, struct span full)
{
	struct span name = span_skip(full, 5);

	const struct request *r = w->call->request;

	/* A secret, and a word that backends may take for the gate's. */
	if (certificate_field_is(&r->certificate, full))
		return r->proxy_proved && r->certificate.pass &&
		    span_eq(full, r->certificate.header);
	if (!is_cgi_name(name) || reserved_in_request(name))
		return false;
	if (span_starts(name, SPAN("CONTENT_")) &&
	    !reserved_fits(name, content_passed,
		sizeof(content_passed) / sizeof(*content_passed)))
		return false;
	for (unsigned i = 0; i < w->n_listed; i++) {
		if (credential_name_eq(name, w->listed[i]))
			return false;
	}
	return !is_our_word(w, name) && !request_id_is(w->bundle, name) &&
	    !passing_login_hides(w->call, full) &&
	    !credential_goes(w->bundle, w->api, NAME_HEADER, full);
}

/* "word" of Connection, in the spelling that CGI would give the field. */
static bool
may_hide(const struct writer *w, struct span word)
{
	char full[5 + LISTED_BYTES_MAX] = "HTTP_";
	struct span name = span_of(full + 5, word.n);

	if (word.n > LISTED_BYTES_MAX)
		return false;
	for (size_t i = 0; i < word.n; i++)
		full[5 + i] = credential_fold(word.p[i]);
	return !reserved_fits(name, not_hidden,
		   sizeof(not_hidden) / sizeof(*not_hidden)) &&
	    !credential_is(
		w->bundle, w->api, NAME_HEADER, span_of(full, 5 + word.n));
}

/*
 * Remember what Connection hides, before any field is written; false: it
 * names too many fields, or one that it may not name.
 */
static bool
read_connection(struct writer *w)
{
	const struct request *r = w->call->request;

	for (size_t i = 0; i < r->n_params; i++) {
		struct span list = r->params[i].value;

		if (!span_eq(r->params[i].name, SPAN("HTTP_CONNECTION")))
			continue;
		while (list.p != NULL) {
			struct span word = span_trim(span_cut(&list, ','));

			if (word.n == 0)
				continue;
			if (w->n_listed == LISTED_MAX || !may_hide(w, word))
				return false;
			w->listed[w->n_listed++] = word;
		}
	}
	return true;
}

/* HTTP_X_FOO becomes X-Foo. */
static void
add_field_name(struct buf *b, struct span name)
{
	bool first = true;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i] == '_' ? '-' : name.p[i];

		if (!first)
			c = ascii_lower(c);
		first = c == '-';
		buf_add_char(b, c);
	}
}

static bool
add_client_fields(struct writer *w)
{
	const struct request *r = w->call->request;

	for (size_t i = 0; i < r->n_params; i++) {
		struct span name = r->params[i].name;
		struct span value = r->params[i].value;

		if (!starts_http(name))
			continue;
		if (!field_is_value(value))
			return false;
		if (span_eq(name, SPAN("HTTP_COOKIE")))
			credential_strip_cookies(
			    w->bundle, w->api, value, &w->b);
		if (span_eq(name, SPAN("HTTP_VIA")))
			passing_add_line(&w->b, SPAN("Via"), value);
		if (!may_pass(w, name) ||
		    change_drops(w->bundle, &w->call->ruling->change,
			CHANGE_HEADER, span_skip(name, 5)))
			continue;
		add_field_name(&w->b, span_skip(name, 5));
		buf_add(&w->b, SPAN(": "));
		buf_add(&w->b, value);
		buf_add(&w->b, SPAN("\r\n"));
	}
	return true;
}

/* What stands for the host, where it is not the endpoint's. */
static struct span
other_host(const struct upstream_call *c)
{
	struct span none = { NULL, 0 };

	if (c->backend->host_rule == HOST_NAME)
		return c->backend->host_name;
	return c->backend->host_rule == HOST_CLIENT &&
		field_is_host(c->request->host)
	    ? c->request->host
	    : none;
}

void
passing_add_host(struct buf *to, const struct backend *b, struct span other)
{
	bool v6 = span_has(b->host, ':');

	if (other.n > 0) {
		passing_add_line(to, SPAN("Host"), other);
		return;
	}
	buf_add(to, SPAN("Host: "));
	if (v6)
		buf_add_char(to, '[');
	buf_add(to, b->host.n > 0 ? b->host : SPAN("localhost"));
	if (v6)
		buf_add_char(to, ']');
	if (b->unix_path.p == NULL && b->port != 0 &&
	    b->port != (b->tls ? 443U : 80U)) {
		buf_add_char(to, ':');
		buf_add_u64(to, b->port);
	}
	buf_add(to, SPAN("\r\n"));
}

/* RFC 9110 section 8.6: a length also where a body would be usual. */
static bool
add_framing(struct writer *w)
{
	const struct request *r = w->call->request;
	bool usual = span_eq(r->method, SPAN("POST")) ||
	    span_eq(r->method, SPAN("PUT")) ||
	    span_eq(r->method, SPAN("PATCH"));

	if (r->body_length == BODY_LENGTH_UNKNOWN) {
		buf_add(&w->b, SPAN("Transfer-Encoding: chunked\r\n"));
	} else if (r->body_length > 0 || usual) {
		buf_add(&w->b, SPAN("Content-Length: "));
		buf_add_u64(&w->b, (uint64_t)r->body_length);
		buf_add(&w->b, SPAN("\r\n"));
	}
	if (r->content_type.p != NULL && r->content_type.n > 0) {
		if (!field_is_value(r->content_type))
			return false;
		passing_add_line(&w->b, SPAN("Content-Type"), r->content_type);
	}
	return true;
}

/* More than everything together can take, so that nothing grows. */
static size_t
measure(const struct upstream_call *c, const struct target *t,
    struct span assertion)
{
	const struct request *r = c->request;
	const struct principal *who = &c->ruling->who;
	size_t n = ADDED_BYTES_MAX + passing_way_room(c) +
	    c->backend->host_name.n + r->method.n + target_bytes_max(t) +
	    c->ruling->change.headers.n + c->backend->host.n + r->host.n +
	    r->address.n + r->id.n + r->content_type.n;

	for (size_t i = 0; i < r->n_params; i++) {
		/* Twice: a blank may come behind each ';' of a Cookie. */
		if (starts_http(r->params[i].name))
			n += r->params[i].name.n + 2 * r->params[i].value.n + 4;
	}
	n += assertion.n;
	for (unsigned i = 0; i < IDENTITY__MAX; i++)
		n += identity_name(c->policy->bundle, (enum identity)i).n;
	for (size_t i = 0; i < who->n_groups; i++)
		n += 3 * who->groups[i].n + 1;
	return n +
	    3 *
	    (who->subject.n + who->application.n + who->issuer.n +
		who->scopes.n + who->key_id.n + who->tier.n + who->client_id.n +
		who->key_type.n + who->application_id.n +
		who->application_owner.n);
}

/* No blank and no control byte: they would end the request line early. */
static bool
is_target(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c == 0x7f || c == '#')
			return false;
	}
	return true;
}

/* For this backend: "https://orders.internal:8443". */
static bool
make_assertion(
    const struct upstream_call *c, struct span *assertion, struct decision *d)
{
	const struct backend *b = c->backend;
	bool v6 = span_has(b->host, ':');
	bool usual = b->port == 0 || b->port == (b->tls ? 443U : 80U);
	struct span audience = SPAN("http://localhost");

	*assertion = (struct span){ NULL, 0 };
	if ((c->ruling->match.api->flags & API_ASSERTION) == 0)
		return true;
	if (b->unix_path.p == NULL)
		audience = arena_printf(c->request->arena,
		    usual ? "%s://%s%.*s%s" : "%s://%s%.*s%s:%u",
		    b->tls ? "https" : "http", v6 ? "[" : "", SPAN_ARG(b->host),
		    v6 ? "]" : "", (unsigned)b->port);
	if (audience.p == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	return assertion_make(
	    c->policy, c->request, c->ruling, audience, assertion, d);
}

bool
passing_request_head(
    const struct upstream_call *c, struct span *head, struct decision *d)
{
	const struct request *r = c->request;
	struct writer w = { .call = c,
		.bundle = c->policy->bundle,
		.api = c->ruling->match.api };
	const struct target target = { .bundle = w.bundle,
		.api = w.api,
		.request = r,
		.change = &c->ruling->change,
		.path = c->backend->path,
		.query = c->backend->query };
	struct span assertion, login;

	if (w.api == NULL)
		return refuse(d, REASON_FAULT, SPAN("no API"));
	if (!field_is_token(r->method) || !is_target(r->path) ||
	    !is_target(r->query))
		return refuse(d, REASON_BAD_REQUEST, SPAN("bad request line"));
	if (passing_is_loop(c)) {
		refuse(d, REASON_UPSTREAM_BROKEN,
		    SPAN("the request comes from this gate"));
		d->proxy_error = SPAN("proxy_loop_detected");
		return false;
	}
	if (!read_connection(&w))
		return refuse(d, REASON_BAD_REQUEST,
		    SPAN("Connection names what it may not"));
	if (!make_assertion(c, &assertion, d) ||
	    !passing_login_line(c, &login, d))
		return false;
	if (!passing_begin(
		&w.b, r->arena, measure(c, &target, assertion) + login.n))
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	buf_add(&w.b, r->method);
	buf_add_char(&w.b, ' ');
	if (!target_write(&target, &w.b))
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	buf_add(&w.b, SPAN(" HTTP/1.1\r\n"));
	passing_add_host(&w.b, c->backend, other_host(c));
	if (!add_framing(&w) || !add_client_fields(&w))
		return refuse(
		    d, REASON_BAD_REQUEST, SPAN("a header has control bytes"));
	passing_own_fields(c, &w.b);
	buf_add(&w.b, c->ruling->change.headers);
	if (assertion.n > 0)
		passing_add_line(&w.b,
		    bundle_text(
			w.bundle, bundle_assertion(w.bundle, 0)->header),
		    assertion);
	buf_add(&w.b, login);
	buf_add(&w.b, login.n > 0 ? SPAN("\r\n\r\n") : SPAN("\r\n"));
	if (w.b.failed)
		return refuse(d, REASON_FAULT, SPAN("request head too long"));
	*head = passing_end(&w.b, r->arena);
	return true;
}
