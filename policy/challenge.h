/*
 * challenge - WWW-Authenticate: how a caller could get in.
 *
 * One field for each scheme of the operation that would do:
 *
 *	Bearer realm="mgw", error="invalid_token",
 *	    error_description="Credential expired"	RFC 6750 section 3
 *	DPoP realm="mgw", algs="ES256 PS256"		RFC 9449 section 7.1
 *	Basic realm="mgw", charset="UTF-8"		RFC 7617 section 2
 *	ApiKey realm="mgw", in="header", name="X-API-Key"
 *
 * A token that lacks a scope is told the scopes of each alternative that
 * it could be used for; where the API publishes metadata (RFC 9728), their
 * URL stands in "resource_metadata".
 *
 * "error" stands only where a credential of that scheme came and was
 * found wanting; a scope that is missing is told with what is required,
 * never with what the token has.
 */
#ifndef MGW_POLICY_CHALLENGE_H
#define MGW_POLICY_CHALLENGE_H

#include "policy/decide.h"

/*
 * Header lines with CRLF for a 401, for a 403 of a token that lacks a
 * scope and for a 400 of a token that came twice; nothing for any other
 * refusal.
 */
void challenge_write(
    const struct bundle *b, const struct ruling *v, struct buf *to);

#endif
