/*
 * Tokens, good and hostile: each with the one word it must be answered.
 */
#include <check.h>
#include <stdlib.h>

#include "base/base64url.h"
#include "guard.h"
#include "policy/credential.h"
#include "policy/json.h"
#include "policy/jwk.h"
#include "policy/jwt.h"
#include "policy/keyset.h"
#include "policy/verdict.h"
#include "sample.h"
#include "test_keys.h"

#define NOW "1800000000"
#define NOW_US INT64_C(1800000000000000)

enum key_name {
	RSA,
	OTHER_RSA,
	P256,
	P384,
	P521,
	ED25519,
	ED448,
	SECRET,
	KEYS_MAX
};
static const char *const pems[] = { TEST_RSA, TEST_OTHER_RSA, TEST_P256,
	TEST_P384, TEST_P521, TEST_ED25519, TEST_ED448 };
static struct sign_key *keys[KEYS_MAX];
static const char secret[65] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static struct arena arena;
static struct sample sample;
static struct key_set *set;
static struct row_issuer issuer;
static enum source_result source_answer;
static enum refresh_result refresh_answer = REFRESH_CHANGED;
static unsigned n_refreshed, n_remembered, n_recalled, n_issuers;
static bool recall_hits;
static uint64_t generation;
static struct hash128 remembered;
static const char *wanted_type;
static struct arena *request_arena = &arena;

static enum source_result
source(void *world, uint32_t row, struct source *s)
{
	(void)world, (void)row;
	*s = (struct source){ .generation = generation, .keys = set };
	return source_answer;
}

static enum refresh_result
refresh(void *world, uint32_t row, struct span kid)
{
	(void)world, (void)row, (void)kid;
	n_refreshed++;
	return refresh_answer;
}

static struct hash128
name_of(const struct span *parts, unsigned n)
{
	const struct siphash_key key = { 1, 2 };
	struct siphash h;

	siphash_init(&h, &key);
	for (unsigned i = 0; i < n; i++)
		siphash_part(&h, parts[i]);
	return siphash_done(&h);
}

static bool
recall(void *world, const struct span *parts, unsigned n, struct arena *a,
    struct verdict *v)
{
	(void)world, (void)a, (void)v;
	if (!recall_hits || !hash128_eq(remembered, name_of(parts, n)))
		return false;
	n_recalled++;
	return true;
}

static void
remember(
    void *world, const struct span *parts, unsigned n, const struct verdict *v)
{
	(void)world;
	ck_assert_int_gt(v->expires_s, 0);
	remembered = name_of(parts, n);
	n_remembered++;
}

static struct sign_key *
secret_key(void)
{
	struct key_numbers k = { .kind = KEY_KIND_SECRET,
		.k = span_of(secret, 64) };
	const char *why;

	return sign_key_new(&k, &why);
}

static void
add_secret(struct buf *b)
{
	buf_add_str(b, ",{\"kty\":\"oct\",\"kid\":\"secret\",\"k\":\"");
	base64url_encode(b, span_of(secret, 64));
	buf_add_str(b, "\"}");
}

/* A set of the public parts, each named as its row in "names". */
static struct key_set *
make_set(bool remote)
{
	static const char *const names[] = { "rsa", "other", "p256", "p384",
		"p521", "ed25519", "ed448" };
	char why[100] = "";
	struct key_set *made;
	struct buf b;

	buf_init(&b, 65536);
	buf_add_str(&b, "{\"keys\":[{\"kty\":\"later\"}");
	for (int i = 0; i < SECRET; i++) {
		struct json_object *o;

		if (i == OTHER_RSA)
			continue;
		buf_add_char(&b, ',');
		o = jwk_public(keys[i], span_str(names[i]), &arena);
		ck_assert_ptr_nonnull(o);
		json_write(o, false, &b);
		json_free(o);
	}
	add_secret(&b);
	buf_add_str(&b, "]}");
	made = key_set_new(buf_span(&b), remote, NULL, why, sizeof(why));
	ck_assert_msg(made != NULL, "%s", why);
	buf_fini(&b);
	return made;
}

static void
make_bundle(void)
{
	static const struct span audiences[] = { SPAN_INIT("orders"),
		SPAN_INIT("pets") };
	struct row_name name = { .kind = NAME_HEADER };
	struct row_source from = { .kind = SOURCE_KEY_SET };
	struct row_scheme scheme = { .kind = SCHEME_JWT, .source = ROW_NONE };
	struct row_issuer second;
	const uint32_t rows[] = { 0, 1 };

	sample_begin(&sample);
	name.name = build_text(sample.build, SPAN("HTTP_AUTHORIZATION"));
	name.shown = build_text(sample.build, SPAN("Authorization"));
	(void)BUILD_ROW(sample.build, SECTION_NAME, &name);
	from.value = build_text(sample.build, SPAN("keys.json"));
	(void)BUILD_ROW(sample.build, SECTION_SOURCE, &from);
	issuer.issuer = build_text(sample.build, SPAN("https://id.example/"));
	issuer.type = build_text(sample.build, span_str(wanted_type));
	issuer.audiences = build_strings(sample.build, audiences, 2);
	issuer.sources = (struct range){ 0, 1 };
	(void)BUILD_ROW(sample.build, SECTION_ISSUER, &issuer);
	second = issuer;
	second.issuer = build_text(sample.build, SPAN("https://two.example/"));
	second.scope_claim = build_text(sample.build, SPAN("realm.roles"));
	(void)BUILD_ROW(sample.build, SECTION_ISSUER, &second);
	scheme.name = build_text(sample.build, SPAN("jwt"));
	scheme.issuers = build_indices(sample.build, rows, n_issuers);
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
	sample.api.schemes = (struct range){ 0, 1 };
	sample_end(&sample);
}

static void
setup(void)
{
	const char *why;

	arena_init(&arena, 1 << 16, 1 << 22);
	for (int i = 0; i < SECRET; i++) {
		struct span pem = span_str(pems[i]);

		keys[i] = sign_key_from_pem(&pem, true, &why);
		ck_assert_msg(keys[i] != NULL, "key %d: %s", i, why);
	}
	keys[SECRET] = secret_key();
	set = make_set(false);
	generation = 1;
	n_issuers = 1;
	issuer = (struct row_issuer){ .algorithms = (1U << ALG__MAX) - 1,
		.leeway_s = 5 };
}

static void
teardown(void)
{
	for (int i = 0; i < KEYS_MAX; i++)
		sign_key_free(keys[i]);
	key_set_free(set);
	sample_free(&sample);
	arena_fini(&arena);
}

static struct span
make_token(const char *header, const char *claims, enum key_name key,
    enum algorithm alg)
{
	struct buf b, signature;
	struct span token;

	buf_init(&b, 65536);
	buf_init(&signature, 4096);
	base64url_encode(&b, span_str(header));
	buf_add_char(&b, '.');
	base64url_encode(&b, span_str(claims));
	ck_assert(sign_make(keys[key], alg, buf_span(&b), &signature));
	buf_add_char(&b, '.');
	base64url_encode(&b, buf_span(&signature));
	token = arena_copy(&arena, buf_span(&b));
	buf_fini(&b);
	buf_fini(&signature);
	return token;
}

static enum reason
check_value(struct span value, unsigned n, struct principal *who)
{
	struct outside world = { .source = source,
		.refresh = refresh,
		.recall = recall,
		.remember = remember };
	struct guard g = guard_new(value);
	struct field field = { g.text, n };
	struct request request = {
		.arena = request_arena, .now_us = NOW_US, .fields = &field
	};
	struct credential_call call = {
		.world = &world, .bundle = &sample.bundle, .request = &request
	};
	struct decision d = { 0 };

	call.scheme = bundle_scheme(&sample.bundle, 0);
	call.api = bundle_api(&sample.bundle, 0);
	*who = (struct principal){ 0 };
	if (jwt_check(&call, who, &d))
		d.reason = REASON_NONE;
	else
		ck_assert_ptr_null(who->scheme.p);
	/* What "who" shows stands in the token: keep its pages. */
	return d.reason;
}

static enum reason
check_token(struct span token)
{
	struct principal who;
	struct span value =
	    arena_printf(&arena, "Bearer %.*s", SPAN_ARG(token));

	return check_value(value, 1, &who);
}

#define RS "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"
#define ISS "\"iss\":\"https://id.example/\""
#define AUD "\"aud\":\"orders\""
#define EXP "\"exp\":1800000300"
#define OK "{" ISS "," AUD "," EXP "}"
#define WITH(more) "{" ISS "," AUD "," EXP "," more "}"

static const struct {
	const char *name, *header, *claims;
	enum key_name key;
	enum algorithm alg; /* that really signs */
	enum reason reason;
} cases[] = {
	{ "RS256", RS, OK, RSA, ALG_RS256, REASON_NONE },
	{ "RS384", "{\"alg\":\"RS384\"}", OK, RSA, ALG_RS384, REASON_NONE },
	{ "RS512", "{\"alg\":\"RS512\"}", OK, RSA, ALG_RS512, REASON_NONE },
	{ "PS256", "{\"alg\":\"PS256\"}", OK, RSA, ALG_PS256, REASON_NONE },
	{ "PS384", "{\"alg\":\"PS384\"}", OK, RSA, ALG_PS384, REASON_NONE },
	{ "PS512", "{\"alg\":\"PS512\"}", OK, RSA, ALG_PS512, REASON_NONE },
	{ "ES256", "{\"alg\":\"ES256\"}", OK, P256, ALG_ES256, REASON_NONE },
	{ "ES384", "{\"alg\":\"ES384\"}", OK, P384, ALG_ES384, REASON_NONE },
	{ "ES512", "{\"alg\":\"ES512\"}", OK, P521, ALG_ES512, REASON_NONE },
	{ "Ed25519", "{\"alg\":\"EdDSA\"}", OK, ED25519, ALG_EDDSA,
	    REASON_NONE },
	{ "Ed448", "{\"alg\":\"EdDSA\"}", OK, ED448, ALG_EDDSA, REASON_NONE },
	{ "HS256", "{\"alg\":\"HS256\"}", OK, SECRET, ALG_HS256, REASON_NONE },
	{ "HS384", "{\"alg\":\"HS384\"}", OK, SECRET, ALG_HS384, REASON_NONE },
	{ "HS512", "{\"alg\":\"HS512\"}", OK, SECRET, ALG_HS512, REASON_NONE },

	/* Algorithms and keys. */
	{ "none", "{\"alg\":\"none\"}", OK, RSA, ALG_RS256,
	    REASON_ALG_NOT_ALLOWED },
	{ "None", "{\"alg\":\"None\"}", OK, RSA, ALG_RS256,
	    REASON_ALG_NOT_ALLOWED },
	{ "empty alg", "{\"alg\":\"\"}", OK, RSA, ALG_RS256,
	    REASON_ALG_NOT_ALLOWED },
	{ "lower case alg", "{\"alg\":\"rs256\"}", OK, RSA, ALG_RS256,
	    REASON_ALG_NOT_ALLOWED },
	{ "alg of encryption", "{\"alg\":\"RSA-OAEP\"}", OK, RSA, ALG_RS256,
	    REASON_ALG_NOT_ALLOWED },
	{ "no alg", "{\"typ\":\"JWT\"}", OK, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "alg a number", "{\"alg\":256}", OK, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "alg twice", "{\"alg\":\"RS256\",\"alg\":\"RS256\"}", OK, RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "alg twice, once escaped", "{\"alg\":\"RS256\",\"\\u0061lg\":\"x\"}",
	    OK, RSA, ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "HS256 named for an RSA key", "{\"alg\":\"HS256\",\"kid\":\"rsa\"}",
	    OK, SECRET, ALG_HS256, REASON_KEY_UNKNOWN },
	{ "RS signed, PS said", "{\"alg\":\"PS256\"}", OK, RSA, ALG_RS256,
	    REASON_BAD_SIGNATURE },
	{ "PS signed, RS said", RS, OK, RSA, ALG_PS256, REASON_BAD_SIGNATURE },
	{ "SHA-512 signed, 256 said", RS, OK, RSA, ALG_RS512,
	    REASON_BAD_SIGNATURE },
	{ "ES256 with a key of P-384", "{\"alg\":\"ES256\",\"kid\":\"p384\"}",
	    OK, P384, ALG_ES384, REASON_KEY_UNKNOWN },
	{ "ES384 signature under ES256", "{\"alg\":\"ES256\",\"kid\":\"p256\"}",
	    OK, P384, ALG_ES384, REASON_BAD_SIGNATURE },
	{ "Ed25519 under the name of Ed448",
	    "{\"alg\":\"EdDSA\",\"kid\":\"ed448\"}", OK, ED25519, ALG_EDDSA,
	    REASON_BAD_SIGNATURE },
	{ "another RSA key", RS, OK, OTHER_RSA, ALG_RS256,
	    REASON_BAD_SIGNATURE },
	{ "unknown kid", "{\"alg\":\"RS256\",\"kid\":\"nobody\"}", OK, RSA,
	    ALG_RS256, REASON_KEY_UNKNOWN },
	{ "kid differs in case", "{\"alg\":\"RS256\",\"kid\":\"RSA\"}", OK, RSA,
	    ALG_RS256, REASON_KEY_UNKNOWN },
	{ "kid empty", "{\"alg\":\"RS256\",\"kid\":\"\"}", OK, RSA, ALG_RS256,
	    REASON_KEY_UNKNOWN },
	{ "kid a path", "{\"alg\":\"RS256\",\"kid\":\"../../dev/null\"}", OK,
	    RSA, ALG_RS256, REASON_KEY_UNKNOWN },
	{ "kid a number", "{\"alg\":\"RS256\",\"kid\":1}", OK, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "kid with NUL", "{\"alg\":\"RS256\",\"kid\":\"rsa\\u0000\"}", OK, RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "kid with line feed", "{\"alg\":\"RS256\",\"kid\":\"rsa\\n\"}", OK,
	    RSA, ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "jwk in the header is not used",
	    "{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"RSA\"},\"kid\":\"x\"}", OK,
	    OTHER_RSA, ALG_RS256, REASON_KEY_UNKNOWN },
	{ "jku and x5u mean nothing",
	    "{\"alg\":\"RS256\",\"jku\":\"http://evil\",\"x5u\":\"http://e\"}",
	    OK, OTHER_RSA, ALG_RS256, REASON_BAD_SIGNATURE },

	/* The header. */
	{ "crit", "{\"alg\":\"RS256\",\"crit\":[\"exp\"],\"exp\":1}", OK, RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "crit empty", "{\"alg\":\"RS256\",\"crit\":[]}", OK, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "b64 false", "{\"alg\":\"RS256\",\"b64\":false}", OK, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "zip", "{\"alg\":\"RS256\",\"zip\":\"DEF\"}", OK, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "enc", "{\"alg\":\"RS256\",\"enc\":\"A128GCM\"}", OK, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "header an array", "[\"RS256\"]", OK, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "header with bytes behind", "{\"alg\":\"RS256\"}x", OK, RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "header with a byte order mark", "\xef\xbb\xbf{\"alg\":\"RS256\"}",
	    OK, RSA, ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "typ JWT", "{\"alg\":\"RS256\",\"typ\":\"jwt\"}", OK, RSA, ALG_RS256,
	    REASON_NONE },
	{ "typ at+jwt", "{\"alg\":\"RS256\",\"typ\":\"application/AT+JWT\"}",
	    OK, RSA, ALG_RS256, REASON_NONE },
	{ "typ of a logout token", "{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}",
	    OK, RSA, ALG_RS256, REASON_WRONG_TYPE },
	{ "typ of a proof", "{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\"}", OK, RSA,
	    ALG_RS256, REASON_WRONG_TYPE },
	{ "typ a number", "{\"alg\":\"RS256\",\"typ\":7}", OK, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },

	/* Times. */
	{ "no exp", RS, "{" ISS "," AUD "}", RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "expired", RS, "{" ISS "," AUD ",\"exp\":1799999995}", RSA, ALG_RS256,
	    REASON_EXPIRED },
	{ "expired within leeway", RS, "{" ISS "," AUD ",\"exp\":1799999996}",
	    RSA, ALG_RS256, REASON_NONE },
	{ "expired, a fraction", RS, "{" ISS "," AUD ",\"exp\":1799999995.9}",
	    RSA, ALG_RS256, REASON_EXPIRED },
	{ "exp a fraction", RS, "{" ISS "," AUD ",\"exp\":1.8000003e9}", RSA,
	    ALG_RS256, REASON_NONE },
	{ "exp zero", RS, "{" ISS "," AUD ",\"exp\":0}", RSA, ALG_RS256,
	    REASON_EXPIRED },
	{ "exp negative", RS, "{" ISS "," AUD ",\"exp\":-1}", RSA, ALG_RS256,
	    REASON_EXPIRED },
	{ "exp a text", RS, "{" ISS "," AUD ",\"exp\":\"1800000300\"}", RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "exp null", RS, "{" ISS "," AUD ",\"exp\":null}", RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "exp true", RS, "{" ISS "," AUD ",\"exp\":true}", RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "exp a list", RS, "{" ISS "," AUD ",\"exp\":[1800000300]}", RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "exp 1e400", RS, "{" ISS "," AUD ",\"exp\":1e400}", RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "exp 1e300", RS, "{" ISS "," AUD ",\"exp\":1e300}", RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "exp beyond 64 bits", RS,
	    "{" ISS "," AUD ",\"exp\":99999999999999999999999}", RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "exp NaN", RS, "{" ISS "," AUD ",\"exp\":NaN}", RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "exp twice", RS, WITH("\"exp\":1"), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "nbf now", RS, WITH("\"nbf\":1800000000"), RSA, ALG_RS256,
	    REASON_NONE },
	{ "nbf within leeway", RS, WITH("\"nbf\":1800000005"), RSA, ALG_RS256,
	    REASON_NONE },
	{ "nbf later", RS, WITH("\"nbf\":1800000006"), RSA, ALG_RS256,
	    REASON_NOT_YET_VALID },
	{ "nbf a text", RS, WITH("\"nbf\":\"0\""), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },

	/* Issuer and audience. */
	{ "no iss", RS, "{" AUD "," EXP "}", RSA, ALG_RS256,
	    REASON_WRONG_ISSUER },
	{ "iss without its slash", RS,
	    "{\"iss\":\"https://id.example\"," AUD "," EXP "}", RSA, ALG_RS256,
	    REASON_WRONG_ISSUER },
	{ "iss in other case", RS,
	    "{\"iss\":\"https://ID.example/\"," AUD "," EXP "}", RSA, ALG_RS256,
	    REASON_WRONG_ISSUER },
	{ "iss a list", RS,
	    "{\"iss\":[\"https://id.example/\"]," AUD "," EXP "}", RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "no aud", RS, "{" ISS "," EXP "}", RSA, ALG_RS256,
	    REASON_WRONG_AUDIENCE },
	{ "aud empty", RS, "{" ISS ",\"aud\":\"\"," EXP "}", RSA, ALG_RS256,
	    REASON_WRONG_AUDIENCE },
	{ "aud an empty list", RS, "{" ISS ",\"aud\":[]," EXP "}", RSA,
	    ALG_RS256, REASON_WRONG_AUDIENCE },
	{ "aud a list with ours", RS,
	    "{" ISS ",\"aud\":[\"x\",\"pets\"]," EXP "}", RSA, ALG_RS256,
	    REASON_NONE },
	{ "aud longer", RS, "{" ISS ",\"aud\":\"orders2\"," EXP "}", RSA,
	    ALG_RS256, REASON_WRONG_AUDIENCE },
	{ "aud with a number", RS, "{" ISS ",\"aud\":[\"orders\",1]," EXP "}",
	    RSA, ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "aud an object", RS, "{" ISS ",\"aud\":{\"orders\":1}," EXP "}", RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "aud null", RS, "{" ISS ",\"aud\":null," EXP "}", RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },

	/* ID tokens and odd claims. */
	{ "nonce", RS, WITH("\"nonce\":\"n\""), RSA, ALG_RS256,
	    REASON_WRONG_TYPE },
	{ "at_hash", RS, WITH("\"at_hash\":\"n\""), RSA, ALG_RS256,
	    REASON_WRONG_TYPE },
	{ "c_hash null", RS, WITH("\"c_hash\":null"), RSA, ALG_RS256,
	    REASON_WRONG_TYPE },
	{ "sub with NUL", RS, WITH("\"sub\":\"a\\u0000b\""), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "sub with CR LF", RS, WITH("\"sub\":\"a\\r\\nX: y\""), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "sub with DEL", RS, WITH("\"sub\":\"a\x7f\""), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "sub a number", RS, WITH("\"sub\":1"), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "sub not UTF-8", RS, WITH("\"sub\":\"\xff\""), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "sub a lone surrogate", RS, WITH("\"sub\":\"\\ud800\""), RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "azp a list", RS, WITH("\"azp\":[\"a\"]"), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "tier with a tab", RS, WITH("\"tier\":\"a\\tb\""), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "scope with a line feed", RS, WITH("\"scope\":\"a\\nb\""), RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "scope a number", RS, WITH("\"scope\":3"), RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "scope element with a blank", RS, WITH("\"scope\":[\"a b\"]"), RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "scope element a list", RS, WITH("\"scope\":[[\"a\"]]"), RSA,
	    ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "claims a list", RS, "[]", RSA, ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "claims a text", RS, "\"x\"", RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "claims cut short", RS, "{" ISS "," AUD "," EXP, RSA, ALG_RS256,
	    REASON_TOKEN_MALFORMED },
	{ "two objects", RS, OK "{}", RSA, ALG_RS256, REASON_TOKEN_MALFORMED },
	{ "nested too deeply", RS,
	    WITH("\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]"
		 "]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
	    RSA, ALG_RS256, REASON_TOKEN_MALFORMED },
};

START_TEST(each_token_gets_its_reason)
{
	make_bundle();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span token = make_token(cases[i].header, cases[i].claims,
		    cases[i].key, cases[i].alg);
		enum reason got = check_token(token);

		ck_assert_msg(got == cases[i].reason, "%s: %s, not %s",
		    cases[i].name, reason_word(got),
		    reason_word(cases[i].reason));
		arena_reset(&arena);
	}
}
END_TEST

static const struct {
	const char *value;
	unsigned n;
	enum reason reason;
} values[] = {
	{ "", 0, REASON_CREDENTIAL_MISSING },
	{ "", 1, REASON_CREDENTIAL_MISSING },
	{ "Bearer a.b.c", 2, REASON_CREDENTIAL_DUPLICATE },
	{ "Bearer a.b.c, Bearer d.e.f", 1, REASON_CREDENTIAL_DUPLICATE },
	{ "Bearer", 1, REASON_CREDENTIAL_MALFORMED },
	{ "Bearer ", 1, REASON_CREDENTIAL_MALFORMED },
	{ "Basic YTpi", 1, REASON_CREDENTIAL_MALFORMED },
	{ "a.b.c", 1, REASON_CREDENTIAL_MALFORMED },
	{ "Bearer a b", 1, REASON_CREDENTIAL_MALFORMED },
	{ "Bearer a\x01", 1, REASON_CREDENTIAL_MALFORMED },
	{ "Bearer =", 1, REASON_CREDENTIAL_MALFORMED },
	{ "Bearer a=b", 1, REASON_CREDENTIAL_MALFORMED },
	{ "bearer a", 1, REASON_TOKEN_MALFORMED },
	{ "BEARER a.b", 1, REASON_TOKEN_MALFORMED },
	{ "Bearer a.b.c.d.e", 1, REASON_TOKEN_MALFORMED },
	{ "Bearer ..", 1, REASON_TOKEN_MALFORMED },
	{ "Bearer e30.e30.", 1, REASON_TOKEN_MALFORMED },
	{ "Bearer e30.e30.e30=", 1, REASON_TOKEN_MALFORMED },
	{ "Bearer e30.e30.e3", 1, REASON_TOKEN_MALFORMED },
	{ "Bearer e31.e30.e30", 1, REASON_TOKEN_MALFORMED },
	{ "Bearer e30.e+0.e30", 1, REASON_TOKEN_MALFORMED },
};

START_TEST(each_field_gets_its_reason)
{
	make_bundle();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct principal who;
		enum reason got =
		    check_value(span_str(values[i].value), values[i].n, &who);

		ck_assert_msg(got == values[i].reason, "%s: %s",
		    values[i].value, reason_word(got));
	}
}
END_TEST

START_TEST(a_token_over_16_kb_is_malformed)
{
	struct span token;
	struct buf b;

	make_bundle();
	buf_init(&b, 65536);
	buf_add_str(&b, "{" ISS "," AUD "," EXP ",\"x\":\"");
	for (int i = 0; i < 13000; i++)
		buf_add_char(&b, 'x');
	buf_add_str(&b, "\"}");
	buf_add_char(&b, '\0');
	token = make_token(RS, b.p, RSA, ALG_RS256);
	ck_assert_uint_gt(token.n, TOKEN_BYTES_MAX);
	ck_assert_int_eq(check_token(token), REASON_TOKEN_MALFORMED);
	buf_fini(&b);
}
END_TEST

START_TEST(a_full_arena_is_our_fault_and_not_the_tokens)
{
	struct span token, value;
	struct principal who;
	struct arena small;
	enum reason got = REASON_FAULT;
	size_t bytes = 0;

	make_bundle();
	token = make_token(RS, WITH("\"sub\":\"J\\u00f6rg\",\"scope\":[\"x\"]"),
	    RSA, ALG_RS256);
	value = arena_printf(&arena, "Bearer %.*s", SPAN_ARG(token));
	request_arena = &small;
	for (; got == REASON_FAULT && bytes < 65536; bytes += 16) {
		arena_init(&small, bytes, bytes);
		got = check_value(value, 1, &who);
		arena_fini(&small);
	}
	ck_assert_int_eq(got, REASON_NONE);
	ck_assert_uint_gt(bytes, 512);
}
END_TEST

/* Change one byte of the signature's bytes, or their number. */
START_TEST(es_signatures_are_raw_and_exact)
{
	struct span token, part, rest;
	struct buf b;

	make_bundle();
	token = make_token("{\"alg\":\"ES256\"}", OK, P256, ALG_ES256);
	rest = token;
	(void)span_cut(&rest, '.');
	(void)span_cut(&rest, '.');
	part = span_of(token.p, (size_t)(rest.p - token.p));
	for (size_t n = 0; n <= 140; n++) {
		static const char zeros[140];

		buf_init(&b, 4096);
		buf_add(&b, part);
		base64url_encode(&b, span_of(zeros, n));
		ck_assert_int_eq(check_token(buf_span(&b)),
		    n == 0 ? REASON_TOKEN_MALFORMED : REASON_BAD_SIGNATURE);
		buf_fini(&b);
	}
	ck_assert_int_eq(check_token(token), REASON_NONE);
}
END_TEST

START_TEST(the_algorithm_is_judged_before_a_key_is_sought)
{
	issuer.algorithms = 1U << ALG_ES256;
	make_bundle();
	source_answer = SOURCE_FAULT;
	ck_assert_int_eq(check_token(make_token(RS, OK, RSA, ALG_RS256)),
	    REASON_ALG_NOT_ALLOWED);
	ck_assert_uint_eq(n_refreshed, 0);
	ck_assert_int_eq(
	    check_token(make_token("{\"alg\":\"ES256\"}", OK, P256, ALG_ES256)),
	    REASON_FAULT);
	source_answer = SOURCE_DOWN;
	ck_assert_int_eq(
	    check_token(make_token("{\"alg\":\"ES256\"}", OK, P256, ALG_ES256)),
	    REASON_VERIFIER_DOWN);
}
END_TEST

START_TEST(a_bad_signature_never_asks_for_new_keys)
{
	make_bundle();
	ck_assert_int_eq(check_token(make_token(RS, OK, OTHER_RSA, ALG_RS256)),
	    REASON_BAD_SIGNATURE);
	ck_assert_uint_eq(n_refreshed, 0);
	ck_assert_int_eq(check_token(make_token("{\"alg\":\"RS256\",\"kid\":"
						"\"new\"}",
			     OK, RSA, ALG_RS256)),
	    REASON_KEY_UNKNOWN);
	ck_assert_uint_eq(n_refreshed, 1);
	refresh_answer = REFRESH_SAME;
	ck_assert_int_eq(check_token(make_token("{\"alg\":\"RS256\",\"kid\":"
						"\"new\"}",
			     OK, RSA, ALG_RS256)),
	    REASON_KEY_UNKNOWN);
	refresh_answer = REFRESH_DOWN;
	ck_assert_int_eq(check_token(make_token("{\"alg\":\"RS256\",\"kid\":"
						"\"new\"}",
			     OK, RSA, ALG_RS256)),
	    REASON_VERIFIER_DOWN);
}
END_TEST

START_TEST(a_remote_key_set_has_no_secrets)
{
	make_bundle();
	key_set_free(set);
	set = make_set(true);
	ck_assert_int_eq(check_token(make_token(
			     "{\"alg\":\"HS256\"}", OK, SECRET, ALG_HS256)),
	    REASON_KEY_UNKNOWN);
}
END_TEST

START_TEST(a_required_type_is_required)
{
	wanted_type = "at+jwt";
	make_bundle();
	ck_assert_int_eq(
	    check_token(make_token(RS, OK, RSA, ALG_RS256)), REASON_WRONG_TYPE);
	ck_assert_int_eq(
	    check_token(make_token(
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}", OK, RSA, ALG_RS256)),
	    REASON_WRONG_TYPE);
	ck_assert_int_eq(check_token(make_token("{\"alg\":\"RS256\",\"typ\":"
						"\"application/at+JWT\"}",
			     OK, RSA, ALG_RS256)),
	    REASON_NONE);
}
END_TEST

START_TEST(the_principal_says_who_asks)
{
	struct principal who;
	struct span token;

	issuer.flags = ISSUER_TRUST_CLAIMS;
	make_bundle();
	token = make_token(RS,
	    WITH("\"sub\":\"J\\u00f6rg\",\"azp\":\"app\",\"client_id\":\"c\","
		 "\"scope\":\" a  b \",\"tier\":\"Gold\",\"application\":"
		 "{\"id\":2,\"name\":\"Shop\",\"owner\":\"ann\"}"),
	    RSA, ALG_RS256);
	ck_assert_int_eq(
	    check_value(
		arena_printf(&arena, "Bearer %.*s", SPAN_ARG(token)), 1, &who),
	    REASON_NONE);
	ck_assert(span_eq(who.subject, SPAN("J\xc3\xb6rg")));
	ck_assert(span_eq(who.scopes, SPAN("a b")));
	ck_assert(span_eq(who.application, SPAN("Shop")));
	ck_assert(span_eq(who.application_owner, SPAN("ann")));
	ck_assert(span_eq(who.tier, SPAN("Gold")));
	ck_assert(span_eq(who.scheme, SPAN("jwt")));
	ck_assert(span_eq(who.key_id, SPAN("rsa")));
	ck_assert_int_eq(who.expires_s, 1800000300);
}
END_TEST

START_TEST(claims_count_only_when_trusted)
{
	struct principal who;
	struct span token;

	make_bundle();
	token = make_token(RS,
	    WITH("\"client_id\":\"c\",\"scope\":[\"x\",\"y\"],"
		 "\"tier\":\"Gold\",\"keytype\":\"PRODUCTION\","
		 "\"application\":\"Shop\""),
	    RSA, ALG_RS256);
	ck_assert_int_eq(
	    check_value(
		arena_printf(&arena, "Bearer %.*s", SPAN_ARG(token)), 1, &who),
	    REASON_NONE);
	ck_assert(span_eq(who.application, SPAN("c")));
	ck_assert(span_eq(who.scopes, SPAN("x y")));
	ck_assert_ptr_null(who.tier.p);
	ck_assert_ptr_null(who.key_type.p);
}
END_TEST

/* "n" copies of a key without a name, then the right one with its own. */
static struct key_set *
set_behind(unsigned n)
{
	char why[100] = "";
	struct key_set *made;
	struct buf b, one;

	buf_init(&b, 65536);
	buf_init(&one, 65536);
	buf_add_str(&b, "{\"keys\":[");
	for (unsigned i = 0; i <= n; i++) {
		struct json_object *o = jwk_public(
		    keys[i < n ? OTHER_RSA : RSA], SPAN("rsa"), &arena);
		struct span text, name = SPAN("\"kid\":\"rsa\",");
		const char *at;

		buf_reset(&one);
		json_write(o, false, &one);
		json_free(o);
		text = buf_span(&one);
		at = memmem(text.p, text.n, name.p, name.n);
		ck_assert_ptr_nonnull(at);
		buf_add_str(&b, i > 0 ? "," : "");
		buf_add(&b, span_of(text.p, (size_t)(at - text.p)));
		if (i == n)
			buf_add(&b, name);
		buf_add(&b, span_skip(text, (size_t)(at - text.p) + name.n));
	}
	buf_add_str(&b, "]}");
	made = key_set_new(buf_span(&b), true, NULL, why, sizeof(why));
	ck_assert_msg(made != NULL, "%s", why);
	buf_fini(&b);
	buf_fini(&one);
	return made;
}

START_TEST(a_key_that_is_named_is_tried_before_those_without_a_name)
{
	key_set_free(set);
	set = set_behind(6);
	make_bundle();
	refresh_answer = REFRESH_SAME;
	ck_assert_int_eq(
	    check_token(make_token(RS, OK, RSA, ALG_RS256)), REASON_NONE);
	ck_assert_int_eq(check_token(make_token(
			     "{\"alg\":\"RS256\"}", OK, OTHER_RSA, ALG_RS256)),
	    REASON_NONE);
	ck_assert_int_eq(
	    check_token(make_token(
		"{\"alg\":\"RS256\",\"kid\":\"x\"}", OK, RSA, ALG_RS256)),
	    REASON_BAD_SIGNATURE);
}
END_TEST

START_TEST(among_several_issuers_the_token_names_its_own)
{
	struct principal who;
	struct span token;

	n_issuers = 2;
	make_bundle();
	token = make_token(RS,
	    "{\"iss\":\"https://two.example/\"," AUD "," EXP
	    ",\"scope\":7,\"realm\":{\"x\":{},\"roles\":[\"r\"]}}",
	    RSA, ALG_RS256);
	ck_assert_int_eq(
	    check_value(
		arena_printf(&arena, "Bearer %.*s", SPAN_ARG(token)), 1, &who),
	    REASON_NONE);
	ck_assert(span_eq(who.issuer, SPAN("https://two.example/")));
	ck_assert(span_eq(who.scopes, SPAN("r")));
	ck_assert_int_eq(
	    check_token(make_token(RS,
		"{\"iss\":\"https://three.example/\"," AUD "," EXP "}", RSA,
		ALG_RS256)),
	    REASON_WRONG_ISSUER);
}
END_TEST

START_TEST(a_verdict_is_used_only_for_the_same_token_and_keys)
{
	struct span token, expired;

	make_bundle();
	token = make_token(RS, OK, RSA, ALG_RS256);
	recall_hits = true;
	ck_assert_int_eq(check_token(token), REASON_NONE);
	ck_assert_uint_eq(n_remembered, 1);
	ck_assert_int_eq(check_token(token), REASON_NONE);
	ck_assert_uint_eq(n_recalled, 1);
	generation = 2;
	ck_assert_int_eq(check_token(token), REASON_NONE);
	ck_assert_uint_eq(n_recalled, 1);
	expired = make_token(
	    RS, "{" ISS "," AUD ",\"exp\":1799990000}", RSA, ALG_RS256);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(check_token(expired), REASON_EXPIRED);
	ck_assert_uint_eq(n_recalled, 2);
	ck_assert_int_eq(check_token(make_token(RS, OK, OTHER_RSA, ALG_RS256)),
	    REASON_BAD_SIGNATURE);
	ck_assert_uint_eq(n_remembered, 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("jwt");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_token_gets_its_reason);
	tcase_add_test(t, each_field_gets_its_reason);
	tcase_add_test(t, a_token_over_16_kb_is_malformed);
	tcase_add_test(t, a_full_arena_is_our_fault_and_not_the_tokens);
	tcase_add_test(t, es_signatures_are_raw_and_exact);
	tcase_add_test(t, the_algorithm_is_judged_before_a_key_is_sought);
	tcase_add_test(t, a_bad_signature_never_asks_for_new_keys);
	tcase_add_test(t, a_remote_key_set_has_no_secrets);
	tcase_add_test(t, a_required_type_is_required);
	tcase_add_test(t, the_principal_says_who_asks);
	tcase_add_test(t, claims_count_only_when_trusted);
	tcase_add_test(
	    t, a_key_that_is_named_is_tried_before_those_without_a_name);
	tcase_add_test(t, among_several_issuers_the_token_names_its_own);
	tcase_add_test(t, a_verdict_is_used_only_for_the_same_token_and_keys);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
