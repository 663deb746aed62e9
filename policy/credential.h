/*
 * credential - from a request field to a verified principal.
 *
 * One function per kind of scheme, all of this shape; security.c calls
 * them through a table.  "who" comes empty and is filled only on true.
 * False: credential-missing when nothing was brought, else what is wrong
 * with it.  The detail never quotes a credential.
 */
#ifndef MGW_POLICY_CREDENTIAL_H
#define MGW_POLICY_CREDENTIAL_H

#include "policy/outside.h"
#include "policy/principal.h"
#include "policy/route.h"

struct credential_call {
	const struct outside *world;
	const struct bundle *bundle;
	const struct request *request;
	const struct row_scheme *scheme;
	const struct row_api *api; /* keys may be held to some APIs */
	/* The proof of this request was found good; NULL: not kept. */
	bool *proved;
};

/*
 * The one value of the scheme's field; for Authorization also that its
 * auth-scheme is "Bearer" (RFC 6750 section 2.1), or "DPoP" where the
 * scheme takes proofs (RFC 9449 section 7.1), which is cut off.
 * False: credential-missing, credential-malformed (another auth-scheme,
 * no token68) or credential-duplicate (came twice, or joined by a comma).
 */
bool credential_find(const struct credential_call *c, bool bearer,
    struct span *value, struct decision *d);

bool jwt_check(const struct credential_call *c, struct principal *who,
    struct decision *d); /* jwt.c */
bool opaque_check(const struct credential_call *c, struct principal *who,
    struct decision *d); /* opaque.c */
bool api_key_check(const struct credential_call *c, struct principal *who,
    struct decision *d); /* apikey.c */
bool basic_check(const struct credential_call *c, struct principal *who,
    struct decision *d); /* basic.c */
bool host_check(const struct credential_call *c, struct principal *who,
    struct decision *d); /* hostauth.c */
bool wso2_key_check(const struct credential_call *c, struct principal *who,
    struct decision *d); /* jwt.c */
bool mtls_check(const struct credential_call *c, struct principal *who,
    struct decision *d); /* mtls.c */

#endif
