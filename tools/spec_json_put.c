/*
 * spec_json_put - members of what mgw-spec shows.
 */
#include "tools/spec_json.h"

void
spec_put_text(struct json_object *o, const char *name, const struct bundle *b,
    struct text t)
{
	struct span s = bundle_text(b, t);

	if (s.p != NULL)
		(void)json_put(o, name, json_new_string(s));
}

void
spec_put_number(struct json_object *o, const char *name, uint64_t v)
{
	if (v <= INT64_MAX)
		(void)json_put(o, name, json_new_int((int64_t)v));
}

void
spec_put_flag(struct json_object *o, const char *name, bool on)
{
	(void)json_put(o, name, json_new_bool(on));
}

void
spec_put_word(struct json_object *o, const char *name, const char *const *words,
    uint32_t i)
{
	(void)json_put(o, name, json_new_string(span_str(words[i])));
}

void
spec_put_strings(struct json_object *o, const char *name,
    const struct bundle *b, struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++)
		(void)json_append(
		    list, json_new_string(bundle_string(b, r.first + i)));
	(void)json_put(o, name, list);
}
