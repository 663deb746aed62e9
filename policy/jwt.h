/*
 * jwt - a token in its parts, and what its claims must satisfy.
 *
 * jwt_check (credential.h) is what the gate runs; mgw-token uses the same
 * pieces.
 */
#ifndef MGW_POLICY_JWT_H
#define MGW_POLICY_JWT_H

#include "policy/claims.h"
#include "policy/decision.h"

#define TOKEN_BYTES_MAX (16 * 1024)

struct jwt {
	struct jose_header header;
	struct span signed_text; /* "header.payload" as it came */
	struct span header_json; /* decoded */
	struct span payload;     /* decoded */
	struct span signature;   /* still base64url */
};

/*
 * Exactly three parts, header and payload in strict base64url, and a
 * header that is understood (RFC 7515 section 5.2, steps 1 to 6).  False:
 * "*why" is a static text.  Spans point into the token and "a".  The
 * signature is decoded only by who verifies it: a token that is known from
 * a verdict is known with its signature's spelling.
 */
bool jwt_split(
    struct span token, struct arena *a, struct jwt *t, const char **why);

/* What a token is held to. */
struct jwt_rules {
	struct span issuer;
	bool any_issuer;              /* only for tools */
	const struct span *audiences; /* one is needed */
	size_t n_audiences;
	bool any_audience;
	bool no_audience; /* it must have none */
	bool lasting;     /* it may have no expiry */
	struct span type; /* required "typ"; n == 0: that of a plain JWT */
	int64_t leeway_s;
	int64_t now_s;
};

/*
 * Issuer, audience, times and type, after the signature was verified
 * (RFC 7519 section 4.1, RFC 8725 sections 3.8 to 3.11).
 */
bool jwt_claims_check(const struct jwt *t, const struct claims *c,
    const struct jwt_rules *rules, struct decision *d);

#endif
