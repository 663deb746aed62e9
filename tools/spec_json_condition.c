/*
 * spec_json_condition - conditions as mgw-spec show has them.
 */
#include "policy/network.h"
#include "tools/spec.h"

#define DAY_S 86400

static const char *const kinds[CONDITION_KIND__MAX] = {
	[CONDITION_ALL] = "all",
	[CONDITION_ANY] = "any",
	[CONDITION_ADDRESS] = "address",
	[CONDITION_FIELD] = "header",
	[CONDITION_CLAIM] = "claim",
	[CONDITION_ISSUER] = "issuer",
	[CONDITION_METHOD] = "method",
	[CONDITION_TIME] = "time",
};

static struct json_object *
values_json(const struct bundle *b, struct range values)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < values.n; i++)
		(void)json_append(
		    list, json_new_string(bundle_string(b, values.first + i)));
	return list;
}

static void
put_time(struct json_object *o, const struct bundle *b,
    const struct row_condition *r)
{
	(void)json_put(o, "from_s", json_new_int(r->from_s));
	(void)json_put(o, "until_s", json_new_int(r->until_s));
	(void)json_put(o, "days", json_new_int(r->days));
	if (r->zone > 0)
		(void)json_put(o, "timezone",
		    json_new_string(
			bundle_text(b, bundle_zone(b, r->zone - 1)->name)));
}

static struct json_object *
condition_json(const struct bundle *b, uint32_t row)
{
	const struct row_condition *r = bundle_condition(b, row);
	struct json_object *o = json_new_object(), *parts;
	const char *kind = kinds[r->kind];
	struct network n = { .bits = r->bits };
	char room[NETWORK_TEXT_MAX];

	if (r->kind == CONDITION_FIELD &&
	    bundle_name(b, r->name)->kind == NAME_QUERY)
		kind = "query";
	(void)json_put(o, "kind", json_new_string(span_str(kind)));
	if ((r->flags & CONDITION_NOT) != 0)
		(void)json_put(o, "not", json_new_bool(true));
	if (r->name != ROW_NONE)
		(void)json_put(o, "name",
		    json_new_string(
			bundle_text(b, bundle_name(b, r->name)->shown)));
	if (r->path.n > 0)
		(void)json_put(
		    o, "path", json_new_string(bundle_text(b, r->path)));
	if (r->values.n > 0)
		(void)json_put(o, "values", values_json(b, r->values));
	if (r->kind == CONDITION_ADDRESS) {
		memcpy(n.bytes, r->address, sizeof(n.bytes));
		(void)json_put(o, "network",
		    json_new_string(span_of(room, network_write(&n, room))));
	}
	if (r->kind == CONDITION_TIME)
		put_time(o, b, r);
	if (r->parts.n == 0)
		return o;
	parts = json_new_array();
	for (uint32_t i = 0; i < r->parts.n; i++)
		(void)json_append(parts, condition_json(b, r->parts.first + i));
	(void)json_put(o, "parts", parts);
	return o;
}

struct json_object *
spec_conditions_json(const struct bundle *b, struct range rules)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < rules.n; i++) {
		const struct row_condition *r =
		    bundle_condition(b, rules.first + i);
		struct json_object *o = json_new_object();

		(void)json_put(o, "when", condition_json(b, rules.first + i));
		if (r->tier != ROW_NONE)
			(void)json_put(o, "tier",
			    json_new_string(
				bundle_text(b, bundle_tier(b, r->tier)->name)));
		(void)json_append(list, o);
	}
	return list;
}
