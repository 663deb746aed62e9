/*
 * tiers - limits by name, from mgw.yaml and WSO2's policies.yaml.
 *
 * mgw.yaml:
 *
 *	tiers:
 *	  Gold: {limit: 5000, per: 1m, burst: 200}
 *	  Daily: {limit: 100000, per: day, timezone: Europe/Berlin}
 *	  Smooth: {limit: 1000, per: 1m, algorithm: sliding}
 *	  Traffic: {limit: 10GB, per: month, unit: bytes}
 *	  Both: [{limit: 10, per: 1s}, {limit: 1000, per: 1h}]
 *	  Tenants:
 *	    limits: [{limit: 10, per: 1s}]
 *	    key: [api, header X-Tenant]
 *	    stop-on-quota: false
 *
 * algorithm is token-bucket (the default; burst, which only it has, is the
 * limit itself when it is absent), window (aligned to the clock, UTC, or by
 * the calendar) or sliding.  A period by the calendar is a window.
 *
 * policies.yaml: resourcePolicies, applicationPolicies and
 * subscriptionPolicies, each a list of maps with one key, the name: count,
 * unitTime, timeUnit (min, hour, day, week, month of 30 days, year of 365)
 * and, for subscriptions, stopOnQuota.  They are windows of unitTime units.
 *
 * "Unlimited" is built in.
 *
 * store (local or shared) and when-down (local, allow or refuse) say where
 * a tier is counted; see storefile.h.
 */
#ifndef MGW_SPEC_TIERS_H
#define MGW_SPEC_TIERS_H

#include "policy/throttle.h"
#include "spec/model.h"

/* A time zone that some limit goes by. */
struct spec_zone {
	struct spec_zone *next;
	struct span name;
	struct row_shift *shifts;
	uint32_t n_shifts;
	uint32_t row; /* set by emit */
};

/* A part of what a counter is for. */
struct spec_key {
	struct spec_key *next;
	enum key_by by;
	struct span name; /* of a header, a query parameter or a claim */
};

/* As a tier itself says. */
enum tier_place {
	TIER_PLACE_UNSET,
	TIER_LOCAL,
	TIER_SHARED,
};

enum tier_down {
	TIER_DOWN_UNSET,
	TIER_DOWN_LOCAL,
	TIER_DOWN_ALLOW,
	TIER_DOWN_REFUSE,
};

/* "local", "allow", "refuse". */
extern const char *const tier_down_words[];

struct spec_tier {
	struct spec_tier *next;
	struct spec_text name;
	uint32_t flags; /* TIER_* */
	struct row_limit limits[TAKES_MAX];
	struct spec_zone *zones[TAKES_MAX]; /* NULL: UTC */
	uint32_t n_limits;
	struct spec_key *key; /* NULL: that of the level */
	enum tier_place place;
	enum tier_down down;
	uint32_t row; /* set by emit */
};

/* "Unlimited", to begin a list with; NULL when the arena is full. */
struct spec_tier *tiers_new(struct diag *d);

/* Append what "tiers" of mgw.yaml says. */
void tiers_read(struct spec_tier *list, const struct node *map, struct diag *d);

/*
 * The words of a key, such as [api, header X-Tenant]; NULL after an error.
 */
struct spec_key *tiers_read_key(const struct node *n, struct diag *d);

/* Why "l" cannot be counted, or NULL; zone.c and tiers_wso2.c share it. */
const char *tiers_inexact(const struct row_limit *l);

/* Append an empty tier; NULL after an error. */
struct spec_tier *tiers_add(struct spec_tier *list, const struct node *n,
    uint32_t flags, struct diag *d);

/*
 * zone.c: the time zone of this name; the same for equal names, looked for
 * among those of "list".  NULL after an error.
 */
struct spec_zone *zone_read(
    struct spec_tier *list, const struct node *n, struct diag *d);

/* Append what a policies.yaml says; "root" is its tree. */
void tiers_read_wso2(
    struct spec_tier *list, const struct node *root, struct diag *d);

/* A counter has 56 bits. */
#define TIERS_COUNT_MAX ((UINT64_C(1) << 56) - 1)

/* The tier for an API or an operation; NULL if there is none. */
struct spec_tier *tiers_find(struct spec_tier *list, struct span name);

/* The one for a caller at "level", as a credential would name it. */
struct spec_tier *tiers_find_for(
    struct spec_tier *list, struct span name, enum level level);

/* Most limits that any tier has which a credential may name at "level". */
uint32_t tiers_most_limits(const struct spec_tier *list, enum level level);

#endif
