/*
 * dpop_key - keys of proofs, each made once by a thread.
 *
 * A client sends its key with every proof, and OpenSSL takes as long to
 * make a key of its numbers as to verify with it.  A thread keeps the last
 * few by their thumbprint (RFC 7638), which says which key it is.  One is
 * made only when a verified token is bound to it: nobody can fill the
 * places with keys of his own making.
 */
#ifndef MGW_POLICY_DPOP_KEY_H
#define MGW_POLICY_DPOP_KEY_H

#include "policy/jwk.h"

/*
 * The key of a JWK whose thumbprint this is, good until the thread's next
 * call.  NULL: "*why" is a static text.  "a" is scratch.
 */
const struct sign_key *dpop_key(const struct json_object *jwk,
    struct span thumbprint, struct arena *a, const char **why);

#endif
