/*
 * spec_json - a bundle as JSON, for mgw-spec show and for comparing APIs.
 *
 * Rows are written by what they mean, not by their numbers, so that two
 * bundles which enforce the same read the same.
 */
#include <stdlib.h>

#include "policy/client.h"
#include "policy/failure.h"
#include "tools/spec_json.h"

static const char *const error_words[] = { "problem", "wso2" };
static const char *const rate_words[] = { "ietf", "legacy", "both", "off" };

static struct json_object *
alternatives_json(const struct bundle *b, struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++) {
		struct range q =
		    bundle_alternative(b, r.first + i)->requirements;
		struct json_object *all = json_new_array();

		for (uint32_t k = 0; k < q.n; k++) {
			const struct row_requirement *row =
			    bundle_requirement(b, q.first + k);
			struct json_object *o = json_new_object();

			spec_put_text(o, "scheme", b,
			    bundle_scheme(b, row->scheme)->name);
			spec_put_strings(o,
			    row->flags & REQUIREMENT_SCOPES_ANY ? "any_scope"
								: "all_scopes",
			    b, row->scopes);
			(void)json_append(all, o);
		}
		(void)json_append(list, all);
	}
	return list;
}

/* Where an operation has one; 0 is none, as for endpoints. */
static void
put_own_limit(struct json_object *o, const char *name, uint32_t ms)
{
	if (ms != 0)
		spec_put_number(o, name, ms != ROW_NONE ? ms : 0);
}

static struct json_object *
operation_json(const struct bundle *b, const struct row_operation *op)
{
	const struct row_item *item = bundle_item(b, op->item);
	struct json_object *o = json_new_object();

	spec_put_text(o, "method", b, op->method);
	spec_put_text(o, "path", b, item->path);
	spec_put_text(o, "operation_id", b, op->operation_id);
	spec_put_strings(o, "variables", b, item->variables);
	spec_put_text(o, "allow", b, item->allow);
	(void)json_put(o, "security", alternatives_json(b, op->alternatives));
	if (op->endpoints.n > 0)
		(void)json_put(
		    o, "endpoints", spec_endpoints_json(b, op->endpoints));
	if (op->groups.n > 0)
		spec_put_strings(o, "groups", b, op->groups);
	if (op->sandbox.n > 0)
		(void)json_put(
		    o, "sandbox", spec_endpoints_json(b, op->sandbox));
	spec_put_tier(o, b, op->tier);
	spec_put_number(o, "max_body_bytes", op->max_body_bytes);
	put_own_limit(o, "connect_ms", op->connect_ms);
	put_own_limit(o, "first_byte_ms", op->first_byte_ms);
	put_own_limit(o, "between_bytes_ms", op->idle_ms);
	put_own_limit(o, "total_ms", op->total_ms);
	if (op->changes.n > 0)
		(void)json_put(o, "changes", spec_changes_json(b, op->changes));
	if (op->flags & OPERATION_DEPRECATED)
		spec_put_flag(o, "deprecated", true);
	return o;
}

static struct json_object *
cors_json(const struct bundle *b, const struct row_cors *c)
{
	struct json_object *o = json_new_object();
	struct json_object *limits = json_new_array();

	if (c->flags & CORS_ANY_ORIGIN)
		(void)json_put(o, "origins", json_new_string(SPAN("*")));
	else
		spec_put_strings(o, "origins", b, c->origins);
	spec_put_text(o, "methods", b, c->methods);
	if (c->flags & CORS_ANY_HEADER)
		(void)json_put(o, "headers", json_new_string(SPAN("*")));
	else
		spec_put_text(o, "headers", b, c->headers);
	spec_put_text(o, "exposed", b, c->exposed);
	spec_put_flag(o, "credentials", (c->flags & CORS_CREDENTIALS) != 0);
	spec_put_number(o, "max_age_s", c->max_age_s);
	for (uint32_t i = 0; i < c->limits.n; i++)
		(void)json_append(limits,
		    spec_limit_json(b, bundle_limit(b, c->limits.first + i)));
	(void)json_put(o, "preflight_limits", limits);
	return o;
}

static struct json_object *
api_json(const struct bundle *b, uint32_t api)
{
	const struct row_api *a = bundle_api(b, api);
	struct json_object *o = json_new_object();
	struct json_object *list = json_new_array();

	spec_put_text(o, "title", b, a->title);
	spec_put_text(o, "version", b, a->version);
	spec_put_text(o, "base_path", b, a->base_path);
	spec_put_text(o, "document", b, a->document);
	spec_put_text(o, "owner", b, a->owner);
	if (a->public_url.n > 0)
		spec_put_text(o, "public_url", b, a->public_url);
	if (a->flags & API_RESOURCE_METADATA)
		spec_put_flag(o, "resource_metadata", true);
	if (a->flags & API_ASSERTION)
		spec_put_flag(o, "backend_jwt", true);
	if (a->audience.n > 0)
		spec_put_text(o, "backend_audience", b, a->audience);
	if (a->flags & API_KEEP_CREDENTIAL)
		spec_put_flag(o, "keep_credential", true);
	if (a->attempts.n > 0)
		(void)json_put(o, "refusals_per_address",
		    spec_limit_json(b, bundle_limit(b, a->attempts.first)));
	if (a->maintenance_s > 0)
		spec_put_number(o, "maintenance_s", a->maintenance_s);
	spec_put_flag(o, "wso2", (a->flags & API_WSO2) != 0);
	spec_put_flag(
	    o, "trailing_slash_ignored", (a->flags & API_SLASH_IGNORE) != 0);
	spec_put_flag(o, "tier_replaces", (a->flags & API_TIER_REPLACES) != 0);
	spec_put_tier(o, b, a->tier);
	spec_put_spike(o, b, a->spike);
	spec_put_word(o, "errors", error_words, a->errors);
	spec_put_error_bodies(o, b, a->error_bodies);
	spec_put_number(o, "max_body_bytes", a->max_body_bytes);
	(void)json_put(o, "endpoints", spec_endpoints_json(b, a->endpoints));
	if (a->sandbox.n > 0)
		(void)json_put(
		    o, "sandbox", spec_endpoints_json(b, a->sandbox));
	if (a->pattern.n > 0)
		(void)json_put(
		    o, "added_endpoints", spec_endpoints_json(b, a->pattern));
	if (a->cors.n > 0)
		(void)json_put(
		    o, "cors", cors_json(b, bundle_cors(b, a->cors.first)));
	(void)json_put(o, "schemes", spec_schemes_json(b, a->schemes));
	(void)json_put(o, "levels", spec_levels_json(b, api));
	for (uint32_t i = 0; i < a->operations.n; i++)
		(void)json_append(list,
		    operation_json(
			b, bundle_operation(b, a->operations.first + i)));
	(void)json_put(o, "operations", list);
	return o;
}

/* What is shared by several machines; secrets are not in a bundle. */
static struct json_object *
store_json(const struct bundle *b, const struct row_store *s)
{
	struct json_object *o = json_new_object();

	spec_put_text(o, "url", b, s->url);
	spec_put_text(o, "user", b, s->user);
	spec_put_text(o, "prefix", b, s->prefix);
	spec_put_text(o, "ca", b, s->ca_file);
	spec_put_flag(o, "password", s->password != ROW_NONE);
	spec_put_flag(o, "key", s->key != ROW_NONE);
	spec_put_number(o, "timeout_us", s->timeout_us);
	return o;
}

/* As mgw.yaml has it. */
static void
put_failures(
    struct json_object *o, const struct bundle *b, struct range failures)
{
	struct json_object *f = json_new_object();

	if (failures.n == 0) {
		json_free(f);
		(void)json_put(o, "failures", json_new_string(SPAN("off")));
		return;
	}
	spec_put_number(f, "limit",
	    bundle_limit(b, failures.first + FAILURE_ADDRESS)->count);
	spec_put_number(f, "per_us",
	    bundle_limit(b, failures.first + FAILURE_ADDRESS)->period_us);
	spec_put_number(f, "per_name",
	    bundle_limit(b, failures.first + FAILURE_NAME)->count);
	(void)json_put(o, "failures", f);
}

static struct json_object *
settings_json(const struct bundle *b, const struct row_settings *s)
{
	struct json_object *o = json_new_object();

	spec_put_number(o, "max_uri_bytes", s->max_uri_bytes);
	spec_put_number(o, "max_header_bytes", s->max_header_bytes);
	spec_put_number(o, "ipv6_prefix",
	    s->client_v6_bits > 0 ? s->client_v6_bits : CLIENT_V6_BITS);
	spec_put_number(o, "max_body_bytes", s->max_body_bytes);
	spec_put_word(o, "errors", error_words, s->errors);
	spec_put_error_bodies(o, b, s->error_bodies);
	spec_put_number(o, "connect_ms", s->connect_ms);
	spec_put_number(o, "first_byte_ms", s->first_byte_ms);
	spec_put_number(o, "between_bytes_ms", s->idle_ms);
	spec_put_number(o, "total_ms", s->total_ms);
	spec_put_text(o, "realm", b, s->realm);
	if (s->request_id.n > 0)
		spec_put_text(o, "request_id", b, s->request_id);
	if (s->request_id_from == REQUEST_ID_PROXY)
		(void)json_put(
		    o, "request_id_from", json_new_string(SPAN("proxy")));
	spec_put_word(o, "rate_headers", rate_words, s->rate_headers);
	put_failures(o, b, s->failures);
	if (s->identities.n > 0)
		spec_put_strings(o, "identity_headers", b, s->identities);
	if (s->deny.n > 0)
		(void)json_put(o, "deny", spec_conditions_json(b, s->deny));
	return o;
}

/* Tier "t" stands at API "api", at one of its operations, or at all APIs. */
static bool
uses_tier(const struct bundle *b, uint32_t api, uint32_t t)
{
	const struct row_api *a = bundle_api(b, api);
	bool uses = a->tier == t;

	for (uint32_t i = 0; i < a->operations.n && !uses; i++)
		uses = bundle_operation(b, a->operations.first + i)->tier == t;
	for (uint32_t i = 0; i < bundle_n(b, SECTION_LEVEL) && !uses; i++) {
		const struct row_level *l = bundle_level(b, i);

		uses = l->tier == t && (l->api == api || l->api == ROW_NONE);
	}
	return uses;
}

struct json_object *
spec_api_whole_json(const struct bundle *b, uint32_t api)
{
	const struct row_api *a = bundle_api(b, api);
	struct json_object *o = api_json(b, api);
	struct json_object *tiers = json_new_array();
	struct json_object *issuers = json_new_array();

	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++)
		if (uses_tier(b, api, i))
			(void)json_append(
			    tiers, spec_tier_json(b, bundle_tier(b, i)));
	for (uint32_t i = 0; i < a->schemes.n; i++) {
		struct range r =
		    bundle_scheme(b, a->schemes.first + i)->issuers;

		for (uint32_t k = 0; k < r.n; k++)
			(void)json_append(issuers,
			    spec_issuer_json(b,
				bundle_issuer(
				    b, bundle_index(b, r.first + k))));
	}
	(void)json_put(o, "its_tiers", tiers);
	(void)json_put(o, "its_issuers", issuers);
	return o;
}

struct json_object *
spec_bundle_json(const struct bundle *b)
{
	struct json_object *o = json_new_object();
	struct json_object *apis = json_new_array();
	struct json_object *servers = json_new_array();
	struct json_object *issuers = json_new_array();
	struct json_object *tiers = json_new_array();
	char policy[17];

	(void)snprintf(policy, sizeof(policy), "%016jx", (uintmax_t)b->policy);
	(void)json_put(o, "policy", json_new_string(span_str(policy)));
	(void)json_put(o, "settings", settings_json(b, bundle_settings(b, 0)));
	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++)
		(void)json_append(apis, api_json(b, i));
	(void)json_put(o, "apis", apis);
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ISSUER); i++)
		(void)json_append(
		    issuers, spec_issuer_json(b, bundle_issuer(b, i)));
	(void)json_put(o, "issuers", issuers);
	for (uint32_t i = 0; i < bundle_n(b, SECTION_INTROSPECT); i++)
		(void)json_append(
		    servers, spec_introspect_json(b, bundle_introspect(b, i)));
	(void)json_put(o, "introspection", servers);
	if (bundle_n(b, SECTION_DPOP) > 0)
		(void)json_put(o, "dpop", spec_dpop_json(b, bundle_dpop(b, 0)));
	if (bundle_n(b, SECTION_ASSERTION) > 0)
		(void)json_put(o, "backend_jwt",
		    spec_assertion_json(b, bundle_assertion(b, 0)));
	if (bundle_n(b, SECTION_APPLICATIONS) > 0)
		(void)json_put(o, "applications",
		    spec_applications_json(b, bundle_applications(b, 0)));
	if (bundle_n(b, SECTION_ISSUE) > 0)
		(void)json_put(
		    o, "issue", spec_issue_json(b, bundle_issue(b, 0)));
	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++)
		(void)json_append(tiers, spec_tier_json(b, bundle_tier(b, i)));
	(void)json_put(o, "tiers", tiers);
	if (bundle_n(b, SECTION_REVOCATION) > 0)
		(void)json_put(o, "revocation", spec_revocations_json(b));
	if (bundle_n(b, SECTION_STORE) > 0)
		(void)json_put(o, "store", store_json(b, bundle_store(b, 0)));
	(void)json_put(o, "levels", spec_levels_json(b, ROW_NONE));
	return o;
}
