/*
 * condition - see condition.h.
 */
#include "policy/condition.h"

#include <stdio.h>

#include "base/clock.h"
#include "policy/calendar.h"
#include "policy/claim_path.h"

#define DAY_S 86400
#define VALUES_MAX 256

typedef bool check(struct condition_call *c, const struct row_condition *r);

static bool
all(struct condition_call *c, const struct row_condition *r)
{
	for (uint32_t i = 0; i < r->parts.n; i++)
		if (!condition_holds(c, r->parts.first + i))
			return false;
	return true;
}

static bool
any(struct condition_call *c, const struct row_condition *r)
{
	for (uint32_t i = 0; i < r->parts.n; i++)
		if (condition_holds(c, r->parts.first + i))
			return true;
	return false;
}

static bool
address(struct condition_call *c, const struct row_condition *r)
{
	struct network n = { .bits = r->bits };

	memcpy(n.bytes, r->address, sizeof(n.bytes));
	return c->request->client.known &&
	    network_covers(&n, 1, &c->request->client.at);
}

static bool
is_one_of(const struct condition_call *c, const struct row_condition *r,
    struct span value)
{
	for (uint32_t i = 0; i < r->values.n; i++)
		if (span_eq(
			value, bundle_string(c->bundle, r->values.first + i)))
			return true;
	return false;
}

static bool
field(struct condition_call *c, const struct row_condition *r)
{
	const struct field *f = &c->request->fields[r->name];

	c->twice |= f->n > 1;
	return f->n > 0 && (r->values.n == 0 || is_one_of(c, r, f->value));
}

static bool
claim(struct condition_call *c, const struct row_condition *r)
{
	struct span values[VALUES_MAX];

	for (uint32_t i = 0; i < r->values.n; i++)
		values[i] = bundle_string(c->bundle, r->values.first + i);
	return c->who != NULL && c->who->claims.n > 0 &&
	    claim_path_fits(c->who->claims, bundle_text(c->bundle, r->path),
		values, r->values.n, c->request->arena);
}

static bool
issuer(struct condition_call *c, const struct row_condition *r)
{
	return c->who != NULL && c->who->scheme.p != NULL &&
	    is_one_of(c, r, c->who->issuer);
}

static bool
method(struct condition_call *c, const struct row_condition *r)
{
	return is_one_of(c, r, c->request->method);
}

/* What begins before midnight and ends after is of the day it began. */
static bool
time_of_day(struct condition_call *c, const struct row_condition *r)
{
	int64_t local_s =
	    calendar_local_s(c->bundle, r->zone, c->request->now_us / US_PER_S);
	uint32_t at_s = (uint32_t)(local_s % DAY_S);
	/* 1970-01-01 was a Thursday. */
	uint32_t day = (uint32_t)((local_s / DAY_S + 3) % 7);

	if (r->from_s <= r->until_s)
		return (r->days >> day & 1) != 0 && at_s >= r->from_s &&
		    at_s < r->until_s;
	if (at_s >= r->from_s)
		return (r->days >> day & 1) != 0;
	return at_s < r->until_s && (r->days >> (day + 6) % 7 & 1) != 0;
}

static check *const checks[CONDITION_KIND__MAX] = {
	[CONDITION_ALL] = all,
	[CONDITION_ANY] = any,
	[CONDITION_ADDRESS] = address,
	[CONDITION_FIELD] = field,
	[CONDITION_CLAIM] = claim,
	[CONDITION_ISSUER] = issuer,
	[CONDITION_METHOD] = method,
	[CONDITION_TIME] = time_of_day,
};

bool
condition_holds(struct condition_call *c, uint32_t row)
{
	const struct row_condition *r = bundle_condition(c->bundle, row);

	return checks[r->kind](c, r) != ((r->flags & CONDITION_NOT) != 0);
}

bool
condition_asks_who(const struct bundle *b, uint32_t row)
{
	const struct row_condition *r = bundle_condition(b, row);

	if (r->kind == CONDITION_CLAIM || r->kind == CONDITION_ISSUER)
		return true;
	for (uint32_t i = 0; i < r->parts.n; i++)
		if (condition_asks_who(b, r->parts.first + i))
			return true;
	return false;
}

static bool
row_ok(const struct bundle *b, uint32_t row, unsigned depth)
{
	const struct row_condition *r = bundle_condition(b, row);
	bool combined = r->kind == CONDITION_ALL || r->kind == CONDITION_ANY;
	bool many = r->kind == CONDITION_ISSUER || r->kind == CONDITION_METHOD;

	if (depth == 0 || combined != (r->parts.n > 0) ||
	    (r->kind == CONDITION_FIELD) != (r->name != ROW_NONE) ||
	    (r->kind == CONDITION_CLAIM) != (r->path.n > 0) ||
	    (many && r->values.n == 0) || r->values.n > VALUES_MAX ||
	    r->bits > 128 || r->zone > bundle_n(b, SECTION_ZONE) ||
	    r->from_s > DAY_S || r->until_s > DAY_S || r->days > 127)
		return false;
	/* Behind it: so that no condition is a part of itself. */
	if (combined && r->parts.first <= row)
		return false;
	for (uint32_t i = 0; i < r->parts.n; i++)
		if (!row_ok(b, r->parts.first + i, depth - 1))
			return false;
	return true;
}

static bool
rules_ok(const struct bundle *b, struct range rules, bool deny)
{
	for (uint32_t i = 0; i < rules.n; i++) {
		const struct row_condition *r =
		    bundle_condition(b, rules.first + i);

		if (!row_ok(b, rules.first + i, CONDITION_DEPTH_MAX) ||
		    (r->tier == ROW_NONE) != deny)
			return false;
	}
	return true;
}

bool
condition_check(const struct bundle *b, char *why, size_t why_size)
{
	bool ok = rules_ok(b, bundle_settings(b, 0)->deny, true);

	for (uint32_t i = 0; ok && i < bundle_n(b, SECTION_TIER); i++)
		ok = rules_ok(b, bundle_tier(b, i)->conditions, false);
	if (!ok)
		(void)snprintf(why, why_size, "damaged: a condition");
	return ok;
}
