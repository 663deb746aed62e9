/*
 * json - see json.h.
 */
#include "policy/json.h"

#include <json-c/json.h>

#include "base/json.h"

/* Enough for the scanner's copies of names and escaped strings. */
#define SCAN_FIRST_BYTES 4096

/* Fits 64 bits, as json-c keeps integers; it would clip others. */
static bool
number_fits(struct span text)
{
	bool negative = text.p[0] == '-';
	struct span digits = span_skip(text, negative ? 1 : 0);
	uint64_t v;

	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return true; /* a double */
	}
	return span_to_u64(
	    digits, (uint64_t)INT64_MAX + (negative ? 1 : 0), &v);
}

/* NULL, or what is wrong with "text". */
static const char *
scan(struct span text)
{
	struct json_scan s;
	struct arena a;
	enum json_event e;
	const char *error = NULL;

	arena_init(&a, SCAN_FIRST_BYTES, text.n * 16 + 64 * 1024);
	json_scan_init(&s, text, JSON_DEPTH_MAX - 1, &a);
	do {
		e = json_scan_next(&s);
		if (e == JSON_ERROR)
			error = s.error;
		if (e == JSON_NUMBER && !number_fits(s.value))
			error = "an integer is too large";
	} while (error == NULL && e != JSON_END);
	arena_fini(&a);
	return error;
}

struct json_object *
json_read(struct span text, const char **error)
{
	struct json_tokener *t;
	struct json_object *o = NULL;

	*error = text.n > INT32_MAX ? "too large" : scan(text);
	if (*error != NULL)
		return NULL;
	*error = "out of memory";
	t = json_tokener_new_ex(JSON_DEPTH_MAX);
	if (t == NULL)
		return NULL;
	o = json_tokener_parse_ex(t, text.p, (int)text.n);
	/* A bare number has no end until the tokener is told so. */
	if (o == NULL && json_tokener_get_error(t) == json_tokener_continue)
		o = json_tokener_parse_ex(t, "", 1);
	if (o == NULL)
		*error = "not an object, array or value";
	else
		*error = NULL;
	json_tokener_free(t);
	return o;
}

void
json_free(struct json_object *o)
{
	(void)json_object_put(o); /* only tells whether it was the last */
}

struct json_object *
json_get(const struct json_object *o, const char *name)
{
	struct json_object *v = NULL;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, name, &v))
		return NULL;
	return v;
}

struct json_object *
json_path(const struct json_object *o, struct span path)
{
	struct json_object *v = NULL;

	while (path.p != NULL) {
		struct span name = span_cut(&path, '.');
		char text[128];

		if (name.n >= sizeof(text))
			return NULL;
		memcpy(text, name.p, name.n);
		text[name.n] = '\0';
		v = json_get(o, text);
		if (v == NULL)
			return NULL;
		o = v;
	}
	return v;
}

bool
json_is_string(const struct json_object *o, struct span *s)
{
	/* json-c declares these without const and changes nothing. */
	struct json_object *v = (struct json_object *)(uintptr_t)o;

	if (!json_object_is_type(o, json_type_string))
		return false;
	*s = span_of(
	    json_object_get_string(v), (size_t)json_object_get_string_len(o));
	return true;
}

bool
json_is_array(const struct json_object *o, size_t *n)
{
	if (!json_object_is_type(o, json_type_array))
		return false;
	*n = json_object_array_length(o);
	return true;
}

bool
json_is_object(const struct json_object *o)
{
	return json_object_is_type(o, json_type_object) != 0;
}

struct json_object *
json_at(const struct json_object *array, size_t i)
{
	if (!json_object_is_type(array, json_type_array))
		return NULL;
	return json_object_array_get_idx(array, i);
}

struct json_object *
json_new_object(void)
{
	return json_object_new_object();
}

struct json_object *
json_new_array(void)
{
	return json_object_new_array();
}

struct json_object *
json_new_string(struct span s)
{
	if (s.n > INT32_MAX)
		return NULL;
	return json_object_new_string_len(s.p != NULL ? s.p : "", (int)s.n);
}

struct json_object *
json_new_int(int64_t v)
{
	return json_object_new_int64(v);
}

struct json_object *
json_new_bool(bool v)
{
	return json_object_new_boolean(v);
}

bool
json_put(struct json_object *o, const char *name, struct json_object *v)
{
	if (o != NULL && v != NULL && json_object_object_add(o, name, v) == 0)
		return true;
	json_free(v);
	return false;
}

bool
json_append(struct json_object *array, struct json_object *v)
{
	if (array != NULL && v != NULL && json_object_array_add(array, v) == 0)
		return true;
	json_free(v);
	return false;
}

/*
 * Like json_write_string, what terminals obey is escaped: json-c leaves DEL
 * and the C1 controls, U+0080 to U+009F, as they are.
 */
static void
add_inert(struct buf *to, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == 0xc2 && i + 1 < s.n &&
		    (unsigned char)s.p[i + 1] < 0xa0)
			buf_printf(to, "\\u%04x", (unsigned char)s.p[++i]);
		else if (c == 0x7f)
			buf_add_str(to, "\\u007f");
		else
			buf_add_char(to, s.p[i]);
	}
}

void
json_write(const struct json_object *o, bool pretty, struct buf *to)
{
	struct json_object *v = (struct json_object *)(uintptr_t)o;
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
	    (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
		    : JSON_C_TO_STRING_PLAIN);
	size_t n;
	const char *text = json_object_to_json_string_length(v, flags, &n);

	if (text == NULL)
		to->failed = true;
	else
		add_inert(to, span_of(text, n));
}
