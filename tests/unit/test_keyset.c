/*
 * Key sets: which keys are taken, which are refused and why, and the
 * examples of the standards.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64url.h"
#include "base/file.h"
#include "guard.h"
#include "policy/json.h"
#include "policy/jwk.h"
#include "policy/jwt.h"
#include "policy/keyset.h"
#include "test_keys.h"

static struct arena arena;

static void
setup(void)
{
	arena_init(&arena, 1 << 16, 1 << 24);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

static struct sign_key *
key_of(const char *pem)
{
	struct span rest = span_str(pem);
	const char *why;
	struct sign_key *k = sign_key_from_pem(&rest, true, &why);

	ck_assert_msg(k != NULL, "%s", why);
	return k;
}

static void
add_number(struct buf *b, const char *pem, char which)
{
	struct sign_key *k = key_of(pem);
	struct key_numbers n;

	ck_assert(sign_key_numbers(k, &arena, &n));
	base64url_encode(b, which == 'x' ? n.x : n.y);
	sign_key_free(k);
}

/*
 * "%N;" is N bytes of 0xff in base64url; %x %y are the point of a key of
 * P-256, %X %Y of P-384, %E is an Ed25519 key.
 */
static void
expand(struct buf *b, const char *text)
{
	static char ones[4096];

	memset(ones, 0xff, sizeof(ones));
	for (; *text != '\0'; text++) {
		size_t n = 0;

		if (*text != '%') {
			buf_add_char(b, *text);
			continue;
		}
		text++;
		if (*text == 'x' || *text == 'y')
			add_number(b, TEST_P256, *text);
		else if (*text == 'X' || *text == 'Y')
			add_number(b, TEST_P384, *text == 'X' ? 'x' : 'y');
		else if (*text == 'E')
			add_number(b, TEST_ED25519, 'x');
		if (*text < '0' || *text > '9')
			continue;
		for (; *text != ';'; text++)
			n = n * 10 + (size_t)(*text - '0');
		base64url_encode(b, span_of(ones, n));
	}
}

#define RSA(more) "{\"kty\":\"RSA\",\"n\":\"%256;\",\"e\":\"AQAB\"" more "}"
#define EC(more) \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%x\",\"y\":\"%y\"" more "}"
#define SECRET "{\"kty\":\"oct\",\"k\":\"%32;\"}"
#define SHORT "RSA key is not of 2048 to 8192 bits"
#define EXPONENT "RSA exponent is even, one or too large"
#define OFF "EC point is not on its curve"
#define MISFIT "alg does not fit the kind or length of the key"
#define USE "use or key_ops do not allow verifying"
#define NUMBERS "key's numbers are wrong"

static const struct {
	const char *key;
	bool remote;
	const char *why; /* NULL: taken */
} keys[] = {
	{ RSA(""), false, NULL },
	{ RSA(",\"use\":\"sig\",\"alg\":\"PS256\""), true, NULL },
	{ "{\"kty\":\"RSA\",\"n\":\"%255;\",\"e\":\"AQAB\"}", false, SHORT },
	{ "{\"kty\":\"RSA\",\"n\":\"%64;\",\"e\":\"AQAB\"}", false, SHORT },
	{ "{\"kty\":\"RSA\",\"n\":\"%1024;\",\"e\":\"AQAB\"}", false, NULL },
	{ "{\"kty\":\"RSA\",\"n\":\"%1025;\",\"e\":\"AQAB\"}", false, SHORT },
	{ "{\"kty\":\"RSA\",\"n\":\"%2048;\",\"e\":\"AQAB\"}", false, NUMBERS },
	{ "{\"kty\":\"RSA\",\"n\":\"%256;\",\"e\":\"AQAA\"}", false, EXPONENT },
	{ "{\"kty\":\"RSA\",\"n\":\"%256;\",\"e\":\"AQ\"}", false, EXPONENT },
	{ "{\"kty\":\"RSA\",\"n\":\"%256;\",\"e\":\"%9;\"}", false, EXPONENT },
	{ "{\"kty\":\"RSA\",\"n\":\"%256;\"}", false, NUMBERS },
	{ "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", false, NUMBERS },
	{ "{\"kty\":\"RSA\",\"n\":\"%256;=\",\"e\":\"AQAB\"}", false,
	    "a member is not base64url" },
	{ "{\"kty\":\"RSA\",\"n\":7,\"e\":\"AQAB\"}", false,
	    "a member is not base64url" },

	{ EC(""), true, NULL },
	{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"%X\",\"y\":\"%Y\"}", true,
	    NULL },
	{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"%x\",\"y\":\"%y\"}", true,
	    OFF },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%X\",\"y\":\"%Y\"}", true,
	    OFF },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%y\",\"y\":\"%x\"}", true,
	    OFF },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%32;\",\"y\":\"%32;\"}",
	    true, OFF },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%x\"}", true, OFF },
	{ "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"%x\",\"y\":\"%y\"}",
	    true, "kty or crv is not known here" },
	{ "{\"kty\":\"EC\",\"x\":\"%x\",\"y\":\"%y\"}", true,
	    "kty or crv is not known here" },
	{ EC(",\"alg\":\"ES256\""), true, NULL },
	{ EC(",\"alg\":\"ES384\""), true, MISFIT },
	{ EC(",\"alg\":\"RS256\""), true, MISFIT },
	{ EC(",\"alg\":\"HS256\""), true, MISFIT },
	{ EC(",\"alg\":\"none\""), true,
	    "alg is no signature algorithm known here" },
	{ EC(",\"alg\":\"ECDH-ES\""), true,
	    "alg is no signature algorithm known here" },
	{ EC(",\"alg\":1"), true, "alg is no text" },

	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%E\"}", true, NULL },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%E\","
	  "\"alg\":\"Ed25519\"}",
	    true, NULL },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"%E\"}", true, NUMBERS },
	{ "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"%E\"}", true,
	    "kty or crv is not known here" },

	{ EC(",\"use\":\"enc\""), true, USE },
	{ EC(",\"use\":7"), true, USE },
	{ EC(",\"key_ops\":[\"verify\"]"), true, NULL },
	{ EC(",\"key_ops\":[\"encrypt\"]"), true, USE },
	{ EC(",\"key_ops\":[]"), true, USE },
	{ EC(",\"key_ops\":\"verify\""), true, USE },
	{ EC(",\"use\":\"enc\",\"key_ops\":[\"verify\"]"), true, USE },
	{ EC(",\"kid\":7"), true,
	    "kid is no text, too long or has control bytes" },
	{ EC(",\"kid\":\"%256;\""), true,
	    "kid is no text, too long or has control bytes" },
	{ EC(",\"kid\":\"a\\n\""), true,
	    "kid is no text, too long or has control bytes" },

	{ SECRET, false, NULL },
	{ SECRET, true, "a secret from elsewhere is not accepted" },
	{ "{\"kty\":\"oct\",\"k\":\"%31;\"}", false,
	    "secret is not of 32 to 1024 bytes" },
	{ "{\"kty\":\"oct\",\"k\":\"%1025;\"}", false,
	    "secret is not of 32 to 1024 bytes" },
	{ "{\"kty\":\"oct\",\"k\":\"%32;\",\"alg\":\"HS512\"}", false, MISFIT },
	{ "{\"kty\":\"oct\"}", false, "secret is not of 32 to 1024 bytes" },

	/* What is private is not looked at, however wrong it is. */
	{ EC(",\"d\":\"!!!\""), true, NULL },
	{ RSA(",\"d\":7,\"p\":\"=\",\"q\":null"), true, NULL },

	{ "7", true, "is no object" },
	{ "null", true, "is no object" },
	{ "{\"kty\":\"later\"}", true, "kty or crv is not known here" },
	{ "{\"kty\":7}", true, "kty or crv is no text" },
};

START_TEST(each_key_is_taken_or_refused_with_its_reason)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char why[100] = "", want[200] = "";
		struct key_set *set;
		struct buf b, notes;
		struct guard g;

		buf_init(&b, 65536);
		buf_init(&notes, 4096);
		/* One that is good, so that there is a set. */
		expand(&b, "{\"keys\":[" EC("") ",");
		expand(&b, keys[i].key);
		buf_add_str(&b, "]}");
		g = guard_new(buf_span(&b));
		set = key_set_new(
		    g.text, keys[i].remote, &notes, why, sizeof(why));
		ck_assert_msg(set != NULL, "%s: %s", keys[i].key, why);
		if (keys[i].why != NULL)
			(void)snprintf(
			    want, sizeof(want), "key 2: %s\n", keys[i].why);
		ck_assert_msg(span_eq(buf_span(&notes), span_str(want)),
		    "%s: %.*s", keys[i].key, SPAN_ARG(buf_span(&notes)));
		ck_assert_uint_eq(key_set_n(set), keys[i].why != NULL ? 1 : 2);
		key_set_free(set);
		guard_free(&g);
		buf_fini(&b);
		buf_fini(&notes);
		arena_reset(&arena);
	}
}
END_TEST

#define DEEP "[[[[[[[[[[[[[[[["

static const struct {
	const char *text, *why;
} sets[] = {
	{ "", "no usable key" },
	{ "nonsense", "no usable key" },
	{ "{\"keys\":[]}", "no usable key" },
	{ "{\"keys\":{}}", "no \"keys\" list" },
	{ "{\"Keys\":[]}", "no \"keys\" list" },
	{ "{\"keys\":[" EC(",\"use\":\"enc\"") "]}", "no usable key" },
	{ "{\"keys\":[],\"keys\":[]}", "name comes twice in one object" },
	{ "{\"keys\":[" EC(",\"crv\":\"P-384\"") "]}",
	    "name comes twice in one object" },
	{ "{\"keys\":[" EC("") "]} x", "something follows the value" },
	{ "{\"keys\":[" EC("") "]", "',' or '}' is needed here" },
	{ "{\"x\":" DEEP DEEP DEEP DEEP, "nested too deeply" },
	{ "{\"x\":123456789012345678901234567890,\"keys\":[]}",
	    "an integer is too large" },
};

START_TEST(each_wrong_set_is_refused_with_its_reason)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		char why[100] = "";
		struct guard g;
		struct buf b;

		buf_init(&b, 65536);
		expand(&b, sets[i].text);
		g = guard_new(buf_span(&b));
		ck_assert_ptr_null(
		    key_set_new(g.text, true, NULL, why, sizeof(why)));
		ck_assert_msg(
		    strcmp(why, sets[i].why) == 0, "%s: %s", sets[i].text, why);
		guard_free(&g);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(a_set_has_its_most_of_keys_and_of_bytes)
{
	char why[100] = "";
	struct key_set *set;
	struct buf b, notes;

	buf_init(&b, 1 << 20);
	buf_init(&notes, 4096);
	buf_add_str(&b, "{\"keys\":[");
	for (int i = 0; i <= KEY_SET_KEYS_MAX; i++)
		expand(&b, i == 0 ? EC("") : "," EC(""));
	buf_add_str(&b, "]}");
	set = key_set_new(buf_span(&b), true, &notes, why, sizeof(why));
	ck_assert_ptr_nonnull(set);
	ck_assert_uint_eq(key_set_n(set), KEY_SET_KEYS_MAX);
	ck_assert(span_eq(
	    buf_span(&notes), SPAN("key 65: more keys than are read\n")));
	key_set_free(set);
	while (b.n <= KEY_SET_BYTES_MAX)
		buf_add_char(&b, ' ');
	ck_assert_ptr_null(
	    key_set_new(buf_span(&b), true, NULL, why, sizeof(why)));
	ck_assert_str_eq(why, "key set is too large");
	buf_fini(&b);
	buf_fini(&notes);
}
END_TEST

static void
add_public(struct buf *b, const char *pem, const char *kid)
{
	struct sign_key *k = key_of(pem);
	struct json_object *o = jwk_public(k, span_str(kid), &arena);

	json_write(o, false, b);
	json_free(o);
	sign_key_free(k);
}

static enum key_result
check_with(const struct key_set *set, const char *pem, enum algorithm alg)
{
	struct sign_key *k = key_of(pem);
	enum key_result result;
	struct buf signature;

	buf_init(&signature, 4096);
	ck_assert(sign_make(k, alg, SPAN("text"), &signature));
	result = key_set_verify(
	    set, alg, SPAN("same"), SPAN("text"), buf_span(&signature));
	buf_fini(&signature);
	sign_key_free(k);
	return result;
}

START_TEST(keys_of_one_name_are_all_tried_each_with_its_kind)
{
	char why[100] = "";
	struct key_set *set;
	struct buf b;

	buf_init(&b, 65536);
	buf_add_str(&b, "{\"keys\":[");
	add_public(&b, TEST_RSA, "same");
	buf_add_char(&b, ',');
	add_public(&b, TEST_OTHER_RSA, "same");
	buf_add_char(&b, ',');
	add_public(&b, TEST_P256, "same");
	buf_add_str(&b, "]}");
	set = key_set_new(buf_span(&b), true, NULL, why, sizeof(why));
	ck_assert_msg(set != NULL, "%s", why);
	ck_assert_int_eq(check_with(set, TEST_RSA, ALG_RS256), KEY_GOOD);
	ck_assert_int_eq(check_with(set, TEST_OTHER_RSA, ALG_RS256), KEY_GOOD);
	ck_assert_int_eq(check_with(set, TEST_P256, ALG_ES256), KEY_GOOD);
	ck_assert_int_eq(check_with(set, TEST_P384, ALG_ES384), KEY_UNKNOWN);
	ck_assert_int_eq(check_with(set, TEST_ED25519, ALG_EDDSA), KEY_UNKNOWN);
	key_set_free(set);
	buf_fini(&b);
}
END_TEST

#define COOKBOOK "../shared/data/jose-cookbook/"

/* NULL where the examples are not installed. */
static struct json_object *
example(const char *name)
{
	char path[200], why[400];
	struct json_object *o;
	const char *error;
	struct buf text;

	(void)snprintf(path, sizeof(path), COOKBOOK "%s", name);
	if (access(path, R_OK) != 0) {
		(void)printf("skipped: %s is not there\n", path);
		return NULL;
	}
	ck_assert_msg(
	    file_read(path, FILE_ANY, 65536, &text, NULL, why, sizeof(why)),
	    "%s", why);
	o = json_read(buf_span(&text), &error);
	ck_assert_msg(o != NULL, "%s: %s", name, error);
	buf_fini(&text);
	return o;
}

static struct span
text_at(const struct json_object *o, const char *path)
{
	struct span s = { NULL, 0 };

	ck_assert_msg(
	    json_is_string(json_path(o, span_str(path)), &s), "%s", path);
	return s;
}

static struct key_set *
set_of(const struct json_object *o)
{
	char why[100] = "";
	struct key_set *set;
	struct buf b;

	buf_init(&b, 65536);
	json_write(json_path(o, SPAN("input.key")), false, &b);
	set = key_set_new(buf_span(&b), false, NULL, why, sizeof(why));
	ck_assert_msg(set != NULL, "%s", why);
	buf_fini(&b);
	return set;
}

static const char *const signed_examples[] = {
	"jws/4_1.rsa_v15_signature.json",
	"jws/4_2.rsa-pss_signature.json",
	"jws/4_3.ecdsa_signature.json",
	"jws/4_4.hmac-sha2_integrity_protection.json",
	"curve25519/jws.json",
};

/* RFC 7520 sections 4.1 to 4.4, RFC 8037 appendix A.4. */
START_TEST(the_examples_of_the_standards_verify_and_no_byte_may_change)
{
	struct json_object *o = example(signed_examples[_i]);
	struct span signature, payload;
	struct key_set *set;
	enum algorithm alg;
	const char *why;
	struct jwt t;

	if (o == NULL)
		return;
	set = set_of(o);
	ck_assert(jwt_split(text_at(o, "output.compact"), &arena, &t, &why));
	payload = text_at(o, "input.payload");
	ck_assert(span_eq(t.payload, payload));
	ck_assert(algorithm_parse(t.header.alg, &alg));
	ck_assert(base64url_decode(t.signature, &arena, &signature));
	ck_assert_int_eq(
	    key_set_verify(set, alg, t.header.kid, t.signed_text, signature),
	    KEY_GOOD);
	for (size_t i = 0; i < signature.n; i += 7) {
		char *byte = (char *)(uintptr_t)&signature.p[i];

		*byte ^= 1;
		ck_assert_int_eq(key_set_verify(set, alg, t.header.kid,
				     t.signed_text, signature),
		    KEY_BAD_SIGNATURE);
		*byte ^= 1;
	}
	t.signed_text.n--;
	ck_assert_int_eq(
	    key_set_verify(set, alg, t.header.kid, t.signed_text, signature),
	    KEY_BAD_SIGNATURE);
	key_set_free(set);
	json_free(o);
}
END_TEST

static const char *const unencoded[] = {
	"rfc7797/hmac-sha2_b64_false.json",
	"rfc7797/4.2.hmac-sha2_b64_false.json",
};

/* RFC 7797: a payload that is signed as it is means something else. */
START_TEST(tokens_with_b64_false_are_refused)
{
	struct json_object *o = example(unencoded[_i]);
	struct span header, signature, token;
	const char *why;
	struct jwt t;

	if (o == NULL)
		return;
	header = text_at(o, "output.json_flat.protected");
	signature = text_at(o, "output.json_flat.signature");
	token = arena_printf(
	    &arena, "%.*s.e30.%.*s", SPAN_ARG(header), SPAN_ARG(signature));
	ck_assert(!jwt_split(token, &arena, &t, &why));
	ck_assert_msg(strstr(why, "is not understood") != NULL, "%s", why);
	json_free(o);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keyset");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_key_is_taken_or_refused_with_its_reason);
	tcase_add_test(t, each_wrong_set_is_refused_with_its_reason);
	tcase_add_test(t, a_set_has_its_most_of_keys_and_of_bytes);
	tcase_add_test(t, keys_of_one_name_are_all_tried_each_with_its_kind);
	tcase_add_loop_test(t,
	    the_examples_of_the_standards_verify_and_no_byte_may_change, 0,
	    sizeof(signed_examples) / sizeof(signed_examples[0]));
	tcase_add_loop_test(t, tokens_with_b64_false_are_refused, 0,
	    sizeof(unencoded) / sizeof(unencoded[0]));
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
