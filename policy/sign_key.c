/*
 * sign_key - keys made from numbers and PEM, and judged; see sign.h.
 */
#include "policy/sign_key.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 /* verifying with more is a way to burn CPU */
#define RSA_EXPONENT_BITS_MAX 64
#define SECRET_BYTES_MIN 32 /* what HS256 needs */
#define SECRET_BYTES_MAX 1024

const struct sign_kind sign_kinds[] = {
	[KEY_KIND_RSA] = { "RSA", NULL, 0 },
	[KEY_KIND_P256] = { "EC", "P-256", 32 },
	[KEY_KIND_P384] = { "EC", "P-384", 48 },
	[KEY_KIND_P521] = { "EC", "P-521", 66 },
	[KEY_KIND_ED25519] = { "ED25519", NULL, 32 },
	[KEY_KIND_ED448] = { "ED448", NULL, 57 },
	[KEY_KIND_SECRET] = { NULL, NULL, 0 },
};

/* The kind of a key that OpenSSL read, with the rules that all keys obey. */
static const char *
judge_rsa(EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);
	BIGNUM *e = NULL, *n = NULL;
	const char *why = "cannot be read";

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return "RSA key is not of 2048 to 8192 bits";
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1) {
		if (!BN_is_odd(e) || BN_is_one(e) ||
		    BN_num_bits(e) > RSA_EXPONENT_BITS_MAX)
			why = "RSA exponent is even, one or too large";
		else
			why = BN_is_odd(n) ? NULL : "RSA modulus is even";
	}
	BN_free(e);
	BN_free(n);
	return why;
}

static const char *
judge_ec(EVP_PKEY *pkey, enum key_kind *kind)
{
	static const char *const names[][2] = { { "prime256v1", "P-256" },
		{ "secp384r1", "P-384" }, { "secp521r1", "P-521" } };
	EVP_PKEY_CTX *ctx;
	char group[32];
	size_t n;
	int good;

	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) != 1)
		return "cannot be read";
	for (size_t i = 0;; i++) {
		if (i == sizeof(names) / sizeof(names[0]))
			return "EC curve is not P-256, P-384 or P-521";
		if (strcmp(group, names[i][0]) == 0 ||
		    strcmp(group, names[i][1]) == 0) {
			*kind = (enum key_kind)(KEY_KIND_P256 + i);
			break;
		}
	}
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	good = ctx != NULL && EVP_PKEY_public_check_quick(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good ? NULL : "EC point is not on its curve";
}

static const char *
judge(EVP_PKEY *pkey, enum key_kind *kind)
{
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		*kind = KEY_KIND_RSA;
		return judge_rsa(pkey);
	}
	if (EVP_PKEY_is_a(pkey, "EC"))
		return judge_ec(pkey, kind);
	if (EVP_PKEY_is_a(pkey, "ED25519"))
		*kind = KEY_KIND_ED25519;
	else if (EVP_PKEY_is_a(pkey, "ED448"))
		*kind = KEY_KIND_ED448;
	else
		return "key is not RSA, EC, Ed25519 or Ed448";
	return NULL;
}

/* Takes "pkey", which may be NULL; NULL with "*why". */
static struct sign_key *
wrap(EVP_PKEY *pkey, const char **why)
{
	struct sign_key *k = NULL;
	enum key_kind kind = KEY_KIND_RSA;

	if (pkey == NULL) {
		if (*why == NULL)
			*why = "cannot be read";
	} else {
		*why = judge(pkey, &kind);
		if (*why == NULL) {
			k = calloc(1, sizeof(*k));
			if (k == NULL)
				*why = "out of memory";
		}
	}
	ERR_clear_error();
	if (k == NULL) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k->kind = kind;
	k->pkey = pkey;
	return k;
}

/* A parameter list under construction, and the numbers it borrows. */
struct params {
	OSSL_PARAM_BLD *list;
	BIGNUM *numbers[8];
	unsigned n;
};

static bool
push_number(struct params *p, const char *name, struct span bytes)
{
	BIGNUM *bn;

	if (bytes.n == 0 || bytes.n > RSA_BITS_MAX / 8 + 1)
		return false;
	/* Secure or not is decided by the flag, so private ones are wiped. */
	bn = BN_bin2bn(bytes_of(bytes), (int)bytes.n, NULL);
	if (bn == NULL)
		return false;
	p->numbers[p->n++] = bn;
	return OSSL_PARAM_BLD_push_BN(p->list, name, bn) == 1;
}

static bool
push_rsa(struct params *p, const struct key_numbers *k)
{
	if (!push_number(p, OSSL_PKEY_PARAM_RSA_N, k->n) ||
	    !push_number(p, OSSL_PKEY_PARAM_RSA_E, k->e))
		return false;
	if (k->d.n == 0)
		return true;
	if (!push_number(p, OSSL_PKEY_PARAM_RSA_D, k->d))
		return false;
	if (k->p.n == 0)
		return true;
	return push_number(p, OSSL_PKEY_PARAM_RSA_FACTOR1, k->p) &&
	    push_number(p, OSSL_PKEY_PARAM_RSA_FACTOR2, k->q) &&
	    push_number(p, OSSL_PKEY_PARAM_RSA_EXPONENT1, k->dp) &&
	    push_number(p, OSSL_PKEY_PARAM_RSA_EXPONENT2, k->dq) &&
	    push_number(p, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->qi);
}

/* RFC 7518 section 6.2.1.2: the coordinates have their full length. */
static bool
push_ec(struct params *p, const struct key_numbers *k,
    unsigned char point[static 1 + 2 * FIELD_BYTES_MAX])
{
	size_t n = sign_kinds[k->kind].public_bytes;

	if (k->x.n != n || k->y.n != n)
		return false;
	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(point + 1, k->x.p, n);
	memcpy(point + 1 + n, k->y.p, n);
	return OSSL_PARAM_BLD_push_utf8_string(p->list,
		   OSSL_PKEY_PARAM_GROUP_NAME, sign_kinds[k->kind].group,
		   0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(
		p->list, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * n) == 1 &&
	    (k->d.n == 0 || push_number(p, OSSL_PKEY_PARAM_PRIV_KEY, k->d));
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM *list, bool private)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;
	int selection = private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, selection, list) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
from_numbers(const struct key_numbers *k)
{
	unsigned char point[1 + 2 * FIELD_BYTES_MAX];
	struct params p = { .list = OSSL_PARAM_BLD_new() };
	OSSL_PARAM *list = NULL;
	EVP_PKEY *pkey = NULL;

	if (p.list != NULL &&
	    (is_ec(k->kind) ? push_ec(&p, k, point) : push_rsa(&p, k)))
		list = OSSL_PARAM_BLD_to_param(p.list);
	if (list != NULL)
		pkey = from_params(sign_kinds[k->kind].type, list, k->d.n > 0);
	OSSL_PARAM_free(list);
	OSSL_PARAM_BLD_free(p.list);
	while (p.n > 0)
		BN_clear_free(p.numbers[--p.n]);
	return pkey;
}

static EVP_PKEY *
from_edwards(const struct key_numbers *k)
{
	const char *type = sign_kinds[k->kind].type;
	size_t n = sign_kinds[k->kind].public_bytes;

	if (k->x.n != n || (k->d.n != 0 && k->d.n != n))
		return NULL;
	if (k->d.n != 0)
		return EVP_PKEY_new_raw_private_key_ex(
		    NULL, type, NULL, bytes_of(k->d), k->d.n);
	return EVP_PKEY_new_raw_public_key_ex(
	    NULL, type, NULL, bytes_of(k->x), k->x.n);
}

static struct sign_key *
secret_new(struct span secret, const char **why)
{
	struct sign_key *k;

	if (secret.n < SECRET_BYTES_MIN || secret.n > SECRET_BYTES_MAX) {
		*why = "secret is not of 32 to 1024 bytes";
		return NULL;
	}
	k = calloc(1, sizeof(*k) + secret.n);
	if (k == NULL) {
		*why = "out of memory";
		return NULL;
	}
	k->kind = KEY_KIND_SECRET;
	k->n_secret = secret.n;
	memcpy(k->secret, secret.p, secret.n);
	return k;
}

struct sign_key *
sign_key_new(const struct key_numbers *k, const char **why)
{
	EVP_PKEY *pkey;

	*why = NULL;
	if (!sign_ready()) {
		*why = "OpenSSL cannot be used";
		return NULL;
	}
	if (k->kind == KEY_KIND_SECRET)
		return secret_new(k->k, why);
	if (k->kind == KEY_KIND_RSA || is_ec(k->kind))
		pkey = from_numbers(k);
	else
		pkey = from_edwards(k);
	if (pkey == NULL)
		*why = is_ec(k->kind) ? "EC point is not on its curve"
				      : "key's numbers are wrong";
	return wrap(pkey, why);
}

/* The first block from "-----BEGIN " to behind its "-----END ...-----". */
static bool
cut_block(struct span *pem, struct span *label, struct span *block)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ";
	const char *from, *to, *dashes;
	struct span rest = *pem;

	from = rest.n > 0 ? memmem(rest.p, rest.n, begin, sizeof(begin) - 1)
			  : NULL;
	if (from == NULL)
		return false;
	rest = span_skip(rest, (size_t)(from - rest.p) + sizeof(begin) - 1);
	dashes = memmem(rest.p, rest.n, "-----", 5);
	if (dashes == NULL)
		return false;
	*label = span_of(rest.p, (size_t)(dashes - rest.p));
	to = memmem(rest.p, rest.n, end, sizeof(end) - 1);
	if (to == NULL || to < dashes)
		return false;
	rest = span_skip(rest, (size_t)(to - rest.p) + sizeof(end) - 1);
	to = memmem(rest.p, rest.n, "-----", 5);
	if (to == NULL)
		return false;
	*block = span_of(from, (size_t)(to + 5 - from));
	*pem = span_skip(rest, (size_t)(to + 5 - rest.p));
	return true;
}

/* Instead of asking for a pass phrase on the terminal. */
static int
no_password(char *to, int size, int writing, void *arg)
{
	(void)to, (void)size, (void)writing, (void)arg;
	return -1;
}

static EVP_PKEY *
read_block(
    struct span label, struct span block, bool private_too, const char **why)
{
	BIO *bio =
	    block.n <= INT_MAX ? BIO_new_mem_buf(block.p, (int)block.n) : NULL;
	EVP_PKEY *pkey = NULL;
	X509 *x509;

	if (bio == NULL)
		return NULL;
	if (span_eq(label, SPAN("CERTIFICATE"))) {
		x509 = PEM_read_bio_X509(bio, NULL, no_password, NULL);
		if (x509 != NULL)
			pkey = X509_get_pubkey(x509);
		X509_free(x509);
	} else if (span_ends(label, SPAN("PUBLIC KEY"))) {
		pkey = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
	} else if (!span_ends(label, SPAN("PRIVATE KEY"))) {
		*why = "PEM block is no key or certificate";
	} else if (!private_too) {
		*why = "a private key does not belong here";
	} else {
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	}
	BIO_free(bio);
	return pkey;
}

struct sign_key *
sign_key_from_pem(struct span *pem, bool private_too, const char **why)
{
	struct span label, block;

	*why = NULL;
	if (!cut_block(pem, &label, &block))
		return NULL;
	if (!sign_ready()) {
		*why = "OpenSSL cannot be used";
		return NULL;
	}
	return wrap(read_block(label, block, private_too, why), why);
}

void
sign_key_free(struct sign_key *k)
{
	if (k == NULL)
		return;
	for (int i = 0; i < ALG__MAX; i++)
		EVP_MD_CTX_free(atomic_load(&k->prepared[i]));
	EVP_PKEY_free(k->pkey);
	sign_wipe(k->secret, k->n_secret);
	free(k);
}

enum key_kind
sign_key_kind(const struct sign_key *k)
{
	return k->kind;
}

static bool
copy_number(EVP_PKEY *pkey, const char *name, size_t width, struct arena *a,
    struct span *to)
{
	BIGNUM *bn = NULL;
	unsigned char *p = NULL;
	size_t n = 0;

	if (EVP_PKEY_get_bn_param(pkey, name, &bn) == 1) {
		n = width > 0 ? width : (size_t)BN_num_bytes(bn);
		p = arena_alloc(a, n);
		if (p != NULL && BN_bn2binpad(bn, p, (int)n) < 0)
			p = NULL;
	}
	BN_free(bn);
	*to = span_of(p, n);
	return p != NULL;
}

bool
sign_key_numbers(
    const struct sign_key *k, struct arena *a, struct key_numbers *numbers)
{
	size_t n = sign_kinds[k->kind].public_bytes;
	unsigned char *p;
	bool good;

	*numbers = (struct key_numbers){ .kind = k->kind };
	if (k->pkey == NULL)
		return false;
	if (k->kind == KEY_KIND_RSA) {
		good = copy_number(
			   k->pkey, OSSL_PKEY_PARAM_RSA_N, 0, a, &numbers->n) &&
		    copy_number(
			k->pkey, OSSL_PKEY_PARAM_RSA_E, 0, a, &numbers->e);
	} else if (is_ec(k->kind)) {
		good = copy_number(k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, n, a,
			   &numbers->x) &&
		    copy_number(
			k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, n, a, &numbers->y);
	} else {
		p = arena_alloc(a, n);
		good = p != NULL &&
		    EVP_PKEY_get_raw_public_key(k->pkey, p, &n) == 1;
		numbers->x = span_of(p, n);
	}
	ERR_clear_error();
	return good;
}
