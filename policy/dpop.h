/*
 * dpop - a token that is good only with a proof of its key (RFC 9449).
 *
 *	Authorization: DPoP TOKEN
 *	DPoP: a JWT that the key signed, for this method and URL, now
 *
 * The URL is what the API's public URL says, never what a Host header
 * does.  A proof is good once: key and "jti" are remembered, for all
 * processes, as long as it could come again.  Nonces are not asked for.
 */
#ifndef MGW_POLICY_DPOP_H
#define MGW_POLICY_DPOP_H

#include "policy/credential.h"
#include "policy/jwt.h"

/* No key of ours makes a longer one. */
#define DPOP_PROOF_BYTES_MAX 8192

/* How long a proof may be remembered; beyond that an entry is nonsense. */
#define DPOP_WINDOW_S_MAX 600
#define DPOP_LEEWAY_S_MAX 300

/* A proof in its parts; nothing in it is verified. */
struct dpop_proof {
	struct jwt jwt;
	struct span jwk; /* JSON */
	struct span method, url, id, token_hash;
	int64_t issued_s;
};

/*
 * Read a proof: all that RFC 9449 section 4.2 wants is there, and of its
 * type.  Spans point into "text" and "a".  False: "*why" is a static text.
 */
bool dpop_read(
    struct span text, struct arena *a, struct dpop_proof *p, const char **why);

/*
 * "url" means what "public_url" and, behind it, "rest" do: scheme and host
 * in any case, a port that need not be said, escapes of any spelling,
 * without query and fragment (RFC 9449 section 4.3, RFC 3986 section 6.2).
 */
bool dpop_url_fits(
    struct span url, struct span public_url, struct span rest, struct arena *a);

/* The scheme takes proofs, and Authorization says that one is there. */
bool dpop_presented(const struct credential_call *c);

/*
 * The proof that came with a verified token is right, of the key that the
 * token is bound to, and new (RFC 9449 section 4.3).  False: proof-missing,
 * proof-invalid, proof-mismatch, proof-replayed, wrong-type (the token is
 * not bound to a key), rate-exceeded (too many of this key), overloaded (no
 * place to remember it) or fault.
 */
bool dpop_check(const struct credential_call *c, const struct principal *who,
    struct decision *d);

#endif
