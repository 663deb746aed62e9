/*
 * spec_json_token - schemes, and who vouches for credentials, as mgw-spec
 * show has them.
 */
#include "policy/keyset.h"
#include "tools/spec_json.h"

static const char *const scheme_words[] = { "no-verifier", "jwt", "api-key",
	"basic", "opaque", "mtls", "host", "wso2-key" };
static const char *const source_words[] = { "secret", "key-set", "key-file",
	"htpasswd", "deny-list", "signing-key", "applications" };
static const char *const how_words[] = { "file", "env", "url", "inline" };
static const char *const name_words[] = { "header", "query", "cookie" };

static struct json_object *
source_json(const struct bundle *b, uint32_t i)
{
	const struct row_source *s = bundle_source(b, i);
	struct json_object *o = json_new_object();

	spec_put_word(o, "kind", source_words, s->kind);
	spec_put_word(o, "how", how_words, s->how);
	spec_put_text(o, "value", b, s->value);
	if (s->issuer.n > 0)
		spec_put_text(o, "metadata_of", b, s->issuer);
	spec_put_text(o, "origin", b, s->origin);
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

		spec_put_text(one, rules[c->rule], b, c->value);
		spec_put_text(one, "issuer", b, c->issuer);
		spec_put_text(one, "application", b, c->application);
		spec_put_text(one, "tier", b, c->tier);
		spec_put_strings(one, "scopes", b, c->scopes);
		(void)json_append(list, one);
	}
	(void)json_put(o, "certificates", list);
}

static struct json_object *
host_json(const struct bundle *b, const struct row_host_auth *h)
{
	struct json_object *o = json_new_object();
	struct json_object *scopes = json_new_array();

	spec_put_text(o, "name", b, h->name);
	spec_put_strings(o, "hosts", b, h->hosts);
	(void)json_put(o, "prefix",
	    json_new_string(
		h->prefix.n > 0 ? bundle_text(b, h->prefix) : SPAN("/")));
	if (h->flags & HOST_AUTH_TYPE_ANY)
		(void)json_put(o, "types", json_new_string(SPAN("any")));
	else
		spec_put_strings(o, "types", b, h->types);
	spec_put_text(o, "mark", b, h->mark);
	spec_put_text(o, "groups", b, h->groups);
	spec_put_text(o, "separator", b, h->separator);
	for (uint32_t i = 0; i + 1 < h->group_scopes.n; i += 2) {
		uint32_t at = h->group_scopes.first + i;
		struct json_object *one = json_new_object();

		(void)json_put(
		    one, "group", json_new_string(bundle_string(b, at)));
		(void)json_put(
		    one, "scopes", json_new_string(bundle_string(b, at + 1)));
		(void)json_append(scopes, one);
	}
	(void)json_put(o, "group_scopes", scopes);
	return o;
}

struct json_object *
spec_schemes_json(const struct bundle *b, struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_scheme *s = bundle_scheme(b, r.first + i);
		struct json_object *o = json_new_object();
		struct json_object *issuers = json_new_array();

		spec_put_text(o, "name", b, s->name);
		spec_put_word(o, "verifier", scheme_words, s->kind);
		if (s->field != ROW_NONE) {
			const struct row_name *n = bundle_name(b, s->field);

			spec_put_word(o, "in", name_words, n->kind);
			spec_put_text(o, "field", b, n->shown);
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
		if (s->flags & SCHEME_DPOP)
			(void)json_put(o, "dpop",
			    json_new_string(s->flags & SCHEME_DPOP_ONLY
				    ? SPAN("required")
				    : SPAN("allowed")));
		if (s->kind == SCHEME_HOST)
			(void)json_put(o, "host_auth",
			    host_json(b, bundle_host_auth(b, s->host - 1)));
		if (s->source != ROW_NONE)
			spec_put_text(o,
			    s->kind == SCHEME_BASIC ? "users" : "keys", b,
			    bundle_source(b, s->source)->value);
		(void)json_append(list, o);
	}
	return list;
}

struct json_object *
spec_issue_json(const struct bundle *b, const struct row_issue *r)
{
	struct json_object *o = json_new_object();

	spec_put_text(o, "issuer", b, bundle_issuer(b, r->issuer)->issuer);
	spec_put_text(o, "api", b, bundle_api(b, r->api)->title);
	(void)json_put(o, "algorithm",
	    json_new_string(
		span_str(algorithm_name((enum algorithm)r->algorithm))));
	(void)json_put(o, "key", source_json(b, r->key));
	spec_put_number(o, "lifetime_s", r->life_s);
	spec_put_strings(o, "apis_and_versions", b, r->apis);
	return o;
}

struct json_object *
spec_assertion_json(const struct bundle *b, const struct row_assertion *r)
{
	struct json_object *o = json_new_object();

	spec_put_text(o, "header", b, r->header);
	spec_put_text(o, "issuer", b, r->issuer);
	(void)json_put(o, "algorithm",
	    json_new_string(
		span_str(algorithm_name((enum algorithm)r->algorithm))));
	(void)json_put(o, "key", source_json(b, r->key));
	spec_put_number(o, "lifetime_s", r->life_s);
	spec_put_text(o, "dialect", b, r->dialect);
	spec_put_strings(o, "claims", b, r->claims);
	spec_put_text(o, "keys_path", b, r->keys_path);
	return o;
}

/* How WSO2's internal data API is asked. */
static void
put_wso2(struct json_object *o, const struct bundle *b,
    const struct row_applications *r)
{
	struct json_object *issuers = json_new_object();

	spec_put_text(o, "username", b, r->user);
	(void)json_put(o, "password", source_json(b, r->password - 1));
	for (uint32_t i = 0; i + 1 < r->issuers.n; i += 2)
		(void)json_put(issuers,
		    bundle_string(b, r->issuers.first + i).p,
		    json_new_string(
			bundle_string(b, r->issuers.first + i + 1)));
	(void)json_put(o, "key_managers", issuers);
	spec_put_number(o, "poll_s", r->every_s);
	spec_put_number(o, "max_age_s", r->max_age_s);
	spec_put_number(o, "timeout_ms", r->timeout_ms);
}

struct json_object *
spec_applications_json(const struct bundle *b, const struct row_applications *r)
{
	struct json_object *o = json_new_object();

	(void)json_put(o, "from", source_json(b, r->source));
	if (r->password > 0)
		put_wso2(o, b, r);
	spec_put_flag(o, "subscriptions_required",
	    (r->flags & APPLICATIONS_SUBSCRIBED) != 0);
	spec_put_flag(
	    o, "unknown_refused", (r->flags & APPLICATIONS_KNOWN) != 0);
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

		spec_put_word(claim, "rule", names, c->kind);
		spec_put_text(claim, "claim", b, c->path);
		if (c->kind == CLAIM_MAPPED)
			spec_put_text(claim, "as", b, c->local);
		else
			spec_put_strings(claim, "values", b, c->values);
		(void)json_append(claims, claim);
	}
	(void)json_put(o, "claims", claims);
}

struct json_object *
spec_introspect_json(const struct bundle *b, const struct row_introspect *r)
{
	static const char *const words[INTROSPECT_AUTH__MAX] = { "basic",
		"post", "bearer" };
	struct json_object *o = json_new_object();

	spec_put_text(o, "url", b, r->url);
	spec_put_text(o, "issuer", b, r->issuer);
	spec_put_word(o, "auth", words, r->auth);
	spec_put_text(o, "client_id", b, r->client_id);
	(void)json_put(o, "secret", source_json(b, r->secret));
	spec_put_text(o, "prefix", b, r->prefix);
	if (r->flags & INTROSPECT_AUDIENCE_ANY)
		(void)json_put(o, "audiences", json_new_string(SPAN("any")));
	else
		spec_put_strings(o, "audiences", b, r->audiences);
	spec_put_text(o, "scope_claim", b, r->scope_claim);
	spec_put_flag(
	    o, "trust_claims", (r->flags & INTROSPECT_TRUST_CLAIMS) != 0);
	spec_put_flag(o, "validate_subscription",
	    (r->flags & INTROSPECT_SUBSCRIPTIONS) != 0);
	put_claims(o, b, r->claims);
	spec_put_number(o, "leeway_s", r->leeway_s);
	spec_put_number(o, "timeout_ms", r->timeout_ms);
	spec_put_number(o, "cache_s", r->keep_s);
	spec_put_number(o, "cache_inactive_s", r->keep_inactive_s);
	return o;
}

static struct json_object *
algorithms_json(uint32_t bits)
{
	struct json_object *list = json_new_array();

	for (int alg = 0; alg < ALG__MAX; alg++)
		if (bits & UINT32_C(1) << alg)
			(void)json_append(list,
			    json_new_string(
				span_str(algorithm_name((enum algorithm)alg))));
	return list;
}

struct json_object *
spec_dpop_json(const struct bundle *b, const struct row_dpop *r)
{
	struct json_object *o = json_new_object();

	(void)json_put(o, "algorithms", algorithms_json(r->algorithms));
	spec_put_number(o, "window_s", r->window_s);
	spec_put_number(o, "leeway_s", r->leeway_s);
	spec_put_number(o, "per_key", bundle_limit(b, r->share.first)->count);
	return o;
}

struct json_object *
spec_issuer_json(const struct bundle *b, const struct row_issuer *i)
{
	struct json_object *o = json_new_object();
	struct json_object *keys = json_new_array();

	spec_put_text(o, "issuer", b, i->issuer);
	(void)json_put(o, "algorithms", algorithms_json(i->algorithms));
	if (i->flags & ISSUER_AUDIENCE_ANY)
		(void)json_put(o, "audiences", json_new_string(SPAN("any")));
	else
		spec_put_strings(o, "audiences", b, i->audiences);
	spec_put_number(o, "leeway_s", i->leeway_s);
	spec_put_text(o, "scope_claim", b, i->scope_claim);
	spec_put_text(o, "type", b, i->type);
	spec_put_flag(o, "trust_claims", (i->flags & ISSUER_TRUST_CLAIMS) != 0);
	spec_put_flag(
	    o, "validate_subscription", (i->flags & ISSUER_SUBSCRIPTIONS) != 0);
	if ((i->flags & ISSUER_OF_KEYS) != 0) {
		spec_put_flag(o, "of_api_keys", true);
		spec_put_flag(o, "may_last", (i->flags & ISSUER_LASTING) != 0);
		if (i->users != 0)
			(void)json_put(
			    o, "users", source_json(b, i->users - 1));
	}
	put_claims(o, b, i->claims);
	for (uint32_t k = 0; k < i->sources.n; k++)
		(void)json_append(keys, source_json(b, i->sources.first + k));
	(void)json_put(o, "keys", keys);
	return o;
}

/* Lists of what is revoked; the password is not in a bundle. */
struct json_object *
spec_revocations_json(const struct bundle *b)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < bundle_n(b, SECTION_REVOCATION); i++) {
		const struct row_revocation *r = bundle_revocation(b, i);
		struct json_object *o = json_new_object();

		spec_put_text(o, "file", b, r->file);
		spec_put_text(o, "feed", b, r->feed);
		if (r->feed.n > 0) {
			spec_put_strings(o, "issuers", b, r->issuers);
			spec_put_text(o, "user", b, r->user);
			spec_put_flag(o, "password", r->password != ROW_NONE);
			spec_put_number(o, "every_s", r->every_s);
			spec_put_number(o, "timeout_ms", r->timeout_ms);
		}
		if (r->max_age_s > 0)
			spec_put_number(o, "max_age_s", r->max_age_s);
		(void)json_append(list, o);
	}
	return list;
}
