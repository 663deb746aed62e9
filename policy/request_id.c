/*
 * request_id - see request_id.h.
 */
#include "policy/request_id.h"

#include "base/ascii.h"
#include "policy/credential_fields.h"

struct span
request_id_name(const struct bundle *b)
{
	struct span name = bundle_text(b, bundle_settings(b, 0)->request_id);

	return name.n > 0 ? name : SPAN("X-Request-Id");
}

bool
request_id_is(const struct bundle *b, struct span name)
{
	return credential_name_eq(name, request_id_name(b));
}

/* It stands in logs, answers and headers: nothing but plain letters. */
static bool
is_good(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum(s.p[i]) && !span_has(SPAN("-._~:"), s.p[i]))
			return false;
	return s.n > 0 && s.n <= REQUEST_ID_BYTES_MAX;
}

void
request_id_take(struct request *r, const struct bundle *b)
{
	struct span found = { NULL, 0 };

	if (!r->client.proxied ||
	    bundle_settings(b, 0)->request_id_from != REQUEST_ID_PROXY)
		return;
	for (size_t i = 0; i < r->n_params; i++) {
		struct span name = r->params[i].name;

		if (!span_starts(name, SPAN("HTTP_")) ||
		    !request_id_is(b, span_skip(name, 5)))
			continue;
		if (found.p != NULL)
			return; /* two say nothing */
		found = span_trim(r->params[i].value);
	}
	if (is_good(found))
		r->id = found;
}
