/*
 * claims - a token's header and its claims, read in one pass.
 *
 * No tree is built: what mgw looks at is picked while the strict scanner
 * walks over the text.  Nothing here is verified; see jwt.h.
 */
#ifndef MGW_POLICY_CLAIMS_H
#define MGW_POLICY_CLAIMS_H

#include "base/arena.h"
#include "base/span.h"

/* Each value is absent (p == NULL) when the claim is. */
struct jose_header {
	struct span alg;
	struct span kid;
	struct span type; /* "typ" without "application/" */
};

struct claim_word {
	struct claim_word *next;
	struct span text;
};

struct claims {
	struct span issuer;
	struct span subject;
	struct claim_word *audiences;
	bool has_expiry, has_not_before;
	int64_t expires_s, not_before_s;
	bool has_issued;
	int64_t issued_s;
	bool id_token;        /* carries nonce, at_hash or c_hash */
	struct span client;   /* "azp", else "client_id" */
	struct span scopes;   /* separated by single spaces */
	struct span token_id; /* "jti" */

	/*
	 * "cnf" (RFC 7800): the token is good only for who has this; bound
	 * without either of them is bound to what is not known here.
	 */
	bool bound;
	struct span certificate; /* "x5t#S256" (RFC 8705) */
	struct span proof_key;   /* "jkt" (RFC 9449) */

	/* To be used only where the issuer's claims are trusted. */
	struct span tier;
	struct span key_type;
	struct span consumer;    /* "consumerKey" */
	struct span application; /* a name, or WSO2's object with one */
	struct span application_id, application_uuid;
	struct span application_owner;
	struct span application_tier;
	struct span subscriptions; /* "subscribedAPIs": its JSON text */

	/* Of WSO2's API keys: what they are held to. */
	struct span allowed;   /* "allowedAPIs": its JSON text */
	struct span addresses; /* "permittedIP", likewise */
	struct span referers;  /* "permittedReferer", likewise */
};

/* Claim "remote" counts as "local", and "local" itself does not. */
struct claim_mapping {
	struct span remote, local;
};

struct claims_rules {
	struct span scope_claim; /* as for claims_read */
	const struct claim_mapping *mappings;
	size_t n_mappings;
};

/*
 * RFC 7515 section 4.  False: not JSON, a member of the wrong type, or
 * one that changes what is signed ("crit", "b64").  "*why" is static.
 */
bool jose_header_read(
    struct span json, struct arena *a, struct jose_header *h, const char **why);

/*
 * RFC 7519 section 4.1.  "scope_claim" is the name of a claim, or a path
 * through objects with dots; absent: scopes are not looked for.  False: not a
 * JSON object, a claim of the wrong type, a time that is no finite number,
 * control bytes in a text.
 */
bool claims_read(struct span json, struct span scope_claim, struct arena *a,
    struct claims *c, const char **why);

/* The same with names changed before they are looked at. */
bool claims_read_mapped(struct span json, const struct claims_rules *rules,
    struct arena *a, struct claims *c, const char **why);

/*
 * The claim at "path", a name or names through objects with dots, of the
 * verified claims "json": a text as it is, a number or a truth as it is
 * written, of a list the first.  False: there is none, or of another kind.
 */
bool claims_find(
    struct span json, struct span path, struct arena *a, struct span *value);

/* Names that no mapping may make: what binds and ends a token. */
bool claims_is_fixed(struct span name);

#endif
