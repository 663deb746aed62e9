/*
 * cors - see cors.h.
 */
#include "spec/cors.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "policy/cors.h"
#include "policy/field.h"
#include "spec/fields.h"

#define MAX_AGE_US (UINT64_C(86400) * US_PER_S)
#define MAX_AGE_DEFAULT_US (UINT64_C(600) * US_PER_S)

/* Of one address, where no tier is named: more than people can click. */
#define PREFLIGHTS_A_MINUTE 1000

/* What the gate says beside the backend. */
#define EXPOSED_DEFAULT "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"

#define TEXT_BYTES_MAX 8192

typedef bool word_check(struct spec_text *t, struct spec_cors *c);

static struct span
lower(struct span s, struct arena *a)
{
	char *p = arena_alloc(a, s.n + 1);

	for (size_t i = 0; p != NULL && i < s.n; i++)
		p[i] = ascii_lower(s.p[i]);
	return span_of(p, p != NULL ? s.n : 0);
}

/* A port that the scheme has anyway is not in what browsers send. */
static struct span
without_port(struct span s)
{
	if (span_starts(s, SPAN("https://")) && span_ends(s, SPAN(":443")))
		s.n -= 4;
	else if (span_starts(s, SPAN("http://")) && span_ends(s, SPAN(":80")))
		s.n -= 3;
	return s;
}

/* True: to be kept in the list; an absent text: it is wrong. */
static bool
check_origin(struct spec_text *t, struct spec_cors *c)
{
	if (span_eq(t->text, SPAN("*"))) {
		c->any_origin = true;
		return false;
	}
	t->text = without_port(t->text);
	if (!cors_is_origin(t->text))
		t->text = (struct span){ NULL, 0 };
	return true;
}

static bool
check_token(struct spec_text *t, struct spec_cors *c)
{
	(void)c;
	if (!field_is_token(t->text) || span_eq(t->text, SPAN("*")))
		t->text = (struct span){ NULL, 0 };
	return true;
}

static bool
check_header(struct spec_text *t, struct spec_cors *c)
{
	if (!span_eq(t->text, SPAN("*")))
		return check_token(t, c);
	c->any_header = true;
	return false;
}

/* WSO2 compares whatever stands there with what no browser sends. */
static void
report(const struct spec_cors *c, bool origin, const struct node *n,
    struct diag *d)
{
	if (origin && c->wso2)
		diag_warning(d, n->place, "cors",
		    "'%.*s' is no origin that a browser sends: left out",
		    SPAN_ARG(n->text));
	else
		diag_error(d, n->place, "cors",
		    origin ? "'%.*s' is no origin: scheme://host[:port] or "
			     "scheme://*.host[:port], without a path"
			   : "'%.*s' is no name",
		    SPAN_ARG(n->text));
}

/* A string or a list of them, which may be empty, to the end of "words". */
static void
read_words(const struct node *n, const char *what, word_check *check,
    struct spec_cors *c, struct spec_word **words, struct diag *d)
{
	bool list = tree_is(n, NODE_LIST);
	bool origin = check == check_origin;

	if (n == NULL)
		return;
	for (n = list ? n->first : n; n != NULL; n = list ? n->next : NULL) {
		struct spec_word *w = arena_alloc(d->arena, sizeof(*w));

		if (w == NULL) {
			d->failed = true;
			return;
		}
		if (!node_text(n, what, false, &w->text, d))
			continue;
		if (origin)
			w->text.text = lower(w->text.text, d->arena);
		if (!check(&w->text, c))
			continue;
		if (w->text.text.p == NULL) {
			report(c, origin, n, d);
			continue;
		}
		*words = w;
		words = &w->next;
	}
}

static struct spec_cors *
new_cors(struct diag *d)
{
	struct spec_cors *c = arena_alloc(d->arena, sizeof(*c));

	if (c == NULL)
		d->failed = true;
	else
		c->max_age_us = MAX_AGE_DEFAULT_US;
	return c;
}

static struct spec_cors *
judged(struct spec_cors *c, const struct node *n, struct diag *d)
{
	if (c->any_origin && c->credentials)
		diag_error(d, n->place, "cors",
		    "'*' with credentials would let every page act as its "
		    "visitor: name the origins");
	else if (c->any_origin && c->origins != NULL)
		diag_error(d, n->place, "cors",
		    "'*' stands beside other origins: it allows all");
	return c;
}

struct spec_cors *
cors_read(const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "origins", "methods", "headers",
		"expose", "credentials", "max-age", "preflight-tier", NULL };
	struct spec_cors *c = new_cors(d);
	enum spec_switch credentials = SWITCH_UNSET;

	if (c == NULL)
		return NULL;
	if (n->kind == NODE_STRING && span_eq(n->text, SPAN("off"))) {
		c->off = true;
		return c;
	}
	if (!fields_check(n, "cors", keys, d))
		return NULL;
	read_words(
	    tree_get(n, "origins"), "origins", check_origin, c, &c->origins, d);
	read_words(
	    tree_get(n, "methods"), "methods", check_token, c, &c->methods, d);
	c->headers_given = tree_get(n, "headers") != NULL;
	read_words(
	    tree_get(n, "headers"), "headers", check_header, c, &c->headers, d);
	read_words(
	    tree_get(n, "expose"), "expose", check_token, c, &c->exposed, d);
	field_switch(n, "credentials", &credentials, d);
	c->credentials = credentials == SWITCH_TRUE;
	field_duration(n, "max-age", 0, MAX_AGE_US, &c->max_age_us, d);
	field_text(n, "preflight-tier", &c->tier, d);
	if (!c->any_origin && c->origins == NULL)
		diag_error(d, n->place, "cors",
		    "no origin is named: name some, or say '*'");
	return judged(c, n, d);
}

/* "accessControlAllowOrigins" in one of the ways it is written. */
static bool
is_spelling(struct span name, struct span camel)
{
	char separator = span_has(name, '-') ? '-' : '_';
	size_t k = 0;

	if (!span_has(name, '-') && !span_has(name, '_'))
		return span_eq(name, camel);
	for (size_t i = 0; i < camel.n; i++) {
		if (ascii_lower(camel.p[i]) != camel.p[i] &&
		    (k >= name.n || name.p[k++] != separator))
			return false;
		if (k >= name.n || name.p[k++] != ascii_lower(camel.p[i]))
			return false;
	}
	return k == name.n;
}

enum wso2_key {
	WSO2_ENABLED,
	WSO2_ORIGINS,
	WSO2_CREDENTIALS,
	WSO2_HEADERS,
	WSO2_METHODS,
	WSO2_EXPOSE,
	WSO2__MAX
};

static const struct span wso2_keys[WSO2__MAX] = {
	[WSO2_ENABLED] = SPAN_INIT("corsConfigurationEnabled"),
	[WSO2_ORIGINS] = SPAN_INIT("accessControlAllowOrigins"),
	[WSO2_CREDENTIALS] = SPAN_INIT("accessControlAllowCredentials"),
	[WSO2_HEADERS] = SPAN_INIT("accessControlAllowHeaders"),
	[WSO2_METHODS] = SPAN_INIT("accessControlAllowMethods"),
	[WSO2_EXPOSE] = SPAN_INIT("accessControlExposeHeaders"),
};

/* Find all members; an unknown or a second one is an error. */
static bool
find_wso2(
    const struct node *map, const struct node *found[WSO2__MAX], struct diag *d)
{
	bool ok = true;

	for (const struct node *m = map->first; m != NULL; m = m->next) {
		int k = 0;

		while (k < WSO2__MAX && !is_spelling(m->name, wso2_keys[k]))
			k++;
		if (k == WSO2__MAX) {
			struct diag_guess g = { .word = m->name };
			struct span hint;

			for (k = 0; k < WSO2__MAX; k++)
				diag_guess_try(&g, wso2_keys[k]);
			hint = diag_guess_hint(&g, d->arena);
			diag_error(d, m->name_place, "cors",
			    "unknown key '%.*s' in x-wso2-cors%.*s",
			    SPAN_ARG(m->name), SPAN_ARG(hint));
			ok = false;
			continue;
		}
		if (found[k] != NULL) {
			diag_error(d, m->name_place, "cors",
			    "'%.*s' says again what line %u says",
			    SPAN_ARG(m->name), found[k]->name_place.line);
			ok = false;
		}
		found[k] = m;
	}
	return ok;
}

static bool
is_true(const struct node *n, bool by_default, struct diag *d)
{
	if (n == NULL)
		return by_default;
	if (n->kind != NODE_BOOL)
		diag_error(d, n->place, "kind",
		    "%.*s must be exactly true or false", SPAN_ARG(n->name));
	return span_eq(n->text, SPAN("true"));
}

struct spec_cors *
cors_read_wso2(const struct node *n, struct diag *d)
{
	const struct node *at[WSO2__MAX] = { NULL };
	struct spec_cors *c = new_cors(d);

	if (c == NULL)
		return NULL;
	if (n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind", "x-wso2-cors must be a map");
		return NULL;
	}
	c->wso2 = true;
	if (!find_wso2(n, at, d))
		return NULL;
	if (!is_true(at[WSO2_ENABLED], true, d)) {
		diag_warning(d, at[WSO2_ENABLED]->place, "cors",
		    "CORS is off here; WSO2's gateway would apply it all the "
		    "same");
		c->off = true;
		return c;
	}
	read_words(
	    at[WSO2_ORIGINS], "an origin", check_origin, c, &c->origins, d);
	read_words(
	    at[WSO2_METHODS], "a method", check_token, c, &c->methods, d);
	c->headers_given = at[WSO2_HEADERS] != NULL;
	read_words(
	    at[WSO2_HEADERS], "a header", check_header, c, &c->headers, d);
	read_words(at[WSO2_EXPOSE], "a header", check_token, c, &c->exposed, d);
	c->credentials = is_true(at[WSO2_CREDENTIALS], false, d);
	if (!c->any_origin && c->origins == NULL)
		diag_warning(
		    d, n->place, "cors", "no origin is named: none is allowed");
	return judged(c, n, d);
}

static void
add_word(struct buf *to, struct span word)
{
	if (to->n > 0)
		buf_add_str(to, ", ");
	buf_add(to, word);
}

static struct text
emit_joined(struct build *b, const struct spec_word *words)
{
	struct buf joined;
	struct text t;

	buf_init(&joined, TEXT_BYTES_MAX);
	for (; words != NULL; words = words->next)
		add_word(&joined, words->text.text);
	t = build_text(
	    b, joined.n > 0 ? buf_span(&joined) : (struct span){ NULL, 0 });
	buf_fini(&joined);
	return t;
}

/* What clients of this API need: a type, and their credentials. */
static struct text
emit_usual_headers(struct build *b, const struct spec_scheme *s)
{
	bool proofs = false;
	struct buf joined;
	struct text t;

	buf_init(&joined, TEXT_BYTES_MAX);
	add_word(&joined, SPAN("Authorization"));
	add_word(&joined, SPAN("Content-Type"));
	for (; s != NULL; s = s->next) {
		if (s->type == SPEC_SCHEME_API_KEY && s->in == NAME_HEADER &&
		    !span_eq_nocase(s->field, SPAN("Authorization")))
			add_word(&joined, s->field);
		else if (s->dpop != 0 && !proofs) {
			add_word(&joined, SPAN("DPoP"));
			proofs = true;
		}
	}
	t = build_text(b, buf_span(&joined));
	buf_fini(&joined);
	return t;
}

static struct range
emit_limits(struct build *b, const struct spec_cors *c)
{
	const struct row_limit usual = { .algorithm = LIMIT_TOKEN_BUCKET,
		.unit = LIMIT_REQUESTS,
		.count = PREFLIGHTS_A_MINUTE,
		.period_us = 60 * US_PER_S,
		.burst = PREFLIGHTS_A_MINUTE };
	struct range r = { build_n(b, SECTION_LIMIT), 0 };

	if (c->limits == NULL) {
		(void)BUILD_ROW(b, SECTION_LIMIT, &usual);
		r.n = 1;
		return r;
	}
	for (; r.n < c->limits->n_limits; r.n++)
		(void)BUILD_ROW(b, SECTION_LIMIT, &c->limits->limits[r.n]);
	return r;
}

struct range
cors_emit(struct build *b, const struct spec_cors *c,
    const struct spec_scheme *schemes)
{
	struct range r = { 0, 0 };
	struct row_cors row = { 0 };

	if (c == NULL || c->off)
		return r;
	row.origins.first = build_n(b, SECTION_STRING);
	for (const struct spec_word *w = c->origins; w != NULL; w = w->next)
		row.origins.n += build_strings(b, &w->text.text, 1).n;
	row.methods = emit_joined(b, c->methods);
	row.headers = c->headers_given ? emit_joined(b, c->headers)
				       : emit_usual_headers(b, schemes);
	row.exposed = c->exposed != NULL ? emit_joined(b, c->exposed)
					 : build_text(b, SPAN(EXPOSED_DEFAULT));
	row.limits = emit_limits(b, c);
	row.flags = (c->any_origin ? CORS_ANY_ORIGIN : 0) |
	    (c->any_header ? CORS_ANY_HEADER : 0) |
	    (c->credentials ? CORS_CREDENTIALS : 0);
	row.max_age_s = (uint32_t)(c->max_age_us / US_PER_S);
	r.first = BUILD_ROW(b, SECTION_CORS, &row);
	r.n = 1;
	return r;
}
