/*
 * jwk - see jwk.h.
 */
#include "policy/jwk.h"

#include "base/base64url.h"
#include "policy/json.h"
#include "policy/keyset.h"

static const struct {
	const char *kty, *crv; /* crv NULL: none */
	enum key_kind kind;
} kinds[] = {
	{ "RSA", NULL, KEY_KIND_RSA },
	{ "EC", "P-256", KEY_KIND_P256 },
	{ "EC", "P-384", KEY_KIND_P384 },
	{ "EC", "P-521", KEY_KIND_P521 },
	{ "OKP", "Ed25519", KEY_KIND_ED25519 },
	{ "OKP", "Ed448", KEY_KIND_ED448 },
	{ "oct", NULL, KEY_KIND_SECRET },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

uint32_t
jwk_algorithms(const struct sign_key *k)
{
	uint32_t bits = 0;

	for (int alg = 0; alg < ALG__MAX; alg++) {
		if (sign_key_fits(k, (enum algorithm)alg))
			bits |= UINT32_C(1) << alg;
	}
	return bits;
}

/* An absent member is absent; another type than string is an error. */
static bool
text_of(const struct json_object *o, const char *name, struct span *s)
{
	struct json_object *v = json_get(o, name);

	*s = (struct span){ NULL, 0 };
	return v == NULL || json_is_string(v, s);
}

static bool
bytes_of(const struct json_object *o, const char *name, struct arena *a,
    struct span *bytes)
{
	struct span text;

	*bytes = (struct span){ NULL, 0 };
	if (!text_of(o, name, &text))
		return false;
	return text.p == NULL || base64url_decode(text, a, bytes);
}

static const char *
read_kind(const struct json_object *o, enum key_kind *kind)
{
	struct span kty, crv;

	if (!text_of(o, "kty", &kty) || !text_of(o, "crv", &crv))
		return "kty or crv is no text";
	for (size_t i = 0; i < KINDS; i++) {
		if (!span_eq(kty, span_str(kinds[i].kty)))
			continue;
		if (kinds[i].crv != NULL &&
		    !span_eq(crv, span_str(kinds[i].crv)))
			continue;
		*kind = kinds[i].kind;
		return NULL;
	}
	return "kty or crv is not known here";
}

static bool
read_numbers(const struct json_object *o, bool private_too, struct arena *a,
    struct key_numbers *k)
{
	if (k->kind == KEY_KIND_SECRET)
		return bytes_of(o, "k", a, &k->k);
	if (!bytes_of(o, "n", a, &k->n) || !bytes_of(o, "e", a, &k->e) ||
	    !bytes_of(o, "x", a, &k->x) || !bytes_of(o, "y", a, &k->y))
		return false;
	if (!private_too)
		return true;
	return bytes_of(o, "d", a, &k->d) && bytes_of(o, "p", a, &k->p) &&
	    bytes_of(o, "q", a, &k->q) && bytes_of(o, "dp", a, &k->dp) &&
	    bytes_of(o, "dq", a, &k->dq) && bytes_of(o, "qi", a, &k->qi);
}

/* RFC 7517 sections 4.2 and 4.3: what the key may be used for. */
static bool
may_verify(const struct json_object *o)
{
	struct json_object *use = json_get(o, "use");
	struct json_object *ops = json_get(o, "key_ops");
	struct span word;
	size_t n;

	if (use != NULL &&
	    (!json_is_string(use, &word) || !span_eq(word, SPAN("sig"))))
		return false;
	if (ops == NULL)
		return true;
	if (!json_is_array(ops, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (json_is_string(json_at(ops, i), &word) &&
		    (span_eq(word, SPAN("verify")) ||
			span_eq(word, SPAN("sign"))))
			return true;
	}
	return false;
}

/* "alg" narrows what the key's kind allows (RFC 7517 section 4.4). */
static const char *
narrow(const struct json_object *o, const struct sign_key *k, uint32_t *bits)
{
	struct span name;
	enum algorithm alg;

	*bits = jwk_algorithms(k);
	if (!text_of(o, "alg", &name))
		return "alg is no text";
	if (name.p == NULL)
		return NULL;
	/* RFC 9864 names the curve instead of EdDSA. */
	if (span_eq(name, SPAN("Ed25519")) || span_eq(name, SPAN("Ed448")))
		name = SPAN("EdDSA");
	if (!algorithm_parse(name, &alg))
		return "alg is no signature algorithm known here";
	*bits &= UINT32_C(1) << alg;
	if (*bits == 0)
		return "alg does not fit the kind or length of the key";
	return NULL;
}

bool
jwk_read(const struct json_object *o, bool private_too, struct arena *a,
    struct jwk *jwk, const char **why)
{
	struct key_numbers numbers = { 0 };

	*jwk = (struct jwk){ 0 };
	if (!json_is_object(o)) {
		*why = "is no object";
		return false;
	}
	*why = read_kind(o, &numbers.kind);
	if (*why != NULL)
		return false;
	if (!text_of(o, "kid", &jwk->kid) || jwk->kid.n > KEY_ID_BYTES_MAX ||
	    span_has_control(jwk->kid)) {
		*why = "kid is no text, too long or has control bytes";
		return false;
	}
	if (!read_numbers(o, private_too, a, &numbers)) {
		*why = "a member is not base64url";
		return false;
	}
	jwk->key = sign_key_new(&numbers, why);
	if (jwk->key == NULL)
		return false;
	jwk->verifies = may_verify(o);
	*why = narrow(o, jwk->key, &jwk->algorithms);
	if (*why == NULL)
		return true;
	sign_key_free(jwk->key);
	jwk->key = NULL;
	return false;
}

static struct span
encoded(struct arena *a, struct span bytes)
{
	struct buf b;
	struct span text;

	buf_init(&b, bytes.n * 2 + 4);
	base64url_encode(&b, bytes);
	text = arena_copy(a, buf_span(&b));
	if (b.failed)
		text.p = NULL;
	buf_fini(&b);
	return text;
}

/*
 * RFC 7638 section 3: the SHA-256 of the required members, in order of
 * their names, without blanks.
 */
static struct span
thumbprint(
    const struct key_numbers *k, struct span x, struct span y, struct arena *a)
{
	unsigned char digest[SHA256_BYTES];
	const char *crv = kinds[k->kind].crv;
	struct span text;

	if (k->kind == KEY_KIND_RSA)
		text = arena_printf(a,
		    "{\"e\":\"%.*s\",\"kty\":\"RSA\",\"n\":\"%.*s\"}",
		    SPAN_ARG(y), SPAN_ARG(x));
	else if (y.n > 0)
		text = arena_printf(a,
		    "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%.*s\","
		    "\"y\":\"%.*s\"}",
		    crv, SPAN_ARG(x), SPAN_ARG(y));
	else
		text = arena_printf(a,
		    "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%.*s\"}", crv,
		    SPAN_ARG(x));
	if (text.p == NULL || !sign_sha256(text, digest))
		return (struct span){ NULL, 0 };
	return encoded(a, span_of(digest, sizeof(digest)));
}

/* Strict base64url, so that equal texts are equal numbers. */
static bool
number_text(const struct json_object *o, const char *name, struct arena *a,
    struct span *text)
{
	struct span bytes;

	return text_of(o, name, text) && text->n > 0 &&
	    base64url_decode(*text, a, &bytes);
}

struct span
jwk_thumbprint_of(const struct json_object *o, struct arena *a)
{
	const struct span none = { NULL, 0 };
	struct key_numbers numbers = { 0 };
	struct span x, y = SPAN("");
	bool rsa;

	if (!json_is_object(o) || read_kind(o, &numbers.kind) != NULL ||
	    numbers.kind == KEY_KIND_SECRET)
		return none;
	rsa = numbers.kind == KEY_KIND_RSA;
	if (!number_text(o, rsa ? "n" : "x", a, &x))
		return none;
	if ((rsa ||
		(numbers.kind != KEY_KIND_ED25519 &&
		    numbers.kind != KEY_KIND_ED448)) &&
	    !number_text(o, rsa ? "e" : "y", a, &y))
		return none;
	return thumbprint(&numbers, x, y, a);
}

bool
jwk_may_verify(
    const struct json_object *o, const struct sign_key *k, enum algorithm alg)
{
	uint32_t bits;

	return may_verify(o) && narrow(o, k, &bits) == NULL &&
	    (bits >> alg & 1) != 0;
}

static bool
put_text(struct json_object *o, const char *name, struct span s)
{
	return s.p != NULL && json_put(o, name, json_new_string(s));
}

/* The public members of "k" as they are written; false for a secret. */
static bool
write_members(const struct sign_key *k, struct arena *a,
    struct key_numbers *numbers, struct span *x, struct span *y)
{
	bool rsa = sign_key_kind(k) == KEY_KIND_RSA;

	*y = SPAN("");
	if (!sign_key_numbers(k, a, numbers))
		return false;
	*x = encoded(a, rsa ? numbers->n : numbers->x);
	if (rsa || numbers->y.n > 0)
		*y = encoded(a, rsa ? numbers->e : numbers->y);
	return x->p != NULL && y->p != NULL;
}

struct span
jwk_thumbprint(const struct sign_key *k, struct arena *a)
{
	struct key_numbers numbers;
	struct span x, y;

	if (!write_members(k, a, &numbers, &x, &y))
		return (struct span){ NULL, 0 };
	return thumbprint(&numbers, x, y, a);
}

struct json_object *
jwk_public(const struct sign_key *k, struct span kid, struct arena *a)
{
	struct json_object *o;
	struct key_numbers numbers;
	struct span x, y;
	bool rsa = sign_key_kind(k) == KEY_KIND_RSA, good;

	if (!write_members(k, a, &numbers, &x, &y))
		return NULL;
	if (kid.p == NULL)
		kid = thumbprint(&numbers, x, y, a);
	o = json_new_object();
	good = put_text(o, "kty", span_str(kinds[numbers.kind].kty)) &&
	    put_text(o, "kid", kid) && put_text(o, "use", SPAN("sig"));
	if (kinds[numbers.kind].crv != NULL)
		good = good &&
		    put_text(o, "crv", span_str(kinds[numbers.kind].crv));
	good = good && put_text(o, rsa ? "n" : "x", x);
	if (y.n > 0)
		good = good && put_text(o, rsa ? "e" : "y", y);
	if (good)
		return o;
	json_free(o);
	return NULL;
}
