/*
 * sign - see sign.h.
 *
 * EVP_DigestVerifyInit looks algorithms up by name each time; a context
 * that was initialised once is copied instead.  It is made when a key is
 * first used with an algorithm and published by compare-and-swap.
 */
#include "policy/sign_key.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>

static const struct {
	enum key_kind first, last; /* kinds that fit */
	const char *digest;        /* NULL: the algorithm has its own */
	unsigned digest_bytes;
	bool pss;
} algorithms[ALG__MAX] = {
	[ALG_RS256] = { KEY_KIND_RSA, KEY_KIND_RSA, "SHA256", 32, false },
	[ALG_RS384] = { KEY_KIND_RSA, KEY_KIND_RSA, "SHA384", 48, false },
	[ALG_RS512] = { KEY_KIND_RSA, KEY_KIND_RSA, "SHA512", 64, false },
	[ALG_PS256] = { KEY_KIND_RSA, KEY_KIND_RSA, "SHA256", 32, true },
	[ALG_PS384] = { KEY_KIND_RSA, KEY_KIND_RSA, "SHA384", 48, true },
	[ALG_PS512] = { KEY_KIND_RSA, KEY_KIND_RSA, "SHA512", 64, true },
	[ALG_ES256] = { KEY_KIND_P256, KEY_KIND_P256, "SHA256", 32, false },
	[ALG_ES384] = { KEY_KIND_P384, KEY_KIND_P384, "SHA384", 48, false },
	[ALG_ES512] = { KEY_KIND_P521, KEY_KIND_P521, "SHA512", 64, false },
	[ALG_EDDSA] = { KEY_KIND_ED25519, KEY_KIND_ED448, NULL, 0, false },
	[ALG_HS256] = { KEY_KIND_SECRET, KEY_KIND_SECRET, "SHA256", 32, false },
	[ALG_HS384] = { KEY_KIND_SECRET, KEY_KIND_SECRET, "SHA384", 48, false },
	[ALG_HS512] = { KEY_KIND_SECRET, KEY_KIND_SECRET, "SHA512", 64, false },
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_MAC *hmac;

static void
fetch(void)
{
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return;
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	ERR_clear_error();
}

bool
sign_ready(void)
{
	ERR_clear_error();
	return pthread_once(&once, fetch) == 0 && sha256 != NULL &&
	    hmac != NULL;
}

bool
sign_key_fits(const struct sign_key *k, enum algorithm alg)
{
	return k->kind >= algorithms[alg].first &&
	    k->kind <= algorithms[alg].last &&
	    (k->kind != KEY_KIND_SECRET ||
		k->n_secret >= algorithms[alg].digest_bytes);
}

/* RFC 7518 section 3.5: MGF1 with the same digest, salt as long as it. */
static bool
set_padding(EVP_PKEY_CTX *ctx, enum algorithm alg)
{
	if (!algorithms[alg].pss)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static EVP_MD_CTX *
prepare(const struct sign_key *k, enum algorithm alg, bool signing)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const char *digest = algorithms[alg].digest;
	EVP_PKEY_CTX *pctx;
	int rc;

	if (ctx == NULL)
		return NULL;
	if (signing)
		rc = EVP_DigestSignInit_ex(
		    ctx, &pctx, digest, NULL, NULL, k->pkey, NULL);
	else
		rc = EVP_DigestVerifyInit_ex(
		    ctx, &pctx, digest, NULL, NULL, k->pkey, NULL);
	if (rc == 1 && set_padding(pctx, alg))
		return ctx;
	EVP_MD_CTX_free(ctx);
	return NULL;
}

/* The context to copy for this key and algorithm; NULL on failure. */
static EVP_MD_CTX *
prepared(const struct sign_key *k, enum algorithm alg)
{
	/* What is added later is invisible to users: the key is const. */
	_Atomic(EVP_MD_CTX *) *slot =
	    (_Atomic(EVP_MD_CTX *) *)(uintptr_t)&k->prepared[alg];
	EVP_MD_CTX *have = atomic_load_explicit(slot, memory_order_acquire);
	EVP_MD_CTX *made;

	if (have != NULL)
		return have;
	made = prepare(k, alg, false);
	if (made == NULL)
		return NULL;
	if (atomic_compare_exchange_strong(slot, &have, made))
		return made;
	EVP_MD_CTX_free(made);
	return have;
}

/*
 * r and s of equal, exact length (RFC 7518 section 3.4) as the DER that
 * OpenSSL wants.  It refuses r and s outside 1 .. n-1 itself.
 */
static unsigned char *
der_of(struct span raw, size_t field_bytes, size_t *n)
{
	unsigned char *der = NULL;
	ECDSA_SIG *sig;
	BIGNUM *r, *s;
	int len = -1;

	if (raw.n != 2 * field_bytes)
		return NULL;
	sig = ECDSA_SIG_new();
	r = BN_bin2bn(bytes_of(raw), (int)field_bytes, NULL);
	s = BN_bin2bn(bytes_of(raw) + field_bytes, (int)field_bytes, NULL);
	if (sig != NULL && r != NULL && s != NULL &&
	    ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL;
		len = i2d_ECDSA_SIG(sig, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	if (len <= 0)
		return NULL;
	*n = (size_t)len;
	return der;
}

static bool
hmac_make(const struct sign_key *k, enum algorithm alg, struct span text,
    unsigned char *mac, size_t mac_size)
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
	char digest[8];
	OSSL_PARAM params[2];
	size_t n = 0;
	bool good;

	/* OSSL_PARAM wants a string it could write to. */
	memcpy(digest, algorithms[alg].digest, 7);
	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	good = ctx != NULL &&
	    EVP_MAC_init(ctx, k->secret, k->n_secret, params) == 1 &&
	    EVP_MAC_update(ctx, bytes_of(text), text.n) == 1 &&
	    EVP_MAC_final(ctx, mac, &n, mac_size) == 1 &&
	    n == algorithms[alg].digest_bytes;
	EVP_MAC_CTX_free(ctx);
	return good;
}

static enum sign_result
verify_hmac(const struct sign_key *k, enum algorithm alg, struct span text,
    struct span signature)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	enum sign_result result = SIGN_BAD;

	if (!hmac_make(k, alg, text, mac, sizeof(mac)))
		return SIGN_FAULT;
	if (signature.n == algorithms[alg].digest_bytes &&
	    sign_equal(mac, signature.p, signature.n))
		result = SIGN_GOOD;
	sign_wipe(mac, sizeof(mac));
	return result;
}

static enum sign_result
verify_public(const struct sign_key *k, enum algorithm alg, struct span text,
    struct span signature)
{
	const EVP_MD_CTX *have = prepared(k, alg);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	enum sign_result result = SIGN_FAULT;

	if (have == NULL || ctx == NULL || EVP_MD_CTX_copy_ex(ctx, have) != 1)
		goto out;
	result = SIGN_BAD;
	if (is_ec(k->kind)) {
		der = der_of(
		    signature, sign_kinds[k->kind].public_bytes, &signature.n);
		if (der == NULL)
			goto out;
		signature.p = (const char *)der;
	}
	if (EVP_DigestVerify(ctx, bytes_of(signature), signature.n,
		bytes_of(text), text.n) == 1)
		result = SIGN_GOOD;
out:
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	return result;
}

enum sign_result
sign_verify(const struct sign_key *k, enum algorithm alg, struct span text,
    struct span signature)
{
	enum sign_result result;

	if (!sign_ready())
		return SIGN_FAULT;
	if (!sign_key_fits(k, alg))
		return SIGN_BAD;
	if (k->kind == KEY_KIND_SECRET)
		result = verify_hmac(k, alg, text, signature);
	else
		result = verify_public(k, alg, text, signature);
	ERR_clear_error();
	return result;
}

/* DER of a signature as r and s of the field's length. */
static bool
add_raw(struct buf *b, const unsigned char *der, size_t n, size_t field_bytes)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	char *room = buf_room(b, 2 * field_bytes);
	unsigned char *to = (unsigned char *)room;
	bool good = sig != NULL && room != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), to, (int)field_bytes) > 0 &&
	    BN_bn2binpad(
		ECDSA_SIG_get0_s(sig), to + field_bytes, (int)field_bytes) > 0;

	if (good)
		b->n += 2 * field_bytes;
	ECDSA_SIG_free(sig);
	return good;
}

static bool
make_public(const struct sign_key *k, enum algorithm alg, struct span text,
    struct buf *signature)
{
	EVP_MD_CTX *ctx = prepare(k, alg, true);
	unsigned char *der = NULL;
	size_t n = 0;
	bool good = false;

	if (ctx == NULL ||
	    EVP_DigestSign(ctx, NULL, &n, bytes_of(text), text.n) != 1)
		goto out;
	der = malloc(n);
	if (der == NULL ||
	    EVP_DigestSign(ctx, der, &n, bytes_of(text), text.n) != 1)
		goto out;
	if (is_ec(k->kind)) {
		good = add_raw(
		    signature, der, n, sign_kinds[k->kind].public_bytes);
	} else {
		buf_add(signature, span_of(der, n));
		good = !signature->failed;
	}
out:
	free(der);
	EVP_MD_CTX_free(ctx);
	return good;
}

bool
sign_make(const struct sign_key *k, enum algorithm alg, struct span text,
    struct buf *signature)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	bool good;

	if (!sign_ready() || !sign_key_fits(k, alg))
		return false;
	if (k->kind == KEY_KIND_SECRET) {
		good = hmac_make(k, alg, text, mac, sizeof(mac));
		buf_add(signature,
		    span_of(mac, good ? algorithms[alg].digest_bytes : 0));
		good = good && !signature->failed;
	} else {
		good = make_public(k, alg, text, signature);
	}
	ERR_clear_error();
	return good;
}

bool
sign_sha256(struct span s, unsigned char digest[static SHA256_BYTES])
{
	bool good = sign_ready() &&
	    EVP_Digest(
		s.p != NULL ? s.p : "", s.n, digest, NULL, sha256, NULL) == 1;

	ERR_clear_error();
	return good;
}

bool
sign_random(void *bytes, size_t n)
{
	bool good =
	    sign_ready() && n <= INT_MAX && RAND_bytes(bytes, (int)n) == 1;

	ERR_clear_error();
	return good;
}

bool
sign_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void
sign_wipe(void *bytes, size_t n)
{
	OPENSSL_cleanse(bytes, n);
}
