/*
 * bundle_check_tokens - schemes, and who verifies and makes tokens; part of
 * bundle_check.c.
 */
#include "policy/bundle_check_part.h"

#include "policy/reference.h"

static bool
introspect_ok(const struct bundle *b, const struct row_introspect *r)
{
	return r->url.n > 0 && r->issuer.n > 0 && r->timeout_ms > 0 &&
	    bundle_source(b, r->secret)->kind == SOURCE_SECRET &&
	    (r->audiences.n > 0 || (r->flags & INTROSPECT_AUDIENCE_ANY) != 0);
}

/* Proofs come with tokens in Authorization, and are held to something. */
static bool
proofs_ok(const struct bundle *b, const struct row_scheme *s)
{
	const struct row_name *name;

	if ((s->flags & SCHEME_DPOP) == 0)
		return (s->flags & SCHEME_DPOP_ONLY) == 0;
	if ((s->kind != SCHEME_JWT && s->kind != SCHEME_OPAQUE) ||
	    s->field == ROW_NONE || bundle_n(b, SECTION_DPOP) == 0)
		return false;
	name = bundle_name(b, s->field);
	return name->kind == NAME_HEADER &&
	    span_eq(bundle_text(b, name->name), SPAN("HTTP_AUTHORIZATION"));
}

static bool
is_of_keys(const struct row_issuer *r)
{
	return (r->flags & ISSUER_OF_KEYS) != 0;
}

static bool
scheme_ok(const struct bundle *b, const struct row_scheme *s)
{
	for (uint32_t k = 0; k < s->introspects.n; k++) {
		if (bundle_index(b, s->introspects.first + k) >=
		    bundle_n(b, SECTION_INTROSPECT))
			return false;
	}
	if (!proofs_ok(b, s))
		return false;
	if (s->kind == SCHEME_HOST)
		return s->host > 0 && s->host <= bundle_n(b, SECTION_HOST_AUTH);
	if (s->host != 0)
		return false;
	if (s->kind == SCHEME_OPAQUE)
		return s->field != ROW_NONE && s->introspects.n > 0;
	if (s->kind == SCHEME_JWT || s->kind == SCHEME_WSO2_KEY) {
		if (s->field == ROW_NONE || s->issuers.n == 0)
			return false;
		for (uint32_t k = 0; k < s->issuers.n; k++) {
			uint32_t row = bundle_index(b, s->issuers.first + k);

			if (row >= bundle_n(b, SECTION_ISSUER) ||
			    is_of_keys(bundle_issuer(b, row)) !=
				(s->kind == SCHEME_WSO2_KEY))
				return false;
		}
	}
	/* A list, or any: never both, never neither. */
	if (s->kind == SCHEME_MTLS)
		return (s->certificates.n > 0) !=
		    ((s->flags & SCHEME_CERTIFICATE_ANY) != 0);
	if (s->kind == SCHEME_API_KEY)
		return s->field != ROW_NONE && s->source != ROW_NONE &&
		    bundle_source(b, s->source)->kind == SOURCE_KEY_FILE;
	if (s->kind == SCHEME_BASIC)
		return s->field != ROW_NONE && s->source != ROW_NONE &&
		    bundle_source(b, s->source)->kind == SOURCE_HTPASSWD;
	return true;
}

/* A host is pinned, and a way; what lists groups is no word of a client. */
static bool
host_auth_ok(const struct bundle *b, const struct row_host_auth *h)
{
	bool any = (h->flags & HOST_AUTH_TYPE_ANY) != 0;

	return h->name.n > 0 && h->hosts.n > 0 && any == (h->types.n == 0) &&
	    (h->groups.n == 0) == (h->separator.n == 0) &&
	    h->separator.n <= 1 && h->group_scopes.n % 2 == 0 &&
	    (h->groups.n == 0 || reference_name_ok(bundle_text(b, h->groups)));
}

/* What a token must be signed with and meant for is never left open. */
static bool
issuer_ok(const struct bundle *b, const struct row_issuer *r)
{
	if (r->issuer.n == 0 || r->algorithms == 0 || r->sources.n == 0)
		return false;
	for (uint32_t k = 0; k < r->sources.n; k++) {
		if (bundle_source(b, r->sources.first + k)->kind !=
		    SOURCE_KEY_SET)
			return false;
	}
	if ((r->flags & ISSUER_LASTING) != 0 && !is_of_keys(r))
		return false;
	if (r->users != 0 &&
	    (r->users > bundle_n(b, SECTION_SOURCE) ||
		bundle_source(b, r->users - 1)->kind != SOURCE_HTPASSWD))
		return false;
	return r->audiences.n > 0 || (r->flags & ISSUER_AUDIENCE_ANY) != 0 ||
	    is_of_keys(r);
}

/* What says that it sends one has it; proofs name a URL that is known. */
static bool
api_ok(const struct bundle *b, const struct row_api *a)
{
	for (uint32_t i = 0; i < a->schemes.n; i++)
		if ((bundle_scheme(b, a->schemes.first + i)->flags &
			SCHEME_DPOP) != 0 &&
		    a->public_url.n == 0)
			return false;
	return ((a->flags & API_ASSERTION) == 0 ||
		   bundle_n(b, SECTION_ASSERTION) > 0) &&
	    ((a->flags & API_RESOURCE_METADATA) == 0 || a->public_url.n > 0);
}

/* Nobody gets a key who has not said who he is. */
static bool
issue_ok(const struct bundle *b, const struct row_issue *r)
{
	const struct row_issuer *issuer = bundle_issuer(b, r->issuer);
	struct range operations = bundle_api(b, r->api)->operations;

	for (uint32_t i = 0; i < operations.n; i++)
		if ((bundle_operation(b, operations.first + i)->flags &
			OPERATION_SECURED) == 0)
			return false;
	return is_of_keys(issuer) && issuer->users != 0 && r->life_s > 0 &&
	    r->apis.n > 0 && r->apis.n % 2 == 0 &&
	    bundle_source(b, r->key)->kind == SOURCE_SIGNING_KEY;
}

/* What is fetched has a login, a time limit, and an end. */
static bool
applications_ok(const struct bundle *b, const struct row_applications *r)
{
	const struct row_source *s = bundle_source(b, r->source);

	if (s->kind != SOURCE_APPLICATIONS)
		return false;
	if (s->how != SOURCE_URL)
		return s->how == SOURCE_FILE;
	return r->user.n > 0 && r->issuers.n >= 2 && r->issuers.n % 2 == 0 &&
	    r->password > 0 && r->password <= bundle_n(b, SECTION_SOURCE) &&
	    bundle_source(b, r->password - 1)->kind == SOURCE_SECRET &&
	    r->max_age_s > 0 && r->timeout_ms > 0;
}

static bool
dpop_ok(const struct bundle *b, const struct row_dpop *r)
{
	const struct row_name *name = bundle_name(b, r->field);

	return r->algorithms != 0 && r->window_s > 0 && r->share.n == 1 &&
	    name->kind == NAME_HEADER &&
	    span_eq(bundle_text(b, name->name), SPAN("HTTP_DPOP"));
}

bool
bundle_check_tokens(const struct bundle *b, char *why, size_t why_size)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_SCHEME); i++) {
		if (!scheme_ok(b, bundle_scheme(b, i)))
			return bundle_bad_row(why, why_size, SECTION_SCHEME, i,
			    "field, issuer or source");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ISSUER); i++) {
		if (!issuer_ok(b, bundle_issuer(b, i)))
			return bundle_bad_row(why, why_size, SECTION_ISSUER, i,
			    "issuer, audience, algorithm or keys");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_DPOP); i++) {
		if (i > 0 || !dpop_ok(b, bundle_dpop(b, i)))
			return bundle_bad_row(why, why_size, SECTION_DPOP, i,
			    "algorithms, window, field or share");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_HOST_AUTH); i++) {
		if (!host_auth_ok(b, bundle_host_auth(b, i)))
			return bundle_bad_row(why, why_size, SECTION_HOST_AUTH,
			    i, "host, type or groups");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
		if (!api_ok(b, bundle_api(b, i)))
			return bundle_bad_row(why, why_size, SECTION_API, i,
			    "assertion, metadata or public URL");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ASSERTION); i++) {
		const struct row_assertion *r = bundle_assertion(b, i);

		if (i > 0 || r->header.n == 0 || r->issuer.n == 0 ||
		    r->life_s == 0 ||
		    bundle_source(b, r->key)->kind != SOURCE_SIGNING_KEY)
			return bundle_bad_row(why, why_size, SECTION_ASSERTION,
			    i, "header, issuer, life or key");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_APPLICATIONS); i++) {
		const struct row_applications *r = bundle_applications(b, i);

		if (i > 0 || !applications_ok(b, r))
			return bundle_bad_row(why, why_size,
			    SECTION_APPLICATIONS, i,
			    "more than one, or source");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ISSUE); i++) {
		if (i > 0 || !issue_ok(b, bundle_issue(b, i)))
			return bundle_bad_row(why, why_size, SECTION_ISSUE, i,
			    "issuer, users, key, life or operations");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_INTROSPECT); i++) {
		if (!introspect_ok(b, bundle_introspect(b, i)))
			return bundle_bad_row(why, why_size, SECTION_INTROSPECT,
			    i, "url, issuer, secret or audience");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_CLAIM); i++) {
		const struct row_claim *c = bundle_claim(b, i);

		if (c->path.n == 0 ||
		    (c->kind == CLAIM_MAPPED && c->local.n == 0))
			return bundle_bad_row(
			    why, why_size, SECTION_CLAIM, i, "no name");
	}
	return true;
}
