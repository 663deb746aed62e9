/*
 * sign - keys, signatures, digests and random bytes, by OpenSSL.
 *
 * The only door to OpenSSL (sign*.c).  A key is immutable once made
 * and is used by all threads at once; each call has its own context.  OpenSSL's
 * error queue is empty after each call, so that one bad token cannot
 * spoil what comes after it.  No configuration file of OpenSSL is read.
 */
#ifndef MGW_POLICY_SIGN_H
#define MGW_POLICY_SIGN_H

#include "base/arena.h"
#include "base/buf.h"
#include "policy/format.h"

#define SHA256_BYTES 32

struct sign_key;

enum key_kind {
	KEY_KIND_RSA,
	KEY_KIND_P256,
	KEY_KIND_P384,
	KEY_KIND_P521,
	KEY_KIND_ED25519,
	KEY_KIND_ED448,
	KEY_KIND_SECRET, /* HMAC */
};

/*
 * A key as numbers: big-endian bytes, as RFC 7518 section 6 and RFC 8037
 * section 2 name them.  What a kind of key does not have, or a public key
 * lacks, is absent.
 */
struct key_numbers {
	enum key_kind kind;
	struct span n, e;             /* RSA */
	struct span x, y;             /* EC; x also of Ed25519 and Ed448 */
	struct span d;                /* private: RSA, EC, Ed */
	struct span p, q, dp, dq, qi; /* private: RSA */
	struct span k;                /* secret, copied */
};

/*
 * NULL when the numbers are no key that may be used: RSA outside 2048 to
 * 8192 bits or with an even exponent, a point off its curve, wrong lengths.
 * "*why" is a static text.
 */
struct sign_key *sign_key_new(const struct key_numbers *k, const char **why);

/*
 * The key in the first PEM block of "*pem", which is moved behind it:
 * PUBLIC KEY, CERTIFICATE, or (with "private_too") a private key without a
 * pass phrase.  NULL with "*why" NULL: no further block.
 */
struct sign_key *sign_key_from_pem(
    struct span *pem, bool private_too, const char **why);
void sign_key_free(struct sign_key *k);

enum key_kind sign_key_kind(const struct sign_key *k);

/* The public numbers of a key, copied into "a"; false for a secret. */
bool sign_key_numbers(
    const struct sign_key *k, struct arena *a, struct key_numbers *numbers);

/* Kind, curve and, for HMAC, length are right for "alg". */
bool sign_key_fits(const struct sign_key *k, enum algorithm alg);

enum sign_result {
	SIGN_GOOD,
	SIGN_BAD,
	SIGN_FAULT,
};

/* JWS signatures: those of ES are r and s, each as long as the field. */
enum sign_result sign_verify(const struct sign_key *k, enum algorithm alg,
    struct span text, struct span signature);
bool sign_make(const struct sign_key *k, enum algorithm alg, struct span text,
    struct buf *signature);

/* What a certificate says; all of it in the arena it was read into. */
struct certificate {
	unsigned char sha256[SHA256_BYTES]; /* of its DER */
	struct span thumbprint;             /* the same in base64url */
	struct span subject, issuer;        /* names as RFC 2253 writes them */
	struct span serial;       /* hexadecimal, lower case, no leading zero */
	const struct span *names; /* "dns:A", "uri:A", "email:A" */
	size_t n_names;
	int64_t not_before_s, not_after_s;
};

/*
 * Read "pem", one certificate and nothing else; sign_certificate.c.  Its
 * signature is not looked at.  False: "*why" is a static text.
 */
bool sign_certificate(
    struct span pem, struct arena *a, struct certificate *c, const char **why);

/* The same of its DER, and nothing behind it. */
bool sign_certificate_der(
    struct span der, struct arena *a, struct certificate *c, const char **why);

/* False only when OpenSSL fails. */
bool sign_sha256(struct span s, unsigned char digest[static SHA256_BYTES]);
bool sign_random(void *bytes, size_t n);

/* MD5 and SHA-1 only for what others have stored long ago. */
enum digest {
	DIGEST_MD5,
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_SHA512,
	DIGEST__MAX,
};

#define DIGEST_BYTES_MAX 64

/* How long a digest is. */
size_t sign_digest_bytes(enum digest d);

/*
 * The digest of all "parts" one behind the other; sign_digest.c.  False:
 * OpenSSL fails, or may not use it (MD5 under FIPS).
 */
bool sign_digest(enum digest d, const struct span *parts, size_t n,
    unsigned char digest[static DIGEST_BYTES_MAX]);

/* In a time that tells nothing about where they differ. */
bool sign_equal(const void *a, const void *b, size_t n);
void sign_wipe(void *bytes, size_t n);

#endif
