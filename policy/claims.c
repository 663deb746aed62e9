/*
 * claims - see claims.h.
 */
#include "policy/claims_part.h"

#include <math.h>
#include <stdlib.h>

#define NUMBER_BYTES_MAX 64

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
	if (!claims_next_is(r, JSON_NUMBER, "a time is no number"))
		return false;
	return seconds_of(r->scan.value, seconds) ||
	    claims_fail(r, "a time is out of range");
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
			return claims_fail(r, "out of memory");
		if (span_has_control(r->scan.value))
			return claims_fail(r, "control byte in a claim");
		w->text = r->scan.value;
		w->next = *list;
		*list = w;
		if (!many)
			return true;
	}
	if (e == JSON_ERROR)
		return claims_fail(r, "not strict JSON");
	return (many && e == JSON_ARRAY_END) ||
	    claims_fail(r, "a claim is no text or list of texts");
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
		return claims_fail(r, "out of memory");
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
			return claims_fail(r, "out of memory");
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
			return claims_fail(
			    r, "a scope is empty or has a blank");
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
			return claims_skip(r);
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
		return claims_fail(r, "not strict JSON");
	if (e != JSON_OBJECT)
		return claims_skip(r);
	while ((e = json_scan_next(&r->scan)) == JSON_NAME) {
		bool deeper;

		/* At most CLAIMS_DEPTH_MAX calls deep: each opened an object.
		 */
		if (!try_scopes(r, rest, false, c, &deeper) ||
		    (!deeper && !claims_skip(r)))
			return false;
	}
	return e == JSON_OBJECT_END || claims_fail(r, "not strict JSON");
}

/* A text that decides nothing unless trusted: other types are no error. */
static bool
read_if_text(struct reading *r, struct span *to)
{
	enum json_event e = json_scan_next(&r->scan);

	if (e == JSON_ERROR)
		return claims_fail(r, "not strict JSON");
	if (e != JSON_STRING)
		return claims_skip(r);
	if (span_has_control(r->scan.value))
		return claims_fail(r, "control byte in a claim");
	*to = r->scan.value;
	return true;
}

/* WSO2 writes the number of an application, and its text in later ones. */
static bool
read_if_number(struct reading *r, struct span *to)
{
	enum json_event e = json_scan_next(&r->scan);

	if (e == JSON_ERROR)
		return claims_fail(r, "not strict JSON");
	if (e != JSON_STRING && e != JSON_NUMBER)
		return claims_skip(r);
	if (span_has_control(r->scan.value))
		return claims_fail(r, "control byte in a claim");
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
			return claims_fail(r, "control byte in a claim");
		c->application = r->scan.value;
		return true;
	}
	if (e != JSON_OBJECT)
		return claims_skip(r);
	while ((e = json_scan_next(&r->scan)) == JSON_NAME) {
		struct span name = r->scan.value, ignored;
		struct span *to = &ignored;

		if (span_eq(name, SPAN("name")))
			to = &c->application;
		else if (span_eq(name, SPAN("uuid")))
			to = &c->application_uuid;
		else if (span_eq(name, SPAN("owner")))
			to = &c->application_owner;
		else if (span_eq(name, SPAN("tier")))
			to = &c->application_tier;
		if (!(span_eq(name, SPAN("id"))
			    ? read_if_number(r, &c->application_id)
			    : read_if_text(r, to)))
			return false;
	}
	return e == JSON_OBJECT_END || claims_fail(r, "not strict JSON");
}

/* RFC 7800 section 3.1: what it says must be understood. */
static bool
read_confirmation(struct reading *r, struct claims *c)
{
	enum json_event e;

	c->bound = true;
	if (!claims_next_is(r, JSON_OBJECT, "cnf is no object"))
		return false;
	while ((e = json_scan_next(&r->scan)) == JSON_NAME) {
		struct span name = r->scan.value;
		struct span *to = NULL;

		if (span_eq(name, SPAN("x5t#S256")))
			to = &c->certificate;
		else if (span_eq(name, SPAN("jkt")))
			to = &c->proof_key;
		if (to != NULL ? !claims_read_text(r, to) : !claims_skip(r))
			return false;
	}
	return e == JSON_OBJECT_END || claims_fail(r, "not strict JSON");
}

/* The text of the value that comes next, for who reads it later. */
static bool
read_raw(struct reading *r, struct span *to)
{
	size_t begin;

	if (json_scan_next(&r->scan) == JSON_ERROR)
		return claims_fail(r, "not strict JSON");
	begin = r->scan.offset;
	if (!claims_skip(r))
		return false;
	*to = span_of(r->scan.text.p + begin, r->scan.at - begin);
	return true;
}

/* Claims of WSO2, and what others call tier and application. */
static bool
read_trusted(struct reading *r, struct span name, struct claims *c)
{
	if (span_eq(name, SPAN("tier")))
		return read_if_text(r, &c->tier);
	if (span_eq(name, SPAN("keytype")))
		return read_if_text(r, &c->key_type);
	if (span_eq(name, SPAN("consumerKey")))
		return read_if_text(r, &c->consumer);
	if (span_eq(name, SPAN("application")))
		return read_application(r, c);
	if (span_eq(name, SPAN("subscribedAPIs")))
		return read_raw(r, &c->subscriptions);
	if (span_eq(name, SPAN("allowedAPIs")))
		return read_raw(r, &c->allowed);
	if (span_eq(name, SPAN("permittedIP")))
		return read_raw(r, &c->addresses);
	if (span_eq(name, SPAN("permittedReferer")))
		return read_raw(r, &c->referers);
	return claims_skip(r);
}

/* The value of the claim "name", which comes next. */
static bool
read_claim(struct reading *r, struct span name, struct claims *c,
    struct span *client_id)
{
	if (span_eq(name, SPAN("iss")))
		return claims_read_text(r, &c->issuer);
	if (span_eq(name, SPAN("sub")))
		return claims_read_text(r, &c->subject);
	if (span_eq(name, SPAN("aud")))
		return read_words(r, &c->audiences);
	if (span_eq(name, SPAN("exp")))
		return read_time(r, &c->has_expiry, &c->expires_s);
	if (span_eq(name, SPAN("nbf")))
		return read_time(r, &c->has_not_before, &c->not_before_s);
	if (span_eq(name, SPAN("azp")))
		return claims_read_text(r, &c->client);
	if (span_eq(name, SPAN("client_id")))
		return claims_read_text(r, client_id);
	if (span_eq(name, SPAN("nonce")) || span_eq(name, SPAN("at_hash")) ||
	    span_eq(name, SPAN("c_hash"))) {
		c->id_token = true;
		return claims_skip(r);
	}
	if (span_eq(name, SPAN("iat")))
		return read_time(r, &c->has_issued, &c->issued_s);
	if (span_eq(name, SPAN("jti")))
		return claims_read_text(r, &c->token_id);
	if (span_eq(name, SPAN("cnf")))
		return read_confirmation(r, c);
	return read_trusted(r, name, c);
}

bool
claims_is_fixed(struct span name)
{
	static const char *const names[] = { "iss", "aud", "exp", "nbf", "iat",
		"jti", "cnf", NULL };

	return span_is_one_of(name, names);
}

/*
 * The name that claim "name" goes by; absent: another one has its name,
 * or it would have two.
 */
static struct span
local_name(const struct claims_rules *rules, struct span name)
{
	for (size_t i = 0; i < rules->n_mappings; i++)
		if (span_eq(rules->mappings[i].remote, name))
			return rules->mappings[i].local;
	for (size_t i = 0; i < rules->n_mappings; i++)
		if (span_eq(rules->mappings[i].local, name))
			return (struct span){ NULL, 0 };
	return name;
}

static bool
read_all(struct reading *r, struct claims *c)
{
	struct span client_id = { NULL, 0 };
	enum json_event e;

	if (!claims_next_is(r, JSON_OBJECT, "claims are no object"))
		return false;
	while ((e = json_scan_next(&r->scan)) == JSON_NAME) {
		bool used;

		r->scan.value = local_name(r->rules, r->scan.value);
		if (r->scan.value.p == NULL) {
			if (!claims_skip(r))
				return false;
			continue;
		}
		if (!try_scopes(r, r->rules->scope_claim, true, c, &used) ||
		    (!used && !read_claim(r, r->scan.value, c, &client_id)))
			return false;
	}
	if (e != JSON_OBJECT_END || json_scan_next(&r->scan) != JSON_END)
		return claims_fail(r, "not strict JSON");
	if (c->client.p == NULL)
		c->client = client_id;
	return true;
}

bool
claims_read_mapped(struct span json, const struct claims_rules *rules,
    struct arena *a, struct claims *c, const char **why)
{
	struct reading r = { .arena = a, .rules = rules };

	*c = (struct claims){ 0 };
	json_scan_init(&r.scan, json, CLAIMS_DEPTH_MAX, a);
	if (read_all(&r, c))
		return true;
	*why = r.why;
	return false;
}

bool
claims_read(struct span json, struct span scope_claim, struct arena *a,
    struct claims *c, const char **why)
{
	const struct claims_rules rules = { .scope_claim = scope_claim };

	return claims_read_mapped(json, &rules, a, c, why);
}
