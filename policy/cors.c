/*
 * cors - see cors.h.
 */
#include "policy/cors.h"

#include <arpa/inet.h>

#include "base/clock.h"
#include "policy/field.h"

/* What a page may name in a preflight, where all headers are allowed. */
#define ASKED_BYTES_MAX 1024

static bool
is_scheme(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') &&
		    (i == 0 ||
			(!(c >= '0' && c <= '9') && c != '+' && c != '-' &&
			    c != '.')))
			return false;
	}
	return s.n > 0;
}

/* A name or a dotted quad in lower case, its labels not empty. */
static bool
is_name(struct span s)
{
	char before = '.';

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '.' ? before == '.'
			     : !(c >= 'a' && c <= 'z') &&
			    !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
		before = c;
	}
	return s.n > 0 && before != '.';
}

static bool
is_bracketed(struct span s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.n < 4 || s.p[0] != '[' || s.p[s.n - 1] != ']' ||
	    s.n - 2 >= sizeof(text))
		return false;
	memcpy(text, s.p + 1, s.n - 2);
	text[s.n - 2] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1;
}

/* Behind "scheme://": host and ":port". */
static bool
is_authority(struct span s, struct span scheme)
{
	size_t n = s.n;
	uint64_t port;

	while (n > 0 && s.p[n - 1] >= '0' && s.p[n - 1] <= '9')
		n--;
	if (n > 0 && s.p[n - 1] == ':' &&
	    (s.p[0] != '[' || s.p[n - 2] == ']')) {
		struct span digits = span_skip(s, n);

		if (!span_to_u64(digits, 65535, &port) || digits.p[0] == '0' ||
		    (port == 443 && span_eq(scheme, SPAN("https"))) ||
		    (port == 80 && span_eq(scheme, SPAN("http"))))
			return false;
		s.n = n - 1;
	}
	return is_name(s) || is_bracketed(s);
}

/* Cut "scheme://" off; false: there is none. */
static bool
cut_scheme(struct span *s, struct span *scheme)
{
	const char *at = s->n > 0 ? memmem(s->p, s->n, "://", 3) : NULL;

	if (at == NULL)
		return false;
	*scheme = span_of(s->p, (size_t)(at - s->p));
	*s = span_skip(*s, scheme->n + 3);
	return is_scheme(*scheme);
}

bool
cors_is_origin(struct span s)
{
	struct span scheme;

	if (!cut_scheme(&s, &scheme))
		return false;
	if (span_starts(s, SPAN("*.")))
		s = span_skip(s, 2);
	return is_authority(s, scheme);
}

bool
cors_row_ok(const struct bundle *b, const struct row_cors *c)
{
	const uint32_t both = CORS_ANY_ORIGIN | CORS_CREDENTIALS;

	for (uint32_t k = 0; k < c->origins.n; k++) {
		if (!cors_is_origin(bundle_string(b, c->origins.first + k)))
			return false;
	}
	return (c->flags & both) != both && c->limits.n <= TAKES_MAX;
}

const struct row_cors *
cors_of(const struct bundle *b, const struct row_api *api)
{
	return api != NULL && api->cors.n > 0 ? bundle_cors(b, api->cors.first)
					      : NULL;
}

bool
cors_is_preflight(const struct request *r)
{
	return span_eq(r->method, SPAN("OPTIONS")) &&
	    request_param(r, SPAN("HTTP_ORIGIN")).n > 0 &&
	    request_param(r, SPAN("HTTP_ACCESS_CONTROL_REQUEST_METHOD")).n > 0;
}

/* Where the rule begins with "*.": at least one label more. */
static bool
fits(struct span origin, struct span rule)
{
	struct span scheme, rule_scheme, below;

	if (span_eq(origin, rule))
		return true;
	if (!cut_scheme(&origin, &scheme) || !cut_scheme(&rule, &rule_scheme) ||
	    !span_starts(rule, SPAN("*.")) || !span_eq(scheme, rule_scheme))
		return false;
	below = span_skip(rule, 1);
	return span_ends(origin, below) &&
	    is_name(span_of(origin.p, origin.n - below.n));
}

static bool
is_allowed(const struct bundle *b, const struct row_cors *c, struct span origin)
{
	if (origin.n == 0 || span_eq(origin, SPAN("null")))
		return false;
	if ((c->flags & CORS_ANY_ORIGIN) != 0)
		return true;
	for (uint32_t i = 0; i < c->origins.n; i++) {
		if (fits(origin, bundle_string(b, c->origins.first + i)))
			return true;
	}
	return false;
}

static void
add(struct buf *to, const char *name, struct span value)
{
	if (value.n == 0)
		return;
	buf_add_str(to, name);
	buf_add_str(to, ": ");
	buf_add(to, value);
	buf_add_str(to, "\r\n");
}

/* The names a preflight asks for, if they are names and not too many. */
static struct span
asked(const struct request *r)
{
	struct span list = request_param_single(
	    r, SPAN("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"));
	struct span rest = list;

	if (list.n > ASKED_BYTES_MAX)
		return SPAN("");
	while (rest.p != NULL) {
		if (!field_is_token(span_trim(span_cut(&rest, ','))))
			return SPAN("");
	}
	return list;
}

static void
write_preflight(const struct bundle *b, const struct row_cors *c,
    const struct request *r, const struct match *m, struct buf *to)
{
	struct span methods = bundle_text(b, c->methods);

	if (methods.n == 0 && m->item != NULL)
		methods = bundle_text(b, m->item->allow);
	add(to, "Access-Control-Allow-Methods", methods);
	add(to, "Access-Control-Allow-Headers",
	    (c->flags & CORS_ANY_HEADER) != 0 ? asked(r)
					      : bundle_text(b, c->headers));
	buf_add_str(to, "Access-Control-Max-Age: ");
	buf_add_u64(to, c->max_age_s);
	buf_add_str(to, "\r\n");
}

void
cors_write(const struct bundle *b, const struct request *r,
    const struct match *m, bool preflight, struct buf *to)
{
	const struct row_cors *c = cors_of(b, m->api);
	struct span origin;

	if (c == NULL)
		return;
	origin = request_param_single(r, SPAN("HTTP_ORIGIN"));
	/* A cache may not give one origin what was meant for another. */
	buf_add_str(to,
	    preflight ? "Vary: Origin, Access-Control-Request-Method, "
			"Access-Control-Request-Headers\r\n"
		      : "Vary: Origin\r\n");
	if (!is_allowed(b, c, origin))
		return;
	add(to, "Access-Control-Allow-Origin",
	    (c->flags & CORS_ANY_ORIGIN) != 0 ? SPAN("*") : origin);
	if ((c->flags & CORS_CREDENTIALS) != 0)
		add(to, "Access-Control-Allow-Credentials", SPAN("true"));
	if (preflight)
		write_preflight(b, c, r, m, to);
	else
		add(to, "Access-Control-Expose-Headers",
		    bundle_text(b, c->exposed));
}

bool
cors_is_field(struct span name)
{
	static const struct span prefix = SPAN_INIT("Access-Control-");

	return name.n > prefix.n &&
	    span_eq_nocase(span_of(name.p, prefix.n), prefix);
}

static bool
too_many(const struct take *takes, uint32_t n, struct decision *d)
{
	enum reason reason = REASON_RATE_EXCEEDED;
	uint64_t wait_s = 1;

	for (uint32_t i = 0; i < n; i++) {
		if (!takes[i].refused)
			continue;
		if (takes[i].limit->period_us > 60 * US_PER_S)
			reason = REASON_QUOTA_EXCEEDED;
		if (takes[i].wait_us / US_PER_S + 1 > wait_s)
			wait_s = takes[i].wait_us / US_PER_S + 1;
	}
	refuse(d, reason, SPAN("too many preflights from this address"));
	d->retry_after_s = wait_s < UINT32_MAX ? (uint32_t)wait_s : UINT32_MAX;
	return false;
}

bool
cors_count_preflight(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct match *m, struct decision *d)
{
	static const char digits[] = "0123456789abcdef";
	const struct row_cors *c = cors_of(b, m->api);
	struct take takes[TAKES_MAX];
	struct span client;

	static_assert(sizeof(digits) > TAKES_MAX, "a digit for each");
	if (c == NULL || c->limits.n == 0)
		return true;
	client = request_client_key(r, b);
	if (client.p == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	for (uint32_t i = 0; i < c->limits.n; i++) {
		takes[i] = (struct take){ .parts = { SPAN("preflight"),
					      bundle_text(b, m->api->title),
					      bundle_text(b, m->api->version),
					      client, span_of(&digits[i], 1) },
			.n_parts = 5,
			.client = true,
			.limit = bundle_limit(b, c->limits.first + i) };
		throttle_set_window(b, &takes[i], r->now_us);
	}
	if (world->take == NULL)
		return refuse(d, REASON_FAULT, SPAN("no counters"));
	switch (world->take(world->world, takes, c->limits.n, r->now_us)) {
	case TAKE_ALLOWED:
		return true;
	case TAKE_REFUSED:
		return too_many(takes, c->limits.n, d);
	case TAKE_DOWN: /* not of these, which are counted here */
	case TAKE_FAULT:
		break;
	}
	return refuse(d, REASON_FAULT, SPAN("the counters cannot tell"));
}
