/*
 * levels - what callers are held to where no tier is named for them.
 *
 * mgw.yaml, an entry of its "apis", and x-mgw-levels in a document:
 *
 *	levels:
 *	  subscription: Gold              an application's use of one API
 *	  application: {tier: Big, key: [application, subject]}
 *	  subject: {key: [claim team]}    tiers as credentials name them
 *	  address: Anonymous              of callers without a credential
 *	unknown-tier: Bronze              for names that nobody knows
 */
#ifndef MGW_SPEC_LEVELS_H
#define MGW_SPEC_LEVELS_H

#include "policy/build.h"
#include "spec/tiers.h"

struct spec_level {
	struct spec_level *next;
	enum level level;
	struct place place;
	struct spec_text tier;    /* absent: only what is named */
	struct spec_key *key;     /* NULL: as the level has it */
	struct spec_tier *limits; /* set by link */
};

/* Append what "n", which may be NULL, says to "*levels". */
void levels_read(
    const struct node *n, struct spec_level **levels, struct diag *d);

/* The name of an unknown tier's tier as a level. */
void levels_read_unknown(
    const struct node *root, struct spec_level **levels, struct diag *d);

/*
 * What WSO2 means for callers without a credential: the subscription policy
 * "Unauthenticated" of a policies.yaml, unless "own" or "all" say otherwise.
 */
void levels_add_wso2(struct spec_level **own, const struct spec_level *all,
    struct spec_tier *list, struct diag *d);

/* Find their tiers in "list"; errors for those that are not there. */
void levels_link(
    struct spec_level *levels, struct spec_tier *list, struct diag *d);

/*
 * Most limits that a caller of an API with "own" levels may meet at once,
 * whatever his credential names.
 */
uint32_t levels_most_limits(const struct spec_tier *list,
    const struct spec_level *own, const struct spec_level *all);

/* link.c: "tier X is not known: known are ..." */
void link_tier_unknown(struct spec_tier *list, const struct spec_text *name,
    enum level level, struct diag *d);

#endif
