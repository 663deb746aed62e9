/*
 * bundle_check_backends - by what endpoints and we are told apart; part of
 * bundle_check.c.
 */
#include "policy/bundle_check_part.h"

#include "policy/field.h"

static bool
is_secret(const struct bundle *b, uint32_t source)
{
	return source != ROW_NONE &&
	    bundle_source(b, source)->kind == SOURCE_SECRET;
}

/* What says that it sends a credential has one to send. */
static bool
auth_ok(const struct bundle *b, const struct row_security *r)
{
	switch ((enum backend_auth)r->auth) {
	case BACKEND_AUTH_BASIC:
		return r->secret == ROW_NONE ||
		    (r->user.n > 0 && is_secret(b, r->secret));
	case BACKEND_AUTH_HEADER:
		return field_is_token(bundle_text(b, r->header)) &&
		    is_secret(b, r->secret);
	case BACKEND_AUTH_OAUTH2:
		return r->token_url.n > 0 && r->user.n > 0 &&
		    r->timeout_ms > 0 && is_secret(b, r->secret);
	default:
		return r->secret == ROW_NONE;
	}
}

static bool
security_ok(const struct bundle *b, const struct row_security *r)
{
	bool certified = r->certificate != ROW_NONE;

	return certified == (r->key != ROW_NONE) &&
	    (!certified ||
		(is_secret(b, r->certificate) && is_secret(b, r->key))) &&
	    auth_ok(b, r);
}

bool
bundle_check_backends(const struct bundle *b, char *why, size_t why_size)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_SECURITY); i++)
		if (!security_ok(b, bundle_security(b, i)))
			return bundle_bad_row(why, why_size, SECTION_SECURITY,
			    i, "certificate, key or credential");
	for (uint32_t i = 0; i < bundle_n(b, SECTION_PROXY); i++) {
		const struct row_proxy *p = bundle_proxy(b, i);

		if (p->url.n == 0 ||
		    (p->user.n > 0) != (p->password != ROW_NONE) ||
		    (p->password != ROW_NONE && !is_secret(b, p->password)))
			return bundle_bad_row(
			    why, why_size, SECTION_PROXY, i, "url or password");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ENDPOINT); i++) {
		const struct row_endpoint *e = bundle_endpoint(b, i);
		struct span host = bundle_text(b, e->host_name);

		if (e->security.n > 1 || e->proxy.n > 1 ||
		    (e->host_rule == HOST_NAME) != (host.n > 0) ||
		    !field_is_host(host))
			return bundle_bad_row(why, why_size, SECTION_ENDPOINT,
			    i, "security, proxy or host");
	}
	return true;
}
