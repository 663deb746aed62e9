/*
 * certificates - "certificates" of mgw.yaml: whose may be used.
 *
 *	certificates: any         whatever the web server has verified
 *	certificates:             or one of a list, each with one of
 *	  - sha256: AA:BB:...     of its DER
 *	    serial: 0A:1B         with issuer
 *	    subject: CN=a,O=b     as RFC 2253 writes it
 *	    name: dns:a.example   or uri:, email:
 *	    issuer: CN=ca         needed with serial, else one more condition
 *	    application: desk     who that is
 *	    tier: Gold
 *	    scopes: [read]
 */
#ifndef MGW_SPEC_CERTIFICATES_H
#define MGW_SPEC_CERTIFICATES_H

#include "policy/build.h"
#include "spec/model.h"

struct spec_certificate {
	struct spec_certificate *next;
	enum certificate_rule rule;
	struct spec_text value, issuer, application, tier;
	struct spec_word *scopes;
};

struct spec_certificates {
	bool any;
	struct spec_certificate *list;
};

/* NULL after a message. */
struct spec_certificates *certificates_read(
    const struct node *n, struct diag *d);

/* Write the rows of the list; empty for "any". */
struct range certificates_emit(
    struct build *b, const struct spec_certificates *c);

#endif
