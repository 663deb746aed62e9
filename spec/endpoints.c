/*
 * endpoints - see endpoints.h.
 */
#include "spec/endpoints.h"

#include "base/clock.h"
#include "policy/field.h"
#include "policy/url.h"
#include "spec/fields.h"

#define TIMEOUT_MAX_US (UINT64_C(86400) * US_PER_S)
#define WEIGHT_MAX 1000

struct spec_set *
endpoints_set(struct diag *d)
{
	struct spec_set *s = arena_alloc(d->arena, sizeof(*s));

	if (s == NULL) {
		d->failed = true;
		return NULL;
	}
	*s = (struct spec_set){ .connect_us = UINT64_MAX,
		.first_byte_us = UINT64_MAX,
		.idle_us = UINT64_MAX,
		.total_us = UINT64_MAX };
	return s;
}

bool
endpoints_add(struct spec_text url, bool document, struct spec_set *set,
    struct spec_url **list, struct diag *d)
{
	const char *why = NULL;
	struct url parsed;
	struct spec_url *u;

	if (document && !url_parse(url.text, &parsed, &why)) {
		diag_error(d, url.place, "server-url", "'%.*s': %s",
		    SPAN_ARG(url.text), why);
		return false;
	}
	u = arena_alloc(d->arena, sizeof(*u));
	if (u == NULL) {
		d->failed = true;
		return false;
	}
	u->url = url;
	u->from_document = document;
	u->set = set;
	u->weight = 1;
	while (*list != NULL)
		list = &(*list)->next;
	*list = u;
	return true;
}

/* Documents neither have secrets nor say where files of ours are. */
static void
refuse_reach(const struct node *n, struct diag *d)
{
	for (const struct node *m = n->first; m != NULL; m = m->next)
		if (span_is_one_of(m->name, reach_keys))
			diag_error(d, m->name_place, "backend-credential",
			    "'%.*s' may stand in mgw.yaml only",
			    SPAN_ARG(m->name));
}

/* A URL, or {url: URL, weight: N}. */
static void
read_one(const struct node *n, const char *what, const struct keysource *r,
    struct spec_set *set, struct spec_url **list, struct diag *d)
{
	static const char *const keys[] = { "url", "weight", REACH_KEYS, NULL };
	const struct node *url = n;
	struct spec_text text;
	uint64_t weight = 1;

	if (n->kind == NODE_MAP) {
		if (!fields_check(n, what, keys, d))
			return;
		if (r == NULL)
			refuse_reach(n, d);
		url = tree_get(n, "url");
		field_number(n, "weight", 1, WEIGHT_MAX, &weight, d);
	}
	if (url == NULL) {
		diag_error(d, n->place, "missing-key", "url is missing");
		return;
	}
	/* What documents may not refer to is no URL, and is told so. */
	if (!node_text(url, what, true, &text, d) ||
	    !endpoints_add(text, r == NULL, set, list, d))
		return;
	while ((*list)->next != NULL)
		list = &(*list)->next;
	(*list)->weight = (uint32_t)weight;
	if (n->kind == NODE_MAP && r != NULL)
		reach_read(r, n, &(*list)->reach);
}

static void
read_hash_by(struct spec_set *s, const struct node *map, struct diag *d)
{
	struct spec_text t = { .text = { NULL, 0 } };
	struct span field;

	field_text(map, "hash-by", &t, d);
	if (t.text.p == NULL || span_eq(t.text, SPAN("address")))
		return;
	if (span_eq(t.text, SPAN("subject"))) {
		s->hash_by = HASH_BY_SUBJECT;
		return;
	}
	field = t.text;
	s->hash_by = HASH_BY_FIELD;
	s->hash_in = span_eq(span_cut(&field, ':'), SPAN("cookie"))
	    ? NAME_COOKIE
	    : NAME_HEADER;
	s->hash_field = field;
	if ((!span_starts(t.text, SPAN("header:")) &&
		!span_starts(t.text, SPAN("cookie:"))) ||
	    !field_is_token(field))
		diag_error(d, t.place, "value",
		    "hash-by cannot be '%.*s': known are address, subject, "
		    "header:NAME, cookie:NAME",
		    SPAN_ARG(t.text));
}

static void
read_times(struct spec_set *s, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "connect", "first-byte",
		"between-bytes", "total", NULL };

	if (n == NULL || !fields_check(n, "timeouts", keys, d))
		return;
	field_duration(n, "connect", 0, TIMEOUT_MAX_US, &s->connect_us, d);
	field_duration(
	    n, "first-byte", 0, TIMEOUT_MAX_US, &s->first_byte_us, d);
	field_duration(n, "between-bytes", 0, TIMEOUT_MAX_US, &s->idle_us, d);
	field_duration(n, "total", 0, TIMEOUT_MAX_US, &s->total_us, d);
}

struct spec_set *
endpoints_times(const struct node *n, struct diag *d)
{
	struct spec_set *s = endpoints_set(d);

	if (s != NULL)
		read_times(s, n, d);
	return s;
}

void
endpoints_misplaced(const struct node *api, struct diag *d)
{
	/* As the macro has them; here they can be compared with the manual. */
	static const char *const keys[] = { "balance", "hash-by", "timeouts",
		"retry", "breaker", "health-check", REACH_KEYS, NULL };

	for (const struct node *m = api->first; m != NULL; m = m->next)
		if (span_is_one_of(m->name, keys))
			diag_error(d, m->name_place, "unknown-key",
			    "'%.*s' is of endpoints, not of an API: endpoints: "
			    "{urls: [...], %.*s: ...}",
			    SPAN_ARG(m->name), SPAN_ARG(m->name));
}

static void
read_set(struct spec_set *s, const struct node *n, const char *what,
    const struct keysource *r, struct diag *d)
{
	static const char *const keys[] = { "urls", ENDPOINTS_KEYS, "spike",
		NULL };
	static const char *const balances[] = { "round-robin",
		"least-in-flight", "hash", "failover", NULL };
	int balance = BALANCE_ROUND_ROBIN;

	if (!fields_check(n, what, keys, d))
		return;
	if (r == NULL)
		refuse_reach(n, d);
	else
		reach_read(r, n, &s->reach);
	field_choice(n, "balance", balances, &balance, d);
	s->balance = (enum balance)balance;
	read_hash_by(s, n, d);
	if (tree_get(n, "hash-by") != NULL && balance != BALANCE_HASH)
		diag_error(d, tree_get(n, "hash-by")->place, "value",
		    "hash-by means something only with balance: hash");
	read_times(s, tree_get(n, "timeouts"), d);
	field_text(n, "spike", &s->spike, d);
	if (tree_get(n, "retry") != NULL)
		s->retry = retry_read(tree_get(n, "retry"), d);
	if (tree_get(n, "breaker") != NULL)
		s->breaker = breaker_read(tree_get(n, "breaker"), d);
	if (tree_get(n, "health-check") != NULL)
		s->health = healthcheck_read(tree_get(n, "health-check"), d);
}

struct spec_url *
endpoints_read(const struct node *n, const char *what,
    const struct keysource *r, struct diag *d)
{
	struct spec_set *set = endpoints_set(d);
	struct spec_url *list = NULL;
	const struct node *urls = n;

	if (set == NULL)
		return NULL;
	if (n->kind == NODE_MAP) {
		read_set(set, n, what, r, d);
		urls = tree_get(n, "urls");
		if (urls == NULL) {
			diag_error(d, n->place, "missing-key",
			    "urls is missing in %s", what);
			return NULL;
		}
	}
	if (urls->kind == NODE_STRING) {
		read_one(urls, what, r, set, &list, d);
		return list;
	}
	if (urls->kind != NODE_LIST || urls->first == NULL) {
		diag_error(d, urls->place, "kind",
		    urls->kind == NODE_LIST ? "%s is empty"
					    : "%s must be a URL, a list of "
					      "URLs or a map with urls",
		    what);
		return NULL;
	}
	if (urls->n > ENDPOINTS_MAX)
		diag_error(d, urls->place, "too-large", "more than %d URLs",
		    ENDPOINTS_MAX);
	for (const struct node *m = urls->first; m != NULL; m = m->next)
		read_one(m, what, r, set, &list, d);
	return list;
}
