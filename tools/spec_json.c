/*
 * spec_json - a bundle as JSON, for mgw-spec show and for comparing APIs.
 *
 * Rows are written by what they mean, not by their numbers, so that two
 * bundles which enforce the same read the same.
 */
#include <stdlib.h>

#include "policy/client.h"
#include "policy/failure.h"
#include "policy/keyset.h"
#include "tools/spec.h"

/* Absent texts and "no limit" are left out. */
static void
put_text(struct json_object *o, const char *name, const struct bundle *b,
    struct text t)
{
	struct span s = bundle_text(b, t);

	if (s.p != NULL)
		(void)json_put(o, name, json_new_string(s));
}

static void
put_number(struct json_object *o, const char *name, uint64_t v)
{
	if (v <= INT64_MAX)
		(void)json_put(o, name, json_new_int((int64_t)v));
}

static void
put_flag(struct json_object *o, const char *name, bool on)
{
	(void)json_put(o, name, json_new_bool(on));
}

static void
put_word(struct json_object *o, const char *name, const char *const *words,
    uint32_t i)
{
	(void)json_put(o, name, json_new_string(span_str(words[i])));
}

static void
put_strings(struct json_object *o, const char *name, const struct bundle *b,
    struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++)
		(void)json_append(
		    list, json_new_string(bundle_string(b, r.first + i)));
	(void)json_put(o, name, list);
}

static const char *const balance_words[] = { "round-robin", "least-in-flight",
	"hash", "failover" };
static const char *const hash_words[] = { "address", "subject", "field" };
static const char *const error_words[] = { "problem", "wso2" };
static const char *const scheme_words[] = { "no-verifier", "jwt", "api-key",
	"basic", "opaque", "mtls", "host" };
static const char *const name_words[] = { "header", "query", "cookie" };
static const char *const source_words[] = { "secret", "key-set", "key-file",
	"htpasswd", "deny-list", "signing-key" };
static const char *const how_words[] = { "file", "env", "url", "inline" };
static const char *const limit_words[] = { "token-bucket", "window",
	"sliding" };
static const char *const unit_words[] = { "requests", "bytes", "concurrent" };
static const char *const calendar_words[] = { "none", "day", "week", "month",
	"year" };
static const char *const level_words[] = { "api", "operation", "subscription",
	"application", "subject", "address", "unknown" };
static const char *const rate_words[] = { "ietf", "legacy", "both", "off" };
static const char *const key_words[] = { "api", "operation", "subject",
	"application", "owner", "credential", "address", "header", "query",
	"claim" };

static struct json_object *
source_json(const struct bundle *b, uint32_t i)
{
	const struct row_source *s = bundle_source(b, i);
	struct json_object *o = json_new_object();

	put_word(o, "kind", source_words, s->kind);
	put_word(o, "how", how_words, s->how);
	put_text(o, "value", b, s->value);
	if (s->issuer.n > 0)
		put_text(o, "metadata_of", b, s->issuer);
	put_text(o, "origin", b, s->origin);
	return o;
}

/* The servers of a scheme. */
static void
put_servers(struct json_object *o, const struct bundle *b, struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t k = 0; k < r.n; k++) {
		uint32_t row = bundle_index(b, r.first + k);

		(void)json_append(list,
		    json_new_string(
			bundle_text(b, bundle_introspect(b, row)->url)));
	}
	(void)json_put(o, "introspection", list);
}

static void
put_statuses(struct json_object *o, const struct bundle *b, struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++)
		(void)json_append(
		    list, json_new_int(bundle_index(b, r.first + i)));
	(void)json_put(o, "statuses", list);
}

static struct json_object *
retry_json(const struct bundle *b, const struct row_retry *row)
{
	struct json_object *o = json_new_object();

	put_number(o, "count", row->count);
	put_number(o, "interval_ms", row->interval_ms);
	put_number(o, "factor_milli", row->factor_milli);
	put_number(o, "max_interval_ms", row->max_interval_ms);
	put_number(o, "budget_percent", row->budget_percent);
	put_statuses(o, b, row->statuses);
	return o;
}

static struct json_object *
breaker_json(const struct bundle *b, const struct row_breaker *row)
{
	struct json_object *o = json_new_object();

	put_number(o, "volume", row->volume);
	put_number(o, "ratio_ppm", row->ratio_ppm);
	put_number(o, "window_ms", row->window_ms);
	put_number(o, "reset_ms", row->reset_ms);
	put_statuses(o, b, row->statuses);
	return o;
}

/* How it stands among the others of its list. */
static void
put_balance(
    struct json_object *o, const struct bundle *b, const struct row_endpoint *e)
{
	put_word(o, "balance", balance_words, e->balance);
	put_number(o, "weight", e->weight);
	if (e->balance == BALANCE_HASH)
		put_word(o, "hash_by", hash_words, e->hash_by);
	if (e->hash_name.n > 0) {
		const struct row_name *n = bundle_name(b, e->hash_name.first);

		put_word(o, "hash_in", name_words, n->kind);
		put_text(o, "hash_field", b, n->shown);
	}
}

static struct json_object *
endpoints_json(const struct bundle *b, struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_endpoint *e = bundle_endpoint(b, r.first + i);
		struct json_object *o = json_new_object();

		put_text(o, "url", b, e->url);
		put_flag(o, "from_document",
		    (e->flags & ENDPOINT_FROM_DOCUMENT) != 0);
		put_number(o, "connect_ms", e->connect_ms);
		put_number(o, "first_byte_ms", e->first_byte_ms);
		put_number(o, "between_bytes_ms", e->idle_ms);
		put_number(o, "total_ms", e->total_ms);
		if (e->retry.n > 0)
			(void)json_put(o, "retry",
			    retry_json(b, bundle_retry(b, e->retry.first)));
		if (e->breaker.n > 0)
			(void)json_put(o, "breaker",
			    breaker_json(
				b, bundle_breaker(b, e->breaker.first)));
		if (r.n > 1 || e->balance != BALANCE_ROUND_ROBIN)
			put_balance(o, b, e);
		(void)json_append(list, o);
	}
	return list;
}

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

			put_text(o, "scheme", b,
			    bundle_scheme(b, row->scheme)->name);
			put_strings(o,
			    row->flags & REQUIREMENT_SCOPES_ANY ? "any_scope"
								: "all_scopes",
			    b, row->scopes);
			(void)json_append(all, o);
		}
		(void)json_append(list, all);
	}
	return list;
}

static void
put_tier(struct json_object *o, const struct bundle *b, uint32_t tier)
{
	if (tier != ROW_NONE)
		put_text(o, "tier", b, bundle_tier(b, tier)->name);
}

static struct json_object *
operation_json(const struct bundle *b, const struct row_operation *op)
{
	const struct row_item *item = bundle_item(b, op->item);
	struct json_object *o = json_new_object();

	put_text(o, "method", b, op->method);
	put_text(o, "path", b, item->path);
	put_text(o, "operation_id", b, op->operation_id);
	put_strings(o, "variables", b, item->variables);
	put_text(o, "allow", b, item->allow);
	(void)json_put(o, "security", alternatives_json(b, op->alternatives));
	if (op->endpoints.n > 0)
		(void)json_put(
		    o, "endpoints", endpoints_json(b, op->endpoints));
	if (op->sandbox.n > 0)
		(void)json_put(o, "sandbox", endpoints_json(b, op->sandbox));
	put_tier(o, b, op->tier);
	put_number(o, "max_body_bytes", op->max_body_bytes);
	if (op->flags & OPERATION_DEPRECATED)
		put_flag(o, "deprecated", true);
	return o;
}

static void
put_certificates(
    struct json_object *o, const struct bundle *b, const struct row_scheme *s)
{
	static const char *const rules[] = { "sha256", "serial", "subject",
		"name" };
	struct json_object *list;

	if ((s->flags & SCHEME_CERTIFICATE_ANY) != 0) {
		(void)json_put(o, "certificates", json_new_string(SPAN("any")));
		return;
	}
	list = json_new_array();
	for (uint32_t i = 0; i < s->certificates.n; i++) {
		const struct row_certificate *c =
		    bundle_certificate(b, s->certificates.first + i);
		struct json_object *one = json_new_object();

		put_text(one, rules[c->rule], b, c->value);
		put_text(one, "issuer", b, c->issuer);
		put_text(one, "application", b, c->application);
		put_text(one, "tier", b, c->tier);
		put_strings(one, "scopes", b, c->scopes);
		(void)json_append(list, one);
	}
	(void)json_put(o, "certificates", list);
}

static struct json_object *
schemes_json(const struct bundle *b, struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_scheme *s = bundle_scheme(b, r.first + i);
		struct json_object *o = json_new_object();
		struct json_object *issuers = json_new_array();

		put_text(o, "name", b, s->name);
		put_word(o, "verifier", scheme_words, s->kind);
		if (s->field != ROW_NONE) {
			const struct row_name *n = bundle_name(b, s->field);

			put_word(o, "in", name_words, n->kind);
			put_text(o, "field", b, n->shown);
		}
		for (uint32_t k = 0; k < s->issuers.n; k++) {
			uint32_t row = bundle_index(b, s->issuers.first + k);

			(void)json_append(issuers,
			    json_new_string(
				bundle_text(b, bundle_issuer(b, row)->issuer)));
		}
		(void)json_put(o, "issuers", issuers);
		if (s->introspects.n > 0)
			put_servers(o, b, s->introspects);
		if (s->kind == SCHEME_MTLS)
			put_certificates(o, b, s);
		if (s->source != ROW_NONE)
			put_text(o, s->kind == SCHEME_BASIC ? "users" : "keys",
			    b, bundle_source(b, s->source)->value);
		(void)json_append(list, o);
	}
	return list;
}

static struct json_object *
assertion_json(const struct bundle *b, const struct row_assertion *r)
{
	struct json_object *o = json_new_object();

	put_text(o, "header", b, r->header);
	put_text(o, "issuer", b, r->issuer);
	(void)json_put(o, "algorithm",
	    json_new_string(
		span_str(algorithm_name((enum algorithm)r->algorithm))));
	(void)json_put(o, "key", source_json(b, r->key));
	put_number(o, "lifetime_s", r->life_s);
	put_text(o, "dialect", b, r->dialect);
	put_strings(o, "claims", b, r->claims);
	put_text(o, "keys_path", b, r->keys_path);
	return o;
}

static struct json_object *
limit_json(const struct bundle *b, const struct row_limit *l)
{
	struct json_object *o = json_new_object();

	put_word(o, "algorithm", limit_words, l->algorithm);
	put_word(o, "unit", unit_words, l->unit);
	put_number(o, "count", l->count);
	put_number(o, "period_us", l->period_us);
	if (l->algorithm == LIMIT_TOKEN_BUCKET)
		put_number(o, "burst", l->burst);
	if (l->calendar != CALENDAR_NONE)
		put_word(o, "calendar", calendar_words, l->calendar);
	if (l->zone != 0)
		put_text(o, "timezone", b, bundle_zone(b, l->zone - 1)->name);
	return o;
}

/* What a counter is for, as mgw.yaml has it; nothing for an empty key. */
static void
put_key(struct json_object *o, const struct bundle *b, struct range key)
{
	struct json_object *list = json_new_array();

	if (key.n == 0) {
		json_free(list);
		return;
	}
	for (uint32_t i = 0; i < key.n; i++) {
		const struct row_key_part *k =
		    bundle_key_part(b, key.first + i);
		struct span name = bundle_text(b, k->path);
		struct buf text;

		if (k->name != ROW_NONE)
			name = bundle_text(b, bundle_name(b, k->name)->shown);
		buf_init(&text, 1 << 16);
		buf_add_str(&text, key_words[k->kind]);
		buf_add_str(&text, name.n > 0 ? " " : "");
		buf_add(&text, name);
		(void)json_append(list, json_new_string(buf_span(&text)));
		buf_fini(&text);
	}
	(void)json_put(o, "key", list);
}

/* Those of API "api", or of all with ROW_NONE. */
static struct json_object *
levels_json(const struct bundle *b, uint32_t api)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < bundle_n(b, SECTION_LEVEL); i++) {
		const struct row_level *l = bundle_level(b, i);
		struct json_object *o;

		if (l->api != api)
			continue;
		o = json_new_object();
		put_word(o, "level", level_words, l->level);
		put_tier(o, b, l->tier);
		put_key(o, b, l->key);
		(void)json_append(list, o);
	}
	return list;
}

static struct json_object *
cors_json(const struct bundle *b, const struct row_cors *c)
{
	struct json_object *o = json_new_object();
	struct json_object *limits = json_new_array();

	if (c->flags & CORS_ANY_ORIGIN)
		(void)json_put(o, "origins", json_new_string(SPAN("*")));
	else
		put_strings(o, "origins", b, c->origins);
	put_text(o, "methods", b, c->methods);
	if (c->flags & CORS_ANY_HEADER)
		(void)json_put(o, "headers", json_new_string(SPAN("*")));
	else
		put_text(o, "headers", b, c->headers);
	put_text(o, "exposed", b, c->exposed);
	put_flag(o, "credentials", (c->flags & CORS_CREDENTIALS) != 0);
	put_number(o, "max_age_s", c->max_age_s);
	for (uint32_t i = 0; i < c->limits.n; i++)
		(void)json_append(limits,
		    limit_json(b, bundle_limit(b, c->limits.first + i)));
	(void)json_put(o, "preflight_limits", limits);
	return o;
}

struct json_object *
spec_api_json(const struct bundle *b, uint32_t api)
{
	const struct row_api *a = bundle_api(b, api);
	struct json_object *o = json_new_object();
	struct json_object *list = json_new_array();

	put_text(o, "title", b, a->title);
	put_text(o, "version", b, a->version);
	put_text(o, "base_path", b, a->base_path);
	put_text(o, "document", b, a->document);
	put_text(o, "owner", b, a->owner);
	if (a->public_url.n > 0)
		put_text(o, "public_url", b, a->public_url);
	if (a->flags & API_RESOURCE_METADATA)
		put_flag(o, "resource_metadata", true);
	if (a->flags & API_ASSERTION)
		put_flag(o, "backend_jwt", true);
	if (a->audience.n > 0)
		put_text(o, "backend_audience", b, a->audience);
	if (a->flags & API_KEEP_CREDENTIAL)
		put_flag(o, "keep_credential", true);
	put_flag(o, "wso2", (a->flags & API_WSO2) != 0);
	put_flag(
	    o, "trailing_slash_ignored", (a->flags & API_SLASH_IGNORE) != 0);
	put_flag(o, "tier_replaces", (a->flags & API_TIER_REPLACES) != 0);
	put_tier(o, b, a->tier);
	put_word(o, "errors", error_words, a->errors);
	put_number(o, "max_body_bytes", a->max_body_bytes);
	(void)json_put(o, "endpoints", endpoints_json(b, a->endpoints));
	if (a->sandbox.n > 0)
		(void)json_put(o, "sandbox", endpoints_json(b, a->sandbox));
	if (a->cors.n > 0)
		(void)json_put(
		    o, "cors", cors_json(b, bundle_cors(b, a->cors.first)));
	(void)json_put(o, "schemes", schemes_json(b, a->schemes));
	(void)json_put(o, "levels", levels_json(b, api));
	for (uint32_t i = 0; i < a->operations.n; i++)
		(void)json_append(list,
		    operation_json(
			b, bundle_operation(b, a->operations.first + i)));
	(void)json_put(o, "operations", list);
	return o;
}

static void
put_claims(struct json_object *o, const struct bundle *b, struct range r)
{
	static const char *const names[CLAIM_KIND__MAX] = { "required",
		"mapped" };
	struct json_object *claims = json_new_array();

	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_claim *c = bundle_claim(b, r.first + i);
		struct json_object *claim = json_new_object();

		put_word(claim, "rule", names, c->kind);
		put_text(claim, "claim", b, c->path);
		if (c->kind == CLAIM_MAPPED)
			put_text(claim, "as", b, c->local);
		else
			put_strings(claim, "values", b, c->values);
		(void)json_append(claims, claim);
	}
	(void)json_put(o, "claims", claims);
}

static struct json_object *
introspect_json(const struct bundle *b, const struct row_introspect *r)
{
	static const char *const words[INTROSPECT_AUTH__MAX] = { "basic",
		"post", "bearer" };
	struct json_object *o = json_new_object();

	put_text(o, "url", b, r->url);
	put_text(o, "issuer", b, r->issuer);
	put_word(o, "auth", words, r->auth);
	put_text(o, "client_id", b, r->client_id);
	(void)json_put(o, "secret", source_json(b, r->secret));
	put_text(o, "prefix", b, r->prefix);
	if (r->flags & INTROSPECT_AUDIENCE_ANY)
		(void)json_put(o, "audiences", json_new_string(SPAN("any")));
	else
		put_strings(o, "audiences", b, r->audiences);
	put_text(o, "scope_claim", b, r->scope_claim);
	put_flag(o, "trust_claims", (r->flags & INTROSPECT_TRUST_CLAIMS) != 0);
	put_flag(o, "validate_subscription",
	    (r->flags & INTROSPECT_SUBSCRIPTIONS) != 0);
	put_claims(o, b, r->claims);
	put_number(o, "leeway_s", r->leeway_s);
	put_number(o, "timeout_ms", r->timeout_ms);
	put_number(o, "cache_s", r->keep_s);
	put_number(o, "cache_inactive_s", r->keep_inactive_s);
	return o;
}

static struct json_object *
issuer_json(const struct bundle *b, const struct row_issuer *i)
{
	struct json_object *o = json_new_object();
	struct json_object *algorithms = json_new_array();
	struct json_object *keys = json_new_array();

	put_text(o, "issuer", b, i->issuer);
	for (int alg = 0; alg < ALG__MAX; alg++)
		if (i->algorithms & UINT32_C(1) << alg)
			(void)json_append(algorithms,
			    json_new_string(
				span_str(algorithm_name((enum algorithm)alg))));
	(void)json_put(o, "algorithms", algorithms);
	if (i->flags & ISSUER_AUDIENCE_ANY)
		(void)json_put(o, "audiences", json_new_string(SPAN("any")));
	else
		put_strings(o, "audiences", b, i->audiences);
	put_number(o, "leeway_s", i->leeway_s);
	put_text(o, "scope_claim", b, i->scope_claim);
	put_text(o, "type", b, i->type);
	put_flag(o, "trust_claims", (i->flags & ISSUER_TRUST_CLAIMS) != 0);
	put_flag(
	    o, "validate_subscription", (i->flags & ISSUER_SUBSCRIPTIONS) != 0);
	put_claims(o, b, i->claims);
	for (uint32_t k = 0; k < i->sources.n; k++)
		(void)json_append(keys, source_json(b, i->sources.first + k));
	(void)json_put(o, "keys", keys);
	return o;
}

static const char *
when_down(uint32_t tier_flags)
{
	return (tier_flags & TIER_STORE_REFUSE) != 0 ? "refuse"
	    : (tier_flags & TIER_STORE_ALLOW) != 0   ? "allow"
						     : "local";
}

/* What is shared by several machines; secrets are not in a bundle. */
static struct json_object *
store_json(const struct bundle *b, const struct row_store *s)
{
	struct json_object *o = json_new_object();

	put_text(o, "url", b, s->url);
	put_text(o, "user", b, s->user);
	put_text(o, "prefix", b, s->prefix);
	put_text(o, "ca", b, s->ca_file);
	put_flag(o, "password", s->password != ROW_NONE);
	put_flag(o, "key", s->key != ROW_NONE);
	put_number(o, "timeout_us", s->timeout_us);
	return o;
}

static struct json_object *
tier_json(const struct bundle *b, const struct row_tier *t)
{
	struct json_object *o = json_new_object();
	struct json_object *levels = json_new_array();
	struct json_object *limits = json_new_array();

	put_text(o, "name", b, t->name);
	if (t->flags & TIER_OF_RESOURCE)
		(void)json_append(levels, json_new_string(SPAN("resource")));
	if (t->flags & TIER_OF_SUBSCRIPTION)
		(void)json_append(
		    levels, json_new_string(SPAN("subscription")));
	if (t->flags & TIER_OF_APPLICATION)
		(void)json_append(levels, json_new_string(SPAN("application")));
	(void)json_put(o, "levels", levels);
	put_flag(o, "unlimited", (t->flags & TIER_UNLIMITED) != 0);
	put_flag(o, "stop_on_quota", !(t->flags & TIER_PASS_OVER_QUOTA));
	if (t->flags & TIER_STORE)
		(void)json_put(o, "when_down",
		    json_new_string(span_str(when_down(t->flags))));
	for (uint32_t i = 0; i < t->limits.n; i++)
		(void)json_append(limits,
		    limit_json(b, bundle_limit(b, t->limits.first + i)));
	(void)json_put(o, "limits", limits);
	put_key(o, b, t->key);
	if (t->conditions.n > 0)
		(void)json_put(
		    o, "conditions", spec_conditions_json(b, t->conditions));
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
	put_number(f, "limit",
	    bundle_limit(b, failures.first + FAILURE_ADDRESS)->count);
	put_number(f, "per_us",
	    bundle_limit(b, failures.first + FAILURE_ADDRESS)->period_us);
	put_number(f, "per_name",
	    bundle_limit(b, failures.first + FAILURE_NAME)->count);
	(void)json_put(o, "failures", f);
}

static struct json_object *
settings_json(const struct bundle *b, const struct row_settings *s)
{
	struct json_object *o = json_new_object();

	put_number(o, "max_uri_bytes", s->max_uri_bytes);
	put_number(o, "max_header_bytes", s->max_header_bytes);
	put_number(o, "ipv6_prefix",
	    s->client_v6_bits > 0 ? s->client_v6_bits : CLIENT_V6_BITS);
	put_number(o, "max_body_bytes", s->max_body_bytes);
	put_word(o, "errors", error_words, s->errors);
	put_number(o, "connect_ms", s->connect_ms);
	put_number(o, "first_byte_ms", s->first_byte_ms);
	put_number(o, "between_bytes_ms", s->idle_ms);
	put_number(o, "total_ms", s->total_ms);
	put_text(o, "realm", b, s->realm);
	put_word(o, "rate_headers", rate_words, s->rate_headers);
	put_failures(o, b, s->failures);
	if (s->identities.n > 0)
		put_strings(o, "identity_headers", b, s->identities);
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
	struct json_object *o = spec_api_json(b, api);
	struct json_object *tiers = json_new_array();
	struct json_object *issuers = json_new_array();

	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++)
		if (uses_tier(b, api, i))
			(void)json_append(
			    tiers, tier_json(b, bundle_tier(b, i)));
	for (uint32_t i = 0; i < a->schemes.n; i++) {
		struct range r =
		    bundle_scheme(b, a->schemes.first + i)->issuers;

		for (uint32_t k = 0; k < r.n; k++)
			(void)json_append(issuers,
			    issuer_json(b,
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
		(void)json_append(apis, spec_api_json(b, i));
	(void)json_put(o, "apis", apis);
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ISSUER); i++)
		(void)json_append(issuers, issuer_json(b, bundle_issuer(b, i)));
	(void)json_put(o, "issuers", issuers);
	for (uint32_t i = 0; i < bundle_n(b, SECTION_INTROSPECT); i++)
		(void)json_append(
		    servers, introspect_json(b, bundle_introspect(b, i)));
	(void)json_put(o, "introspection", servers);
	if (bundle_n(b, SECTION_ASSERTION) > 0)
		(void)json_put(o, "backend_jwt",
		    assertion_json(b, bundle_assertion(b, 0)));
	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++)
		(void)json_append(tiers, tier_json(b, bundle_tier(b, i)));
	(void)json_put(o, "tiers", tiers);
	if (bundle_n(b, SECTION_STORE) > 0)
		(void)json_put(o, "store", store_json(b, bundle_store(b, 0)));
	(void)json_put(o, "levels", levels_json(b, ROW_NONE));
	return o;
}
