/*
 * decision - why a request is refused, in one word.
 *
 * Written once, by the stage that refuses.  The words are a contract:
 * they stand in answers, event lines, man pages and in users' dashboards.
 */
#ifndef MGW_POLICY_DECISION_H
#define MGW_POLICY_DECISION_H

#include "base/span.h"

/* REASON(enum name, word, status, WSO2 code, title for people) */
#define REASONS(REASON)                                                        \
	REASON(NONE, "-", 200, 0, "Allowed")                                   \
	REASON(NO_ROUTE, "no-route", 404, 404, "No such resource")             \
	REASON(METHOD_NOT_ALLOWED, "method-not-allowed", 405, 405,             \
	    "Method not allowed")                                              \
	REASON(BAD_REQUEST, "bad-request", 400, 400, "Bad request")            \
	REASON(PATH_AMBIGUOUS, "path-ambiguous", 400, 400, "Ambiguous path")   \
	REASON(CREDENTIAL_DUPLICATE, "credential-duplicate", 400, 400,         \
	    "More than one credential")                                        \
	REASON(URI_TOO_LONG, "uri-too-long", 414, 414, "URI too long")         \
	REASON(HEADERS_TOO_LARGE, "headers-too-large", 431, 431,               \
	    "Header fields too large")                                         \
	REASON(CREDENTIAL_MISSING, "credential-missing", 401, 900902,          \
	    "Missing credentials")                                             \
	REASON(CREDENTIAL_MALFORMED, "credential-malformed", 401, 900917,      \
	    "Malformed credentials")                                           \
	REASON(TOKEN_MALFORMED, "token-malformed", 401, 900901,                \
	    "Malformed token")                                                 \
	REASON(ALG_NOT_ALLOWED, "alg-not-allowed", 401, 900901,                \
	    "Signature algorithm not allowed")                                 \
	REASON(KEY_UNKNOWN, "key-unknown", 401, 900901, "Unknown signing key") \
	REASON(BAD_SIGNATURE, "bad-signature", 401, 900901, "Bad signature")   \
	REASON(EXPIRED, "expired", 401, 900903, "Credential expired")          \
	REASON(NOT_YET_VALID, "not-yet-valid", 401, 900901,                    \
	    "Credential not yet valid")                                        \
	REASON(WRONG_ISSUER, "wrong-issuer", 401, 900901, "Wrong issuer")      \
	REASON(                                                                \
	    WRONG_AUDIENCE, "wrong-audience", 401, 900901, "Wrong audience")   \
	REASON(WRONG_TYPE, "wrong-type", 401, 900905, "Wrong token type")      \
	REASON(REVOKED, "revoked", 401, 900901, "Credential revoked")          \
	REASON(INACTIVE, "inactive", 401, 900904, "Credential inactive")       \
	REASON(KEY_INVALID, "key-invalid", 401, 900901, "Invalid API key")     \
	REASON(PASSWORD_WRONG, "password-wrong", 401, 900911,                  \
	    "Wrong user name or password")                                     \
	REASON(CERTIFICATE_MISSING, "certificate-missing", 401, 900902,        \
	    "Missing client certificate")                                      \
	REASON(CERTIFICATE_UNTRUSTED, "certificate-untrusted", 401, 900901,    \
	    "Untrusted client certificate")                                    \
	REASON(CERTIFICATE_MISMATCH, "certificate-mismatch", 401, 900901,      \
	    "Wrong client certificate")                                        \
	REASON(                                                                \
	    PROOF_MISSING, "proof-missing", 401, 900902, "Missing DPoP proof") \
	REASON(                                                                \
	    PROOF_INVALID, "proof-invalid", 401, 900901, "Invalid DPoP proof") \
	REASON(                                                                \
	    PROOF_MISMATCH, "proof-mismatch", 401, 900901, "Wrong DPoP key")   \
	REASON(PROOF_REPLAYED, "proof-replayed", 401, 900901,                  \
	    "DPoP proof used before")                                          \
	REASON(NO_VERIFIER, "no-verifier", 503, 900900,                        \
	    "Credential cannot be verified here")                              \
	REASON(SCOPE_MISSING, "scope-missing", 403, 900910, "Missing scope")   \
	REASON(CLAIM_REFUSED, "claim-refused", 403, 900908,                    \
	    "Not allowed for this credential")                                 \
	REASON(ADDRESS_REFUSED, "address-refused", 403, 900805,                \
	    "Not allowed from this address")                                   \
	REASON(BLOCKED, "blocked", 403, 900805, "Blocked")                     \
	REASON(                                                                \
	    HTTPS_REQUIRED, "https-required", 403, 900908, "HTTPS required")   \
	REASON(                                                                \
	    RATE_EXCEEDED, "rate-exceeded", 429, 900800, "Too many requests")  \
	REASON(                                                                \
	    QUOTA_EXCEEDED, "quota-exceeded", 429, 900800, "Quota exceeded")   \
	REASON(CONCURRENCY_EXCEEDED, "concurrency-exceeded", 429, 900800,      \
	    "Too many requests at once")                                       \
	REASON(BODY_TOO_LARGE, "body-too-large", 413, 413, "Body too large")   \
	REASON(BODY_TIMEOUT, "body-timeout", 408, 408, "Body too slow")        \
	REASON(MEDIA_TYPE, "media-type", 415, 415, "Unsupported media type")   \
	REASON(PARAMETER, "parameter", 400, 400, "Invalid parameter")          \
	REASON(SCHEMA, "schema", 400, 400, "Invalid body")                     \
	REASON(UPSTREAM_CONNECT, "upstream-connect", 502, 101503,              \
	    "Backend not reachable")                                           \
	REASON(UPSTREAM_BROKEN, "upstream-broken", 502, 101503,                \
	    "Broken answer from backend")                                      \
	REASON(UPSTREAM_TIMEOUT, "upstream-timeout", 504, 101504,              \
	    "Backend timed out")                                               \
	REASON(BREAKER_OPEN, "breaker-open", 503, 101503,                      \
	    "Backend not available")                                           \
	REASON(MAINTENANCE, "maintenance", 503, 700700, "Under maintenance")   \
	REASON(OVERLOADED, "overloaded", 503, 900900, "Overloaded")            \
	REASON(VERIFIER_DOWN, "verifier-down", 503, 900900,                    \
	    "Credential cannot be verified now")                               \
	REASON(STORE_DOWN, "store-down", 503, 900900,                          \
	    "Limits cannot be checked now")                                    \
	REASON(FAULT, "fault", 500, 900900, "Internal error")

#define REASON_ENUM(name, word, status, code, title) REASON_##name,
enum reason {
	REASONS(REASON_ENUM) REASON__MAX
};
#undef REASON_ENUM

struct row_requirement;

struct decision {
	enum reason reason;
	uint32_t retry_after_s; /* 0: no Retry-After */
	struct span detail;     /* for people, clean ASCII; never a secret */
	const char *level;      /* of throttling that no tier is of, or NULL */
	/* An error type of RFC 9209; p == NULL: what the reason says. */
	struct span proxy_error;
	struct span claimed; /* who a refused credential said it was */
	bool dpop;           /* it came, or should have, with a proof */
	/* What of "security" failed, for the challenge; NULL: other. */
	const struct row_requirement *requirement;
};

const char *reason_word(enum reason r);
unsigned reason_status(enum reason r);
unsigned reason_wso2_code(enum reason r);
const char *reason_title(enum reason r);

/* Fill "d" and return false, so that a check ends "return refuse(...)". */
bool refuse(struct decision *d, enum reason r, struct span detail);

#endif
