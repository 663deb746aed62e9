/*
 * endpoint - see endpoint.h.
 */
#include "policy/endpoint.h"

struct range
endpoint_list(const struct match *m, bool sandbox)
{
	const struct row_operation *op = m->operation;

	if (op != NULL && (sandbox ? op->sandbox : op->endpoints).n > 0)
		return sandbox ? op->sandbox : op->endpoints;
	return sandbox ? m->api->sandbox : m->api->endpoints;
}

/* In the bundle, or in the configuration of this machine. */
static bool
has_list(const struct outside *world, const struct match *m, bool sandbox)
{
	return endpoint_list(m, sandbox).n > 0 ||
	    (world->has_endpoints != NULL &&
		world->has_endpoints(world->world, m, sandbox));
}

bool
endpoint_is_sandbox(const struct principal *who)
{
	return span_eq_nocase(who->key_type, SPAN("SANDBOX"));
}

bool
endpoint_choose(const struct outside *world, const struct match *m,
    const struct principal *who, bool *sandbox, struct decision *d)
{
	struct span type = who->key_type;

	*sandbox = endpoint_is_sandbox(who);
	if (type.n > 0 && !*sandbox &&
	    !span_eq_nocase(type, SPAN("PRODUCTION")))
		return refuse(d, REASON_CLAIM_REFUSED,
		    SPAN("the key type is neither PRODUCTION nor SANDBOX"));
	if (has_list(world, m, *sandbox))
		return true;
	if (*sandbox)
		return refuse(d, REASON_CLAIM_REFUSED,
		    SPAN("a sandbox key, and no sandbox endpoint"));
	/* Without any endpoint it is not the caller's key that is wrong. */
	return !has_list(world, m, true) ||
	    refuse(d, REASON_CLAIM_REFUSED,
		SPAN("a production key, and no production endpoint"));
}

static bool
list_ok(const struct bundle *b, struct range r)
{
	const struct row_endpoint *first;

	if (r.n == 0)
		return true;
	first = bundle_endpoint(b, r.first);
	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_endpoint *e = bundle_endpoint(b, r.first + i);

		if (e->balance != first->balance ||
		    e->hash_by != first->hash_by ||
		    e->spike.n != first->spike.n ||
		    e->spike.first != first->spike.first ||
		    (e->hash_by == HASH_BY_FIELD) != (e->hash_name.n == 1))
			return false;
	}
	return r.n <= ENDPOINTS_MAX && first->spike.n <= 1;
}

bool
endpoint_checks_ok(const struct bundle *b)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_HEALTH); i++) {
		const struct row_health *h = bundle_health(b, i);
		struct span path = bundle_text(b, h->path);

		if (!span_starts(path, SPAN("/")) ||
		    h->period_ms < HEALTH_PERIOD_MS_MIN || h->timeout_ms == 0 ||
		    h->healthy == 0 || h->unhealthy == 0)
			return false;
		for (size_t k = 0; k < path.n; k++)
			if (path.p[k] <= ' ' || path.p[k] > '~')
				return false;
	}
	return true;
}

bool
endpoint_lists_ok(const struct bundle *b)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
		const struct row_api *a = bundle_api(b, i);

		if (!list_ok(b, a->endpoints) || !list_ok(b, a->sandbox))
			return false;
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_OPERATION); i++) {
		const struct row_operation *op = bundle_operation(b, i);

		if (!list_ok(b, op->endpoints) || !list_ok(b, op->sandbox))
			return false;
	}
	return true;
}
