/*
 * conditions - rules of mgw.yaml that hold for some requests.
 *
 *	conditions:
 *	  - when: {address: [10.0.0.0/8], method: [GET, HEAD]}
 *	    instead-of: Gold
 *	    tier: Silver
 *	  - when: {not: {issuer: https://id.example/}, claim: {plan: [old]}}
 *	    deny: true
 *
 * All that stands in a map must hold:
 *
 *	address: [ADDRESS|NETWORK...]    header: {NAME: [VALUE...]}
 *	method: [METHOD...]              query: {NAME: [VALUE...]}
 *	issuer: [ISSUER...]              claim: {PATH: [VALUE...]}
 *	time: {from: "08:00", until: "18:00", days: [mon, fri],
 *	    timezone: Europe/Berlin}
 *	not: MAP      any: [MAP...]      all: [MAP...]
 *
 * An empty list of values asks only whether it is there.
 */
#ifndef MGW_SPEC_CONDITIONS_H
#define MGW_SPEC_CONDITIONS_H

#include "policy/network.h"
#include "spec/levels.h"

struct spec_condition {
	struct spec_condition *next; /* part of the same */
	enum condition_kind kind;
	bool negated;
	enum name_kind field;
	struct span name; /* of a field or a claim */
	struct spec_word *values;
	struct spec_condition *parts;
	struct network network;
	uint32_t days, from_s, until_s;
	struct spec_zone *zone; /* NULL: UTC */
};

struct spec_rule {
	struct spec_rule *next;
	struct spec_condition *when;
	bool deny;
	struct spec_text instead_of, tier;
};

void conditions_read(struct spec_rule **rules, struct spec_tier *tiers,
    const struct node *n, struct diag *d);

/* Errors for tiers that are not there, and what else link must know. */
void conditions_link(
    struct spec_rule *rules, struct spec_tier *tiers, struct diag *d);

/* The tier that "rule" puts in the place of "t", or NULL. */
struct spec_tier *conditions_tier(const struct spec_rule *rule,
    struct spec_tier *tiers, const struct spec_tier *t);

#endif
