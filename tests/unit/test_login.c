/*
 * Who the gate is toward a backend: what a token server grants, the names
 * by which a machine sets user and password, and what goes over the wire.
 */
#include "tests/unit/guard.h"
#include "tests/unit/upstream_rig.h"

#include "policy/granted.h"
#include "policy/override.h"

#define OK_TOKEN "\"access_token\":\"abc.DEF-1~+/=\",\"token_type\":\"bearer\""

static const struct {
	struct span answer;
	const char *token; /* NULL: none */
	unsigned life_s;
} answers[] = {
	{ SPAN_INIT("{" OK_TOKEN "}"), "abc.DEF-1~+/=", 300 },
	{ SPAN_INIT("{" OK_TOKEN ",\"expires_in\":7}"), "abc.DEF-1~+/=", 7 },
	{ SPAN_INIT("{" OK_TOKEN ",\"expires_in\":\"7\"}"),
	    "abc.DEF-1~+/=", 7 },
	{ SPAN_INIT("{" OK_TOKEN ",\"expires_in\":7.9}"), "abc.DEF-1~+/=", 7 },
	{ SPAN_INIT("{" OK_TOKEN ",\"expires_in\":99999999999999999999999}"),
	    "abc.DEF-1~+/=", 300 },
	{ SPAN_INIT("{" OK_TOKEN ",\"expires_in\":1e9}"),
	    "abc.DEF-1~+/=", 300 },
	{ SPAN_INIT("{" OK_TOKEN ",\"expires_in\":9999999}"),
	    "abc.DEF-1~+/=", 86400 },
	{ SPAN_INIT("{" OK_TOKEN ",\"expires_in\":-1,\"x\":[{\"y\":{}}]}"),
	    "abc.DEF-1~+/=", 300 },
	{ SPAN_INIT(""), NULL, 0 },
	{ SPAN_INIT("[]"), NULL, 0 },
	{ SPAN_INIT("{}"), NULL, 0 },
	{ SPAN_INIT("{" OK_TOKEN), NULL, 0 },
	{ SPAN_INIT("{" OK_TOKEN "} x"), NULL, 0 },
	{ SPAN_INIT("{" OK_TOKEN ",\"access_token\":\"other\"}"), NULL, 0 },
	{ SPAN_INIT("{\"access_token\":\"abc\"}"), NULL, 0 },
	{ SPAN_INIT("{\"access_token\":\"abc\",\"token_type\":\"mac\"}"), NULL,
	    0 },
	{ SPAN_INIT("{\"access_token\":1,\"token_type\":\"Bearer\"}"), NULL,
	    0 },
	{ SPAN_INIT("{\"access_token\":\"\",\"token_type\":\"Bearer\"}"), NULL,
	    0 },
	{ SPAN_INIT("{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}"),
	    NULL, 0 },
	{ SPAN_INIT(
	      "{\"access_token\":\"a\\r\\nb\",\"token_type\":\"Bearer\"}"),
	    NULL, 0 },
	{ SPAN_INIT("{\"access_token\":\"\\u00e4\",\"token_type\":\"Bearer\"}"),
	    NULL, 0 },
};

START_TEST(a_grant_is_read_strictly)
{
	struct guard text = guard_new(answers[_i].answer);
	struct granted g;
	struct arena a;
	const char *why = NULL;
	bool ok;

	arena_init(&a, 1024, 1 << 20);
	ok = granted_read(text.text, &a, &g, &why);
	ck_assert_int_eq(ok, answers[_i].token != NULL);
	if (ok) {
		ck_assert(span_eq(g.token, span_str(answers[_i].token)));
		ck_assert_uint_eq(g.life_s, answers[_i].life_s);
	} else {
		ck_assert_ptr_nonnull(why);
	}
	arena_fini(&a);
	guard_free(&text);
}
END_TEST

START_TEST(a_list_has_names_for_user_and_password)
{
	struct rig *g = rig_new();
	struct override o = { .bundle = &g->sample.bundle,
		.api = bundle_api(&g->sample.bundle, 0) };
	struct span names[OVERRIDE_LOGINS_MAX];
	unsigned n = override_logins(&o, OVERRIDE_PASSWORD, &g->arena, names);

	ck_assert_uint_eq(n, 4);
	ck_assert(span_starts(names[0], SPAN("MGW_ENDPOINT_")));
	ck_assert(span_ends(names[0], SPAN("_PASSWORD")));
	ck_assert(span_ends(names[1], SPAN("_prod_basic_password")));
	ck_assert(span_ends(names[2], SPAN(".prod.basic.password")));
	ck_assert(span_ends(names[3], SPAN(".basic.password")));
	o.sandbox = true;
	n = override_logins(&o, OVERRIDE_USER, &g->arena, names);
	ck_assert_uint_eq(n, 4);
	ck_assert(span_starts(names[0], SPAN("MGW_SANDBOX_")));
	ck_assert(span_ends(names[0], SPAN("_USER")));
	ck_assert(span_ends(names[1], SPAN("_sand_basic_username")));
	rig_free(g);
}
END_TEST

static const struct {
	uint32_t auth;
	const char *user, *password;
	const char *lines; /* of the client */
	const char *sent;  /* NULL: fault */
	const char * not ;
} logins[] = {
	{ BACKEND_AUTH_BASIC, "Aladdin", "open sesame", "",
	    "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n",
	    "Aladdin" },
	{ BACKEND_AUTH_BASIC, "a", "b", "HTTP_AUTHORIZATION=Basic mine\n",
	    "\r\nAuthorization: Basic YTpi\r\n", "mine" },
	{ BACKEND_AUTH_HEADER, "", "s3cret",
	    "HTTP_X_KEY=mine\nHTTP_AUTHORIZATION=mine\nHTTP_OTHER=1\n",
	    "\r\nX-Key: s3cret\r\n\r\n", "mine" },
	{ BACKEND_AUTH_HEADER, "", "a\r\nX-Evil: 1", "", NULL, "" },
	{ BACKEND_AUTH_NONE, "", "", "HTTP_X_KEY=mine\n", "\r\nX-Key: mine\r\n",
	    "Authorization" },
};

START_TEST(what_is_shown_to_a_backend_is_ours_alone)
{
	struct rig *g = rig_new();
	struct row_security s = { .certificate = ROW_NONE,
		.key = ROW_NONE,
		.secret = ROW_NONE,
		.auth = logins[_i].auth };
	struct sample *sample = &g->sample;

	for (uint32_t at = 1; at + 5 < sample->bundle.text.n; at++)
		if (memcmp(sample->bundle.text.p + at, "X-Key", 6) == 0)
			s.header = (struct text){ at, 5 };
	g->backend.security = &s;
	g->backend.user = span_str(logins[_i].user);
	g->backend.password = span_str(logins[_i].password);
	g->server.script[0] = HELLO;
	ask(g, "GET", logins[_i].lines, NULL, -1);
	if (logins[_i].sent == NULL) {
		ck_assert(!g->answered);
		ck_assert_int_eq(g->decision.reason, REASON_FAULT);
		ck_assert_uint_eq(g->server.n_requests, 0);
	} else {
		ck_assert(g->whole && got(g, "hello"));
		ck_assert(saw(g, logins[_i].sent));
		ck_assert(!saw(g, logins[_i].not ));
	}
	rig_free(g);
}
END_TEST

START_TEST(nothing_is_said_in_the_clear_to_another_machine)
{
	struct rig *g = rig_new();
	struct row_security s = { .certificate = ROW_NONE,
		.key = ROW_NONE,
		.secret = ROW_NONE,
		.auth = BACKEND_AUTH_BASIC };

	g->backend.security = &s;
	g->backend.user = g->backend.password = SPAN("a");
	/* It is this machine, and not by a loopback address. */
	g->backend.host = SPAN("0.0.0.0");
	g->server.script[0] = HELLO;
	ask(g, "GET", "", NULL, -1);
	ck_assert(!g->answered);
	ck_assert_int_eq(g->decision.reason, REASON_UPSTREAM_CONNECT);
	ck_assert(span_eq(
	    g->decision.proxy_error, SPAN("destination_ip_prohibited")));
	ck_assert_uint_eq(g->server.n_requests, 0);
	rig_free(g);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("login");
	TCase *tc = tcase_create("login");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, a_grant_is_read_strictly, 0,
	    (int)(sizeof(answers) / sizeof(*answers)));
	tcase_add_test(tc, a_list_has_names_for_user_and_password);
	tcase_add_loop_test(tc, what_is_shown_to_a_backend_is_ours_alone, 0,
	    (int)(sizeof(logins) / sizeof(*logins)));
	tcase_add_test(tc, nothing_is_said_in_the_clear_to_another_machine);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
