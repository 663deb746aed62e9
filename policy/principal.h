/*
 * principal - who is asking, once a credential has been verified.
 *
 * Each alternative of a security requirement starts from an empty one, so
 * that nothing of a failed alternative is left.  Subject, application and
 * key id mean something only together with the issuer.
 */
#ifndef MGW_POLICY_PRINCIPAL_H
#define MGW_POLICY_PRINCIPAL_H

#include "base/arena.h"
#include "base/span.h"

struct application;
struct application_subscription;
struct user_entry;

struct principal {
	struct span scheme;  /* name of the securityScheme; p == NULL: nobody */
	struct span issuer;  /* of a token; "" for key files */
	struct span subject; /* "sub", or the owner of a key */
	struct span application;
	struct span application_owner;
	struct span key_id; /* "kid" of the token, or the key's id */
	struct span key_type;
	struct span tier;   /* name; p == NULL: none */
	struct span scopes; /* separated by single spaces */
	int64_t expires_s;  /* Unix seconds; 0: never */

	/*
	 * What whoever vouches for the caller (the file of applications, the
	 * user file, the web server) counts it to.
	 */
	const struct span *groups;
	size_t n_groups;

	/* Of a token, verified; absent for anything else. */
	struct span client_id;   /* "azp", "client_id", "consumerKey" */
	struct span token_id;    /* "jti" */
	struct span claims;      /* JSON: its payload, or what was answered */
	struct span signed_text; /* "header.payload" of a JWT */
	struct span signature;   /* of a JWT, as it came */
	struct span opaque;      /* a token that is no JWT */
	struct span digest;      /* SHA-256 of either; absent: not made */
	bool bound;              /* "cnf": good only for who has these: */
	struct span certificate; /* thumbprint "x5t#S256" */
	struct span proof_key;   /* thumbprint "jkt" */

	/* Where the issuer's claims are trusted, or the file knows it. */
	struct span application_id, application_uuid;
	struct span application_tier;
	struct span subscription_tier; /* to the API that was asked for */
	bool subscribed;               /* says the token */
	bool subscription_needed;      /* and its issuer wants it */

	/* Whose key it is, in the user file; NULL: nobody's there. */
	const struct user_entry *user;

	/* In the file of applications (application.h); NULL: not there. */
	const struct application *registered;
	const struct application_subscription *subscription;
};

/* "scope" is one of the space-separated words of "scopes", exactly. */
bool principal_has_scope(const struct principal *p, struct span scope);

/* "group" is one of its groups, exactly. */
bool principal_has_group(const struct principal *p, struct span group);

/*
 * Add "n" groups, borrowed as long as the principal is used, to those it
 * has.  False: out of memory, and it has none.
 */
bool principal_add_groups(
    struct principal *p, struct arena *a, const struct span *groups, size_t n);

#endif
