/*
 * spec_json_tier - tiers and where they stand, as mgw-spec show has them.
 */
#include "tools/spec_json.h"

static const char *const limit_words[] = { "token-bucket", "window",
	"sliding" };
static const char *const unit_words[] = { "requests", "bytes", "concurrent" };
static const char *const calendar_words[] = { "none", "day", "week", "month",
	"year" };
static const char *const level_words[] = { "api", "operation", "subscription",
	"application", "subject", "address", "unknown" };
static const char *const key_words[] = { "api", "operation", "subject",
	"application", "owner", "credential", "address", "header", "query",
	"claim" };

struct json_object *
spec_limit_json(const struct bundle *b, const struct row_limit *l)
{
	struct json_object *o = json_new_object();

	spec_put_word(o, "algorithm", limit_words, l->algorithm);
	spec_put_word(o, "unit", unit_words, l->unit);
	spec_put_number(o, "count", l->count);
	spec_put_number(o, "period_us", l->period_us);
	if (l->algorithm == LIMIT_TOKEN_BUCKET)
		spec_put_number(o, "burst", l->burst);
	if (l->calendar != CALENDAR_NONE)
		spec_put_word(o, "calendar", calendar_words, l->calendar);
	if (l->zone != 0)
		spec_put_text(
		    o, "timezone", b, bundle_zone(b, l->zone - 1)->name);
	return o;
}

/* What a counter is for, as mgw.yaml has it; nothing for an empty key. */
static void
put_key(struct json_object *o, const struct bundle *b, struct range key)
{
	struct json_object *list = json_new_array();

	if (key.n == 0) {
		json_free(list);
		return;
	}
	for (uint32_t i = 0; i < key.n; i++) {
		const struct row_key_part *k =
		    bundle_key_part(b, key.first + i);
		struct span name = bundle_text(b, k->path);
		struct buf text;

		if (k->name != ROW_NONE)
			name = bundle_text(b, bundle_name(b, k->name)->shown);
		buf_init(&text, 1 << 16);
		buf_add_str(&text, key_words[k->kind]);
		buf_add_str(&text, name.n > 0 ? " " : "");
		buf_add(&text, name);
		(void)json_append(list, json_new_string(buf_span(&text)));
		buf_fini(&text);
	}
	(void)json_put(o, "key", list);
}

void
spec_put_tier(struct json_object *o, const struct bundle *b, uint32_t tier)
{
	if (tier != ROW_NONE)
		spec_put_text(o, "tier", b, bundle_tier(b, tier)->name);
}

struct json_object *
spec_levels_json(const struct bundle *b, uint32_t api)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < bundle_n(b, SECTION_LEVEL); i++) {
		const struct row_level *l = bundle_level(b, i);
		struct json_object *o;

		if (l->api != api)
			continue;
		o = json_new_object();
		spec_put_word(o, "level", level_words, l->level);
		spec_put_tier(o, b, l->tier);
		put_key(o, b, l->key);
		(void)json_append(list, o);
	}
	return list;
}

static const char *
when_down(uint32_t tier_flags)
{
	return (tier_flags & TIER_STORE_REFUSE) != 0 ? "refuse"
	    : (tier_flags & TIER_STORE_ALLOW) != 0   ? "allow"
						     : "local";
}

struct json_object *
spec_tier_json(const struct bundle *b, const struct row_tier *t)
{
	struct json_object *o = json_new_object();
	struct json_object *levels = json_new_array();
	struct json_object *limits = json_new_array();

	spec_put_text(o, "name", b, t->name);
	if (t->flags & TIER_OF_RESOURCE)
		(void)json_append(levels, json_new_string(SPAN("resource")));
	if (t->flags & TIER_OF_SUBSCRIPTION)
		(void)json_append(
		    levels, json_new_string(SPAN("subscription")));
	if (t->flags & TIER_OF_APPLICATION)
		(void)json_append(levels, json_new_string(SPAN("application")));
	(void)json_put(o, "levels", levels);
	spec_put_flag(o, "unlimited", (t->flags & TIER_UNLIMITED) != 0);
	spec_put_flag(o, "stop_on_quota", !(t->flags & TIER_PASS_OVER_QUOTA));
	if (t->flags & TIER_STORE)
		(void)json_put(o, "when_down",
		    json_new_string(span_str(when_down(t->flags))));
	for (uint32_t i = 0; i < t->limits.n; i++)
		(void)json_append(limits,
		    spec_limit_json(b, bundle_limit(b, t->limits.first + i)));
	(void)json_put(o, "limits", limits);
	put_key(o, b, t->key);
	if (t->conditions.n > 0)
		(void)json_put(
		    o, "conditions", spec_conditions_json(b, t->conditions));
	return o;
}
