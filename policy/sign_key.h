/*
 * sign_key - what the two files that know OpenSSL share.
 */
#ifndef MGW_POLICY_SIGN_KEY_H
#define MGW_POLICY_SIGN_KEY_H

#include <openssl/evp.h>
#include <stdatomic.h>

#include "policy/sign.h"

#define FIELD_BYTES_MAX 66 /* P-521 */

struct sign_key {
	enum key_kind kind;
	EVP_PKEY *pkey; /* NULL: a secret */
	_Atomic(EVP_MD_CTX *) prepared[ALG__MAX];
	size_t n_secret;
	unsigned char secret[];
};

struct sign_kind {
	const char *type;
	const char *group;   /* of EC */
	size_t public_bytes; /* of x, and of y */
};

extern const struct sign_kind sign_kinds[];

/* Empty the error queue; false when OpenSSL cannot be used at all. */
bool sign_ready(void);

static inline const unsigned char *
bytes_of(struct span s)
{
	return (const unsigned char *)s.p;
}

static inline bool
is_ec(enum key_kind kind)
{
	return sign_kinds[kind].group != NULL;
}

#endif
