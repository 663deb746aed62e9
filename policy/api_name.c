/*
 * api_name - see api_name.h.
 */
#include "policy/api_name.h"

enum api_name
api_name_match(struct span name, struct span title, struct span version)
{
	struct span rest;

	if (!span_starts(name, title))
		return API_NAME_OTHER;
	rest = span_skip(name, title.n);
	if (rest.n == 0)
		return API_NAME_TITLE;
	return rest.p[0] == '/' && span_eq(span_skip(rest, 1), version)
	    ? API_NAME_VERSION
	    : API_NAME_OTHER;
}

bool
api_name_in_config(
    struct span name, const struct bundle *b, const struct row_api *api)
{
	struct span title = bundle_text(b, api->title);
	struct span version = bundle_text(b, api->version);

	return api_name_match(name, title, version) != API_NAME_OTHER ||
	    (name.n > 0 && span_eq(name, bundle_text(b, api->base_path)));
}
