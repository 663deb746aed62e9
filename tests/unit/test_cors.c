/*
 * test_cors - what an origin is, and what an answer tells it.
 */
#include "tests/unit/guard.h"
#include "tests/unit/sample.h"

#include "policy/cors.h"

static const struct {
	const char *text;
	bool is;
} origins[] = {
	{ "https://app.example", true },
	{ "http://app.example", true },
	{ "https://app.example:8443", true },
	{ "https://*.app.example", true },
	{ "https://*.app.example:8443", true },
	{ "http://localhost:3000", true },
	{ "http://127.0.0.1", true },
	{ "http://[::1]:8080", true },
	{ "http://[2001:db8::1]", true },
	{ "capacitor://localhost", true },
	{ "chrome-extension://abcdefgh", true },
	{ "https://app.example:443", false },
	{ "http://app.example:80", false },
	{ "https://app.example:80", true },
	{ "", false },
	{ "*", false },
	{ "null", false },
	{ "app.example", false },
	{ "://app.example", false },
	{ "1a://app.example", false },
	{ "https:/app.example", false },
	{ "https://", false },
	{ "https://*", false },
	{ "https://*.", false },
	{ "https://*example", false },
	{ "https://a.*.example", false },
	{ "https://App.example", false },
	{ "https://app.example/", false },
	{ "https://app.example.", false },
	{ "https://.app.example", false },
	{ "https://app..example", false },
	{ "https://app.example:", false },
	{ "https://app.example:0", false },
	{ "https://app.example:080", false },
	{ "https://app.example:65536", false },
	{ "https://:8443", false },
	{ "https://[::1", false },
	{ "https://[::g]", false },
	{ "https://[]", false },
	{ "https://u@app.example", false },
	{ "https://app.example\r\nX: y", false },
	{ "https://8443", true },
};

START_TEST(an_origin_is_what_browsers_send)
{
	struct guard g = guard_new(span_str(origins[_i].text));

	ck_assert_msg(
	    cors_is_origin(g.text) == origins[_i].is, "%s", origins[_i].text);
	guard_free(&g);
}
END_TEST

#define ONE "Access-Control-Allow-Origin: https://app.example\r\n"
#define VARY "Vary: Origin\r\n"
#define VARY3                                           \
	"Vary: Origin, Access-Control-Request-Method, " \
	"Access-Control-Request-Headers\r\n"

static const struct {
	const char *rule;
	uint32_t flags;
	const char *origin;  /* NULL: none is sent */
	const char *headers; /* asked for by a preflight; NULL: none is one */
	const char *expected;
} answers[] = {
	{ "https://app.example", 0, "https://app.example", NULL,
	    VARY ONE "Access-Control-Expose-Headers: X-Total\r\n" },
	{ "https://app.example", CORS_CREDENTIALS, "https://app.example", NULL,
	    VARY ONE "Access-Control-Allow-Credentials: true\r\n"
		     "Access-Control-Expose-Headers: X-Total\r\n" },
	{ "https://app.example", 0, NULL, NULL, VARY },
	{ "https://app.example", 0, "http://app.example", NULL, VARY },
	{ "https://app.example", 0, "https://app.example:8443", NULL, VARY },
	{ "https://app.example", 0, "https://app.example.evil", NULL, VARY },
	{ "https://app.example", 0, "https://evilapp.example", NULL, VARY },
	{ "https://app.example", 0, "HTTPS://app.example", NULL, VARY },
	{ "https://app.example", 0, "null", NULL, VARY },
	{ "", CORS_ANY_ORIGIN, "null", NULL, VARY },
	{ "", CORS_ANY_ORIGIN, "https://any.example", NULL,
	    VARY "Access-Control-Allow-Origin: *\r\n"
		 "Access-Control-Expose-Headers: X-Total\r\n" },
	{ "https://*.site.example", 0, "https://site.example", NULL, VARY },
	{ "https://*.site.example", 0, "https://.site.example", NULL, VARY },
	{ "https://*.site.example", 0, "https://evilsite.example", NULL, VARY },
	{ "https://*.site.example", 0, "http://a.site.example", NULL, VARY },
	{ "https://*.site.example", 0, "https://evil/.site.example", NULL,
	    VARY },
	{ "https://*.site.example", 0, "https://u@a.site.example", NULL, VARY },
	{ "https://*.site.example", 0, "https://*.site.example.evil", NULL,
	    VARY },
	{ "https://*.site.example", 0, "https://a.b.site.example", NULL,
	    VARY "Access-Control-Allow-Origin: https://a.b.site.example\r\n"
		 "Access-Control-Expose-Headers: X-Total\r\n" },
	{ "https://app.example", 0, "https://app.example", "x-a",
	    VARY3 ONE "Access-Control-Allow-Methods: GET, OPTIONS\r\n"
		      "Access-Control-Allow-Headers: X-One\r\n"
		      "Access-Control-Max-Age: 60\r\n" },
	{ "https://app.example", CORS_ANY_HEADER, "https://app.example",
	    "x-a,x-b",
	    VARY3 ONE "Access-Control-Allow-Methods: GET, OPTIONS\r\n"
		      "Access-Control-Allow-Headers: x-a,x-b\r\n"
		      "Access-Control-Max-Age: 60\r\n" },
	{ "https://app.example", CORS_ANY_HEADER, "https://app.example",
	    "x-a\r\nEvil: 1",
	    VARY3 ONE "Access-Control-Allow-Methods: GET, OPTIONS\r\n"
		      "Access-Control-Max-Age: 60\r\n" },
	{ "https://app.example", 0, "https://evil.example", "x-a", VARY3 },
};

/* A bundle with one API whose CORS row has this rule and these flags. */
static void
make(struct sample *s, const char *rule, uint32_t flags)
{
	struct row_cors cors = { .flags = flags, .max_age_s = 60 };
	struct span text = span_str(rule);

	sample_begin(s);
	(void)sample_operation(sample_item(s, "/a", "GET, OPTIONS"), "GET");
	if (text.n > 0)
		cors.origins = build_strings(s->build, &text, 1);
	cors.headers = build_text(s->build, SPAN("X-One"));
	cors.exposed = build_text(s->build, SPAN("X-Total"));
	s->api.cors =
	    (struct range){ BUILD_ROW(s->build, SECTION_CORS, &cors), 1 };
}

START_TEST(an_answer_tells_an_allowed_origin_and_no_other)
{
	struct sample s;
	struct arena a;
	struct param params[3] = {
		{ SPAN("HTTP_ORIGIN"), span_str(answers[_i].origin) },
		{ SPAN("HTTP_ACCESS_CONTROL_REQUEST_METHOD"), SPAN("GET") },
		{ SPAN("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
		    span_str(answers[_i].headers) },
	};
	struct request r = { .params = params,
		.n_params = answers[_i].origin == NULL ? 0
		    : answers[_i].headers == NULL      ? 1
						       : 3,
		.method = SPAN("OPTIONS"),
		.arena = &a };
	struct match m = { 0 };
	struct buf to;

	make(&s, answers[_i].rule, answers[_i].flags);
	sample_end(&s);
	arena_init(&a, 4096, 65536);
	buf_init(&to, 4096);
	m.api = bundle_api(&s.bundle, 0);
	m.item = bundle_item(&s.bundle, 0);
	ck_assert(cors_is_preflight(&r) == (answers[_i].headers != NULL));
	cors_write(&s.bundle, &r, &m, cors_is_preflight(&r), &to);
	ck_assert_msg(span_eq(buf_span(&to), span_str(answers[_i].expected)),
	    "%d: %.*s", _i, SPAN_ARG(buf_span(&to)));
	buf_fini(&to);
	arena_fini(&a);
	sample_free(&s);
}
END_TEST

START_TEST(an_origin_that_comes_twice_is_none)
{
	struct sample s;
	struct param params[2] = {
		{ SPAN("HTTP_ORIGIN"), SPAN("https://app.example") },
		{ SPAN("HTTP_ORIGIN"), SPAN("https://app.example") },
	};
	struct request r = { .params = params, .n_params = 2 };
	struct match m = { 0 };
	struct buf to;

	make(&s, "https://app.example", 0);
	sample_end(&s);
	buf_init(&to, 4096);
	m.api = bundle_api(&s.bundle, 0);
	cors_write(&s.bundle, &r, &m, false, &to);
	ck_assert(span_eq(buf_span(&to), SPAN(VARY)));
	buf_reset(&to);
	m.api = NULL;
	cors_write(&s.bundle, &r, &m, false, &to);
	ck_assert_uint_eq(to.n, 0);
	buf_fini(&to);
	sample_free(&s);
}
END_TEST

static const struct {
	const char *rule;
	uint32_t flags;
} damaged[] = {
	{ "https://app.example", CORS_ANY_ORIGIN | CORS_CREDENTIALS },
	{ "null", 0 },
	{ "https://app.example/x", 0 },
	{ "https://app.example", 8 },
};

START_TEST(a_bundle_that_allows_too_much_is_damaged)
{
	struct sample s;
	char why[200] = "";

	make(&s, damaged[_i].rule, damaged[_i].flags);
	sample_write(&s);
	ck_assert(
	    !bundle_from(&s.bundle, buf_span(&s.bytes), why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "CORS"));
	sample_free(&s);
}
END_TEST

static struct take seen[TAKES_MAX];
static enum take_result answer;

static enum take_result
take(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	(void)world;
	(void)now_us;
	memcpy(seen, takes, n * sizeof(*takes));
	takes[0].refused = answer == TAKE_REFUSED;
	takes[0].wait_us = 2500000;
	return answer;
}

static void
client(struct request *r, const char *address)
{
	static struct param from;
	const struct client_rules nobody = { 0 };

	from = (struct param){ SPAN("REMOTE_ADDR"), span_str(address) };
	r->params = &from;
	r->n_params = 1;
	client_find(r, &nobody, &r->client);
}

START_TEST(preflights_of_one_network_are_counted_together)
{
	const struct outside world = { .take = take };
	const struct row_limit limit = {
		.count = 5, .period_us = 60000000, .burst = 5
	};
	struct request r = { .now_us = 1 };
	struct match m = { 0 };
	struct sample s;
	struct arena a;
	struct decision d = { 0 };
	struct row_cors *cors;
	struct span first;

	arena_init(&a, 4096, 65536);
	r.arena = &a;
	make(&s, "https://app.example", 0);
	cors = build_at(s.build, SECTION_CORS, 0);
	cors->limits.n = 1;
	(void)BUILD_ROW(s.build, SECTION_LIMIT, &limit);
	sample_end(&s);
	m.api = bundle_api(&s.bundle, 0);
	answer = TAKE_ALLOWED;
	client(&r, "2001:db8:1:2::1");
	ck_assert(cors_count_preflight(&world, &s.bundle, &r, &m, &d));
	first = seen[0].parts[3];
	client(&r, "2001:db8:1:2:ffff::9");
	ck_assert(cors_count_preflight(&world, &s.bundle, &r, &m, &d));
	ck_assert(span_eq(first, seen[0].parts[3]));
	client(&r, "2001:db8:1:3::1");
	ck_assert(cors_count_preflight(&world, &s.bundle, &r, &m, &d));
	ck_assert(!span_eq(first, seen[0].parts[3]));
	client(&r, "192.0.2.1");
	ck_assert(cors_count_preflight(&world, &s.bundle, &r, &m, &d));
	ck_assert(span_eq(seen[0].parts[3], SPAN("192.0.2.1")));
	answer = TAKE_REFUSED;
	ck_assert(!cors_count_preflight(&world, &s.bundle, &r, &m, &d));
	ck_assert_int_eq(d.reason, REASON_RATE_EXCEEDED);
	ck_assert_uint_eq(d.retry_after_s, 3);
	answer = TAKE_FAULT;
	ck_assert(!cors_count_preflight(&world, &s.bundle, &r, &m, &d));
	ck_assert_int_eq(d.reason, REASON_FAULT);
	arena_fini(&a);
	sample_free(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cors");
	TCase *t = tcase_create("cors");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, an_origin_is_what_browsers_send, 0,
	    (int)(sizeof(origins) / sizeof(origins[0])));
	tcase_add_loop_test(t, an_answer_tells_an_allowed_origin_and_no_other,
	    0, (int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_test(t, an_origin_that_comes_twice_is_none);
	tcase_add_loop_test(t, a_bundle_that_allows_too_much_is_damaged, 0,
	    (int)(sizeof(damaged) / sizeof(damaged[0])));
	tcase_add_test(t, preflights_of_one_network_are_counted_together);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
