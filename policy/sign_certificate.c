/*
 * sign_certificate - what an X.509 certificate says; part of sign.h.
 */
#include "policy/sign_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/base64url.h"

#define NAMES_MAX 64

static struct span
bio_text(BIO *bio, struct arena *a)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	return n > 0 ? arena_copy(a, span_of(p, (size_t)n))
		     : arena_copy(a, SPAN(""));
}

/* RFC 2253, so that it is the same behind every web server. */
static bool
name_text(const X509_NAME *name, struct arena *a, struct span *to)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool good = bio != NULL && name != NULL &&
	    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0;

	if (good) {
		*to = bio_text(bio, a);
		good = to->p != NULL;
	}
	BIO_free(bio);
	return good;
}

/* Hexadecimal digits, lower case, without leading zeros. */
static bool
serial_text(const ASN1_INTEGER *serial, struct arena *a, struct span *to)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = bn != NULL ? BN_bn2hex(bn) : NULL, *p = hex;
	bool good = hex != NULL;

	for (size_t i = 0; good && hex[i] != '\0'; i++)
		hex[i] = hex[i] >= 'A' && hex[i] <= 'F' ? (char)(hex[i] + 32)
							: hex[i];
	while (good && p[0] == '0' && p[1] != '\0')
		p++;
	if (good) {
		*to = arena_copy(a, span_str(p));
		good = to->p != NULL;
	}
	OPENSSL_free(hex);
	BN_free(bn);
	return good;
}

/* "dns:HOST", "uri:URI", "email:ADDRESS"; other kinds are left out. */
static struct span
alternative_text(const GENERAL_NAME *n, struct arena *a)
{
	const char *kind = n->type == GEN_DNS ? "dns"
	    : n->type == GEN_URI              ? "uri"
	    : n->type == GEN_EMAIL            ? "email"
					      : NULL;
	struct span text;

	if (kind == NULL)
		return (struct span){ "", 0 };
	text = span_of(ASN1_STRING_get0_data(n->d.ia5),
	    (size_t)ASN1_STRING_length(n->d.ia5));
	/* A NUL inside would make one name look like another. */
	if (span_has_control(text) || !span_is_utf8(text))
		return (struct span){ "", 0 };
	return arena_printf(a, "%s:%.*s", kind, SPAN_ARG(text));
}

static bool
read_alternatives(const X509 *x, struct arena *a, struct certificate *c)
{
	GENERAL_NAMES *list =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	struct span *names = arena_calloc(a, NAMES_MAX, sizeof(*names));
	bool good = names != NULL;

	for (int i = 0; good && list != NULL && i < sk_GENERAL_NAME_num(list) &&
	     c->n_names < NAMES_MAX;
	     i++) {
		struct span s =
		    alternative_text(sk_GENERAL_NAME_value(list, i), a);

		good = s.p != NULL;
		if (s.n > 0)
			names[c->n_names++] = s;
	}
	GENERAL_NAMES_free(list);
	c->names = names;
	return good;
}

static bool
read_time(const ASN1_TIME *t, int64_t *unix_s)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*unix_s = (int64_t)timegm(&tm);
	return true;
}

static bool
read_digest(const X509 *x, struct arena *a, struct certificate *c)
{
	unsigned char digest[SHA256_BYTES];
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	struct buf b;
	bool good = n > 0 && sign_sha256(span_of(der, (size_t)n), digest);

	OPENSSL_free(der);
	if (!good)
		return false;
	buf_init(&b, 64);
	base64url_encode(&b, span_of(digest, sizeof(digest)));
	c->thumbprint = arena_copy(a, buf_span(&b));
	buf_fini(&b);
	memcpy(c->sha256, digest, sizeof(digest));
	return c->thumbprint.p != NULL;
}

/* One certificate and nothing behind it but blanks. */
static X509 *
read_pem(struct span pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	char c;

	while (x != NULL && BIO_read(bio, &c, 1) == 1) {
		if (c == '\n' || c == '\r' || c == ' ')
			continue;
		X509_free(x);
		x = NULL;
	}
	BIO_free(bio);
	return x;
}

/* All that is told of it; "x" is freed. */
static bool
read_all(X509 *x, struct arena *a, struct certificate *c)
{
	bool good = x != NULL && read_digest(x, a, c) &&
	    name_text(X509_get_subject_name(x), a, &c->subject) &&
	    name_text(X509_get_issuer_name(x), a, &c->issuer) &&
	    serial_text(X509_get0_serialNumber(x), a, &c->serial) &&
	    read_alternatives(x, a, c) &&
	    read_time(X509_get0_notBefore(x), &c->not_before_s) &&
	    read_time(X509_get0_notAfter(x), &c->not_after_s);

	X509_free(x);
	ERR_clear_error();
	return good;
}

bool
sign_certificate(
    struct span pem, struct arena *a, struct certificate *c, const char **why)
{
	X509 *x = NULL;

	*c = (struct certificate){ 0 };
	*why = "not one certificate in PEM";
	if (sign_ready() && span_starts(pem, SPAN("-----BEGIN CERTIFICATE")))
		x = read_pem(pem);
	return read_all(x, a, c);
}

bool
sign_certificate_der(
    struct span der, struct arena *a, struct certificate *c, const char **why)
{
	const unsigned char *at = bytes_of(der);
	unsigned char digest[SHA256_BYTES];
	X509 *x = NULL;

	*c = (struct certificate){ 0 };
	*why = "not one certificate in DER";
	if (der.n > 0 && der.n <= INT32_MAX && sign_ready())
		x = d2i_X509(NULL, &at, (long)der.n);
	if (x != NULL && at != bytes_of(der) + der.n) {
		X509_free(x);
		x = NULL;
	}
	/* Its digest is of these very bytes: another spelling is not DER. */
	return read_all(x, a, c) && sign_sha256(der, digest) &&
	    memcmp(digest, c->sha256, sizeof(digest)) == 0;
}
