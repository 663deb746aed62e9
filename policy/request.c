/*
 * request - see request.h.
 *
 * The parameters are walked once.  What the web server itself says has a
 * name of its own (REQUEST_METHOD); what the client says begins with
 * HTTP_.  lighttpd makes one name of X-Foo, X_Foo and X.Foo, so a client
 * can bring a header twice under one name: that is seen here and refused
 * for every name that decides something.
 */
#include "policy/request.h"

#include "policy/field.h"
#include "policy/path.h"
#include "policy/request_id.h"
#include "policy/sign.h"

/* The parameters that are read here, in the order of "known" below. */
enum known {
	KNOWN_METHOD,
	KNOWN_TARGET,
	KNOWN_PROTOCOL,
	KNOWN_ADDRESS,
	KNOWN_HTTPS,
	KNOWN_SCHEME,
	KNOWN_SOFTWARE,
	KNOWN_LENGTH,
	KNOWN_TYPE,
	KNOWN_REDIRECT_AUTHORIZATION,
	KNOWN_REDIRECT2_AUTHORIZATION,
	KNOWN_HOST,
	KNOWN_HTTP_LENGTH,
	KNOWN_HTTP_TYPE,
	KNOWN_TRANSFER,
	KNOWN_AUTHORIZATION,
	KNOWN_PROXY_AUTHORIZATION,
	KNOWN__MAX
};

static const struct span known[KNOWN__MAX] = {
	[KNOWN_METHOD] = SPAN_INIT("REQUEST_METHOD"),
	[KNOWN_TARGET] = SPAN_INIT("REQUEST_URI"),
	[KNOWN_PROTOCOL] = SPAN_INIT("SERVER_PROTOCOL"),
	[KNOWN_ADDRESS] = SPAN_INIT("REMOTE_ADDR"),
	[KNOWN_HTTPS] = SPAN_INIT("HTTPS"),
	[KNOWN_SCHEME] = SPAN_INIT("REQUEST_SCHEME"),
	[KNOWN_SOFTWARE] = SPAN_INIT("SERVER_SOFTWARE"),
	[KNOWN_LENGTH] = SPAN_INIT("CONTENT_LENGTH"),
	[KNOWN_TYPE] = SPAN_INIT("CONTENT_TYPE"),
	[KNOWN_REDIRECT_AUTHORIZATION] =
	    SPAN_INIT("REDIRECT_HTTP_AUTHORIZATION"),
	[KNOWN_REDIRECT2_AUTHORIZATION] =
	    SPAN_INIT("REDIRECT_REDIRECT_HTTP_AUTHORIZATION"),
	[KNOWN_HOST] = SPAN_INIT("HTTP_HOST"),
	[KNOWN_HTTP_LENGTH] = SPAN_INIT("HTTP_CONTENT_LENGTH"),
	[KNOWN_HTTP_TYPE] = SPAN_INIT("HTTP_CONTENT_TYPE"),
	[KNOWN_TRANSFER] = SPAN_INIT("HTTP_TRANSFER_ENCODING"),
	[KNOWN_AUTHORIZATION] = SPAN_INIT("HTTP_AUTHORIZATION"),
	[KNOWN_PROXY_AUTHORIZATION] = SPAN_INIT("HTTP_PROXY_AUTHORIZATION"),
};

/*
 * Who is asking from where, behind HTTP_: must not come twice, whoever
 * reads it.
 */
static const struct span identity[] = {
	SPAN_INIT("FORWARDED"),
	SPAN_INIT("X_FORWARDED_"),
	SPAN_INIT("X_REAL_IP"),
	SPAN_INIT("X_MGW_"),
	SPAN_INIT("X_JWT_ASSERTION"),
};

struct reading {
	struct request *r;
	const struct bundle *bundle;
	struct decision *d;
	struct field known[KNOWN__MAX];
	size_t header_bytes;
	bool twice;   /* a known name came twice with other values */
	bool unclean; /* a header with bytes that no header has */
};

static bool
is_header(struct span name)
{
	return span_starts(name, SPAN("HTTP_"));
}

static void
note_known(struct reading *in, const struct param *p)
{
	for (int k = 0; k < KNOWN__MAX; k++) {
		struct field *f = &in->known[k];

		if (known[k].n != p->name.n || !span_eq(known[k], p->name))
			continue;
		/* What the web server repeats alike says nothing new. */
		if (f->n++ > 0 &&
		    (k >= KNOWN_LENGTH || !span_eq(f->value, p->value)))
			in->twice |= k != KNOWN_AUTHORIZATION &&
			    k != KNOWN_PROXY_AUTHORIZATION;
		if (f->n == 1)
			f->value = p->value;
		return;
	}
}

static void
note_names(struct reading *in, const struct param *p)
{
	const struct bundle *b = in->bundle;

	for (uint32_t i = 0; i < bundle_n(b, SECTION_NAME); i++) {
		const struct row_name *name = bundle_name(b, i);
		struct field *f = &in->r->fields[i];

		if (name->kind != NAME_HEADER || name->name.n != p->name.n ||
		    !span_eq(bundle_text(b, name->name), p->name))
			continue;
		if (f->n++ == 0)
			f->value = span_trim(p->value);
	}
}

static void
walk_params(struct reading *in)
{
	struct request *r = in->r;

	for (size_t i = 0; i < r->n_params; i++) {
		const struct param *p = &r->params[i];

		note_known(in, p);
		if (!is_header(p->name))
			continue;
		in->header_bytes += p->name.n - 5 + p->value.n;
		in->unclean |= !field_is_name(span_skip(p->name, 5)) ||
		    !field_is_value(p->value);
		note_names(in, p);
	}
}

static bool
bad(struct reading *in, struct span detail)
{
	return refuse(in->d, REASON_BAD_REQUEST, detail);
}

static bool
check_size(struct reading *in)
{
	const struct row_settings *s = bundle_settings(in->bundle, 0);

	if (in->r->target.n > s->max_uri_bytes)
		return refuse(in->d, REASON_URI_TOO_LONG,
		    SPAN("request target is too long"));
	if (in->header_bytes > s->max_header_bytes)
		return refuse(in->d, REASON_HEADERS_TOO_LARGE,
		    SPAN("header fields are too large"));
	return true;
}

static bool
check_identity(struct reading *in, size_t i)
{
	const struct param *params = in->r->params;

	if (!is_header(params[i].name))
		return true;
	for (size_t k = 0; k < sizeof(identity) / sizeof(identity[0]); k++) {
		if (!span_starts(span_skip(params[i].name, 5), identity[k]))
			continue;
		for (size_t j = 0; j < i; j++) {
			if (span_eq(params[j].name, params[i].name))
				return bad(in,
				    SPAN("a forwarding or identity field "
					 "comes twice"));
		}
	}
	return true;
}

/* Names that decide something, and bytes that no field has. */
static bool
check_fields(struct reading *in)
{
	static const enum known lines[] = { KNOWN_METHOD, KNOWN_TARGET,
		KNOWN_PROTOCOL, KNOWN_ADDRESS, KNOWN_LENGTH, KNOWN_TYPE,
		KNOWN_REDIRECT_AUTHORIZATION, KNOWN_REDIRECT2_AUTHORIZATION };

	if (in->unclean)
		return bad(in, SPAN("malformed header field"));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!field_is_value(in->known[lines[i]].value))
			return bad(in, SPAN("control byte in a parameter"));
	}
	if (in->twice)
		return bad(in, SPAN("a field that may come once comes twice"));
	for (size_t i = 0; i < in->r->n_params; i++) {
		if (!check_identity(in, i))
			return false;
	}
	if (!field_is_host(in->r->host))
		return bad(in, SPAN("malformed Host"));
	if (in->r->client.disagree)
		return bad(in,
		    SPAN("Forwarded and X-Forwarded-For name "
			 "different clients"));
	return true;
}

/* Absent and empty are the same to every web server. */
static bool
same(const struct field *http, struct span value)
{
	return http->n == 0 || span_eq(http->value, value);
}

/*
 * How long the body is, from what the web server itself says.  lighttpd
 * passes a client's Content_Length as HTTP_CONTENT_LENGTH: whoever
 * believed it would take the rest of the body for another request.
 */
static bool
check_framing(struct reading *in)
{
	struct span length = in->known[KNOWN_LENGTH].value;
	struct span type = in->known[KNOWN_TYPE].value;
	const struct field *transfer = &in->known[KNOWN_TRANSFER];
	uint64_t n = 0;

	if (!same(&in->known[KNOWN_HTTP_LENGTH], length) ||
	    !same(&in->known[KNOWN_HTTP_TYPE], type))
		return bad(in, SPAN("two different Content fields"));
	if (length.n > 0 && !span_to_u64(length, INT64_MAX, &n))
		return bad(in, SPAN("malformed Content-Length"));
	in->r->body_length = (int64_t)n;
	if (type.n > 0)
		in->r->content_type = type;
	if (!field_is_single(type))
		return bad(in, SPAN("more than one Content-Type"));
	if (transfer->n == 0)
		return true;
	if (!span_eq_nocase(transfer->value, SPAN("chunked")))
		return bad(in, SPAN("unknown Transfer-Encoding"));
	if (length.n == 0) {
		in->r->body_length = BODY_LENGTH_UNKNOWN;
		return true;
	}
	/*
	 * Apache reads a short chunked body whole, and then says how long
	 * it is beside the client's Transfer-Encoding; a client's own
	 * Content-Length it has dropped.  No other front does so.
	 */
	if (!span_starts(in->known[KNOWN_SOFTWARE].value, SPAN("Apache")))
		return bad(in, SPAN("Transfer-Encoding with Content-Length"));
	return true;
}

/*
 * Apache's CGI hides Authorization; the usual ways around it bring it
 * under a name with REDIRECT_, sometimes in addition.  Equal copies are
 * one.  An empty one is what a rewrite rule makes of none.
 */
static bool
check_authorization(struct reading *in)
{
	static const enum known places[] = { KNOWN_AUTHORIZATION,
		KNOWN_REDIRECT_AUTHORIZATION, KNOWN_REDIRECT2_AUTHORIZATION };
	struct field found = { { NULL, 0 }, 0 };
	const struct bundle *b = in->bundle;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct field *f = &in->known[places[i]];
		struct span value = span_trim(f->value);

		if (f->n > 1 ||
		    (value.n > 0 && found.n > 0 &&
			!span_eq(value, found.value)))
			return refuse(in->d, REASON_CREDENTIAL_DUPLICATE,
			    SPAN("Authorization comes twice"));
		if (value.n > 0)
			found = (struct field){ value, 1 };
	}
	if (in->known[KNOWN_PROXY_AUTHORIZATION].n > 1)
		return refuse(in->d, REASON_CREDENTIAL_DUPLICATE,
		    SPAN("Proxy-Authorization comes twice"));
	for (uint32_t i = 0; i < bundle_n(b, SECTION_NAME); i++) {
		const struct row_name *name = bundle_name(b, i);

		if (name->kind == NAME_HEADER &&
		    span_eq(
			bundle_text(b, name->name), known[KNOWN_AUTHORIZATION]))
			in->r->fields[i] = found;
	}
	return true;
}

/* A field that carries a credential comes once, whoever may read it. */
static bool
check_credentials(struct reading *in)
{
	const struct bundle *b = in->bundle;

	for (uint32_t i = 0; i < bundle_n(b, SECTION_SCHEME); i++) {
		uint32_t name = bundle_scheme(b, i)->field;

		if (name != ROW_NONE && in->r->fields[name].n > 1)
			return refuse(in->d, REASON_CREDENTIAL_DUPLICATE,
			    SPAN("a credential comes twice"));
	}
	return true;
}

static bool
check_method(struct reading *in)
{
	struct span method = in->r->method;

	if (!field_is_token(method))
		return bad(in, SPAN("malformed method"));
	/* Its target is no path; TRACE has one and is refused by route.c. */
	if (span_eq(method, SPAN("CONNECT")))
		return refuse(in->d, REASON_METHOD_NOT_ALLOWED,
		    SPAN("CONNECT is not served"));
	return true;
}

static bool
read_path(struct reading *in, const struct request_rules *rules)
{
	struct request *r = in->r;
	struct path p;

	/* "OPTIONS *" asks about the server: it has a path, no segments. */
	if (span_eq(r->target, SPAN("*")) &&
	    span_eq(r->method, SPAN("OPTIONS"))) {
		r->path = r->target;
		return true;
	}
	if (!path_parse(
		r->target, r->host, rules->strip_prefix, r->arena, &p, in->d))
		return false;
	r->path = p.canonical;
	r->mount = rules->strip_prefix;
	while (span_ends(r->mount, SPAN("/")))
		r->mount.n--;
	r->query = p.query;
	r->segments = p.segments;
	r->n_segments = p.n_segments;
	return true;
}

static void
take_values(struct reading *in)
{
	struct request *r = in->r;
	struct span https = in->known[KNOWN_HTTPS].value;

	r->method = in->known[KNOWN_METHOD].value;
	r->target = in->known[KNOWN_TARGET].value;
	r->protocol = in->known[KNOWN_PROTOCOL].value;
	r->host = in->known[KNOWN_HOST].value;
	r->address = in->known[KNOWN_ADDRESS].value;
	r->https = span_eq_nocase(https, SPAN("on")) ||
	    span_eq(https, SPAN("1")) ||
	    span_eq(in->known[KNOWN_SCHEME].value, SPAN("https"));
}

/*
 * Once, and the very bytes.  How many they are is no secret: who waits
 * for that learns nothing of them.
 */
static bool
proxy_is_proved(const struct request *r, const struct certificate_rules *rules)
{
	struct span shown = { NULL, 0 };
	size_t n = 0;

	if (rules->header.n == 0 || !r->client.proxied || rules->secret.n == 0)
		return false;
	for (size_t i = 0; i < r->n_params; i++) {
		if (!span_eq(r->params[i].name, rules->secret_header))
			continue;
		shown = span_trim(r->params[i].value);
		n++;
	}
	return n == 1 && shown.n == rules->secret.n &&
	    sign_equal(shown.p, rules->secret.p, shown.n);
}

bool
request_read(struct request *r, const struct bundle *b,
    const struct request_rules *rules, struct decision *d)
{
	struct reading in = { .r = r, .bundle = b, .d = d };

	*r = (struct request){ .params = r->params,
		.n_params = r->n_params,
		.arena = r->arena,
		.now_us = r->now_us,
		.id = r->id,
		.control = r->control,
		.control_lost = r->control_lost };
	r->fields = arena_calloc(
	    r->arena, bundle_n(b, SECTION_NAME) + 1, sizeof(*r->fields));
	if (r->fields == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	walk_params(&in);
	take_values(&in);
	client_find(r, &rules->client, &r->client);
	request_id_take(r, b);
	r->certificate = rules->certificate;
	r->proxy_proved = proxy_is_proved(r, &rules->certificate);
	field_read_cookies(r, b);
	return check_size(&in) && check_method(&in) && check_fields(&in) &&
	    check_framing(&in) && read_path(&in, rules) &&
	    check_authorization(&in) && field_read_query(r, b, d) &&
	    check_credentials(&in);
}

struct span
request_client_key(const struct request *r, const struct bundle *b)
{
	uint32_t v6_bits = bundle_settings(b, 0)->client_v6_bits;

	return client_key(
	    &r->client, v6_bits > 0 ? v6_bits : CLIENT_V6_BITS, r->arena);
}

struct span
request_param(const struct request *r, struct span name)
{
	for (size_t i = 0; i < r->n_params; i++) {
		if (span_eq(r->params[i].name, name))
			return r->params[i].value;
	}
	return (struct span){ NULL, 0 };
}

struct span
request_param_single(const struct request *r, struct span name)
{
	struct span found = { NULL, 0 };

	for (size_t i = 0; i < r->n_params; i++) {
		if (!span_eq(r->params[i].name, name))
			continue;
		if (found.p != NULL)
			return (struct span){ NULL, 0 };
		found = span_trim(r->params[i].value);
	}
	return found;
}

bool
request_param_once(
    const struct request *r, struct span name, struct span *value)
{
	*value = (struct span){ NULL, 0 };
	for (size_t i = 0; i < r->n_params; i++) {
		const struct param *p = &r->params[i];

		if (!span_eq(p->name, name))
			continue;
		if (value->p != NULL && !span_eq(*value, p->value))
			return false;
		*value = p->value;
	}
	return true;
}
