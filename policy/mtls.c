/*
 * mtls - a client certificate as the credential itself.
 */
#include "policy/certificate.h"
#include "policy/credential.h"

static bool
digest_is(const struct certificate *c, struct span hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES && hex.n == 2 * SHA256_BYTES; i++) {
		if (hex.p[2 * i] != digits[c->sha256[i] >> 4] ||
		    hex.p[2 * i + 1] != digits[c->sha256[i] & 15])
			return false;
	}
	return hex.n == 2 * SHA256_BYTES;
}

static bool
has_name(const struct certificate *c, struct span name)
{
	for (size_t i = 0; i < c->n_names; i++) {
		if (span_eq(c->names[i], name))
			return true;
	}
	return false;
}

static bool
row_fits(const struct bundle *b, const struct row_certificate *row,
    const struct certificate *c)
{
	struct span value = bundle_text(b, row->value);
	struct span issuer = bundle_text(b, row->issuer);

	if (issuer.n > 0 && !span_eq(issuer, c->issuer))
		return false;
	switch ((enum certificate_rule)row->rule) {
	case CERTIFICATE_SHA256:
		return digest_is(c, value);
	case CERTIFICATE_SERIAL:
		return span_eq(value, c->serial);
	case CERTIFICATE_SUBJECT:
		return span_eq(value, c->subject);
	case CERTIFICATE_NAME:
		return has_name(c, value);
	default:
		return false;
	}
}

/* What the list says of whose it is. */
static bool
fill_from(const struct credential_call *call, const struct row_certificate *row,
    struct principal *who)
{
	const struct bundle *b = call->bundle;

	who->application = bundle_text(b, row->application);
	who->tier = bundle_text(b, row->tier);
	for (uint32_t i = 0; i < row->scopes.n; i++) {
		struct span scope = bundle_string(b, row->scopes.first + i);

		who->scopes = i == 0
		    ? scope
		    : arena_printf(call->request->arena, "%.*s %.*s",
			  SPAN_ARG(who->scopes), SPAN_ARG(scope));
		if (who->scopes.p == NULL)
			return false;
	}
	return true;
}

bool
mtls_check(const struct credential_call *call, struct principal *who,
    struct decision *d)
{
	const struct bundle *b = call->bundle;
	const struct row_scheme *s = call->scheme;
	bool found = (s->flags & SCHEME_CERTIFICATE_ANY) != 0, filled = true;
	struct certificate c;

	if (!certificate_of(call->world, call->request, &c, d))
		return false;
	for (uint32_t i = 0; !found && i < s->certificates.n; i++) {
		const struct row_certificate *row =
		    bundle_certificate(b, s->certificates.first + i);

		found = row_fits(b, row, &c);
		if (found)
			filled = fill_from(call, row, who);
	}
	if (!found)
		return refuse(d, REASON_CERTIFICATE_MISMATCH,
		    SPAN("the client certificate is not one of this API"));
	who->scheme = bundle_text(b, s->name);
	/* So that no authority's name is that of an issuer of tokens. */
	who->issuer = arena_printf(
	    call->request->arena, "certificate:%.*s", SPAN_ARG(c.issuer));
	who->subject = c.subject;
	who->key_id = c.thumbprint;
	who->certificate = c.thumbprint;
	who->expires_s = c.not_after_s;
	return (filled && who->issuer.p != NULL) ||
	    refuse(d, REASON_FAULT, SPAN("out of memory"));
}
