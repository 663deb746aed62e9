/*
 * bundle_check_rules - the fields of each row of a bundle, one by one.
 *
 * A table says which field of which row is a text, a reference, a range, a
 * word of an enum or a set of flags.  A flag or word that this build does
 * not know is refused: it stands for policy that would not be enforced.
 */
#include "policy/bundle_check_part.h"

#include "policy/condition.h"
#include "policy/dpop.h"
#include "policy/endpoint.h"
#include "policy/failure.h"

enum rule_kind {
	RULE_TEXT,        /* struct text, may be absent */
	RULE_HEADER,      /* struct text that is sent in a header field */
	RULE_RANGE,       /* struct range of section "arg" */
	RULE_ROW,         /* uint32_t row of section "arg" */
	RULE_ROW_OR_NONE, /* the same, or ROW_NONE */
	RULE_WORD,        /* uint32_t below "arg" */
	RULE_FLAGS,       /* uint32_t with no bit outside "arg" */
};

struct rule {
	enum section section;
	enum rule_kind kind;
	uint32_t offset;
	uint32_t arg;
};

#define AT(row, field) (uint32_t) offsetof(struct row_##row, field)

static const struct rule rules[] = {
	{ SECTION_SETTINGS, RULE_WORD, AT(settings, errors), ERRORS_WSO2 + 1 },
	{ SECTION_SETTINGS, RULE_HEADER, AT(settings, realm), 0 },
	{ SECTION_SETTINGS, RULE_HEADER, AT(settings, request_id), 0 },
	{ SECTION_SETTINGS, RULE_WORD, AT(settings, request_id_from),
	    REQUEST_ID_FROM__MAX },
	{ SECTION_SETTINGS, RULE_RANGE, AT(settings, failures), SECTION_LIMIT },
	{ SECTION_SETTINGS, RULE_RANGE, AT(settings, identities),
	    SECTION_STRING },
	{ SECTION_SETTINGS, RULE_WORD, AT(settings, rate_headers),
	    RATE_HEADERS__MAX },

	{ SECTION_API, RULE_TEXT, AT(api, title), 0 },
	{ SECTION_API, RULE_TEXT, AT(api, version), 0 },
	{ SECTION_API, RULE_TEXT, AT(api, base_path), 0 },
	{ SECTION_API, RULE_TEXT, AT(api, document), 0 },
	{ SECTION_API, RULE_TEXT, AT(api, owner), 0 },
	{ SECTION_API, RULE_RANGE, AT(api, operations), SECTION_OPERATION },
	{ SECTION_API, RULE_RANGE, AT(api, endpoints), SECTION_ENDPOINT },
	{ SECTION_API, RULE_RANGE, AT(api, schemes), SECTION_SCHEME },
	{ SECTION_API, RULE_ROW_OR_NONE, AT(api, tier), SECTION_TIER },
	{ SECTION_API, RULE_FLAGS, AT(api, flags),
	    API_WSO2 | API_SLASH_IGNORE | API_TIER_REPLACES |
		API_RESOURCE_METADATA | API_ASSERTION | API_KEEP_CREDENTIAL },
	{ SECTION_API, RULE_TEXT, AT(api, audience), 0 },
	{ SECTION_API, RULE_HEADER, AT(api, public_url), 0 },
	{ SECTION_API, RULE_WORD, AT(api, errors), ERRORS_WSO2 + 1 },
	{ SECTION_API, RULE_RANGE, AT(api, cors), SECTION_CORS },
	{ SECTION_API, RULE_RANGE, AT(api, pattern), SECTION_ENDPOINT },
	{ SECTION_API, RULE_RANGE, AT(api, sandbox), SECTION_ENDPOINT },
	{ SECTION_API, RULE_RANGE, AT(api, attempts), SECTION_LIMIT },
	{ SECTION_API, RULE_WORD, AT(api, maintenance_s),
	    API_MAINTENANCE_S_MAX + 1 },

	{ SECTION_NODE, RULE_RANGE, AT(node, patterns), SECTION_PATTERN },
	{ SECTION_NODE, RULE_ROW_OR_NONE, AT(node, item), SECTION_ITEM },
	{ SECTION_NODE, RULE_ROW_OR_NONE, AT(node, wildcard), SECTION_ITEM },
	{ SECTION_NODE, RULE_ROW_OR_NONE, AT(node, api), SECTION_API },

	{ SECTION_EDGE, RULE_ROW, AT(edge, parent), SECTION_NODE },
	{ SECTION_EDGE, RULE_ROW, AT(edge, child), SECTION_NODE },
	{ SECTION_EDGE, RULE_TEXT, AT(edge, segment), 0 },

	{ SECTION_PATTERN, RULE_RANGE, AT(pattern, parts), SECTION_STRING },
	{ SECTION_PATTERN, RULE_ROW, AT(pattern, child), SECTION_NODE },

	{ SECTION_ITEM, RULE_ROW, AT(item, api), SECTION_API },
	{ SECTION_ITEM, RULE_TEXT, AT(item, path), 0 },
	{ SECTION_ITEM, RULE_HEADER, AT(item, allow), 0 },
	{ SECTION_ITEM, RULE_RANGE, AT(item, operations), SECTION_OPERATION },
	{ SECTION_ITEM, RULE_RANGE, AT(item, variables), SECTION_STRING },

	{ SECTION_OPERATION, RULE_ROW, AT(operation, item), SECTION_ITEM },
	{ SECTION_OPERATION, RULE_ROW, AT(operation, api), SECTION_API },
	{ SECTION_OPERATION, RULE_HEADER, AT(operation, method), 0 },
	{ SECTION_OPERATION, RULE_TEXT, AT(operation, operation_id), 0 },
	{ SECTION_OPERATION, RULE_RANGE, AT(operation, alternatives),
	    SECTION_ALTERNATIVE },
	{ SECTION_OPERATION, RULE_RANGE, AT(operation, endpoints),
	    SECTION_ENDPOINT },
	{ SECTION_OPERATION, RULE_RANGE, AT(operation, sandbox),
	    SECTION_ENDPOINT },
	{ SECTION_OPERATION, RULE_RANGE, AT(operation, groups),
	    SECTION_STRING },
	{ SECTION_OPERATION, RULE_ROW_OR_NONE, AT(operation, tier),
	    SECTION_TIER },
	{ SECTION_OPERATION, RULE_FLAGS, AT(operation, flags),
	    OPERATION_SECURED | OPERATION_DEPRECATED },
	{ SECTION_OPERATION, RULE_RANGE, AT(operation, changes),
	    SECTION_CHANGE },

	{ SECTION_SETTINGS, RULE_RANGE, AT(settings, error_bodies),
	    SECTION_ERROR_BODY },
	{ SECTION_API, RULE_RANGE, AT(api, error_bodies), SECTION_ERROR_BODY },
	{ SECTION_ERROR_BODY, RULE_HEADER, AT(error_body, reason), 0 },
	{ SECTION_ERROR_BODY, RULE_WORD, AT(error_body, status), 600 },
	{ SECTION_ERROR_BODY, RULE_WORD, AT(error_body, escape),
	    ERROR_ESCAPE__MAX },
	{ SECTION_ERROR_BODY, RULE_HEADER, AT(error_body, type), 0 },
	{ SECTION_ERROR_BODY, RULE_RANGE, AT(error_body, parts),
	    SECTION_CHANGE },
	{ SECTION_CHANGE, RULE_WORD, AT(change, kind), CHANGE_KIND__MAX },
	{ SECTION_CHANGE, RULE_WORD, AT(change, how), VALUE__MAX },
	{ SECTION_CHANGE, RULE_TEXT, AT(change, text), 0 },
	{ SECTION_CHANGE, RULE_RANGE, AT(change, parts), SECTION_CHANGE },
	{ SECTION_CHANGE, RULE_ROW_OR_NONE, AT(change, name), SECTION_NAME },

	{ SECTION_ALTERNATIVE, RULE_RANGE, AT(alternative, requirements),
	    SECTION_REQUIREMENT },

	{ SECTION_REQUIREMENT, RULE_ROW, AT(requirement, scheme),
	    SECTION_SCHEME },
	{ SECTION_REQUIREMENT, RULE_FLAGS, AT(requirement, flags),
	    REQUIREMENT_SCOPES_ANY },
	{ SECTION_REQUIREMENT, RULE_RANGE, AT(requirement, scopes),
	    SECTION_STRING },

	{ SECTION_SCHEME, RULE_TEXT, AT(scheme, name), 0 },
	{ SECTION_SCHEME, RULE_WORD, AT(scheme, kind), SCHEME_KIND__MAX },
	{ SECTION_SCHEME, RULE_ROW_OR_NONE, AT(scheme, field), SECTION_NAME },
	{ SECTION_SCHEME, RULE_RANGE, AT(scheme, issuers), SECTION_INDEX },
	{ SECTION_SCHEME, RULE_ROW_OR_NONE, AT(scheme, source),
	    SECTION_SOURCE },
	{ SECTION_SCHEME, RULE_RANGE, AT(scheme, introspects), SECTION_INDEX },
	{ SECTION_SCHEME, RULE_FLAGS, AT(scheme, flags),
	    SCHEME_CERTIFICATE_ANY | SCHEME_DPOP | SCHEME_DPOP_ONLY },
	{ SECTION_SCHEME, RULE_RANGE, AT(scheme, certificates),
	    SECTION_CERTIFICATE },

	{ SECTION_DPOP, RULE_FLAGS, AT(dpop, algorithms),
	    (UINT32_C(1) << ALG_HS256) - 1 },
	{ SECTION_DPOP, RULE_WORD, AT(dpop, window_s), DPOP_WINDOW_S_MAX + 1 },
	{ SECTION_DPOP, RULE_WORD, AT(dpop, leeway_s), DPOP_LEEWAY_S_MAX + 1 },
	{ SECTION_DPOP, RULE_ROW, AT(dpop, field), SECTION_NAME },
	{ SECTION_DPOP, RULE_RANGE, AT(dpop, share), SECTION_LIMIT },

	{ SECTION_HOST_AUTH, RULE_HEADER, AT(host_auth, name), 0 },
	{ SECTION_HOST_AUTH, RULE_RANGE, AT(host_auth, hosts), SECTION_STRING },
	{ SECTION_HOST_AUTH, RULE_RANGE, AT(host_auth, types), SECTION_STRING },
	{ SECTION_HOST_AUTH, RULE_TEXT, AT(host_auth, prefix), 0 },
	{ SECTION_HOST_AUTH, RULE_TEXT, AT(host_auth, mark), 0 },
	{ SECTION_HOST_AUTH, RULE_TEXT, AT(host_auth, groups), 0 },
	{ SECTION_HOST_AUTH, RULE_TEXT, AT(host_auth, separator), 0 },
	{ SECTION_HOST_AUTH, RULE_RANGE, AT(host_auth, group_scopes),
	    SECTION_STRING },
	{ SECTION_HOST_AUTH, RULE_FLAGS, AT(host_auth, flags),
	    HOST_AUTH_TYPE_ANY },

	{ SECTION_CERTIFICATE, RULE_WORD, AT(certificate, rule),
	    CERTIFICATE_RULE__MAX },
	{ SECTION_CERTIFICATE, RULE_HEADER, AT(certificate, value), 0 },
	{ SECTION_CERTIFICATE, RULE_HEADER, AT(certificate, issuer), 0 },
	{ SECTION_CERTIFICATE, RULE_HEADER, AT(certificate, application), 0 },
	{ SECTION_CERTIFICATE, RULE_HEADER, AT(certificate, tier), 0 },
	{ SECTION_CERTIFICATE, RULE_RANGE, AT(certificate, scopes),
	    SECTION_STRING },

	{ SECTION_ISSUER, RULE_TEXT, AT(issuer, issuer), 0 },
	{ SECTION_ISSUER, RULE_RANGE, AT(issuer, audiences), SECTION_STRING },
	{ SECTION_ISSUER, RULE_FLAGS, AT(issuer, algorithms),
	    (UINT32_C(1) << ALG__MAX) - 1 },
	{ SECTION_ISSUER, RULE_TEXT, AT(issuer, scope_claim), 0 },
	{ SECTION_ISSUER, RULE_TEXT, AT(issuer, type), 0 },
	{ SECTION_ISSUER, RULE_RANGE, AT(issuer, sources), SECTION_SOURCE },
	{ SECTION_ISSUER, RULE_FLAGS, AT(issuer, flags),
	    ISSUER_AUDIENCE_ANY | ISSUER_TRUST_CLAIMS | ISSUER_SUBSCRIPTIONS |
		ISSUER_OF_KEYS | ISSUER_LASTING },
	{ SECTION_ISSUER, RULE_RANGE, AT(issuer, claims), SECTION_CLAIM },
	{ SECTION_ISSUER, RULE_RANGE, AT(issuer, introspects),
	    SECTION_INTROSPECT },

	{ SECTION_INTROSPECT, RULE_TEXT, AT(introspect, url), 0 },
	{ SECTION_INTROSPECT, RULE_HEADER, AT(introspect, issuer), 0 },
	{ SECTION_INTROSPECT, RULE_HEADER, AT(introspect, client_id), 0 },
	{ SECTION_INTROSPECT, RULE_TEXT, AT(introspect, prefix), 0 },
	{ SECTION_INTROSPECT, RULE_TEXT, AT(introspect, scope_claim), 0 },
	{ SECTION_INTROSPECT, RULE_TEXT, AT(introspect, origin), 0 },
	{ SECTION_INTROSPECT, RULE_RANGE, AT(introspect, audiences),
	    SECTION_STRING },
	{ SECTION_INTROSPECT, RULE_RANGE, AT(introspect, claims),
	    SECTION_CLAIM },
	{ SECTION_INTROSPECT, RULE_WORD, AT(introspect, auth),
	    INTROSPECT_AUTH__MAX },
	{ SECTION_INTROSPECT, RULE_ROW, AT(introspect, secret),
	    SECTION_SOURCE },
	{ SECTION_INTROSPECT, RULE_FLAGS, AT(introspect, flags),
	    INTROSPECT_AUDIENCE_ANY | INTROSPECT_TRUST_CLAIMS |
		INTROSPECT_SUBSCRIPTIONS },

	{ SECTION_ISSUE, RULE_ROW, AT(issue, issuer), SECTION_ISSUER },
	{ SECTION_ISSUE, RULE_ROW, AT(issue, api), SECTION_API },
	{ SECTION_ISSUE, RULE_ROW, AT(issue, key), SECTION_SOURCE },
	{ SECTION_ISSUE, RULE_WORD, AT(issue, algorithm), ALG_HS256 },
	{ SECTION_ISSUE, RULE_WORD, AT(issue, life_s), ISSUE_LIFE_S_MAX + 1 },
	{ SECTION_ISSUE, RULE_RANGE, AT(issue, apis), SECTION_STRING },
	{ SECTION_ASSERTION, RULE_HEADER, AT(assertion, header), 0 },
	{ SECTION_ASSERTION, RULE_TEXT, AT(assertion, issuer), 0 },
	{ SECTION_ASSERTION, RULE_TEXT, AT(assertion, dialect), 0 },
	{ SECTION_ASSERTION, RULE_TEXT, AT(assertion, keys_path), 0 },
	{ SECTION_ASSERTION, RULE_RANGE, AT(assertion, claims),
	    SECTION_STRING },
	{ SECTION_ASSERTION, RULE_ROW, AT(assertion, key), SECTION_SOURCE },
	{ SECTION_ASSERTION, RULE_WORD, AT(assertion, algorithm), ALG_HS256 },
	{ SECTION_ASSERTION, RULE_WORD, AT(assertion, life_s),
	    ASSERTION_LIFE_S_MAX + 1 },
	{ SECTION_ASSERTION, RULE_FLAGS, AT(assertion, flags), 0 },

	{ SECTION_APPLICATIONS, RULE_ROW, AT(applications, source),
	    SECTION_SOURCE },
	{ SECTION_APPLICATIONS, RULE_FLAGS, AT(applications, flags),
	    APPLICATIONS_SUBSCRIBED | APPLICATIONS_KNOWN },
	{ SECTION_APPLICATIONS, RULE_HEADER, AT(applications, user), 0 },
	{ SECTION_APPLICATIONS, RULE_RANGE, AT(applications, issuers),
	    SECTION_STRING },
	{ SECTION_APPLICATIONS, RULE_WORD, AT(applications, every_s),
	    APPLICATIONS_MAX_AGE_S_MAX + 1 },
	{ SECTION_APPLICATIONS, RULE_WORD, AT(applications, max_age_s),
	    APPLICATIONS_MAX_AGE_S_MAX + 1 },
	{ SECTION_APPLICATIONS, RULE_WORD, AT(applications, timeout_ms),
	    60001 },

	{ SECTION_CLAIM, RULE_WORD, AT(claim, kind), CLAIM_KIND__MAX },
	{ SECTION_CLAIM, RULE_TEXT, AT(claim, path), 0 },
	{ SECTION_CLAIM, RULE_TEXT, AT(claim, local), 0 },
	{ SECTION_CLAIM, RULE_RANGE, AT(claim, values), SECTION_STRING },

	{ SECTION_SOURCE, RULE_WORD, AT(source, kind), SOURCE_KIND__MAX },
	{ SECTION_SOURCE, RULE_WORD, AT(source, how), SOURCE_HOW__MAX },
	{ SECTION_SOURCE, RULE_TEXT, AT(source, value), 0 },
	{ SECTION_SOURCE, RULE_TEXT, AT(source, origin), 0 },
	{ SECTION_SOURCE, RULE_HEADER, AT(source, issuer), 0 },

	{ SECTION_TIER, RULE_HEADER, AT(tier, name), 0 },
	{ SECTION_TIER, RULE_RANGE, AT(tier, limits), SECTION_LIMIT },
	{ SECTION_TIER, RULE_FLAGS, AT(tier, flags),
	    TIER_UNLIMITED | TIER_PASS_OVER_QUOTA | TIER_OF_RESOURCE |
		TIER_OF_APPLICATION | TIER_OF_SUBSCRIPTION | TIER_STORE |
		TIER_STORE_ALLOW | TIER_STORE_REFUSE },

	{ SECTION_TIER, RULE_RANGE, AT(tier, key), SECTION_KEY_PART },

	{ SECTION_LIMIT, RULE_WORD, AT(limit, algorithm),
	    LIMIT_ALGORITHM__MAX },
	{ SECTION_LIMIT, RULE_WORD, AT(limit, unit), LIMIT_UNIT__MAX },
	{ SECTION_LIMIT, RULE_WORD, AT(limit, calendar), CALENDAR__MAX },

	{ SECTION_LEVEL, RULE_WORD, AT(level, level), LEVEL__MAX },
	{ SECTION_LEVEL, RULE_ROW_OR_NONE, AT(level, api), SECTION_API },
	{ SECTION_LEVEL, RULE_ROW_OR_NONE, AT(level, tier), SECTION_TIER },
	{ SECTION_LEVEL, RULE_RANGE, AT(level, key), SECTION_KEY_PART },

	{ SECTION_KEY_PART, RULE_WORD, AT(key_part, kind), KEY_BY__MAX },
	{ SECTION_KEY_PART, RULE_ROW_OR_NONE, AT(key_part, name),
	    SECTION_NAME },
	{ SECTION_KEY_PART, RULE_TEXT, AT(key_part, path), 0 },

	{ SECTION_SETTINGS, RULE_RANGE, AT(settings, deny), SECTION_CONDITION },
	{ SECTION_TIER, RULE_RANGE, AT(tier, conditions), SECTION_CONDITION },
	{ SECTION_CONDITION, RULE_WORD, AT(condition, kind),
	    CONDITION_KIND__MAX },
	{ SECTION_CONDITION, RULE_FLAGS, AT(condition, flags), CONDITION_NOT },
	{ SECTION_CONDITION, RULE_ROW_OR_NONE, AT(condition, tier),
	    SECTION_TIER },
	{ SECTION_CONDITION, RULE_ROW_OR_NONE, AT(condition, name),
	    SECTION_NAME },
	{ SECTION_CONDITION, RULE_TEXT, AT(condition, path), 0 },
	{ SECTION_CONDITION, RULE_RANGE, AT(condition, values),
	    SECTION_STRING },
	{ SECTION_CONDITION, RULE_RANGE, AT(condition, parts),
	    SECTION_CONDITION },

	{ SECTION_ZONE, RULE_TEXT, AT(zone, name), 0 },
	{ SECTION_ZONE, RULE_RANGE, AT(zone, shifts), SECTION_SHIFT },

	{ SECTION_ENDPOINT, RULE_TEXT, AT(endpoint, url), 0 },
	{ SECTION_ENDPOINT, RULE_HEADER, AT(endpoint, host), 0 },
	{ SECTION_ENDPOINT, RULE_HEADER, AT(endpoint, path), 0 },
	{ SECTION_ENDPOINT, RULE_HEADER, AT(endpoint, query), 0 },
	{ SECTION_ENDPOINT, RULE_TEXT, AT(endpoint, unix_path), 0 },
	{ SECTION_ENDPOINT, RULE_TEXT, AT(endpoint, ca_file), 0 },
	{ SECTION_ENDPOINT, RULE_FLAGS, AT(endpoint, flags),
	    ENDPOINT_TLS | ENDPOINT_FROM_DOCUMENT | ENDPOINT_NO_VIA |
		ENDPOINT_PREFIX },
	{ SECTION_ENDPOINT, RULE_HEADER, AT(endpoint, host_name), 0 },
	{ SECTION_ENDPOINT, RULE_WORD, AT(endpoint, host_rule),
	    HOST_RULE__MAX },
	{ SECTION_ENDPOINT, RULE_WORD, AT(endpoint, forwarded),
	    FORWARD_RULE__MAX },
	{ SECTION_ENDPOINT, RULE_WORD, AT(endpoint, x_forwarded),
	    FORWARD_RULE__MAX },
	{ SECTION_ENDPOINT, RULE_WORD, AT(endpoint, trace), TRACE_RULE__MAX },
	{ SECTION_ENDPOINT, RULE_WORD, AT(endpoint, port), 65536 },
	{ SECTION_ENDPOINT, RULE_TEXT, AT(endpoint, set), 0 },
	{ SECTION_ENDPOINT, RULE_WORD, AT(endpoint, balance), BALANCE__MAX },
	{ SECTION_ENDPOINT, RULE_WORD, AT(endpoint, hash_by), HASH_BY__MAX },
	{ SECTION_ENDPOINT, RULE_RANGE, AT(endpoint, hash_name), SECTION_NAME },
	{ SECTION_ENDPOINT, RULE_RANGE, AT(endpoint, breaker),
	    SECTION_BREAKER },
	{ SECTION_ENDPOINT, RULE_RANGE, AT(endpoint, retry), SECTION_RETRY },
	{ SECTION_ENDPOINT, RULE_RANGE, AT(endpoint, spike), SECTION_SPIKE },
	{ SECTION_API, RULE_RANGE, AT(api, spike), SECTION_SPIKE },
	{ SECTION_SPIKE, RULE_TEXT, AT(spike, name), 0 },
	{ SECTION_SPIKE, RULE_ROW, AT(spike, tier), SECTION_TIER },
	{ SECTION_ENDPOINT, RULE_WORD, AT(endpoint, http2), HTTP2_RULE__MAX },
	{ SECTION_ENDPOINT, RULE_RANGE, AT(endpoint, proxy), SECTION_PROXY },
	{ SECTION_PROXY, RULE_TEXT, AT(proxy, url), 0 },
	{ SECTION_PROXY, RULE_HEADER, AT(proxy, user), 0 },
	{ SECTION_PROXY, RULE_TEXT, AT(proxy, origin), 0 },
	{ SECTION_PROXY, RULE_RANGE, AT(proxy, except), SECTION_STRING },
	{ SECTION_PROXY, RULE_ROW_OR_NONE, AT(proxy, password),
	    SECTION_SOURCE },
	{ SECTION_ENDPOINT, RULE_RANGE, AT(endpoint, security),
	    SECTION_SECURITY },
	{ SECTION_SECURITY, RULE_HEADER, AT(security, tls_name), 0 },
	{ SECTION_SECURITY, RULE_ROW_OR_NONE, AT(security, certificate),
	    SECTION_SOURCE },
	{ SECTION_SECURITY, RULE_ROW_OR_NONE, AT(security, key),
	    SECTION_SOURCE },
	{ SECTION_SECURITY, RULE_WORD, AT(security, auth), BACKEND_AUTH__MAX },
	{ SECTION_SECURITY, RULE_ROW_OR_NONE, AT(security, secret),
	    SECTION_SOURCE },
	{ SECTION_SECURITY, RULE_HEADER, AT(security, user), 0 },
	{ SECTION_SECURITY, RULE_HEADER, AT(security, header), 0 },
	{ SECTION_SECURITY, RULE_HEADER, AT(security, token_url), 0 },
	{ SECTION_SECURITY, RULE_HEADER, AT(security, scopes), 0 },
	{ SECTION_SECURITY, RULE_HEADER, AT(security, resource), 0 },
	{ SECTION_SECURITY, RULE_TEXT, AT(security, origin), 0 },
	{ SECTION_SECURITY, RULE_WORD, AT(security, token_auth),
	    TOKEN_AUTH__MAX },
	{ SECTION_SECURITY, RULE_FLAGS, AT(security, flags), SECURITY_OF_ONE },
	{ SECTION_BREAKER, RULE_WORD, AT(breaker, ratio_ppm), 1000001 },
	{ SECTION_BREAKER, RULE_RANGE, AT(breaker, statuses), SECTION_INDEX },
	{ SECTION_ENDPOINT, RULE_RANGE, AT(endpoint, health), SECTION_HEALTH },
	{ SECTION_HEALTH, RULE_HEADER, AT(health, path), 0 },
	{ SECTION_HEALTH, RULE_WORD, AT(health, period_ms),
	    HEALTH_PERIOD_MS_MAX + 1 },
	{ SECTION_HEALTH, RULE_WORD, AT(health, timeout_ms),
	    HEALTH_TIMEOUT_MS_MAX + 1 },
	{ SECTION_HEALTH, RULE_WORD, AT(health, healthy),
	    HEALTH_COUNT_MAX + 1 },
	{ SECTION_HEALTH, RULE_WORD, AT(health, unhealthy),
	    HEALTH_COUNT_MAX + 1 },
	{ SECTION_HEALTH, RULE_RANGE, AT(health, statuses), SECTION_INDEX },
	{ SECTION_RETRY, RULE_WORD, AT(retry, count), 11 },
	{ SECTION_RETRY, RULE_RANGE, AT(retry, statuses), SECTION_INDEX },

	{ SECTION_NAME, RULE_WORD, AT(name, kind), NAME_KIND__MAX },
	{ SECTION_NAME, RULE_TEXT, AT(name, name), 0 },
	{ SECTION_NAME, RULE_HEADER, AT(name, shown), 0 },

	{ SECTION_CORS, RULE_RANGE, AT(cors, origins), SECTION_STRING },
	{ SECTION_CORS, RULE_HEADER, AT(cors, methods), 0 },
	{ SECTION_CORS, RULE_HEADER, AT(cors, headers), 0 },
	{ SECTION_CORS, RULE_HEADER, AT(cors, exposed), 0 },
	{ SECTION_CORS, RULE_RANGE, AT(cors, limits), SECTION_LIMIT },
	{ SECTION_CORS, RULE_FLAGS, AT(cors, flags),
	    CORS_ANY_ORIGIN | CORS_CREDENTIALS | CORS_ANY_HEADER },

	{ SECTION_STORE, RULE_TEXT, AT(store, url), 0 },
	{ SECTION_STORE, RULE_HEADER, AT(store, user), 0 },
	{ SECTION_STORE, RULE_HEADER, AT(store, prefix), 0 },
	{ SECTION_STORE, RULE_TEXT, AT(store, ca_file), 0 },
	{ SECTION_STORE, RULE_ROW_OR_NONE, AT(store, password),
	    SECTION_SOURCE },
	{ SECTION_STORE, RULE_ROW_OR_NONE, AT(store, key), SECTION_SOURCE },

	{ SECTION_REVOCATION, RULE_TEXT, AT(revocation, file), 0 },
	{ SECTION_REVOCATION, RULE_TEXT, AT(revocation, feed), 0 },
	{ SECTION_REVOCATION, RULE_HEADER, AT(revocation, user), 0 },
	{ SECTION_REVOCATION, RULE_TEXT, AT(revocation, origin), 0 },
	{ SECTION_REVOCATION, RULE_RANGE, AT(revocation, issuers),
	    SECTION_STRING },
	{ SECTION_REVOCATION, RULE_ROW_OR_NONE, AT(revocation, password),
	    SECTION_SOURCE },
};

bool
bundle_check_text(const struct bundle *b, struct text t)
{
	if (t.at == 0)
		return t.n == 0;
	return t.at < b->text.n && t.n < b->text.n - t.at &&
	    b->text.p[t.at + t.n] == '\0';
}

static bool
range_ok(const struct bundle *b, struct range r, uint32_t section)
{
	uint32_t n = b->rows[section].n;

	return r.first <= n && r.n <= n - r.first;
}

static bool
field_ok(const struct bundle *b, const struct rule *rule, const char *row)
{
	const char *field = row + rule->offset;
	struct range range;
	struct text text;
	uint32_t v;

	switch (rule->kind) {
	case RULE_TEXT:
	case RULE_HEADER:
		memcpy(&text, field, sizeof(text));
		return bundle_check_text(b, text) &&
		    (rule->kind == RULE_TEXT ||
			!span_has_control(bundle_text(b, text)));
	case RULE_RANGE:
		memcpy(&range, field, sizeof(range));
		return range_ok(b, range, rule->arg);
	default:
		break;
	}
	memcpy(&v, field, sizeof(v));
	switch (rule->kind) {
	case RULE_ROW:
		return v < b->rows[rule->arg].n;
	case RULE_ROW_OR_NONE:
		return v == ROW_NONE || v < b->rows[rule->arg].n;
	case RULE_WORD:
		return v < rule->arg;
	default:
		return (v & ~rule->arg) == 0;
	}
}

bool
bundle_check_rules(const struct bundle *b, char *why, size_t why_size)
{
	for (size_t k = 0; k < sizeof(rules) / sizeof(rules[0]); k++) {
		enum section s = rules[k].section;
		size_t row_bytes = bundle_row_bytes(s);

		for (uint32_t i = 0; i < b->rows[s].n; i++) {
			const char *row = b->rows[s].p + i * row_bytes;

			if (!field_ok(b, &rules[k], row))
				return bundle_bad_row(why, why_size, s, i,
				    "a reference or word out of range");
		}
	}
	return true;
}
