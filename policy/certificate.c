/*
 * certificate - see certificate.h.
 */
#include "policy/certificate.h"

#include "policy/certificate_known.h"

/* How a certificate that is remembered has come; a field's form is added. */
#define FORM_VARIABLE 0
#define FORM_FIELD 1

#define THUMBPRINT_BYTES 43 /* SHA-256 in base64url */

static bool
untrusted(struct decision *d, struct span detail)
{
	return refuse(d, REASON_CERTIFICATE_UNTRUSTED, detail);
}

static bool
missing(struct decision *d)
{
	return refuse(
	    d, REASON_CERTIFICATE_MISSING, SPAN("no client certificate came"));
}

/* In the variables of the web server, which no client can set. */
static bool
read_variables(const struct outside *world, const struct request *r,
    struct certificate *c, const char **why, struct decision *d)
{
	struct span verify, pem;

	if (!request_param_once(r, SPAN("SSL_CLIENT_VERIFY"), &verify) ||
	    !request_param_once(r, SPAN("SSL_CLIENT_CERT"), &pem))
		return refuse(d, REASON_BAD_REQUEST,
		    SPAN("two different client certificates"));
	if (verify.n == 0 || span_eq(verify, SPAN("NONE")))
		return missing(d);
	/* GENEROUS is what nobody has verified. */
	if (!span_eq(verify, SPAN("SUCCESS")))
		return untrusted(d,
		    SPAN("the web server could not verify the client "
			 "certificate"));
	if (pem.n == 0)
		return untrusted(d,
		    SPAN("the web server does not pass the client "
			 "certificate: SSL_CLIENT_CERT is empty"));
	if (pem.n > CERTIFICATE_BYTES_MAX)
		return untrusted(d, SPAN("the client certificate is too long"));
	if (certificate_recall(world, FORM_VARIABLE, pem, r->arena, c))
		return true;
	if (!sign_certificate(pem, r->arena, c, why))
		return false;
	certificate_remember(world, FORM_VARIABLE, pem, c);
	return true;
}

/*
 * In the field of a trusted proxy.  The variables would tell of the
 * proxy's own certificate, and are not looked at.
 */
static bool
read_field(const struct outside *world, const struct request *r,
    struct certificate *c, const char **why, struct decision *d)
{
	unsigned form = FORM_FIELD + (unsigned)r->certificate.form;
	struct span value = { NULL, 0 }, der;
	size_t n = 0;

	for (size_t i = 0; i < r->n_params; i++) {
		if (!span_eq(r->params[i].name, r->certificate.header))
			continue;
		value = span_trim(r->params[i].value);
		n++;
	}
	if (n > 1)
		return refuse(d, REASON_BAD_REQUEST,
		    SPAN("a client certificate comes twice"));
	if (value.n == 0)
		return missing(d);
	if (!r->proxy_proved)
		return untrusted(d,
		    SPAN("the proxy that tells of the client certificate "
			 "does not show its secret"));
	if (certificate_recall(world, form, value, r->arena, c))
		return true;
	if (!certificate_field_read(
		value, r->certificate.form, r->arena, &der, why) ||
	    !sign_certificate_der(der, r->arena, c, why))
		return false;
	certificate_remember(world, form, value, c);
	return true;
}

bool
certificate_of(const struct outside *world, const struct request *r,
    struct certificate *c, struct decision *d)
{
	bool by_field = r->certificate.header.n > 0 && r->client.proxied, read;
	const char *why = "";
	int64_t now_s = r->now_us / 1000000;

	d->reason = REASON_NONE;
	read = by_field ? read_field(world, r, c, &why, d)
			: read_variables(world, r, c, &why, d);
	if (!read && d->reason == REASON_NONE)
		return r->arena->full
		    ? refuse(d, REASON_FAULT, SPAN("out of memory"))
		    : untrusted(d, span_str(why));
	if (!read)
		return false;
	/* A resumed session may outlive it. */
	if (now_s < c->not_before_s || now_s > c->not_after_s)
		return untrusted(
		    d, SPAN("the client certificate is out of its time"));
	return true;
}

bool
certificate_binding(const struct outside *world, const struct request *r,
    const struct principal *who, struct decision *d)
{
	struct certificate c;

	if (!who->bound)
		return true;
	if (who->certificate.p == NULL)
		return refuse(d, REASON_WRONG_TYPE,
		    SPAN("the token is bound to something that is not known "
			 "here"));
	if (!certificate_of(world, r, &c, d))
		return false;
	if (who->certificate.n == THUMBPRINT_BYTES &&
	    sign_equal(who->certificate.p, c.thumbprint.p, THUMBPRINT_BYTES))
		return true;
	/* 64 letters are a hexadecimal digest, a mistake of many issuers. */
	return refuse(d, REASON_CERTIFICATE_MISMATCH,
	    who->certificate.n == 64
		? SPAN("x5t#S256 of the token is not base64url (RFC 8705), "
		       "perhaps hexadecimal")
		: SPAN("the token is bound to another client certificate"));
}
