/*
 * claims - see claims.h.
 */
#include "policy/claims.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"

#define DEPTH_MAX 32
#define KEY_ID_BYTES_MAX 256
#define NUMBER_BYTES_MAX 64

struct reading {
	struct json_scan scan;
	struct arena *arena;
	const char *why;
	bool scopes_exact; /* found under its whole name, not by a path */
};

static bool
fail(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

static bool
next_is(struct reading *r, enum json_event wanted, const char *why)
{
	enum json_event e = json_scan_next(&r->scan);

	if (e == JSON_ERROR)
		return fail(r, "not strict JSON");
	return e == wanted || fail(r, why);
}

static bool
skip(struct reading *r)
{
	return json_scan_skip(&r->scan) || fail(r, "not strict JSON");
}

/*
 * Control bytes are refused in every text that leaves for a header, a log
 * or a counter's name.
 */
static bool
read_text(struct reading *r, struct span *to)
{
	if (!next_is(r, JSON_STRING, "a claim is no text"))
		return false;
	if (span_has_control(r->scan.value))
		return fail(r, "control byte in a claim");
	*to = r->scan.value;
	return true;
}

/* RFC 7519 section 2, NumericDate; cut to whole seconds. */
static bool
seconds_of(struct span number, int64_t *seconds)
{
	const double most = 9007199254740992.0; /* 2^53 */
	char text[NUMBER_BYTES_MAX];
	uint64_t v;
	double d;

	if (span_to_u64(number, UINT64_C(1) << 53, &v)) {
		*seconds = (int64_t)v;
		return true;
	}
	if (number.n >= sizeof(text))
		return false;
	memcpy(text, number.p, number.n);
	text[number.n] = '\0';
	d = strtod(text, NULL);
	if (!isfinite(d) || d > most || d < -most)
		return false;
	*seconds = (int64_t)d;
	return true;
}

static bool
read_time(struct reading *r, bool *has, int64_t *seconds)
{
	*has = true;
	if (!next_is(r, JSON_NUMBER, "a time is no number"))
		return false;
	return seconds_of(r->scan.value, seconds) ||
	    fail(r, "a time is out of range");
}

/*
 * A text, or an array of texts, as a list in reverse order.  Else false.
 */
static bool
read_words(struct reading *r, struct claim_word **list)
{
	enum json_event e = json_scan_next(&r->scan);
	bool many = e == JSON_ARRAY;

	if (many)
		e = json_scan_next(&r->scan);
	*list = NULL;
	for (; e == JSON_STRING; e = json_scan_next(&r->scan)) {
		struct claim_word *w = arena_alloc(r->arena, sizeof(*w));

		if (w == NULL)
			return fail(r, "out of memory");
		if (span_has_control(r->scan.value))
			return fail(r, "control byte in a claim");
		w->text = r->scan.value;
		w->next = *list;
		*list = w;
		if (!many)
			return true;
	}
	if (e == JSON_ERROR)
		return fail(r, "not strict JSON");
	return (many && e == JSON_ARRAY_END) ||
	    fail(r, "a claim is no text or list of texts");
}

/* The words with single spaces between them. */
static bool
join(struct reading *r, struct claim_word *list, struct span *to)
{
	size_t n = 0;
	char *p;

	for (struct claim_word *w = list; w != NULL; w = w->next)
		n += w->text.n + 1;
	p = arena_alloc(r->arena, n + 1);
	if (p == NULL)
		return fail(r, "out of memory");
	*to = span_of(p, n > 0 ? n - 1 : 0);
	/* The list is in reverse order, so it is written from the end. */
	for (struct claim_word *w = list; w != NULL; w = w->next) {
		n -= w->text.n + 1;
		if (w->text.n > 0)
			memcpy(p + n, w->text.p, w->text.n);
		p[n + w->text.n] = ' ';
	}
	return true;
}

/* RFC 6749 section 3.3: words with single spaces between them. */
static bool
is_plain(struct span s)
{
	if (s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' '))
		return false;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == ' ' && s.p[i - 1] == ' ')
			return false;
	}
	return true;
}

static bool
split(struct reading *r, struct span s, struct claim_word **list)
{
	*list = NULL;
	while (s.p != NULL) {
		struct span word = span_cut(&s, ' ');
		struct claim_word *w;

		if (word.n == 0)
			continue;
		w = arena_alloc(r->arena, sizeof(*w));
		if (w == NULL)
			return fail(r, "out of memory");
		*w = (struct claim_word){ *list, word };
		*list = w;
	}
	return true;
}

static bool
read_scopes(struct reading *r, struct span *to)
{
	struct claim_word *list;
	bool text = false;

	if (!read_words(r, &list))
		return false;
	/* One string is a list of words; in an array each is one word. */
	text = r->scan.value.p != NULL;
	if (text && is_plain(list->text)) {
		*to = list->text;
		return true;
	}
	if (text)
		return split(r, list->text, &list) && join(r, list, to);
	for (struct claim_word *w = list; w != NULL; w = w->next) {
		if (w->text.n == 0 || span_has(w->text, ' '))
			return fail(r, "a scope is empty or has a blank");
	}
	return join(r, list, to);
}

/*
 * The value of the member just named may be the scopes, or an object on
 * the path to them.  "*used": it was read here.
 */
static bool
try_scopes(
    struct reading *r, struct span path, bool top, struct claims *c, bool *used)
{
	struct span name = r->scan.value, rest = path;
	enum json_event e;

	*used = false;
	if (path.n == 0)
		return true;
	if (span_eq(name, path)) {
		*used = true;
		if (c->scopes.p != NULL && !top)
			return skip(r);
		r->scopes_exact = top;
		return read_scopes(r, &c->scopes);
	}
	if (!span_starts(path, name) || path.n <= name.n ||
	    path.p[name.n] != '.' || r->scopes_exact)
		return true;
	*used = true;
	rest = span_skip(path, name.n + 1);
	e = json_scan_next(&r->scan);
	if (e == JSON_ERROR)
		return fail(r, "not strict JSON");
	if (e != JSON_OBJECT)
		return skip(r);
	while ((e = json_scan_next(&r->scan)) == JSON_NAME) {
		bool deeper;

		/* At most DEPTH_MAX calls deep: each opened an object. */
		if (!try_scopes(r, rest, false, c, &deeper) ||
		    (!deeper && !skip(r)))
			return false;
	}
	return e == JSON_OBJECT_END || fail(r, "not strict JSON");
}

/* A text that decides nothing unless trusted: other types are no error. */
static bool
read_if_text(struct reading *r, struct span *to)
{
	enum json_event e = json_scan_next(&r->scan);

	if (e == JSON_ERROR)
		return fail(r, "not strict JSON");
	if (e != JSON_STRING)
		return skip(r);
	if (span_has_control(r->scan.value))
		return fail(r, "control byte in a claim");
	*to = r->scan.value;
	return true;
}

/* A name, or WSO2's {"name": ..., "owner": ..., "tier": ...}. */
static bool
read_application(struct reading *r, struct claims *c)
{
	enum json_event e = json_scan_next(&r->scan);

	if (e == JSON_STRING) {
		if (span_has_control(r->scan.value))
			return fail(r, "control byte in a claim");
		c->application = r->scan.value;
		return true;
	}
	if (e != JSON_OBJECT)
		return skip(r);
	while ((e = json_scan_next(&r->scan)) == JSON_NAME) {
		struct span name = r->scan.value, ignored;
		struct span *to = &ignored;

		if (span_eq(name, SPAN("name")))
			to = &c->application;
		else if (span_eq(name, SPAN("owner")))
			to = &c->application_owner;
		else if (span_eq(name, SPAN("tier")))
			to = &c->application_tier;
		if (!read_if_text(r, to))
			return false;
	}
	return e == JSON_OBJECT_END || fail(r, "not strict JSON");
}

/* The value of the claim "name", which comes next. */
static bool
read_claim(struct reading *r, struct span name, struct claims *c,
    struct span *client_id)
{
	if (span_eq(name, SPAN("iss")))
		return read_text(r, &c->issuer);
	if (span_eq(name, SPAN("sub")))
		return read_text(r, &c->subject);
	if (span_eq(name, SPAN("aud")))
		return read_words(r, &c->audiences);
	if (span_eq(name, SPAN("exp")))
		return read_time(r, &c->has_expiry, &c->expires_s);
	if (span_eq(name, SPAN("nbf")))
		return read_time(r, &c->has_not_before, &c->not_before_s);
	if (span_eq(name, SPAN("azp")))
		return read_text(r, &c->client);
	if (span_eq(name, SPAN("client_id")))
		return read_text(r, client_id);
	if (span_eq(name, SPAN("nonce")) || span_eq(name, SPAN("at_hash")) ||
	    span_eq(name, SPAN("c_hash"))) {
		c->id_token = true;
		return skip(r);
	}
	if (span_eq(name, SPAN("tier")))
		return read_if_text(r, &c->tier);
	if (span_eq(name, SPAN("keytype")))
		return read_if_text(r, &c->key_type);
	if (span_eq(name, SPAN("application")))
		return read_application(r, c);
	return skip(r);
}

static bool
read_all(struct reading *r, struct span scope_claim, struct claims *c)
{
	struct span client_id = { NULL, 0 };
	enum json_event e;

	if (!next_is(r, JSON_OBJECT, "claims are no object"))
		return false;
	while ((e = json_scan_next(&r->scan)) == JSON_NAME) {
		bool used;

		if (!try_scopes(r, scope_claim, true, c, &used) ||
		    (!used && !read_claim(r, r->scan.value, c, &client_id)))
			return false;
	}
	if (e != JSON_OBJECT_END || json_scan_next(&r->scan) != JSON_END)
		return fail(r, "not strict JSON");
	if (c->client.p == NULL)
		c->client = client_id;
	return true;
}

bool
claims_read(struct span json, struct span scope_claim, struct arena *a,
    struct claims *c, const char **why)
{
	struct reading r = { .arena = a };

	*c = (struct claims){ 0 };
	json_scan_init(&r.scan, json, DEPTH_MAX, a);
	if (read_all(&r, scope_claim, c))
		return true;
	*why = r.why;
	return false;
}

static bool
read_header_member(struct reading *r, struct jose_header *h)
{
	struct span name = r->scan.value;

	if (span_eq(name, SPAN("alg")))
		return read_text(r, &h->alg);
	if (span_eq(name, SPAN("kid"))) {
		if (!read_text(r, &h->kid))
			return false;
		return h->kid.n <= KEY_ID_BYTES_MAX ||
		    fail(r, "kid is too long");
	}
	if (span_eq(name, SPAN("typ")))
		return read_text(r, &h->type);
	/*
	 * RFC 7515 section 4.1.11: nothing critical is understood here.
	 * RFC 7797 section 7 wants "b64" in "crit"; without it, it would
	 * still mean that something else was signed.
	 */
	if (span_eq(name, SPAN("crit")))
		return fail(r, "crit is not understood");
	if (span_eq(name, SPAN("b64")))
		return fail(r, "b64 is not understood");
	if (span_eq(name, SPAN("zip")) || span_eq(name, SPAN("enc")))
		return fail(r, "not a plain JWS");
	/* Keys and links in the token ("jwk", "jku", "x5u") mean nothing. */
	return skip(r);
}

bool
jose_header_read(
    struct span json, struct arena *a, struct jose_header *h, const char **why)
{
	const struct span prefix = SPAN("application/");
	struct reading r = { .arena = a };
	enum json_event e;
	bool good;

	*h = (struct jose_header){ 0 };
	json_scan_init(&r.scan, json, DEPTH_MAX, a);
	good = next_is(&r, JSON_OBJECT, "header is no object");
	while (good && (e = json_scan_next(&r.scan)) == JSON_NAME)
		good = read_header_member(&r, h);
	if (good &&
	    (e != JSON_OBJECT_END || json_scan_next(&r.scan) != JSON_END))
		good = fail(&r, "not strict JSON");
	if (good && h->alg.p == NULL)
		good = fail(&r, "no alg");
	if (h->type.n > prefix.n &&
	    span_eq_nocase(span_of(h->type.p, prefix.n), prefix))
		h->type = span_skip(h->type, prefix.n);
	*why = r.why;
	return good;
}
