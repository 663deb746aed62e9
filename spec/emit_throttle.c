/*
 * emit_throttle - what of throttling belongs to no tier.
 *
 * Part of emit.c.
 */
#include "spec/emit_endpoint.h"
#include "spec/emit_part.h"

struct range
emit_failures(struct emit *e)
{
	const struct spec_failures *f = &e->spec->policy->failures;
	struct range r = { build_n(e->b, SECTION_LIMIT), 0 };

	while (r.n < FAILURE__MAX && !f->off)
		(void)BUILD_ROW(e->b, SECTION_LIMIT, &f->limits[r.n++]);
	return r;
}

static struct row_condition
condition_row(struct emit *e, const struct spec_condition *c, uint32_t tier)
{
	struct row_condition row = { .kind = (uint32_t)c->kind,
		.flags = c->negated ? CONDITION_NOT : 0,
		.tier = tier,
		.name = ROW_NONE,
		.bits = c->network.bits,
		.days = c->days,
		.from_s = c->from_s,
		.until_s = c->until_s };

	memcpy(row.address, c->network.bytes, sizeof(row.address));
	if (c->kind == CONDITION_FIELD)
		row.name = emit_name(e->b, e->arena, c->field, c->name);
	if (c->kind == CONDITION_CLAIM)
		row.path = build_text(e->b, c->name);
	if (c->zone != NULL)
		row.zone = emit_zone(e, c->zone);
	row.values = emit_words(e, c->values);
	return row;
}

/* Rows for a list of parts, then for the parts of each. */
static struct range
emit_parts(struct emit *e, const struct spec_condition *list)
{
	struct range r = { build_n(e->b, SECTION_CONDITION), 0 };
	uint32_t i = 0;

	for (const struct spec_condition *c = list; c != NULL; c = c->next) {
		struct row_condition row = condition_row(e, c, ROW_NONE);

		(void)BUILD_ROW(e->b, SECTION_CONDITION, &row);
		r.n++;
	}
	for (const struct spec_condition *c = list; c != NULL; c = c->next) {
		struct range parts = emit_parts(e, c->parts);
		struct row_condition *row =
		    build_at(e->b, SECTION_CONDITION, r.first + i++);

		if (row != NULL)
			row->parts = parts;
	}
	return r;
}

/* Rules in a row, then what they are made of. */
static struct range
emit_rules(
    struct emit *e, const struct spec_rule *rules, const struct spec_tier *t)
{
	struct range r = { build_n(e->b, SECTION_CONDITION), 0 };
	uint32_t i = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (const struct spec_rule *q = rules; q; q = q->next) {
			struct spec_tier *other = t != NULL
			    ? conditions_tier(q, e->spec->policy->tiers, t)
			    : NULL;
			struct row_condition row, *there;
			struct range parts;

			if (t != NULL ? other == NULL : !q->deny)
				continue;
			if (pass == 0) {
				row = condition_row(e, q->when,
				    other != NULL ? other->row : ROW_NONE);
				(void)BUILD_ROW(e->b, SECTION_CONDITION, &row);
				r.n++;
				continue;
			}
			parts = emit_parts(e, q->when->parts);
			there =
			    build_at(e->b, SECTION_CONDITION, r.first + i++);
			if (there != NULL)
				there->parts = parts;
		}
	}
	return r;
}

void
emit_conditions(struct emit *e)
{
	const struct policyfile *f = e->spec->policy;
	struct range r = emit_rules(e, f->conditions, NULL);
	struct row_settings *s = build_at(e->b, SECTION_SETTINGS, 0);

	if (s != NULL)
		s->deny = r;
	for (struct spec_tier *t = f->tiers; t != NULL; t = t->next) {
		struct row_tier *row;

		r = emit_rules(e, f->conditions, t);
		row = build_at(e->b, SECTION_TIER, t->row);
		if (row != NULL && r.n > 0)
			row->conditions = r;
	}
}
