/*
 * bundle_check_limits - limits, levels, keys and time zones of a bundle.
 *
 * Part of bundle_check.c: their references and words have been checked.
 */
#include "policy/attempts.h"
#include "policy/bundle_check_part.h"
#include "policy/calendar.h"
#include "policy/gauge.h"
#include "policy/throttle.h"

static bool
limit_ok(const struct bundle *b, const struct row_limit *l)
{
	if (l->zone > bundle_n(b, SECTION_ZONE) ||
	    (l->calendar == CALENDAR_NONE && l->zone != 0))
		return false;
	return gauge_can_hold(l);
}

/* How much of a take's name a key fills; 0: it cannot be. */
static unsigned
key_parts(const struct bundle *b, struct range key)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < key.n; i++) {
		const struct row_key_part *k =
		    bundle_key_part(b, key.first + i);
		enum key_by kind = (enum key_by)k->kind;
		bool named = kind == KEY_BY_HEADER || kind == KEY_BY_QUERY;

		if (named != (k->name != ROW_NONE) ||
		    (kind == KEY_BY_CLAIM) != (k->path.n > 0))
			return 0;
		if (named &&
		    bundle_name(b, k->name)->kind !=
			(kind == KEY_BY_HEADER ? NAME_HEADER : NAME_QUERY))
			return 0;
		n += throttle_key_parts(kind);
		if (n > TAKE_PARTS_MAX)
			return 0;
	}
	return n;
}

static bool
key_ok(const struct bundle *b, struct range key)
{
	unsigned n = key_parts(b, key);

	/* Level, limit and tier stand before it. */
	return key.n == 0 || (n > 0 && n + 3 <= TAKE_PARTS_MAX);
}

static bool
zone_ok(const struct bundle *b, const struct row_zone *z)
{
	if (z->name.n == 0 || z->shifts.n == 0)
		return false;
	for (uint32_t i = 0; i < z->shifts.n; i++) {
		const struct row_shift *s =
		    bundle_shift(b, z->shifts.first + i);

		if (s->offset_s < -CALENDAR_OFFSET_MAX_S ||
		    s->offset_s > CALENDAR_OFFSET_MAX_S ||
		    (i > 0 && s[-1].from_s >= s->from_s))
			return false;
	}
	return true;
}

/* Their table has counters of this kind alone. */
static bool
failures_ok(const struct bundle *b, struct range r)
{
	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_limit *l = bundle_limit(b, r.first + i);

		if (l->algorithm != LIMIT_TOKEN_BUCKET ||
		    l->unit != LIMIT_REQUESTS)
			return false;
	}
	return true;
}

bool
bundle_check_limits(const struct bundle *b, char *why, size_t why_size)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_LIMIT); i++) {
		if (!limit_ok(b, bundle_limit(b, i)))
			return bundle_bad_row(why, why_size, SECTION_LIMIT, i,
			    "cannot be counted");
	}
	if (!failures_ok(b, bundle_settings(b, 0)->failures))
		return bundle_bad_row(
		    why, why_size, SECTION_SETTINGS, 0, "failures");
	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++) {
		const struct row_tier *t = bundle_tier(b, i);

		if (!key_ok(b, t->key))
			return bundle_bad_row(
			    why, why_size, SECTION_TIER, i, "key");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_LEVEL); i++) {
		const struct row_level *l = bundle_level(b, i);

		if (l->level < LEVEL_SUBSCRIPTION || !key_ok(b, l->key) ||
		    (l->level == LEVEL_UNKNOWN && l->tier == ROW_NONE))
			return bundle_bad_row(why, why_size, SECTION_LEVEL, i,
			    "level, tier or key");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
		struct range r = bundle_api(b, i)->attempts;

		if ((r.n != 0 && r.n != ATTEMPTS__MAX) || !failures_ok(b, r))
			return bundle_bad_row(
			    why, why_size, SECTION_API, i, "attempts");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ZONE); i++) {
		if (!zone_ok(b, bundle_zone(b, i)))
			return bundle_bad_row(
			    why, why_size, SECTION_ZONE, i, "out of order");
	}
	return true;
}
