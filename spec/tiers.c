/*
 * tiers - see tiers.h.
 */
#include "spec/tiers.h"

#include "base/clock.h"
#include "policy/gauge.h"
#include "spec/fields.h"

#define MINUTE_US (INT64_C(60) * US_PER_S)
#define DAY_US (INT64_C(86400) * US_PER_S)

/* A counter of the state has 56 bits. */
#define COUNT_MAX ((UINT64_C(1) << 56) - 1)

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

/* Append an empty tier; NULL after an error. */
static struct spec_tier *
add(struct spec_tier *list, const struct node *n, uint32_t flags,
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

static void
check_exact(const struct row_limit *l, const struct node *n, struct diag *d)
{
	if (l->algorithm == LIMIT_TOKEN_BUCKET && l->count > l->period_us)
		diag_error(d, n->place, "limit-inexact",
		    "more than one request a microsecond cannot be counted");
	else if (!gauge_can_hold(l))
		diag_error(d, n->place, "limit-inexact",
		    l->algorithm == LIMIT_TOKEN_BUCKET
			? "burst x per / limit is more than 366 days"
			: "a window is more than 366 days");
}

static bool
read_limit(const struct node *n, struct row_limit *l, struct diag *d)
{
	static const char *const keys[] = { "limit", "per", "burst",
		"algorithm", NULL };
	static const char *const algorithms[] = { "token-bucket", "window",
		NULL };
	unsigned before = d->n_errors;
	int algorithm = 0;

	*l = (struct row_limit){ 0 };
	if (!fields_check(n, "a tier", keys, d))
		return false;
	if (tree_get(n, "limit") == NULL || tree_get(n, "per") == NULL)
		diag_error(
		    d, n->place, "missing-key", "a tier needs limit and per");
	field_number(n, "limit", 1, COUNT_MAX, &l->count, d);
	field_duration(n, "per", 1, GAUGE_US_MAX, &l->period_us, d);
	field_choice(n, "algorithm", algorithms, &algorithm, d);
	l->burst = l->count;
	field_number(n, "burst", 1, COUNT_MAX, &l->burst, d);
	if (algorithm == 1) {
		l->algorithm = LIMIT_WINDOW;
		l->burst = 0;
		if (tree_get(n, "burst") != NULL)
			diag_error(d, tree_get(n, "burst")->place, "value",
			    "a window has no burst");
	}
	if (d->n_errors == before)
		check_exact(l, n, d);
	return d->n_errors == before;
}

static void
read_tier(struct spec_tier *list, const struct node *n, struct diag *d)
{
	struct spec_tier *t = add(list, n, 0, d);
	const struct node *m = n;

	if (t == NULL)
		return;
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
		if (read_limit(m, &t->limits[t->n_limits], d))
			t->n_limits++;
		m = n->kind == NODE_LIST ? m->next : NULL;
	}
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

static void
read_wso2_tier(struct spec_tier *list, const struct node *n, uint32_t level,
    struct diag *d)
{
	static const char *const keys[] = { "count", "unitTime", "timeUnit",
		"stopOnQuota", NULL };
	static const char *const units[] = { "min", "hour", "day", "week",
		"month", "year", NULL };
	static const int64_t unit_us[] = { MINUTE_US, 60 * MINUTE_US, DAY_US,
		7 * DAY_US, 30 * DAY_US, 365 * DAY_US };
	struct spec_tier *t = add(list, n, level, d);
	enum spec_switch stop = SWITCH_UNSET;
	uint64_t times = 0;
	struct row_limit *l;
	int unit = -1;

	if (t == NULL || !fields_check(n, "a policy", keys, d))
		return;
	l = &t->limits[0];
	t->n_limits = 1;
	l->algorithm = LIMIT_WINDOW;
	field_number(n, "count", 1, COUNT_MAX, &l->count, d);
	field_number(n, "unitTime", 1, 1000, &times, d);
	field_choice(n, "timeUnit", units, &unit, d);
	field_switch(n, "stopOnQuota", &stop, d);
	for (int i = 0; i < 3; i++)
		if (tree_get(n, keys[i]) == NULL)
			diag_error(d, n->name_place, "missing-key",
			    "policy '%.*s' needs %s", SPAN_ARG(n->name),
			    keys[i]);
	if (stop != SWITCH_UNSET && level != TIER_OF_SUBSCRIPTION)
		diag_error(d, n->name_place, "value",
		    "stopOnQuota belongs to subscriptionPolicies");
	if (stop == SWITCH_FALSE)
		t->flags |= TIER_PASS_OVER_QUOTA;
	if (unit < 0 || times == 0 || l->count == 0)
		return;
	l->period_us = (uint64_t)unit_us[unit] * times;
	check_exact(l, n, d);
}

static void
read_wso2_section(struct spec_tier *list, const struct node *section,
    uint32_t level, struct diag *d)
{
	if (section == NULL || section->kind == NODE_NULL)
		return;
	if (section->kind != NODE_LIST) {
		diag_error(d, section->place, "kind",
		    "%.*s must be a list, not %s", SPAN_ARG(section->name),
		    tree_kind_name(section->kind));
		return;
	}
	for (const struct node *n = section->first; n != NULL; n = n->next) {
		if (n->kind != NODE_MAP || n->n != 1)
			diag_error(d, n->place, "kind",
			    "a policy must be a map of one name");
		else
			read_wso2_tier(list, n->first, level, d);
	}
}

void
tiers_read_wso2(struct spec_tier *list, const struct node *root, struct diag *d)
{
	static const char *const keys[] = { "resourcePolicies",
		"applicationPolicies", "subscriptionPolicies", NULL };

	if (!fields_check(root, "tiers-file", keys, d))
		return;
	read_wso2_section(list, tree_get(root, keys[0]), TIER_OF_RESOURCE, d);
	/* Before those of applications: the first of a name is a caller's. */
	read_wso2_section(
	    list, tree_get(root, keys[2]), TIER_OF_SUBSCRIPTION, d);
	read_wso2_section(
	    list, tree_get(root, keys[1]), TIER_OF_APPLICATION, d);
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

uint32_t
tiers_most_limits(const struct spec_tier *list)
{
	uint32_t most = 0;

	for (const struct spec_tier *t = list; t != NULL; t = t->next)
		if ((t->flags & TIER_OF_ANY) != TIER_OF_RESOURCE &&
		    t->n_limits > most)
			most = t->n_limits;
	return most;
}
