/*
 * claims_find - one claim of a token that was verified, by its path.
 */
#include "base/json.h"
#include "policy/claims.h"

/* The value that "e" begins, which is at the end of the path. */
static bool
read_value(struct json_scan *s, enum json_event e, struct span *value)
{
	if (e == JSON_ARRAY)
		e = json_scan_next(s);
	switch (e) {
	case JSON_STRING:
	case JSON_NUMBER:
		*value = s->value;
		return true;
	case JSON_TRUE:
		*value = SPAN("true");
		return true;
	case JSON_FALSE:
		*value = SPAN("false");
		return true;
	default:
		return false;
	}
}

bool
claims_find(
    struct span json, struct span path, struct arena *a, struct span *value)
{
	struct json_scan s;
	struct span rest = path, name;
	enum json_event e;

	if (json.n == 0)
		return false;
	json_scan_init(&s, json, JSON_DEPTH_MAX, a);
	e = json_scan_next(&s);
	while (e == JSON_OBJECT) {
		/* A name with dots of its own goes before the path. */
		struct span whole = rest;

		name = span_cut(&rest, '.');
		while ((e = json_scan_next(&s)) == JSON_NAME) {
			if (span_eq(s.value, whole)) {
				rest.p = NULL;
				break;
			}
			if (span_eq(s.value, name))
				break;
			if (!json_scan_skip(&s))
				return false;
		}
		if (e != JSON_NAME)
			return false;
		e = json_scan_next(&s);
		if (rest.p == NULL)
			return read_value(&s, e, value);
	}
	return false;
}
