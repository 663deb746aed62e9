/*
 * certificate_field - the client's certificate in a header field.
 *
 * A proxy that ends TLS in front of the web server tells of the client's
 * certificate in a field of its own: as Client-Cert (RFC 9440), or as PEM
 * the way WSO2's gateway and many proxies have it.  Anybody can send such
 * a field, so it counts only from a proxy that mgw.conf trusts, and that
 * shows a secret in another field.
 */
#ifndef MGW_POLICY_CERTIFICATE_FIELD_H
#define MGW_POLICY_CERTIFICATE_FIELD_H

#include "base/arena.h"
#include "base/span.h"

/* Longer fields are refused. */
#define CERTIFICATE_FIELD_BYTES_MAX (48 * 1024)

/* What is shorter can be guessed. */
#define CERTIFICATE_SECRET_BYTES_MIN 16

enum certificate_form {
	CERTIFICATE_RFC9440, /* a Byte Sequence of the DER */
	CERTIFICATE_PEM,     /* PEM, or its base64 alone; URL-encoded or not */
	CERTIFICATE_FORM__MAX,
};

struct certificate_rules {
	struct span header; /* as CGI names it; p == NULL: no field counts */
	enum certificate_form form;
	struct span secret_header; /* as CGI names it */
	struct span secret;
	bool pass; /* what counts goes to backends too */
};

/* "rfc9440" and "pem"; false for anything else. */
bool certificate_form_parse(struct span word, enum certificate_form *form);

/*
 * The DER of the one certificate in a field's value, in "a".  False:
 * "*why" is a static text.  RFC 9440 section 2.1, RFC 8941 section 3.3.5.
 */
bool certificate_field_read(struct span value, enum certificate_form form,
    struct arena *a, struct span *der, const char **why);

/* A field of these rules, by the name that CGI gives it. */
bool certificate_field_is(
    const struct certificate_rules *rules, struct span name);

#endif
