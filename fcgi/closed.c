/*
 * closed - see closed.h.
 */
#include "fcgi/closed.h"

#include <stdio.h>

/* "name" is a title, a title with its version, or a base path. */
static bool
names_api(const struct bundle *b, const struct row_api *a, struct span name)
{
	struct span title = bundle_text(b, a->title);
	struct span version = bundle_text(b, a->version);

	if (span_eq(name, title) ||
	    (name.n > 0 && span_eq(name, bundle_text(b, a->base_path))))
		return true;
	return name.n == title.n + 1 + version.n && span_starts(name, title) &&
	    name.p[title.n] == '/' &&
	    span_eq(span_skip(name, title.n + 1), version);
}

bool
closed_fill(const struct bundle *b, const struct config *c, uint32_t *s,
    char *why, size_t why_size)
{
	for (const struct config_closed *l = c->closed; l; l = l->next) {
		bool found = false;

		for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
			if (!names_api(b, bundle_api(b, i), l->api))
				continue;
			s[i] = l->retry_s;
			found = true;
		}
		if (found)
			continue;
		(void)snprintf(
		    why, why_size, "%s: the bundle has no such API", l->origin);
		return false;
	}
	return true;
}
