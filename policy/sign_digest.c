/*
 * sign_digest - digests of several parts; part of sign.h.
 */
#include "policy/sign_key.h"

#include <openssl/err.h>
#include <pthread.h>

static const struct {
	const char *name;
	unsigned bytes;
} kinds[DIGEST__MAX] = {
	[DIGEST_MD5] = { "MD5", 16 },
	[DIGEST_SHA1] = { "SHA1", 20 },
	[DIGEST_SHA256] = { "SHA256", 32 },
	[DIGEST_SHA512] = { "SHA512", 64 },
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *digests[DIGEST__MAX]; /* NULL: may not be used */

static void
fetch(void)
{
	for (int d = 0; d < DIGEST__MAX; d++)
		digests[d] = EVP_MD_fetch(NULL, kinds[d].name, NULL);
	ERR_clear_error();
}

size_t
sign_digest_bytes(enum digest d)
{
	return kinds[d].bytes;
}

bool
sign_digest(enum digest d, const struct span *parts, size_t n,
    unsigned char digest[static DIGEST_BYTES_MAX])
{
	EVP_MD_CTX *ctx;
	bool good;

	if (!sign_ready() || pthread_once(&once, fetch) != 0 ||
	    digests[d] == NULL)
		return false;
	ctx = EVP_MD_CTX_new();
	good = ctx != NULL && EVP_DigestInit_ex2(ctx, digests[d], NULL) == 1;
	for (size_t i = 0; good && i < n; i++)
		good = parts[i].n == 0 ||
		    EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	good = good && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}
