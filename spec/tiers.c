/*
 * tiers - see tiers.h.  policies.yaml: tiers_wso2.c; time zones: zone.c.
 */
#include "spec/tiers.h"

#include "base/clock.h"
#include "policy/gauge.h"
#include "spec/fields.h"

#define DAY_US (UINT64_C(86400) * US_PER_S)

#define TIER_OF_ANY \
	(TIER_OF_RESOURCE | TIER_OF_APPLICATION | TIER_OF_SUBSCRIPTION)

struct spec_tier *
tiers_new(struct diag *d)
{
	struct spec_tier *t = arena_alloc(d->arena, sizeof(*t));

	if (t == NULL) {
		d->failed = true;
		return NULL;
	}
	t->name.text = SPAN("Unlimited");
	t->flags = TIER_UNLIMITED;
	return t;
}

/* Two tiers that would serve the same level. */
static bool
same_level(uint32_t a, uint32_t b)
{
	a &= TIER_OF_ANY;
	b &= TIER_OF_ANY;
	return a == 0 || b == 0 || (a & b) != 0;
}

struct spec_tier *
tiers_add(struct spec_tier *list, const struct node *n, uint32_t flags,
    struct diag *d)
{
	struct spec_tier *t, *last = list;

	for (t = list; t != NULL; last = t, t = t->next) {
		if (!span_eq(t->name.text, n->name) ||
		    !same_level(t->flags, flags))
			continue;
		if (t == list)
			diag_error(d, n->name_place, "tier-duplicate",
			    "tier 'Unlimited' is built in");
		else
			diag_error(d, n->name_place, "tier-duplicate",
			    "tier '%.*s' is defined already at %s:%u",
			    SPAN_ARG(n->name), t->name.place.file,
			    t->name.place.line);
		return NULL;
	}
	t = arena_alloc(d->arena, sizeof(*t));
	if (t == NULL) {
		d->failed = true;
		return NULL;
	}
	t->name = (struct spec_text){ n->name, n->name_place };
	t->flags = flags;
	if (n->name.n == 0)
		diag_error(d, n->name_place, "empty", "a tier needs a name");
	last->next = t;
	return t;
}

const char *
tiers_inexact(const struct row_limit *l)
{
	if (gauge_can_hold(l))
		return NULL;
	if (l->algorithm == LIMIT_SLIDING)
		return l->period_us < SLIDE_PERIOD_MIN_US
		    ? "a sliding window is 1s at least"
		    : "a sliding window of more than 4294967294 cannot be "
		      "counted: use a window";
	if (l->algorithm == LIMIT_WINDOW || l->period_us > GAUGE_US_MAX)
		return "a window is more than 366 days";
	if (l->unit == LIMIT_BYTES)
		return "burst x per / limit cannot be reckoned exactly, or is "
		       "more than 366 days: use a window";
	return "burst x per / limit is more than 366 days";
}

static void
check_exact(const struct row_limit *l, const struct node *n, struct diag *d)
{
	const char *why = tiers_inexact(l);

	if (l->algorithm == LIMIT_TOKEN_BUCKET && l->unit == LIMIT_REQUESTS &&
	    l->count > l->period_us)
		why = "more than one request a microsecond cannot be counted";
	if (why != NULL)
		diag_error(d, n->place, "limit-inexact", "%s", why);
}

/* A word of the calendar, or a time. */
static void
read_per(const struct node *n, struct row_limit *l, struct diag *d)
{
	static const struct {
		const char *word;
		uint64_t us; /* the longest that it can be */
		uint32_t calendar;
	} words[] = {
		{ "second", US_PER_S, CALENDAR_NONE },
		{ "minute", 60 * US_PER_S, CALENDAR_NONE },
		{ "hour", 3600 * US_PER_S, CALENDAR_NONE },
		/* An hour more where clocks are set back. */
		{ "day", DAY_US + 7200 * US_PER_S, CALENDAR_DAY },
		{ "week", 7 * DAY_US + 7200 * US_PER_S, CALENDAR_WEEK },
		{ "month", 31 * DAY_US + 7200 * US_PER_S, CALENDAR_MONTH },
		{ "year", 366 * DAY_US, CALENDAR_YEAR },
	};
	const struct node *per = tree_get(n, "per");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!tree_is(per, NODE_STRING) ||
		    !span_eq(per->text, span_str(words[i].word)))
			continue;
		l->period_us = words[i].us;
		l->calendar = words[i].calendar;
		return;
	}
	field_duration(n, "per", 1, GAUGE_US_MAX, &l->period_us, d);
}

static void
read_count(const struct node *n, const char *key, uint32_t unit,
    uint64_t *count, struct diag *d)
{
	if (unit == LIMIT_BYTES)
		field_size(n, key, 1, INT64_MAX >> 8, count, d);
	else
		field_number(n, key, 1, TIERS_COUNT_MAX, count, d);
}

static const char *const limit_keys[] = { "limit", "per", "burst", "algorithm",
	"unit", "timezone" };
static const char *const tier_keys[] = { "limits", "key", "stop-on-quota",
	"store", "when-down" };

#define LIMIT_KEYS (sizeof(limit_keys) / sizeof(limit_keys[0]))
#define TIER_KEYS (sizeof(tier_keys) / sizeof(tier_keys[0]))

/* What a limit by the calendar, or without one, may not have. */
static void
check_calendar(
    struct row_limit *l, int algorithm, const struct node *n, struct diag *d)
{
	const struct node *zone = tree_get(n, "timezone");

	if (l->calendar == CALENDAR_NONE && zone != NULL)
		diag_error(d, zone->place, "value",
		    "timezone goes with per: day, week, month or year");
	if (l->calendar == CALENDAR_NONE)
		return;
	if (algorithm >= 0 && algorithm != LIMIT_WINDOW)
		diag_error(d, tree_get(n, "per")->place, "value",
		    "a period by the calendar is a window: say its length, "
		    "such as 30d, for another algorithm");
	l->algorithm = LIMIT_WINDOW;
}

/* Requests in progress: no time matters. */
static bool
read_concurrent(const struct node *n, struct row_limit *l, struct diag *d)
{
	static const char *const others[] = { "per", "burst", "algorithm",
		"timezone" };
	unsigned before = d->n_errors;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (tree_get(n, others[i]) != NULL)
			diag_error(d, tree_get(n, others[i])->place, "value",
			    "requests in progress have no %s", others[i]);
	if (tree_get(n, "limit") == NULL)
		diag_error(d, n->place, "missing-key", "a tier needs limit");
	l->unit = LIMIT_CONCURRENT;
	l->algorithm = LIMIT_WINDOW;
	field_number(n, "limit", 1, GAUGE_CONCURRENT_MAX, &l->count, d);
	return d->n_errors == before;
}

static bool
read_limit(struct spec_tier *list, const struct node *n, struct row_limit *l,
    struct spec_zone **zone, struct diag *d)
{
	static const char *const algorithms[] = { "token-bucket", "window",
		"sliding", NULL };
	static const char *const units[] = { "requests", "bytes", "concurrent",
		NULL };
	unsigned before = d->n_errors;
	int algorithm = -1, unit = 0;

	*l = (struct row_limit){ 0 };
	field_choice(n, "unit", units, &unit, d);
	if (unit == LIMIT_CONCURRENT)
		return read_concurrent(n, l, d);
	if (tree_get(n, "limit") == NULL || tree_get(n, "per") == NULL)
		diag_error(
		    d, n->place, "missing-key", "a tier needs limit and per");
	field_choice(n, "algorithm", algorithms, &algorithm, d);
	l->unit = (uint32_t)unit;
	l->algorithm =
	    algorithm >= 0 ? (uint32_t)algorithm : LIMIT_TOKEN_BUCKET;
	read_count(n, "limit", l->unit, &l->count, d);
	if (tree_get(n, "per") != NULL)
		read_per(n, l, d);
	check_calendar(l, algorithm, n, d);
	l->burst = l->count;
	read_count(n, "burst", l->unit, &l->burst, d);
	if (l->algorithm != LIMIT_TOKEN_BUCKET) {
		l->burst = 0;
		if (tree_get(n, "burst") != NULL)
			diag_error(d, tree_get(n, "burst")->place, "value",
			    "a window has no burst");
	}
	if (d->n_errors == before && tree_get(n, "timezone") != NULL)
		*zone = zone_read(list, tree_get(n, "timezone"), d);
	if (d->n_errors == before)
		check_exact(l, n, d);
	return d->n_errors == before;
}

static struct spec_key *
read_key_word(const struct node *n, struct diag *d)
{
	static const char *const words[] = { "api", "operation", "subject",
		"application", "owner", "credential", "address", "header",
		"query", "claim", NULL };
	struct spec_key *k = arena_alloc(d->arena, sizeof(*k));
	struct span name = n->text, word = span_cut(&name, ' ');
	struct spec_text t;
	int by = 0;

	if (k == NULL) {
		d->failed = true;
		return NULL;
	}
	if (!node_text(n, "a part of a key", false, &t, d))
		return NULL;
	name = span_trim(name);
	while (words[by] != NULL && !span_eq(word, span_str(words[by])))
		by++;
	if (words[by] == NULL) {
		struct span hint = diag_hint(word, words, d->arena);

		diag_error(d, n->place, "key-part",
		    "a key is made of api, operation, subject, application, "
		    "owner, credential, address, header NAME, query NAME, "
		    "claim PATH; not '%.*s'%.*s",
		    SPAN_ARG(n->text), SPAN_ARG(hint));
		return NULL;
	}
	k->by = (enum key_by)by;
	k->name = name;
	if ((by >= KEY_BY_HEADER) != (name.n > 0)) {
		diag_error(d, n->place, "key-part",
		    by >= KEY_BY_HEADER ? "'%.*s' needs a name behind it"
					: "'%.*s': no name belongs there",
		    SPAN_ARG(n->text));
		return NULL;
	}
	for (size_t i = 0; by == KEY_BY_HEADER && i < name.n; i++) {
		if (name.p[i] > 0x20 && name.p[i] < 0x7f &&
		    strchr("()<>@,;:\\\"/[]?={}_", name.p[i]) == NULL)
			continue;
		diag_error(d, n->place, "key-part",
		    "'%.*s' is no name of a header", SPAN_ARG(name));
		return NULL;
	}
	return k;
}

/* A client can have as many counters as it likes. */
static bool
is_of_client(const struct spec_key *k)
{
	bool any = false;

	for (; k != NULL; k = k->next) {
		switch (k->by) {
		case KEY_BY_HEADER:
		case KEY_BY_QUERY:
			any = true;
			break;
		case KEY_BY_API:
		case KEY_BY_OPERATION:
			break;
		default:
			return false;
		}
	}
	return any;
}

struct spec_key *
tiers_read_key(const struct node *n, struct diag *d)
{
	struct spec_key *key = NULL, **end = &key;
	unsigned parts = 3; /* level, limit and tier */

	if ((n->kind != NODE_LIST && n->kind != NODE_STRING) ||
	    (n->kind == NODE_LIST && n->first == NULL)) {
		diag_error(d, n->place, "kind",
		    "key must be a list such as [subject, header X-Tenant]");
		return NULL;
	}
	for (const struct node *m = n->kind == NODE_LIST ? n->first : n;
	     m != NULL; m = n->kind == NODE_LIST ? m->next : NULL) {
		*end = read_key_word(m, d);
		if (*end == NULL)
			return NULL;
		parts += throttle_key_parts((*end)->by);
		end = &(*end)->next;
	}
	if (is_of_client(key))
		diag_warning(d, n->place, "key-client",
		    "who sends another value each time is never refused: "
		    "add address, subject or such");
	if (parts > TAKE_PARTS_MAX) {
		diag_error(d, n->place, "key-part",
		    "the key is too long: operation counts 4, address, "
		    "header and query 1, the others 2, together at most 9");
		return NULL;
	}
	return key;
}

/* What a map says of the tier as a whole. */
const char *const tier_down_words[] = { "local", "allow", "refuse", NULL };

static void
read_options(struct spec_tier *t, const struct node *n, struct diag *d)
{
	static const char *const places[] = { "local", "shared", NULL };
	enum spec_switch stop = SWITCH_UNSET;
	int place = -1, down = -1;

	field_choice(n, "store", places, &place, d);
	field_choice(n, "when-down", tier_down_words, &down, d);
	t->place = (enum tier_place)(TIER_PLACE_UNSET + 1 + place);
	t->down = (enum tier_down)(TIER_DOWN_UNSET + 1 + down);
	field_switch(n, "stop-on-quota", &stop, d);
	if (stop == SWITCH_FALSE)
		t->flags |= TIER_PASS_OVER_QUOTA;
	if (tree_get(n, "key") != NULL)
		t->key = tiers_read_key(tree_get(n, "key"), d);
}

static bool
known_keys(const struct node *n, const char *what, bool limit, bool tier,
    struct diag *d)
{
	const char *known[LIMIT_KEYS + TIER_KEYS + 1] = { NULL };
	size_t k = 0;

	for (size_t i = 0; limit && i < LIMIT_KEYS; i++)
		known[k++] = limit_keys[i];
	/* "limits" and a limit exclude each other. */
	for (size_t i = limit ? 1 : 0; tier && i < TIER_KEYS; i++)
		known[k++] = tier_keys[i];
	return fields_check(n, what, known, d);
}

static void
read_limits(struct spec_tier *list, struct spec_tier *t, const struct node *n,
    bool tier, struct diag *d)
{
	const struct node *m = n;

	if (n->kind == NODE_LIST && n->first == NULL)
		diag_error(d, n->place, "empty", "a tier needs a limit");
	if (n->kind == NODE_LIST)
		m = n->first;
	while (m != NULL) {
		if (t->n_limits == TAKES_MAX) {
			diag_error(d, m->place, "too-many-limits",
			    "a tier may have %d limits", TAKES_MAX);
			return;
		}
		if (known_keys(m, "a tier", true, tier, d) &&
		    read_limit(list, m, &t->limits[t->n_limits],
			&t->zones[t->n_limits], d))
			t->n_limits++;
		m = n->kind == NODE_LIST ? m->next : NULL;
	}
}

static void
read_tier(struct spec_tier *list, const struct node *n, struct diag *d)
{
	struct spec_tier *t = tiers_add(list, n, 0, d);
	const struct node *limits;

	if (t == NULL)
		return;
	limits = n->kind == NODE_MAP ? tree_get(n, "limits") : NULL;
	if (limits != NULL && !known_keys(n, "a tier", false, true, d))
		return;
	if (limits != NULL && limits->kind != NODE_LIST) {
		diag_error(d, limits->place, "kind",
		    "limits must be a list of limits");
		return;
	}
	if (n->kind == NODE_MAP)
		read_options(t, n, d);
	if (limits != NULL)
		read_limits(list, t, limits, false, d);
	else
		read_limits(list, t, n, n->kind == NODE_MAP, d);
}

void
tiers_read(struct spec_tier *list, const struct node *map, struct diag *d)
{
	if (map->kind != NODE_MAP) {
		diag_error(d, map->place, "kind", "tiers must be a map, not %s",
		    tree_kind_name(map->kind));
		return;
	}
	for (const struct node *n = map->first; n != NULL; n = n->next)
		read_tier(list, n, d);
}

struct spec_tier *
tiers_find(struct spec_tier *list, struct span name)
{
	for (struct spec_tier *t = list; t != NULL; t = t->next)
		if (span_eq(t->name.text, name) &&
		    same_level(t->flags, TIER_OF_RESOURCE))
			return t;
	return NULL;
}

/* As policy/throttle_key.c looks for them. */
static bool
serves(const struct spec_tier *t, enum level level)
{
	uint32_t of = t->flags & TIER_OF_ANY;

	if (level == LEVEL_SUBSCRIPTION)
		return same_level(of, TIER_OF_SUBSCRIPTION);
	if (level == LEVEL_APPLICATION)
		return same_level(of, TIER_OF_APPLICATION);
	return of != TIER_OF_RESOURCE;
}

struct spec_tier *
tiers_find_for(struct spec_tier *list, struct span name, enum level level)
{
	for (struct spec_tier *t = list; t != NULL; t = t->next)
		if (serves(t, level) && span_eq(t->name.text, name))
			return t;
	return NULL;
}

uint32_t
tiers_most_limits(const struct spec_tier *list, enum level level)
{
	uint32_t most = 0;

	for (const struct spec_tier *t = list; t != NULL; t = t->next)
		if (serves(t, level) && t->n_limits > most)
			most = t->n_limits;
	return most;
}
