/*
 * test_cookbook - every example of RFC 7520, 8037 and 7797 on signatures
 * and keys, in ../shared/data/jose-cookbook: what each is for is done with
 * it, or it is said by name why not.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64url.h"
#include "base/file.h"
#include "policy/json.h"
#include "policy/jwt.h"
#include "policy/keyset.h"

#define COOKBOOK "../shared/data/jose-cookbook/"

enum use {
	USE_TOKEN,    /* a compact token: taken apart, its signature verified */
	USE_DETACHED, /* no token without its payload; verified with it */
	USE_JSON,     /* of no compact form: each signature verified */
	USE_RAW,      /* b64 false: verified, and refused as a token */
	USE_KEY,      /* a key for signatures */
	USE_NOT,      /* "why" */
};

static const struct {
	const char *file;
	enum use use;
	const char *why;
} examples[] = {
	{ "jwk/3_1.ec_public_key.json", USE_KEY, NULL },
	{ "jwk/3_2.ec_private_key.json", USE_KEY, NULL },
	{ "jwk/3_3.rsa_public_key.json", USE_KEY, NULL },
	{ "jwk/3_4.rsa_private_key.json", USE_KEY, NULL },
	{ "jwk/3_5.symmetric_key_mac_computation.json", USE_KEY, NULL },
	{ "jwk/3_6.symmetric_key_encryption.json", USE_NOT,
	    "a key for encryption, which verifies nothing" },
	{ "jws/4_1.rsa_v15_signature.json", USE_TOKEN, NULL },
	{ "jws/4_2.rsa-pss_signature.json", USE_TOKEN, NULL },
	{ "jws/4_3.ecdsa_signature.json", USE_TOKEN, NULL },
	{ "jws/4_4.hmac-sha2_integrity_protection.json", USE_TOKEN, NULL },
	{ "jws/4_5.signature_with_detached_content.json", USE_DETACHED, NULL },
	{ "jws/4_6.protecting_specific_header_fields.json", USE_JSON, NULL },
	{ "jws/4_7.protecting_content_only.json", USE_JSON, NULL },
	{ "jws/4_8.multiple_signatures.json", USE_JSON, NULL },
	{ "curve25519/jws.json", USE_TOKEN, NULL },
	{ "curve25519/ecdh-es.json", USE_NOT,
	    "key agreement for encryption, which mgw has none of" },
	{ "rfc7797/hmac-sha2_b64_false.json", USE_RAW, NULL },
	{ "rfc7797/4.2.hmac-sha2_b64_false.json", USE_RAW, NULL },
};

#define N_EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static struct arena arena;

static void
setup(void)
{
	arena_init(&arena, 64 * 1024, 1024 * 1024);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

static bool
is_installed(void)
{
	return access(COOKBOOK, R_OK) == 0;
}

static struct json_object *
example(const char *name)
{
	char path[200], why[400];
	struct json_object *o;
	const char *error = "";
	struct buf text;

	(void)snprintf(path, sizeof(path), COOKBOOK "%s", name);
	ck_assert_msg(
	    file_read(path, FILE_ANY, 65536, &text, NULL, why, sizeof(why)),
	    "%s", why);
	o = json_read(buf_span(&text), &error);
	ck_assert_msg(o != NULL, "%s: %s", name, error);
	buf_fini(&text);
	return o;
}

/* Absent where there is none. */
static struct span
text_at(const struct json_object *o, const char *path)
{
	struct span s = { NULL, 0 };

	(void)json_is_string(json_path(o, span_str(path)), &s);
	return s;
}

static struct key_set *
set_of(const struct json_object *key)
{
	char why[100] = "";
	struct key_set *set;
	struct buf b;

	buf_init(&b, 65536);
	json_write(key, false, &b);
	set = key_set_new(buf_span(&b), false, NULL, why, sizeof(why));
	ck_assert_msg(set != NULL, "%s", why);
	buf_fini(&b);
	return set;
}

/* "encoded" over "text" holds, and no other text has it. */
static void
verify(const struct json_object *key, struct span alg_name, struct span text,
    struct span encoded)
{
	struct span none = { NULL, 0 }, signature;
	struct key_set *set = set_of(key);
	enum algorithm alg;

	ck_assert(algorithm_parse(alg_name, &alg));
	ck_assert(base64url_decode(encoded, &arena, &signature));
	ck_assert_int_eq(
	    key_set_verify(set, alg, none, text, signature), KEY_GOOD);
	ck_assert_int_eq(key_set_verify(set, alg, none,
			     span_of(text.p, text.n - 1), signature),
	    KEY_BAD_SIGNATURE);
	key_set_free(set);
}

static void
use_token(const struct json_object *o)
{
	const char *why;
	struct jwt t;

	ck_assert(jwt_split(text_at(o, "output.compact"), &arena, &t, &why));
	ck_assert(span_eq(t.payload, text_at(o, "input.payload")));
	verify(json_path(o, SPAN("input.key")), t.header.alg, t.signed_text,
	    t.signature);
}

static void
use_detached(const struct json_object *o)
{
	const char *why;
	struct jwt t;

	ck_assert(!jwt_split(text_at(o, "output.compact"), &arena, &t, &why));
	verify(json_path(o, SPAN("input.key")), text_at(o, "input.alg"),
	    text_at(o, "signing.sig-input"), text_at(o, "signing.sig"));
}

/* Without a compact form: nothing else is a token. */
static void
use_json(const struct json_object *o)
{
	const struct json_object *signing = json_path(o, SPAN("signing"));
	const struct json_object *keys = json_path(o, SPAN("input.key"));
	const struct json_object *algs = json_path(o, SPAN("input.alg"));

	ck_assert_ptr_null(text_at(o, "output.compact").p);
	if (text_at(o, "input.alg").p != NULL) {
		verify(keys, text_at(o, "input.alg"),
		    text_at(o, "signing.sig-input"), text_at(o, "signing.sig"));
		return;
	}
	for (size_t i = 0; json_at(signing, i) != NULL; i++) {
		struct span alg = { NULL, 0 };

		ck_assert(json_is_string(json_at(algs, i), &alg));
		verify(json_at(keys, i), alg,
		    text_at(json_at(signing, i), "sig-input"),
		    text_at(json_at(signing, i), "sig"));
		ck_assert_uint_le(i, 3);
	}
}

/* RFC 7797 section 3: the payload is signed as it is. */
static void
use_raw(const struct json_object *o)
{
	struct span header = text_at(o, "output.json_flat.protected");
	struct span signature = text_at(o, "output.json_flat.signature");
	struct span payload = text_at(o, "input.payload");
	struct span token;
	const char *why = "";
	struct jwt t;

	verify(json_path(o, SPAN("input.key")), text_at(o, "input.alg"),
	    arena_printf(
		&arena, "%.*s.%.*s", SPAN_ARG(header), SPAN_ARG(payload)),
	    signature);
	token = arena_printf(
	    &arena, "%.*s.e30.%.*s", SPAN_ARG(header), SPAN_ARG(signature));
	ck_assert(!jwt_split(token, &arena, &t, &why));
	ck_assert_msg(strstr(why, "is not understood") != NULL, "%s", why);
}

START_TEST(each_example_does_what_it_is_for)
{
	struct json_object *o;

	if (!is_installed()) {
		(void)printf("skipped: " COOKBOOK "%s is not there\n",
		    examples[_i].file);
		return;
	}
	o = example(examples[_i].file);
	switch (examples[_i].use) {
	case USE_TOKEN:
		use_token(o);
		break;
	case USE_DETACHED:
		use_detached(o);
		break;
	case USE_JSON:
		use_json(o);
		break;
	case USE_RAW:
		use_raw(o);
		break;
	case USE_KEY:
		key_set_free(set_of(o));
		break;
	case USE_NOT:
		(void)printf(
		    "not run: %s: %s\n", examples[_i].file, examples[_i].why);
		break;
	}
	json_free(o);
}
END_TEST

/* A key that is not for signatures makes no set. */
START_TEST(a_key_for_encryption_verifies_nothing)
{
	struct json_object *o;
	char why[100];
	struct buf b;

	if (!is_installed())
		return;
	o = example("jwk/3_6.symmetric_key_encryption.json");
	buf_init(&b, 65536);
	json_write(o, false, &b);
	ck_assert_ptr_null(
	    key_set_new(buf_span(&b), false, NULL, why, sizeof(why)));
	buf_fini(&b);
	json_free(o);
}
END_TEST

static bool
is_known(const char *folder, const char *name)
{
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (size_t i = 0; i < N_EXAMPLES; i++)
		if (strcmp(examples[i].file, path) == 0)
			return true;
	return false;
}

START_TEST(no_example_is_left_out)
{
	static const char *const folders[] = { "jwk", "jws", "curve25519",
		"rfc7797" };

	if (!is_installed())
		return;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		char path[200];
		const struct dirent *e;
		DIR *d;

		(void)snprintf(path, sizeof(path), COOKBOOK "%s", folders[i]);
		d = opendir(path);
		ck_assert_ptr_nonnull(d);
		while ((e = readdir(d)) != NULL)
			ck_assert_msg(e->d_name[0] == '.' ||
				is_known(folders[i], e->d_name),
			    "%s", e->d_name);
		closedir(d);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cookbook");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(
	    t, each_example_does_what_it_is_for, 0, (int)N_EXAMPLES);
	tcase_add_test(t, a_key_for_encryption_verifies_nothing);
	tcase_add_test(t, no_example_is_left_out);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
