/*
 * token - see token.h.
 */
#include "policy/token.h"

#include "base/json.h"
#include "policy/claim_path.h"

#define DEPTH_MAX 16

bool
token_claims_read(const struct credential_call *call, struct range rules,
    struct span scope_claim, struct span json, struct claims *c,
    const char **why)
{
	struct arena *a = call->request->arena;
	struct claims_rules r = { .scope_claim = scope_claim };
	struct claim_mapping *mappings = NULL;

	if (rules.n > 0) {
		mappings = arena_calloc(a, rules.n, sizeof(*mappings));
		if (mappings == NULL)
			return false;
	}
	for (uint32_t i = 0; i < rules.n; i++) {
		const struct row_claim *row =
		    bundle_claim(call->bundle, rules.first + i);

		if (row->kind == CLAIM_MAPPED)
			mappings[r.n_mappings++] = (struct claim_mapping){
				bundle_text(call->bundle, row->path),
				bundle_text(call->bundle, row->local)
			};
	}
	r.mappings = mappings;
	return claims_read_mapped(json, &r, a, c, why);
}

static bool
claim_holds(const struct credential_call *call, const struct row_claim *row,
    struct span json)
{
	struct arena *a = call->request->arena;
	struct span *values =
	    arena_calloc(a, (size_t)row->values.n + 1, sizeof(*values));

	if (values == NULL)
		return false;
	for (uint32_t i = 0; i < row->values.n; i++)
		values[i] = bundle_string(call->bundle, row->values.first + i);
	return claim_path_fits(json, bundle_text(call->bundle, row->path),
	    values, row->values.n, a);
}

bool
token_claims_hold(const struct credential_call *call, struct range rules,
    struct span json, struct decision *d)
{
	for (uint32_t i = 0; i < rules.n; i++) {
		const struct row_claim *row =
		    bundle_claim(call->bundle, rules.first + i);

		if (row->kind != CLAIM_REQUIRED || claim_holds(call, row, json))
			continue;
		if (call->request->arena->full)
			return refuse(d, REASON_FAULT, SPAN("out of memory"));
		return refuse(d, REASON_CLAIM_REFUSED,
		    SPAN("a claim is not as it has to be"));
	}
	return true;
}

/* One element of subscribedAPIs, whose object has been opened. */
struct subscription {
	struct span name, version, tier;
};

static bool
read_subscription(struct json_scan *scan, struct subscription *s)
{
	enum json_event e;

	*s = (struct subscription){ .name = { NULL, 0 } };
	while ((e = json_scan_next(scan)) == JSON_NAME) {
		struct span name = scan->value;

		if (json_scan_next(scan) == JSON_STRING) {
			if (span_eq(name, SPAN("name")))
				s->name = scan->value;
			else if (span_eq(name, SPAN("version")))
				s->version = scan->value;
			else if (span_eq(name, SPAN("subscriptionTier")))
				s->tier = scan->value;
		}
		if (!json_scan_skip(scan))
			return false;
	}
	return e == JSON_OBJECT_END;
}

/* As WSO2 does, by name and version; "*" is any version. */
static bool
is_subscribed(const struct credential_call *call, const struct subscription *s)
{
	const struct bundle *b = call->bundle;

	return span_eq(s->name, bundle_text(b, call->api->title)) &&
	    (span_eq(s->version, SPAN("*")) ||
		span_eq(s->version, bundle_text(b, call->api->version)));
}

bool
token_lists_api(
    const struct credential_call *call, struct span json, struct span *tier)
{
	struct json_scan scan;
	struct subscription s;

	*tier = (struct span){ NULL, 0 };
	json_scan_init(&scan, json, DEPTH_MAX, call->request->arena);
	if (json.n > 0 && json_scan_next(&scan) == JSON_ARRAY) {
		while (json_scan_next(&scan) == JSON_OBJECT &&
		    read_subscription(&scan, &s)) {
			if (!is_subscribed(call, &s))
				continue;
			if (s.tier.n > 0 && !span_has_control(s.tier))
				*tier = s.tier;
			return true;
		}
	}
	return false;
}

bool
token_subscribed(const struct credential_call *call, struct span subscriptions,
    struct token_subscription *to, struct decision *d)
{
	to->found = token_lists_api(call, subscriptions, &to->tier);
	return to->found || !to->needed ||
	    bundle_n(call->bundle, SECTION_APPLICATIONS) > 0 ||
	    refuse(d, REASON_CLAIM_REFUSED,
		SPAN("the application is not subscribed to this API"));
}

void
token_principal(const struct credential_call *call, const struct claims *c,
    bool trusted, struct principal *who)
{
	who->scheme = bundle_text(call->bundle, call->scheme->name);
	who->subject = c->subject;
	who->application = c->client;
	who->client_id = c->client;
	who->token_id = c->token_id;
	who->scopes = c->scopes;
	who->expires_s = c->expires_s;
	who->bound = c->bound;
	who->certificate = c->certificate;
	who->proof_key = c->proof_key;
	if (!trusted)
		return;
	who->key_type = c->key_type;
	who->tier = c->tier;
	if (c->application.p != NULL)
		who->application = c->application;
	who->application_owner = c->application_owner;
	who->application_id = c->application_id;
	who->application_uuid = c->application_uuid;
	who->application_tier = c->application_tier;
	if (c->consumer.p != NULL)
		who->client_id = c->consumer;
}
