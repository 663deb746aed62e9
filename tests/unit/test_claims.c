/*
 * What claims are held to besides issuer, audience and times: required
 * values, other names, subscriptions.
 */
#include <check.h>

#include "guard.h"
#include "policy/claim_path.h"
#include "policy/token.h"
#include "sample.h"

static struct arena arena;
static struct sample sample;
static struct request request = { .arena = &arena };
static struct credential_call call = { .request = &request };

static void
setup(void)
{
	arena_init(&arena, 1 << 16, 1 << 20);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

static const struct {
	const char *json, *path, *values; /* with blanks; NULL: any */
	bool fits;
} paths[] = {
	{ "{\"team\":\"a\"}", "team", "a", true },
	{ "{\"team\":\"a\"}", "team", "b a", true },
	{ "{\"team\":\"a\"}", "team", "b", false },
	{ "{\"team\":\"a\"}", "team", NULL, true },
	{ "{\"team\":\"a\"}", "tea", "a", false },
	{ "{\"team\":\"a\"}", "teams", NULL, false },
	{ "{\"team\":\"A\"}", "team", "a", false },
	{ "{\"team\":\"a b\"}", "team", "a", false },
	{ "{\"team\":[\"x\",\"a\"]}", "team", "a", true },
	{ "{\"team\":[\"x\",[\"a\"]]}", "team", "a", false },
	{ "{\"team\":[]}", "team", NULL, false },
	{ "{\"team\":{\"a\":\"a\"}}", "team", "a", false },
	{ "{\"team\":{\"a\":\"b\"}}", "team.a", "b", true },
	{ "{\"team.a\":\"b\"}", "team.a", "b", true },
	{ "{\"team\":\"x\",\"team.a\":\"b\"}", "team.a", "b", true },
	{ "{\"team\":{\"b\":1,\"a\":{\"c\":7}},\"z\":1}", "team.a.c", "7",
	    true },
	{ "{\"team\":{\"a\":{}}}", "team.a.c", NULL, false },
	{ "{\"mail\":true}", "mail", "true", true },
	{ "{\"mail\":\"true\"}", "mail", "true", true },
	{ "{\"mail\":false}", "mail", "true", false },
	{ "{\"mail\":null}", "mail", NULL, false },
	{ "{\"mail\":null}", "mail", "null", false },
	{ "{\"level\":3}", "level", "3", true },
	{ "{\"level\":3.0}", "level", "3", false },
	{ "{}", "team", NULL, false },
	{ "[]", "team", NULL, false },
	{ "{\"team\":\"a\"", "team", "a", false },
	{ "", "team", NULL, false },
};

START_TEST(a_claim_is_found_by_its_path_and_compared_whole)
{
	struct guard g = guard_new(span_str(paths[_i].json));
	struct span values[8], rest = span_str(paths[_i].values);
	size_t n = 0;

	while (rest.p != NULL)
		values[n++] = span_cut(&rest, ' ');
	ck_assert_msg(claim_path_fits(g.text, span_str(paths[_i].path), values,
			  n, &arena) == paths[_i].fits,
	    "%s %s", paths[_i].json, paths[_i].path);
	guard_free(&g);
}
END_TEST

START_TEST(the_json_of_a_claim_is_as_it_stands)
{
	struct span json = SPAN("{\"a\":[1,{\"b\":\"c\"}] ,\"d\":\"e\\n\"}");

	ck_assert(span_eq(
	    claim_json(json, SPAN("a"), &arena), SPAN("[1,{\"b\":\"c\"}]")));
	ck_assert(
	    span_eq(claim_json(json, SPAN("d"), &arena), SPAN("\"e\\n\"")));
	ck_assert(span_eq(claim_text(json, SPAN("d"), &arena), SPAN("e\n")));
	ck_assert_ptr_null(claim_text(json, SPAN("a"), &arena).p);
	ck_assert_ptr_null(claim_json(json, SPAN("b"), &arena).p);
}
END_TEST

/* CLAIM rows: "kind path local-or-values". */
static struct range
add_rules(const char *const *rules, size_t n)
{
	struct range r = { 0, (uint32_t)n };

	sample_begin(&sample);
	for (size_t i = 0; i < n; i++) {
		struct span rest = span_str(rules[i]);
		struct span kind = span_cut(&rest, ' '), values[4];
		struct row_claim row = { .kind = span_eq(kind, SPAN("map"))
			    ? CLAIM_MAPPED
			    : CLAIM_REQUIRED };
		size_t n_values = 0;

		row.path = build_text(sample.build, span_cut(&rest, ' '));
		if (row.kind == CLAIM_MAPPED)
			row.local = build_text(sample.build, rest);
		else
			while (rest.p != NULL)
				values[n_values++] = span_cut(&rest, ' ');
		row.values = build_strings(sample.build, values, n_values);
		(void)BUILD_ROW(sample.build, SECTION_CLAIM, &row);
	}
	sample_end(&sample);
	call.bundle = &sample.bundle;
	call.api = bundle_api(&sample.bundle, 0);
	return r;
}

START_TEST(claims_go_by_the_names_they_are_given)
{
	static const char *const rules[] = { "map roles scope", "map cid azp",
		"map user sub" };
	struct range r = add_rules(rules, 3);
	struct claims c;
	const char *why = "";

	ck_assert(token_claims_read(&call, r, SPAN("scope"),
	    SPAN("{\"sub\":\"x\",\"user\":\"ada\",\"cid\":\"app\","
		 "\"scope\":\"admin\",\"azp\":\"y\",\"roles\":[\"r\",\"w\"]}"),
	    &c, &why));
	ck_assert(span_eq(c.subject, SPAN("ada")));
	ck_assert(span_eq(c.client, SPAN("app")));
	ck_assert(span_eq(c.scopes, SPAN("r w")));
	/* What another name has taken does not come back without it. */
	ck_assert(token_claims_read(&call, r, SPAN("scope"),
	    SPAN("{\"sub\":\"x\",\"scope\":\"admin\"}"), &c, &why));
	ck_assert_ptr_null(c.subject.p);
	ck_assert_ptr_null(c.scopes.p);
	sample_free(&sample);
}
END_TEST

START_TEST(all_required_claims_are_needed)
{
	static const char *const rules[] = { "need team a b", "need mail true",
		"need id" };
	struct range r = add_rules(rules, 3);
	struct decision d = { 0 };

	ck_assert(token_claims_hold(
	    &call, r, SPAN("{\"team\":\"b\",\"mail\":true,\"id\":0}"), &d));
	ck_assert(!token_claims_hold(
	    &call, r, SPAN("{\"team\":\"b\",\"mail\":false,\"id\":0}"), &d));
	ck_assert_int_eq(d.reason, REASON_CLAIM_REFUSED);
	ck_assert(!token_claims_hold(
	    &call, r, SPAN("{\"team\":\"b\",\"mail\":true}"), &d));
	sample_free(&sample);
}
END_TEST

/* The sample's API is Pets, version 1. */
static const struct {
	const char *json;
	bool fits;
	const char *tier;
} subscriptions[] = {
	{ "[{\"name\":\"Pets\",\"version\":\"1\",\"subscriptionTier\":\"Gold\"}"
	  "]",
	    true, "Gold" },
	{ "[{\"name\":\"Pets\",\"version\":\"*\"}]", true, NULL },
	{ "[{\"name\":\"Cats\",\"version\":\"1\",\"x\":{\"name\":\"Pets\"}},"
	  "{\"x\":[1],\"version\":\"1\",\"name\":\"Pets\"}]",
	    true, NULL },
	{ "[{\"name\":\"Pets\",\"version\":\"2\"}]", false, NULL },
	{ "[{\"name\":\"pets\",\"version\":\"1\"}]", false, NULL },
	{ "[{\"name\":\"Pets\"}]", false, NULL },
	{ "[{\"name\":\"*\",\"version\":\"*\"}]", false, NULL },
	{ "[{\"name\":[\"Pets\"],\"version\":\"1\"}]", false, NULL },
	{ "[\"Pets\"]", false, NULL },
	{ "{\"name\":\"Pets\",\"version\":\"1\"}", false, NULL },
	{ "[]", false, NULL },
	{ "\"Pets\"", false, NULL },
	{ "", false, NULL },
};

START_TEST(a_subscription_is_to_one_api_and_version)
{
	struct decision d = { 0 };
	struct guard g = guard_new(span_str(subscriptions[_i].json));
	struct token_subscription s = { .needed = true };

	(void)add_rules(NULL, 0);
	ck_assert_msg(
	    token_subscribed(&call, g.text, &s, &d) == subscriptions[_i].fits,
	    "%s", subscriptions[_i].json);
	ck_assert(span_eq(s.tier, span_str(subscriptions[_i].tier)));
	ck_assert(s.found == subscriptions[_i].fits);
	ck_assert(subscriptions[_i].fits || d.reason == REASON_CLAIM_REFUSED);
	s.needed = false;
	ck_assert(token_subscribed(&call, g.text, &s, &d));
	guard_free(&g);
	sample_free(&sample);
}
END_TEST

START_TEST(a_confirmation_is_an_object)
{
	static const struct {
		const char *json;
		bool good, bound;
	} cases[] = {
		{ "{\"cnf\":{\"x5t#S256\":\"abc\"}}", true, true },
		{ "{\"cnf\":{\"kid\":\"abc\"}}", true, true },
		{ "{\"cnf\":{}}", true, true },
		{ "{}", true, false },
		{ "{\"cnf\":\"abc\"}", false, false },
		{ "{\"cnf\":{\"jkt\":1}}", false, false },
		{ "{\"cnf\":{\"jkt\":\"a\\u0007\"}}", false, false },
		{ "{\"jti\":5}", false, false },
		{ "{\"iat\":\"5\"}", false, false },
	};
	struct claims c;
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool good = claims_read(
		    span_str(cases[i].json), SPAN("scope"), &arena, &c, &why);

		ck_assert_msg(good == cases[i].good, "%s", cases[i].json);
		ck_assert(!good || c.bound == cases[i].bound);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("claims");
	TCase *t = tcase_create("claims");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_claim_is_found_by_its_path_and_compared_whole,
	    0, sizeof(paths) / sizeof(paths[0]));
	tcase_add_test(t, the_json_of_a_claim_is_as_it_stands);
	tcase_add_test(t, claims_go_by_the_names_they_are_given);
	tcase_add_test(t, all_required_claims_are_needed);
	tcase_add_loop_test(t, a_subscription_is_to_one_api_and_version, 0,
	    sizeof(subscriptions) / sizeof(subscriptions[0]));
	tcase_add_test(t, a_confirmation_is_an_object);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
