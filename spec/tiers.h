/*
 * tiers - limits by name, from mgw.yaml and WSO2's policies.yaml.
 *
 * mgw.yaml:
 *
 *	tiers:
 *	  Gold: {limit: 5000, per: 1m, burst: 200}
 *	  Daily: {limit: 100000, per: 1d, algorithm: window}
 *	  Both: [{limit: 10, per: 1s}, {limit: 1000, per: 1h}]
 *
 * algorithm is token-bucket (the default; burst, which only it has, is the
 * limit itself when it is absent) or window (aligned to the clock, UTC).
 *
 * policies.yaml: resourcePolicies, applicationPolicies and
 * subscriptionPolicies, each a list of maps with one key, the name: count,
 * unitTime, timeUnit (min, hour, day, week, month of 30 days, year of 365)
 * and, for subscriptions, stopOnQuota.  They are windows of unitTime units.
 *
 * "Unlimited" is built in.
 */
#ifndef MGW_SPEC_TIERS_H
#define MGW_SPEC_TIERS_H

#include "policy/throttle.h"
#include "spec/model.h"

struct spec_tier {
	struct spec_tier *next;
	struct spec_text name;
	uint32_t flags; /* TIER_* */
	struct row_limit limits[TAKES_MAX];
	uint32_t n_limits;
	uint32_t row; /* set by emit */
};

/* "Unlimited", to begin a list with; NULL when the arena is full. */
struct spec_tier *tiers_new(struct diag *d);

/* Append what "tiers" of mgw.yaml says. */
void tiers_read(struct spec_tier *list, const struct node *map, struct diag *d);

/* Append what a policies.yaml says; "root" is its tree. */
void tiers_read_wso2(
    struct spec_tier *list, const struct node *root, struct diag *d);

/* The tier for an API or an operation; NULL if there is none. */
struct spec_tier *tiers_find(struct spec_tier *list, struct span name);

/* Most limits that any tier has which a credential may name. */
uint32_t tiers_most_limits(const struct spec_tier *list);

#endif
