/*
 * closed - see closed.h.
 */
#include "fcgi/closed.h"

#include <stdio.h>

#include "policy/api_name.h"

bool
closed_fill(const struct bundle *b, const struct config *c, uint32_t *s,
    char *why, size_t why_size)
{
	for (const struct config_closed *l = c->closed; l; l = l->next) {
		bool found = false;

		for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
			if (!api_name_in_config(l->api, b, bundle_api(b, i)))
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
