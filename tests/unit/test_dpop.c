/*
 * Proofs of possession: what RFC 9449 section 4.3 wants, and what somebody
 * sends who has a token and not its key.
 */
#include <check.h>

#include "base/base64url.h"
#include "guard.h"
#include "policy/dpop.h"
#include "policy/json.h"
#include "policy/jwk.h"
#include "policy/sign.h"
#include "sample.h"
#include "test_keys.h"

#define NOW_S INT64_C(1800000000)
#define NOW_US (NOW_S * 1000000)
#define TOKEN "aaa.bbb.ccc"
#define OTHER "aaa.bbb.ccd"

enum {
	P256,
	OTHER_P256,
	P384,
	RSA,
	ED25519,
	ED448,
	KEYS
};

static struct sample sample;
static struct arena arena;
static struct sign_key *keys[KEYS];
static enum replay_result replays;
static int64_t replay_until_s;
static bool take_refuses, seen;
static unsigned n_remembered;

/* A second key of the curve, from the first's numbers. */
static struct sign_key *
other_p256(void)
{
	static const char jwk[] =
	    "{\"kty\":\"EC\",\"crv\":\"P-256\","
	    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
	    "\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}";
	const char *why = "";
	struct json_object *o = json_read(span_str(jwk), &why);
	struct jwk read;

	ck_assert_msg(jwk_read(o, true, &arena, &read, &why), "%s", why);
	json_free(o);
	return read.key;
}

static enum replay_result
replay(void *world, const struct span *parts, unsigned n, int64_t until_s)
{
	(void)world;
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(parts[0].n, 43);
	ck_assert_uint_gt(parts[1].n, 0);
	replay_until_s = until_s;
	n_remembered++;
	return replays;
}

static bool
was_replayed(void *world, const struct span *parts, unsigned n)
{
	(void)world;
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(parts[0].n, 43);
	ck_assert_uint_gt(parts[1].n, 0);
	return seen;
}

static enum take_result
take(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	(void)world;
	(void)now_us;
	ck_assert_uint_eq(n, 1);
	takes[0].wait_us = 5000000;
	return take_refuses ? TAKE_REFUSED : TAKE_ALLOWED;
}

static void
add_name(const char *cgi, const char *shown)
{
	struct row_name name = { .kind = NAME_HEADER };

	name.name = build_text(sample.build, span_str(cgi));
	name.shown = build_text(sample.build, span_str(shown));
	(void)BUILD_ROW(sample.build, SECTION_NAME, &name);
}

/* A scheme that asks a server, for tokens with proofs. */
static void
make_bundle(uint32_t flags)
{
	struct row_source secret = { .kind = SOURCE_SECRET };
	struct row_introspect server = { .flags = INTROSPECT_AUDIENCE_ANY,
		.timeout_ms = 1 };
	struct row_scheme scheme = {
		.kind = SCHEME_OPAQUE, .source = ROW_NONE, .flags = flags
	};
	struct row_limit limit = { .algorithm = LIMIT_TOKEN_BUCKET,
		.count = 100,
		.period_us = 65000000,
		.burst = 100 };
	struct row_dpop dpop = { .algorithms = 1U << ALG_ES256 |
		    1U << ALG_ES384 | 1U << ALG_PS256 | 1U << ALG_EDDSA,
		.window_s = 60,
		.leeway_s = 5,
		.field = 1 };
	uint32_t row = 0;

	sample_begin(&sample);
	add_name("HTTP_AUTHORIZATION", "Authorization");
	add_name("HTTP_DPOP", "DPoP");
	(void)BUILD_ROW(sample.build, SECTION_SOURCE, &secret);
	server.url = build_text(sample.build, SPAN("https://id.example/i"));
	server.issuer = build_text(sample.build, SPAN("https://id.example/"));
	(void)BUILD_ROW(sample.build, SECTION_INTROSPECT, &server);
	scheme.name = build_text(sample.build, SPAN("token"));
	scheme.introspects = build_indices(sample.build, &row, 1);
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
	dpop.share =
	    (struct range){ BUILD_ROW(sample.build, SECTION_LIMIT, &limit), 1 };
	(void)BUILD_ROW(sample.build, SECTION_DPOP, &dpop);
	sample.api.schemes = (struct range){ 0, 1 };
	sample.api.base_path = build_text(sample.build, SPAN("/pets"));
	sample.api.public_url =
	    build_text(sample.build, SPAN("https://api.example/v1/pets"));
	sample_operation(sample_item(&sample, "/pets/x", "GET"), "GET");
	sample_end(&sample);
}

static void
setup(void)
{
	static const char *const pems[KEYS] = { TEST_P256, NULL, TEST_P384,
		TEST_RSA, TEST_ED25519, TEST_ED448 };
	const char *why;

	arena_init(&arena, 1 << 16, 1 << 22);
	for (int i = 0; i < KEYS; i++) {
		struct span pem = span_str(pems[i]);

		keys[i] = pems[i] != NULL ? sign_key_from_pem(&pem, true, &why)
					  : other_p256();
		ck_assert_ptr_nonnull(keys[i]);
	}
	replays = REPLAY_NEW;
	take_refuses = false;
	n_remembered = 0;
	make_bundle(SCHEME_DPOP);
}

static void
teardown(void)
{
	for (int i = 0; i < KEYS; i++)
		sign_key_free(keys[i]);
	sample_free(&sample);
	arena_fini(&arena);
}

static struct span
digest_of(const char *token)
{
	unsigned char digest[SHA256_BYTES];
	struct span text;
	struct buf b;

	ck_assert(sign_sha256(span_str(token), digest));
	buf_init(&b, 64);
	base64url_encode(&b, span_of(digest, sizeof(digest)));
	text = arena_copy(&arena, buf_span(&b));
	buf_fini(&b);
	return text;
}

/* "$J" stands for the public key, "$A" for the hash of the token. */
static void
fill_in(const char *text, int key, struct buf *to)
{
	struct json_object *o;

	for (; *text != '\0'; text++) {
		if (*text != '$') {
			buf_add_char(to, *text);
			continue;
		}
		text++;
		if (*text == 'A') {
			buf_add(to, digest_of(TOKEN));
			continue;
		}
		o = jwk_public(keys[key], SPAN("k"), &arena);
		json_write(o, false, to);
		json_free(o);
	}
}

static struct span
make_proof(const char *header, const char *claims, int key, enum algorithm alg)
{
	struct buf b, part;
	struct span proof;

	buf_init(&b, 65536);
	buf_init(&part, 65536);
	fill_in(header, key, &part);
	base64url_encode(&b, buf_span(&part));
	buf_add_char(&b, '.');
	buf_reset(&part);
	fill_in(claims, key, &part);
	base64url_encode(&b, buf_span(&part));
	buf_reset(&part);
	ck_assert(sign_make(keys[key], alg, buf_span(&b), &part));
	buf_add_char(&b, '.');
	base64url_encode(&b, buf_span(&part));
	proof = arena_copy(&arena, buf_span(&b));
	buf_fini(&b);
	buf_fini(&part);
	return proof;
}

#define HEADER(alg) "{\"typ\":\"dpop+jwt\",\"alg\":\"" alg "\",\"jwk\":$J}"
#define CLAIMS_OF(jti, htm, htu, iat, ath)                              \
	"{\"jti\":" jti ",\"htm\":" htm ",\"htu\":" htu ",\"iat\":" iat \
	",\"ath\":" ath "}"
#define URL "\"https://api.example/v1/pets/x\""
#define ATH "\"$A\""
#define CLAIMS CLAIMS_OF("\"1\"", "\"GET\"", URL, "1800000000", ATH)

struct sent {
	struct span proof;
	unsigned n;             /* how often it came */
	const char *scheme;     /* NULL: "DPoP" */
	const char *token;      /* NULL: TOKEN */
	struct span thumbprint; /* that the token is bound to */
	bool *proved;
};

static enum reason
ask(const struct sent *s, struct decision *d)
{
	struct outside world = {
		.replay = replay, .replayed = was_replayed, .take = take
	};
	struct guard g = guard_new(s->proof);
	struct field fields[2] = { { arena_printf(&arena, "%s %s",
					 s->scheme != NULL ? s->scheme : "DPoP",
					 s->token != NULL ? s->token : TOKEN),
				       1 },
		{ g.text, s->n } };
	struct request r = { .arena = &arena,
		.now_us = NOW_US,
		.method = SPAN("GET"),
		.path = SPAN("/pets/x"),
		.host = SPAN("evil.example"),
		.fields = fields };
	struct credential_call call = { .world = &world,
		.bundle = &sample.bundle,
		.request = &r,
		.scheme = bundle_scheme(&sample.bundle, 0),
		.api = bundle_api(&sample.bundle, 0),
		.proved = s->proved };
	struct principal who = { .bound = true, .proof_key = s->thumbprint };

	*d = (struct decision){ .reason = REASON_NONE };
	ck_assert(dpop_presented(&call) ==
	    (s->scheme == NULL || strcmp(s->scheme, "Bearer") != 0));
	ck_assert(dpop_check(&call, &who, d) == (d->reason == REASON_NONE));
	guard_free(&g);
	return d->reason;
}

static enum reason
ask_proof(struct span proof, unsigned n, int bound)
{
	struct sent s = { .proof = proof,
		.n = n,
		.thumbprint = jwk_thumbprint(keys[bound], &arena) };
	struct decision d;

	return ask(&s, &d);
}

static const struct {
	int key;
	enum algorithm alg;
	const char *header;
} good[] = {
	{ P256, ALG_ES256, HEADER("ES256") },
	{ P384, ALG_ES384, HEADER("ES384") },
	{ RSA, ALG_PS256, HEADER("PS256") },
	{ ED25519, ALG_EDDSA, HEADER("EdDSA") },
	{ ED448, ALG_EDDSA, HEADER("EdDSA") },
	{ P256, ALG_ES256,
	    "{\"jwk\":$J,\"alg\":\"ES256\",\"typ\":\"application/DPoP+JWT\","
	    "\"kid\":\"x\",\"x5u\":\"https://evil.example/\"}" },
};

START_TEST(a_proof_of_the_key_is_good)
{
	struct span proof =
	    make_proof(good[_i].header, CLAIMS, good[_i].key, good[_i].alg);

	ck_assert_str_eq(reason_word(ask_proof(proof, 1, good[_i].key)),
	    reason_word(REASON_NONE));
	ck_assert_uint_eq(n_remembered, 1);
	ck_assert_int_eq(replay_until_s, NOW_S + 60);
}
END_TEST

/* A proof that is wrong in one thing, signed as it should be. */
static const struct {
	const char *what, *header, *claims;
	bool good;
} rows[] = {
	{ "as it is right", HEADER("ES256"), CLAIMS, true },
	{ "more claims", HEADER("ES256"),
	    "{\"nonce\":\"n\",\"x\":{\"iat\":1},\"jti\":\"1\",\"htm\":\"GET\","
	    "\"htu\":" URL ",\"iat\":1800000000,\"ath\":\"$A\"}",
	    true },
	{ "iat with a fraction", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "1800000000.9", ATH), true },
	{ "iat at the old edge", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "1799999940", ATH), true },
	{ "iat at the new edge", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "1800000005", ATH), true },

	{ "no type", "{\"alg\":\"ES256\",\"jwk\":$J}", CLAIMS, false },
	{ "type JWT", "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"jwk\":$J}", CLAIMS,
	    false },
	{ "type at+jwt", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"jwk\":$J}",
	    CLAIMS, false },
	{ "type with more",
	    "{\"typ\":\"dpop+jwt;x\",\"alg\":\"ES256\",\"jwk\":$J}", CLAIMS,
	    false },
	{ "type twice",
	    "{\"typ\":\"x\",\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"jwk\":$J}",
	    CLAIMS, false },
	{ "type no text",
	    "{\"typ\":[\"dpop+jwt\"],\"alg\":\"ES256\","
	    "\"jwk\":$J}",
	    CLAIMS, false },
	{ "no algorithm", "{\"typ\":\"dpop+jwt\",\"jwk\":$J}", CLAIMS, false },
	{ "algorithm none", HEADER("none"), CLAIMS, false },
	{ "algorithm None", HEADER("None"), CLAIMS, false },
	{ "algorithm es256", HEADER("es256"), CLAIMS, false },
	{ "algorithm HS256", HEADER("HS256"), CLAIMS, false },
	{ "algorithm not allowed", HEADER("RS256"), CLAIMS, false },
	{ "algorithm of another key", HEADER("PS256"), CLAIMS, false },
	{ "algorithm of another curve", HEADER("ES384"), CLAIMS, false },
	{ "critical",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":$J,"
	    "\"crit\":[\"exp\"]}",
	    CLAIMS, false },
	{ "b64",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":$J,"
	    "\"b64\":false}",
	    CLAIMS, false },

	{ "no key", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", CLAIMS, false },
	{ "key null", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":null}",
	    CLAIMS, false },
	{ "key a text",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":\"x\"}", CLAIMS,
	    false },
	{ "key a list", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":[$J]}",
	    CLAIMS, false },
	{ "key empty", "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{}}",
	    CLAIMS, false },
	{ "key twice",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":$J,"
	    "\"jwk\":$J}",
	    CLAIMS, false },
	{ "key elsewhere",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"x\":{\"jwk\":$J}}",
	    CLAIMS, false },
	{ "key by URL",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"jku\":\"https://evil.example/\"}",
	    CLAIMS, false },
	{ "key symmetric",
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"HS256\",\"jwk\":"
	    "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	    "AAAAA\"}}",
	    CLAIMS, false },

	{ "no jti", HEADER("ES256"),
	    "{\"htm\":\"GET\",\"htu\":" URL
	    ",\"iat\":1800000000,\"ath\":\"$A\"}",
	    false },
	{ "jti empty", HEADER("ES256"),
	    CLAIMS_OF("\"\"", "\"GET\"", URL, "1800000000", ATH), false },
	{ "jti a number", HEADER("ES256"),
	    CLAIMS_OF("1", "\"GET\"", URL, "1800000000", ATH), false },
	{ "jti twice", HEADER("ES256"),
	    "{\"jti\":\"2\",\"jti\":\"1\",\"htm\":\"GET\",\"htu\":" URL
	    ",\"iat\":1800000000,\"ath\":\"$A\"}",
	    false },
	{ "no htm", HEADER("ES256"),
	    "{\"jti\":\"1\",\"htu\":" URL ",\"iat\":1800000000,\"ath\":\"$A\"}",
	    false },
	{ "htm of another", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"POST\"", URL, "1800000000", ATH), false },
	{ "htm in lower case", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"get\"", URL, "1800000000", ATH), false },
	{ "htm a list", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "[\"GET\"]", URL, "1800000000", ATH), false },
	{ "no htu", HEADER("ES256"),
	    "{\"jti\":\"1\",\"htm\":\"GET\","
	    "\"iat\":1800000000,\"ath\":\"$A\"}",
	    false },
	{ "htu of the Host", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", "\"https://evil.example/v1/pets/x\"",
		"1800000000", ATH),
	    false },
	{ "htu null", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", "null", "1800000000", ATH), false },
	{ "no iat", HEADER("ES256"),
	    "{\"jti\":\"1\",\"htm\":\"GET\",\"htu\":" URL ",\"ath\":\"$A\"}",
	    false },
	{ "iat too old", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "1799999939", ATH), false },
	{ "iat too new", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "1800000006", ATH), false },
	{ "iat a text", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "\"1800000000\"", ATH), false },
	{ "iat in thousandths", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "1800000000000", ATH), false },
	{ "iat with a power", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "18e8", ATH), false },
	{ "iat below zero", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "-1", ATH), false },
	{ "iat of the end of time", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "99999999999999999999", ATH),
	    false },
	{ "no ath", HEADER("ES256"),
	    "{\"jti\":\"1\",\"htm\":\"GET\",\"htu\":" URL
	    ",\"iat\":1800000000}",
	    false },
	{ "ath of nothing", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "1800000000",
		"\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\""),
	    false },
	{ "ath with padding", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "1800000000", "\"$A=\""),
	    false },
	{ "ath empty", HEADER("ES256"),
	    CLAIMS_OF("\"1\"", "\"GET\"", URL, "1800000000", "\"\""), false },
	{ "claims a list", HEADER("ES256"), "[]", false },
	{ "claims and more", HEADER("ES256"), CLAIMS "x", false },
	{ "claims deep", HEADER("ES256"), "{\"x\":[[[[[[[[[[[[1]]]]]]]]]]]]}",
	    false },
};

START_TEST(a_proof_that_is_wrong_in_one_thing_is_refused)
{
	struct span proof =
	    make_proof(rows[_i].header, rows[_i].claims, P256, ALG_ES256);
	enum reason reason = ask_proof(proof, 1, P256);

	ck_assert_msg(
	    reason == (rows[_i].good ? REASON_NONE : REASON_PROOF_INVALID),
	    "%s: %s", rows[_i].what, reason_word(reason));
	ck_assert_uint_eq(n_remembered, rows[_i].good ? 1 : 0);
}
END_TEST

START_TEST(a_private_key_is_no_business_of_ours)
{
	static const char *const members[] = { "d", "p", "q", "dp", "dq", "qi",
		"oth", "k" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct json_object *o =
		    jwk_public(keys[P256], SPAN("k"), &arena);
		struct span header;
		struct buf b;

		(void)json_put(o, members[i], json_new_string(SPAN("AAAA")));
		buf_init(&b, 4096);
		buf_add_str(&b,
		    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
		    "\"jwk\":");
		json_write(o, false, &b);
		buf_add_str(&b, "}");
		buf_add_char(&b, '\0');
		header = arena_copy(&arena, buf_span(&b));
		json_free(o);
		buf_fini(&b);
		ck_assert_msg(
		    ask_proof(make_proof(header.p, CLAIMS, P256, ALG_ES256), 1,
			P256) == REASON_PROOF_INVALID,
		    "%s", members[i]);
	}
	ck_assert_uint_eq(n_remembered, 0);
}
END_TEST

START_TEST(a_key_of_its_own_does_not_help_a_thief)
{
	struct span proof =
	    make_proof(HEADER("ES256"), CLAIMS, OTHER_P256, ALG_ES256);
	struct sent s = { .proof = proof, .n = 1 };
	struct decision d;

	ck_assert_int_eq(ask_proof(proof, 1, P256), REASON_PROOF_MISMATCH);
	/* The owner's key in the header, the thief's under it. */
	proof = make_proof(HEADER("ES256"), CLAIMS, P256, ALG_ES256);
	memcpy((char *)(uintptr_t)proof.p + proof.n - 8, "AAAAAAAA", 8);
	ck_assert_int_eq(ask_proof(proof, 1, P256), REASON_PROOF_INVALID);
	/* Bound to something that is no thumbprint, or to nothing. */
	s.thumbprint = SPAN("");
	ck_assert_int_eq(ask(&s, &d), REASON_PROOF_MISMATCH);
	s.thumbprint = SPAN("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	ck_assert_int_eq(ask(&s, &d), REASON_PROOF_MISMATCH);
	s.thumbprint = (struct span){ NULL, 0 };
	ck_assert_int_eq(ask(&s, &d), REASON_WRONG_TYPE);
	ck_assert_uint_eq(n_remembered, 0);
}
END_TEST

START_TEST(keys_that_are_kept_are_not_taken_for_others)
{
	struct span proofs[KEYS], forged;

	for (int i = 0; i < KEYS; i++)
		proofs[i] = i == OTHER_P256
		    ? make_proof(HEADER("ES256"), CLAIMS, i, ALG_ES256)
		    : make_proof(good[i > OTHER_P256 ? i - 1 : i].header,
			  CLAIMS, i, good[i > OTHER_P256 ? i - 1 : i].alg);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < KEYS; i++)
			for (int k = 0; k < KEYS; k++)
				ck_assert_int_eq(ask_proof(proofs[i], 1, k),
				    i == k ? REASON_NONE
					   : REASON_PROOF_MISMATCH);
		/* Known, and said to be of another use this time. */
		forged = make_proof(
		    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{"
		    "\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"enc\","
		    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
		    "}}",
		    CLAIMS, OTHER_P256, ALG_ES256);
		ck_assert_int_eq(
		    ask_proof(forged, 1, OTHER_P256), REASON_PROOF_INVALID);
	}
}
END_TEST

START_TEST(a_proof_is_for_one_token)
{
	struct sent s = { .proof = make_proof(
			      HEADER("ES256"), CLAIMS, P256, ALG_ES256),
		.n = 1,
		.token = OTHER,
		.thumbprint = jwk_thumbprint(keys[P256], &arena) };
	struct decision d;

	ck_assert_int_eq(ask(&s, &d), REASON_PROOF_INVALID);
	s.token = NULL;
	s.scheme = "dPoP";
	ck_assert_int_eq(ask(&s, &d), REASON_NONE);
}
END_TEST

START_TEST(a_proof_comes_once_in_one_field)
{
	struct span proof =
	    make_proof(HEADER("ES256"), CLAIMS, P256, ALG_ES256);
	struct span two = arena_printf(
	    &arena, "%.*s, %.*s", SPAN_ARG(proof), SPAN_ARG(proof));

	ck_assert_int_eq(
	    ask_proof((struct span){ NULL, 0 }, 0, P256), REASON_PROOF_MISSING);
	ck_assert_int_eq(ask_proof(SPAN(" "), 1, P256), REASON_PROOF_MISSING);
	ck_assert_int_eq(ask_proof(proof, 2, P256), REASON_PROOF_INVALID);
	ck_assert_int_eq(ask_proof(two, 1, P256), REASON_PROOF_INVALID);
	ck_assert_uint_eq(n_remembered, 0);
}
END_TEST

START_TEST(every_cut_and_every_changed_byte_of_a_proof_is_refused)
{
	struct span proof =
	    make_proof(HEADER("ES256"), CLAIMS, P256, ALG_ES256);
	char *copy = (char *)(uintptr_t)arena_copy(&arena, proof).p;

	for (size_t n = 1; n < proof.n; n += 3)
		ck_assert_int_eq(ask_proof(span_of(proof.p, n), 1, P256),
		    REASON_PROOF_INVALID);
	for (size_t i = 0; i < proof.n; i += 5) {
		enum reason reason;

		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		reason = ask_proof(span_of(copy, proof.n), 1, P256);
		ck_assert_msg(reason == REASON_PROOF_INVALID ||
			reason == REASON_PROOF_MISMATCH,
		    "byte %zu: %s", i, reason_word(reason));
		copy[i] = proof.p[i];
	}
	ck_assert_uint_eq(n_remembered, 0);
}
END_TEST

START_TEST(a_proof_is_remembered_or_not_taken)
{
	static const struct {
		enum replay_result result;
		enum reason reason;
	} results[] = { { REPLAY_SEEN, REASON_PROOF_REPLAYED },
		{ REPLAY_LATE, REASON_PROOF_INVALID },
		{ REPLAY_FULL, REASON_OVERLOADED },
		{ REPLAY_FAULT, REASON_FAULT } };
	bool proved = false;
	struct sent s = { .proof = make_proof(
			      HEADER("ES256"), CLAIMS, P256, ALG_ES256),
		.n = 1,
		.thumbprint = jwk_thumbprint(keys[P256], &arena) };
	struct decision d;

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		replays = results[i].result;
		ck_assert_int_eq(ask(&s, &d), results[i].reason);
	}
	ck_assert_uint_eq(n_remembered, 4);
	/* Who makes too many does not take the places of others. */
	take_refuses = true;
	ck_assert_int_eq(ask(&s, &d), REASON_RATE_EXCEEDED);
	ck_assert_uint_eq(d.retry_after_s, 6);
	ck_assert_uint_eq(n_remembered, 4);
	/* One that came before is not counted. */
	seen = true;
	ck_assert_int_eq(ask(&s, &d), REASON_PROOF_REPLAYED);
	seen = false;
	take_refuses = false;
	/* A second alternative of one request sees the same proof. */
	replays = REPLAY_NEW;
	s.proved = &proved;
	ck_assert_int_eq(ask(&s, &d), REASON_NONE);
	ck_assert(proved);
	replays = REPLAY_SEEN;
	ck_assert_int_eq(ask(&s, &d), REASON_NONE);
	ck_assert_uint_eq(n_remembered, 5);
}
END_TEST

static const struct {
	const char *url, *public_url, *rest;
	bool fits;
} urls[] = {
	{ "https://a.example/p/x", "https://a.example/p", "/x", true },
	{ "HTTPS://A.Example/p/x", "https://a.example/p", "/x", true },
	{ "https://a.example:443/p/x", "https://a.example/p", "/x", true },
	{ "https://a.example/p/x", "https://a.example:443/p", "/x", true },
	{ "https://a.example/p/x?q=1", "https://a.example/p", "/x", true },
	{ "https://a.example/p/x#f", "https://a.example/p", "/x", true },
	{ "https://a.example/p/%78", "https://a.example/p", "/x", true },
	{ "https://a.example/p/%c3%a4", "https://a.example/p", "/%C3%A4",
	    true },
	{ "https://a.example/%70/x", "https://a.example/p", "/x", true },
	{ "https://a.example/p", "https://a.example/p", "", true },
	{ "https://a.example", "https://a.example", "/", true },
	{ "https://a.example/", "https://a.example", "/", true },
	{ "https://a.example", "https://a.example", "", true },
	{ "http://127.0.0.1:8080/p/x", "http://127.0.0.1:8080/p", "/x", true },
	{ "https://[2001:db8::1]/p/x", "https://[2001:db8::1]/p", "/x", true },
	{ "http://a.example/p/x", "https://a.example/p", "/x", false },
	{ "https://b.example/p/x", "https://a.example/p", "/x", false },
	{ "https://a.example.b/p/x", "https://a.example/p", "/x", false },
	{ "https://a.example:444/p/x", "https://a.example/p", "/x", false },
	{ "https://a.example:80/p/x", "https://a.example/p", "/x", false },
	{ "https://u@a.example/p/x", "https://a.example/p", "/x", false },
	{ "https://a.example/p/x/", "https://a.example/p", "/x", false },
	{ "https://a.example/p/x", "https://a.example/p", "/x/", false },
	{ "https://a.example/p/X", "https://a.example/p", "/x", false },
	{ "https://a.example/p//x", "https://a.example/p", "/x", false },
	{ "https://a.example/p/y/../x", "https://a.example/p", "/x", false },
	{ "https://a.example/p/%2e/x", "https://a.example/p", "/x", false },
	{ "https://a.example/p%2fx", "https://a.example/p", "/x", false },
	{ "https://a.example/px", "https://a.example/p", "/x", false },
	{ "https://a.example/p", "https://a.example/p", "/x", false },
	{ "https://a.example/", "https://a.example/p", "/x", false },
	{ "/p/x", "https://a.example/p", "/x", false },
	{ "//a.example/p/x", "https://a.example/p", "/x", false },
	{ "unix:/run/x:/p/x", "https://a.example/p", "/x", false },
	{ "https://a.example/p/x y", "https://a.example/p", "/x", false },
	{ "https:///p/x", "https://a.example/p", "/x", false },
	{ "https://", "https://a.example", "/", false },
	{ "", "https://a.example/p", "/x", false },
	{ "?", "https://a.example/p", "/x", false },
};

START_TEST(a_url_is_the_public_one_in_any_spelling)
{
	struct guard g = guard_new(span_str(urls[_i].url));

	ck_assert_msg(dpop_url_fits(g.text, span_str(urls[_i].public_url),
			  span_str(urls[_i].rest), &arena) == urls[_i].fits,
	    "%s", urls[_i].url);
	guard_free(&g);
}
END_TEST

static bool
loads(uint32_t flags, enum scheme_kind kind, bool with_url,
    const struct row_dpop *dpop)
{
	struct row_scheme scheme = {
		.kind = (uint32_t)kind, .flags = flags, .source = ROW_NONE
	};
	struct row_introspect server = { .flags = INTROSPECT_AUDIENCE_ANY,
		.timeout_ms = 1 };
	struct row_source secret = { .kind = SOURCE_SECRET };
	struct row_limit limit = { .count = 1, .period_us = 1, .burst = 1 };
	struct row_dpop row;
	uint32_t zero = 0;
	char why[200];
	bool ok;

	sample_free(&sample);
	sample_begin(&sample);
	add_name("HTTP_AUTHORIZATION", "Authorization");
	add_name("HTTP_DPOP", "DPoP");
	(void)BUILD_ROW(sample.build, SECTION_SOURCE, &secret);
	(void)BUILD_ROW(sample.build, SECTION_LIMIT, &limit);
	server.url = build_text(sample.build, SPAN("https://id.example/i"));
	server.issuer = build_text(sample.build, SPAN("https://id.example/"));
	(void)BUILD_ROW(sample.build, SECTION_INTROSPECT, &server);
	scheme.introspects = build_indices(sample.build, &zero, 1);
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
	if (dpop != NULL) {
		row = *dpop;
		(void)BUILD_ROW(sample.build, SECTION_DPOP, &row);
	}
	sample.api.schemes = (struct range){ 0, 1 };
	if (with_url)
		sample.api.public_url =
		    build_text(sample.build, SPAN("https://a.example"));
	sample_operation(sample_item(&sample, "/x", "GET"), "GET");
	sample_write(&sample);
	ok = bundle_from(
	    &sample.bundle, buf_span(&sample.bytes), why, sizeof(why));
	return ok;
}

START_TEST(a_bundle_says_what_proofs_are_held_to)
{
	const struct row_dpop right = { .algorithms = 1U << ALG_ES256,
		.window_s = 60,
		.field = 1,
		.share = { 0, 1 } };
	const uint32_t only = SCHEME_DPOP | SCHEME_DPOP_ONLY;
	struct row_dpop wrong;

	ck_assert(loads(SCHEME_DPOP, SCHEME_OPAQUE, true, &right));
	ck_assert(loads(only, SCHEME_OPAQUE, true, &right));
	ck_assert(!loads(SCHEME_DPOP_ONLY, SCHEME_OPAQUE, true, &right));
	ck_assert(!loads(SCHEME_DPOP, SCHEME_OPAQUE, true, NULL));
	ck_assert(!loads(SCHEME_DPOP, SCHEME_OPAQUE, false, &right));
	ck_assert(!loads(SCHEME_DPOP, SCHEME_NO_VERIFIER, true, &right));
	for (int i = 0; i < 6; i++) {
		wrong = right;
		wrong.algorithms = i == 0 ? 0
		    : i == 1              ? 1U << ALG_HS256
					  : wrong.algorithms;
		wrong.window_s = i == 2 ? 0 : i == 3 ? 601 : wrong.window_s;
		wrong.field = i == 4 ? 0 : wrong.field;
		wrong.share.n = i == 5 ? 0 : 1;
		ck_assert_msg(
		    !loads(SCHEME_DPOP, SCHEME_OPAQUE, true, &wrong), "%d", i);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dpop");
	TCase *t = tcase_create("dpop");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_proof_of_the_key_is_good, 0,
	    (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(t, a_proof_that_is_wrong_in_one_thing_is_refused, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, a_private_key_is_no_business_of_ours);
	tcase_add_test(t, a_key_of_its_own_does_not_help_a_thief);
	tcase_add_test(t, keys_that_are_kept_are_not_taken_for_others);
	tcase_add_test(t, a_proof_is_for_one_token);
	tcase_add_test(t, a_proof_comes_once_in_one_field);
	tcase_add_test(
	    t, every_cut_and_every_changed_byte_of_a_proof_is_refused);
	tcase_add_test(t, a_proof_is_remembered_or_not_taken);
	tcase_add_loop_test(t, a_url_is_the_public_one_in_any_spelling, 0,
	    (int)(sizeof(urls) / sizeof(urls[0])));
	tcase_add_test(t, a_bundle_says_what_proofs_are_held_to);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
