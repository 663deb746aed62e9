/*
 * claim_path - see claim_path.h.
 */
#include "policy/claim_path.h"

#include "base/json.h"

#define DEPTH_MAX 32

struct search {
	struct json_scan scan;
	const struct span *values;
	size_t n_values;
	struct span *found; /* what is there; NULL: only whether it fits */
	size_t n_found, n_max;
};

/* The scalar that "e" gave; an array or object is none of ours. */
static bool
scalar_fits(struct search *s, enum json_event e)
{
	struct span text = s->scan.value;

	if (e == JSON_NULL)
		return false;
	if (s->n_values == 0 && s->found == NULL)
		return true;
	if (e == JSON_TRUE)
		text = SPAN("true");
	else if (e == JSON_FALSE)
		text = SPAN("false");
	else if (e != JSON_STRING && e != JSON_NUMBER)
		return false;
	if (s->found != NULL) {
		if (s->n_found < s->n_max)
			s->found[s->n_found] = text;
		s->n_found++;
	}
	for (size_t i = 0; i < s->n_values; i++)
		if (span_eq(text, s->values[i]))
			return true;
	return false;
}

/* The value that comes next fits; it is read to its end. */
static bool
value_fits(struct search *s)
{
	enum json_event e = json_scan_next(&s->scan);
	bool fits = false;

	if (e != JSON_ARRAY) {
		fits = scalar_fits(s, e);
		return json_scan_skip(&s->scan) && fits;
	}
	while ((e = json_scan_next(&s->scan)) != JSON_ARRAY_END &&
	    e != JSON_ERROR) {
		fits = scalar_fits(s, e) || fits;
		if (!json_scan_skip(&s->scan))
			return false;
	}
	return fits && e == JSON_ARRAY_END;
}

/* In the object just opened; at most as deep as the path has dots. */
static bool
object_fits(struct search *s, struct span path)
{
	bool fits = false;
	enum json_event e;

	while ((e = json_scan_next(&s->scan)) == JSON_NAME) {
		struct span name = s->scan.value;

		if (span_eq(name, path) && s->n_found == 0) {
			fits = value_fits(s) || fits;
		} else if (name.n < path.n && span_starts(path, name) &&
		    path.p[name.n] == '.' && s->n_found == 0 &&
		    s->scan.depth < DEPTH_MAX) {
			e = json_scan_next(&s->scan);
			if (e == JSON_OBJECT)
				fits = object_fits(
					   s, span_skip(path, name.n + 1)) ||
				    fits;
			else if (!json_scan_skip(&s->scan))
				return false;
		} else if (!json_scan_skip(&s->scan)) {
			return false;
		}
	}
	return fits && e == JSON_OBJECT_END;
}

bool
claim_path_fits(struct span json, struct span path, const struct span *values,
    size_t n_values, struct arena *a)
{
	struct search s = { .values = values, .n_values = n_values };

	json_scan_init(&s.scan, json, DEPTH_MAX, a);
	return path.n > 0 && json_scan_next(&s.scan) == JSON_OBJECT &&
	    object_fits(&s, path);
}

size_t
claim_path_values(struct span json, struct span path, struct arena *a,
    struct span *values, size_t max)
{
	struct search s = { .found = values, .n_max = max };

	json_scan_init(&s.scan, json, DEPTH_MAX, a);
	if (path.n == 0 || json_scan_next(&s.scan) != JSON_OBJECT)
		return 0;
	/* Whether the last of them fits is of no matter. */
	(void)object_fits(&s, path);
	return s.scan.error == NULL ? s.n_found : 0;
}

/* Move to the value of the claim "name"; JSON_ERROR: there is none. */
static enum json_event
find(
    struct json_scan *scan, struct span json, struct span name, struct arena *a)
{
	json_scan_init(scan, json, DEPTH_MAX, a);
	if (json_scan_next(scan) != JSON_OBJECT)
		return JSON_ERROR;
	while (json_scan_next(scan) == JSON_NAME) {
		if (span_eq(scan->value, name))
			return json_scan_next(scan);
		if (!json_scan_skip(scan))
			break;
	}
	return JSON_ERROR;
}

struct span
claim_text(struct span json, struct span name, struct arena *a)
{
	struct json_scan scan;

	if (find(&scan, json, name, a) == JSON_STRING)
		return scan.value;
	return (struct span){ NULL, 0 };
}

struct span
claim_json(struct span json, struct span name, struct arena *a)
{
	struct json_scan scan;
	size_t begin;

	if (find(&scan, json, name, a) == JSON_ERROR)
		return (struct span){ NULL, 0 };
	begin = scan.offset;
	if (!json_scan_skip(&scan))
		return (struct span){ NULL, 0 };
	return span_of(json.p + begin, scan.at - begin);
}
