/*
 * certificate - see certificate.h.
 */
#include "policy/certificate.h"

#define THUMBPRINT_BYTES 43 /* SHA-256 in base64url */

static bool
untrusted(struct decision *d, struct span detail)
{
	return refuse(d, REASON_CERTIFICATE_UNTRUSTED, detail);
}

bool
certificate_of(
    const struct request *r, struct certificate *c, struct decision *d)
{
	struct span verify, pem;
	const char *why;
	int64_t now_s = r->now_us / 1000000;

	if (!request_param_once(r, SPAN("SSL_CLIENT_VERIFY"), &verify) ||
	    !request_param_once(r, SPAN("SSL_CLIENT_CERT"), &pem))
		return refuse(d, REASON_BAD_REQUEST,
		    SPAN("two different client certificates"));
	if (verify.n == 0 || span_eq(verify, SPAN("NONE")))
		return refuse(d, REASON_CERTIFICATE_MISSING,
		    SPAN("no client certificate came"));
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
	if (!sign_certificate(pem, r->arena, c, &why))
		return r->arena->full
		    ? refuse(d, REASON_FAULT, SPAN("out of memory"))
		    : untrusted(d, span_str(why));
	/* A resumed session may outlive it. */
	if (now_s < c->not_before_s || now_s > c->not_after_s)
		return untrusted(
		    d, SPAN("the client certificate is out of its time"));
	return true;
}

bool
certificate_binding(
    const struct request *r, const struct principal *who, struct decision *d)
{
	struct certificate c;

	if (!who->bound)
		return true;
	if (who->proof_key.p != NULL || who->certificate.p == NULL)
		return refuse(d, REASON_WRONG_TYPE,
		    SPAN("the token is bound to a key of which mgw takes no "
			 "proof"));
	if (!certificate_of(r, &c, d))
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
