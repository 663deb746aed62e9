/*
 * tiers_wso2 - policies.yaml; see tiers.h.
 */
#include "base/clock.h"
#include "spec/fields.h"
#include "spec/tiers.h"

#define MINUTE_US (INT64_C(60) * US_PER_S)
#define DAY_US (INT64_C(86400) * US_PER_S)

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
	struct spec_tier *t = tiers_add(list, n, level, d);
	enum spec_switch stop = SWITCH_UNSET;
	uint64_t times = 0;
	struct row_limit *l;
	const char *why;
	int unit = -1;

	if (t == NULL || !fields_check(n, "a policy", keys, d))
		return;
	l = &t->limits[0];
	t->n_limits = 1;
	l->algorithm = LIMIT_WINDOW;
	field_number(n, "count", 1, TIERS_COUNT_MAX, &l->count, d);
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
	why = tiers_inexact(l);
	if (why != NULL)
		diag_error(d, n->place, "limit-inexact", "%s", why);
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
