/*
 * What an introspection server may answer, and what is made of it.
 */
#include <check.h>

#include "guard.h"
#include "policy/credential.h"
#include "policy/introspection.h"
#include "sample.h"

#define NOW 1800000000
#define BIG "9223372036854775807"

static struct arena arena;
static struct sample sample;
static struct row_introspect row;
static const char *prefixes[3];
static unsigned n_servers, n_asked;
static uint32_t asked_row;
static const char *answer;
static enum introspect_result result;

static void
make_bundle(void)
{
	struct row_name name = { .kind = NAME_HEADER };
	struct row_source from = { .kind = SOURCE_SECRET };
	struct row_scheme scheme = { .kind = SCHEME_OPAQUE,
		.source = ROW_NONE };
	const struct span audience = SPAN("orders");
	uint32_t rows[3] = { 0, 1, 2 };

	sample_begin(&sample);
	name.name = build_text(sample.build, SPAN("HTTP_AUTHORIZATION"));
	name.shown = build_text(sample.build, SPAN("Authorization"));
	(void)BUILD_ROW(sample.build, SECTION_NAME, &name);
	from.value = build_text(sample.build, SPAN("SECRET"));
	(void)BUILD_ROW(sample.build, SECTION_SOURCE, &from);
	row.url = build_text(sample.build, SPAN("https://id.example/i"));
	row.issuer = build_text(sample.build, SPAN("https://id.example/"));
	row.audiences = build_strings(sample.build, &audience, 1);
	for (unsigned i = 0; i < n_servers; i++) {
		row.prefix = build_text(sample.build, span_str(prefixes[i]));
		(void)BUILD_ROW(sample.build, SECTION_INTROSPECT, &row);
	}
	scheme.name = build_text(sample.build, SPAN("opaque"));
	scheme.introspects = build_indices(sample.build, rows, n_servers);
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
	sample.api.schemes = (struct range){ 0, 1 };
	sample_end(&sample);
}

static void
setup(void)
{
	arena_init(&arena, 1 << 16, 1 << 22);
	n_servers = 1;
	prefixes[0] = NULL;
	n_asked = 0;
	result = INTROSPECT_TOLD;
	row = (struct row_introspect){ .timeout_ms = 1000,
		.keep_s = 30,
		.keep_inactive_s = 5,
		.leeway_s = 5,
		.flags = INTROSPECT_AUDIENCE_ANY };
}

static void
teardown(void)
{
	sample_free(&sample);
	arena_fini(&arena);
}

static enum source_result
source(void *world, uint32_t number, struct source *s)
{
	(void)world, (void)number;
	*s = (struct source){ .generation = 1, .secret = SPAN_INIT("secret") };
	return SOURCE_OK;
}

static enum introspect_result
introspect(void *world, const struct introspection *i, struct verdict *v)
{
	const char *why;

	(void)world;
	n_asked++;
	asked_row = i->row;
	if (result != INTROSPECT_TOLD)
		return result;
	return introspection_read(&sample.bundle, i->row, span_str(answer),
		   i->now_s, i->arena, v, &why)
	    ? INTROSPECT_TOLD
	    : INTROSPECT_DOWN;
}

static enum reason
check(const char *token, struct principal *who)
{
	const struct outside world = { .source = source,
		.introspect = introspect };
	struct span value = arena_printf(&arena, "Bearer %s", token);
	struct field field = { value, 1 };
	struct request request = { .arena = &arena,
		.now_us = INT64_C(1000000) * NOW,
		.fields = &field };
	struct credential_call call = { .world = &world,
		.bundle = &sample.bundle,
		.request = &request,
		.scheme = bundle_scheme(&sample.bundle, 0),
		.api = bundle_api(&sample.bundle, 0) };
	struct decision d = { 0 };

	*who = (struct principal){ 0 };
	return opaque_check(&call, who, &d) ? REASON_NONE : d.reason;
}

#define YES "{\"active\":true"
static const struct {
	const char *answer;
	bool any; /* audience */
	enum reason reason;
} answers[] = {
	{ YES "}", true, REASON_NONE },
	{ YES ",\"aud\":\"orders\"}", false, REASON_NONE },
	{ YES ",\"aud\":[\"x\",\"orders\"]}", false, REASON_NONE },
	{ YES ",\"iss\":\"https://id.example/\"}", true, REASON_NONE },
	{ YES ",\"exp\":1800000300,\"nbf\":1799999000}", true, REASON_NONE },
	{ YES ",\"nbf\":" BIG ",\"exp\":" BIG "}", true, REASON_NONE },
	{ YES ",\"exp\":1799999996}", true, REASON_NONE }, /* leeway */
	{ "{\"scope\":\"a\",\"active\":true}", true, REASON_NONE },

	{ "{}", true, REASON_INACTIVE },
	{ "{\"active\":false}", true, REASON_INACTIVE },
	{ "{\"active\":\"true\"}", true, REASON_INACTIVE },
	{ "{\"active\":1}", true, REASON_INACTIVE },
	{ "{\"active\":[true]}", true, REASON_INACTIVE },
	{ "{\"active\":{\"active\":true}}", true, REASON_INACTIVE },
	{ "{\"x\":{\"active\":true}}", true, REASON_INACTIVE },
	{ "{\"Active\":true}", true, REASON_INACTIVE },
	{ YES ",\"exp\":1799999995}", true, REASON_EXPIRED },
	{ YES ",\"exp\":-1}", true, REASON_EXPIRED },
	{ YES ",\"nbf\":1800000006}", true, REASON_NOT_YET_VALID },
	{ YES "}", false, REASON_WRONG_AUDIENCE },
	{ YES ",\"aud\":[]}", false, REASON_WRONG_AUDIENCE },
	{ YES ",\"aud\":\"Orders\"}", false, REASON_WRONG_AUDIENCE },
	{ YES ",\"iss\":\"https://id.example\"}", true, REASON_WRONG_ISSUER },
	{ YES ",\"iss\":\"\"}", true, REASON_WRONG_ISSUER },
	{ YES ",\"exp\":\"1800000300\"}", true, REASON_TOKEN_MALFORMED },
	{ YES ",\"exp\":1e300}", true, REASON_TOKEN_MALFORMED },
	{ YES ",\"sub\":\"a\\u0007\"}", true, REASON_TOKEN_MALFORMED },
	{ YES ",\"scope\":{}}", true, REASON_TOKEN_MALFORMED },
	{ YES ",\"cnf\":1}", true, REASON_TOKEN_MALFORMED },

	{ "", true, REASON_VERIFIER_DOWN },
	{ "true", true, REASON_VERIFIER_DOWN },
	{ "[]", true, REASON_VERIFIER_DOWN },
	{ YES, true, REASON_VERIFIER_DOWN },
	{ YES "}}", true, REASON_VERIFIER_DOWN },
	{ YES ",}", true, REASON_VERIFIER_DOWN },
	{ YES ",\"active\":true}", true, REASON_VERIFIER_DOWN },
	{ "{\"active\":TRUE}", true, REASON_VERIFIER_DOWN },
};

START_TEST(an_answer_is_judged_as_a_token_would_be)
{
	struct principal who;

	row.flags = answers[_i].any ? INTROSPECT_AUDIENCE_ANY : 0;
	answer = answers[_i].answer;
	make_bundle();
	ck_assert_msg(check("token", &who) == answers[_i].reason, "%s: %s",
	    answer, reason_word(check("token", &who)));
	ck_assert(
	    (who.scheme.p != NULL) == (answers[_i].reason == REASON_NONE));
}
END_TEST

START_TEST(a_token_is_shown_to_one_server_alone)
{
	static const struct {
		const char *token;
		uint32_t row; /* ROW_NONE: to none */
	} cases[] = { { "a_1", 0 }, { "ab_1", 1 }, { "a", ROW_NONE },
		{ "c_1", 2 }, { "C_1", ROW_NONE }, { "xa_1", ROW_NONE } };
	struct principal who;

	n_servers = 3;
	prefixes[0] = "a_";
	prefixes[1] = "ab_";
	prefixes[2] = "c_";
	answer = YES "}";
	make_bundle();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		n_asked = 0;
		asked_row = ROW_NONE;
		ck_assert_int_eq(check(cases[i].token, &who),
		    cases[i].row == ROW_NONE ? REASON_WRONG_ISSUER
					     : REASON_NONE);
		ck_assert_uint_eq(asked_row, cases[i].row);
	}
}
END_TEST

START_TEST(what_cannot_be_asked_is_not_let_in)
{
	struct principal who;

	answer = YES "}";
	make_bundle();
	result = INTROSPECT_DOWN;
	ck_assert_int_eq(check("token", &who), REASON_VERIFIER_DOWN);
	result = INTROSPECT_BUSY;
	ck_assert_int_eq(check("token", &who), REASON_OVERLOADED);
	result = INTROSPECT_FAULT;
	ck_assert_int_eq(check("token", &who), REASON_FAULT);
}
END_TEST

START_TEST(who_it_is_is_told)
{
	struct principal who;

	answer = YES ",\"username\":\"ada\",\"client_id\":\"app\","
		     "\"scope\":\"r w\",\"jti\":\"7\",\"tier\":\"Gold\","
		     "\"cnf\":{\"jkt\":\"k\"}}";
	make_bundle();
	ck_assert_int_eq(check("token", &who), REASON_NONE);
	ck_assert(span_eq(who.subject, SPAN("ada")));
	ck_assert(span_eq(who.client_id, SPAN("app")));
	ck_assert(span_eq(who.scopes, SPAN("r w")));
	ck_assert(span_eq(who.token_id, SPAN("7")));
	ck_assert(span_eq(who.proof_key, SPAN("k")));
	ck_assert(span_eq(who.issuer, SPAN("https://id.example/")));
	ck_assert_ptr_null(who.tier.p); /* not trusted */
}
END_TEST

static const struct {
	const char *answer;
	int64_t seconds; /* that it is kept */
} lives[] = {
	{ YES "}", 30 },
	{ YES ",\"exp\":1800000010}", 10 },
	{ YES ",\"exp\":1800000010.9}", 10 },
	{ YES ",\"exp\":1900000000}", 30 },
	{ YES ",\"exp\":" BIG "}", 30 },
	{ "{\"active\":false,\"exp\":1900000000}", 5 },
};

START_TEST(an_answer_is_kept_no_longer_than_its_token_lives)
{
	struct guard g;
	struct verdict v;
	const char *why;

	make_bundle();
	g = guard_new(span_str(lives[_i].answer));
	ck_assert(introspection_read(
	    &sample.bundle, 0, g.text, NOW, &arena, &v, &why));
	ck_assert_int_eq(v.expires_s, NOW + lives[_i].seconds);
	guard_free(&g);
}
END_TEST

START_TEST(a_long_answer_is_cut_to_what_is_read)
{
	struct verdict v;
	const char *why;
	struct buf b;

	row.scope_claim.n = 0;
	make_bundle();
	buf_init(&b, 100000);
	buf_add_str(&b, "{\"junk\":\"");
	for (int i = 0; i < 5000; i++)
		buf_add_char(&b, 'x');
	buf_add_str(&b, "\",\"active\":true,\"sub\":\"ada\",\"exp\":1}");
	ck_assert(introspection_read(
	    &sample.bundle, 0, buf_span(&b), NOW, &arena, &v, &why));
	ck_assert(span_eq(v.payload, SPAN("{\"sub\":\"ada\",\"exp\":1}")));
	for (int i = 0; i < 70000; i++)
		buf_add_char(&b, ' ');
	ck_assert(!introspection_read(
	    &sample.bundle, 0, buf_span(&b), NOW, &arena, &v, &why));
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("opaque");
	TCase *t = tcase_create("opaque");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, an_answer_is_judged_as_a_token_would_be, 0,
	    sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(t, a_token_is_shown_to_one_server_alone);
	tcase_add_test(t, what_cannot_be_asked_is_not_let_in);
	tcase_add_test(t, who_it_is_is_told);
	tcase_add_loop_test(t, an_answer_is_kept_no_longer_than_its_token_lives,
	    0, sizeof(lives) / sizeof(lives[0]));
	tcase_add_test(t, a_long_answer_is_cut_to_what_is_read);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
