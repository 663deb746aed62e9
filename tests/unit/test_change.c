/*
 * test_change - what changes make of a request, whatever its values hold.
 */
#include "tests/unit/guard.h"

#include <check.h>

#include "policy/change.h"
#include "policy/target.h"
#include "spec/emit.h"

#define DOCUMENT                                                             \
	"openapi: 3.0.3\n"                                                   \
	"info: {title: a, version: '1'}\n"                                   \
	"servers: [{url: 'https://a.example/base'}]\n"                       \
	"components:\n"                                                      \
	"  securitySchemes:\n"                                               \
	"    key: {type: apiKey, in: query, name: key}\n"                    \
	"paths:\n"                                                           \
	"  /seg/{a}/{b}:\n"                                                  \
	"    get: {security: [{key: []}], responses: {'200': {description: " \
	"x}}}\n"                                                             \
	"  /claim: {get: {security: [], responses: {'200': {description: "   \
	"x}}}}\n"                                                            \
	"  /list: {get: {security: [], responses: {'200': {description: "    \
	"x}}}}\n"                                                            \
	"  /who: {get: {security: [], responses: {'200': {description: "     \
	"x}}}}\n"                                                            \
	"  /two: {get: {security: [], responses: {'200': {description: "     \
	"x}}}}\n"                                                            \
	"  /all/*: {get: {security: [], responses: {'200': {description: "   \
	"x}}}}\n"                                                            \
	"  /plain: {get: {security: [], responses: {'200': {description: "   \
	"x}}}}\n"

#define POLICY                                                            \
	"api-keys: {file: keys.db}\n"                                     \
	"apis:\n"                                                         \
	"  a.yaml:\n"                                                     \
	"    changes:\n"                                                  \
	"      operations:\n"                                             \
	"        GET /seg/{a}/{b}:\n"                                     \
	"          request:\n"                                            \
	"            path: '/to/${path.b}/${path.a}'\n"                   \
	"            query: {remove: [gone], set: {to: 'x${path.a}'}}\n"  \
	"        GET /claim:\n"                                           \
	"          request: {path: '/c/${claim.c}'}\n"                    \
	"        GET /list:\n"                                            \
	"          request:\n"                                            \
	"            query: {set: {v: '${claim.c}'}}\n"                   \
	"            headers: {set: {X-C: '${claim.c}'}}\n"               \
	"          response: {headers: {set: {X-C: '${claim.c}'}}}\n"     \
	"        GET /who:\n"                                             \
	"          request:\n"                                            \
	"            path: '/who/${subject}@${query.q}'\n"                \
	"            headers: {set: {X-Who: 'a ${subject} ${method}'}}\n" \
	"        GET /two:\n"                                             \
	"          request: {path: '/${query.x}${query.y}/z'}\n"          \
	"        GET /all/*:\n"                                           \
	"          request: {path: '/new/${rest}',\n"                     \
	"            headers: {set: {X-P: '${path} ${rest}'}}}\n"

static struct arena arena;
static struct bundle bundle;

static void
setup(void)
{
	struct diag d = { .arena = &arena };
	struct spec s = { .diag = &d };
	struct buf bytes, text;
	char why[256] = "";

	arena_init(&arena, 64 * 1024, 64 * 1024 * 1024);
	buf_init(&bytes, BUNDLE_BYTES_MAX);
	buf_init(&text, 1 << 20);
	s.documents = openapi_parse(SPAN(DOCUMENT), "a.yaml", &d);
	s.policy = policyfile_parse(SPAN(POLICY), "mgw.yaml", NULL, &d);
	ck_assert_ptr_nonnull(s.documents);
	link_spec(&s);
	diag_write(&d, &text);
	ck_assert_msg(d.n_errors == 0, "%.*s", SPAN_ARG(buf_span(&text)));
	ck_assert(emit_bundle(&s, &bytes));
	ck_assert_msg(bundle_from(&bundle, buf_span(&bytes), why, sizeof(why)),
	    "%s", why);
	buf_fini(&bytes);
	buf_fini(&text);
}

static void
teardown(void)
{
	bundle_close(&bundle);
	arena_fini(&arena);
}

struct asked {
	const char *uri;
	const char *claims; /* NULL: nobody asks */
	const char *subject;
};

struct made {
	struct request r;
	struct match m;
	struct change c;
	struct principal who;
	struct decision d;
	struct param params[4];
};

/* Read, route and change a GET; false: refused. */
static bool
make(const struct asked *a, struct made *k)
{
	struct request_rules rules = { .strip_prefix = SPAN("") };

	*k = (struct made){ .r = { .arena = &arena } };
	k->params[0] = (struct param){ SPAN("REQUEST_METHOD"), SPAN("GET") };
	k->params[1] = (struct param){ SPAN("REQUEST_URI"), span_str(a->uri) };
	k->params[2] = (struct param){ SPAN("HTTP_HOST"), SPAN("a.example") };
	k->params[3] = (struct param){ SPAN("REMOTE_ADDR"), SPAN("192.0.2.1") };
	k->r.params = k->params;
	k->r.n_params = 4;
	ck_assert_msg(request_read(&k->r, &bundle, &rules, &k->d), "%.*s",
	    SPAN_ARG(k->d.detail));
	ck_assert(route_match(&bundle, &k->r, &k->m, &k->d));
	if (a->claims != NULL)
		k->who.scheme = SPAN("jwt");
	k->who.claims = span_str(a->claims);
	k->who.subject = span_str(a->subject);
	return change_make(&bundle, &k->r, &k->m, &k->who, &k->c, &k->d);
}

static const struct {
	struct asked asked;
	const char *target;
	const char *headers, *answer; /* NULL: none */
} good[] = {
	{ { "/base/seg/1/2?gone=1&%67one=2&a=b", NULL, NULL },
	    "/to/2/1?a=b&to=x1", NULL, NULL },
	{ { "/base/seg/1/2?to=7&key=secret&To=8", NULL, NULL },
	    "/to/2/1?To=8&to=x1", NULL, NULL },
	{ { "/base/seg/a%20b/%C3%A4;v?", NULL, NULL },
	    "/to/%C3%A4;v/a%20b?&to=xa%20b", NULL, NULL },
	{ { "/base/seg/1&2=3/x", NULL, NULL }, "/to/x/1&2=3?to=x1%262%3D3",
	    NULL, NULL },
	{ { "/base/claim", "{\"c\":\"x y\"}", NULL }, "/c/x%20y", NULL, NULL },
	{ { "/base/claim", "{\"c\":17}", NULL }, "/c/17", NULL, NULL },
	{ { "/base/claim", "{\"c\":\"a?b#c%d\"}", NULL }, "/c/a%3Fb%23c%25d",
	    NULL, NULL },
	{ { "/base/list", "{\"c\":[\"a\",\"b,c\",true,1]}", NULL },
	    "/list?v=a,b%2Cc,true,1", "X-C: a,b%2Cc,true,1\r\n",
	    "X-C: a,b%2Cc,true,1\r\n" },
	{ { "/base/list", "{\"c\":\"a,b\"}", NULL }, "/list?v=a%2Cb",
	    "X-C: a,b\r\n", "X-C: a,b\r\n" },
	{ { "/base/list", "{\"c\":\" a\\r\\nHost: b\\u007f%\\u00e4 \"}", NULL },
	    "/list?v=%20a%0D%0AHost%3A%20b%7F%25%C3%A4%20",
	    "X-C: %20a%0D%0AHost: b%7F%25%C3%A4%20\r\n",
	    "X-C: %20a%0D%0AHost: b%7F%25%C3%A4%20\r\n" },
	/* Left out, and what came by that name is gone. */
	{ { "/base/list?v=mine", "{\"c\":null}", NULL }, "/list", "", "" },
	{ { "/base/list?v=mine", "{\"c\":\"\"}", NULL }, "/list", "", "" },
	{ { "/base/list?v=mine", "{\"c\":{\"d\":1}}", NULL }, "/list", "", "" },
	{ { "/base/list?v=mine", "{\"c\":[]}", NULL }, "/list", "", "" },
	{ { "/base/list?v=mine&w", "{}", NULL }, "/list?w", "", "" },
	{ { "/base/list?v=mine", NULL, NULL }, "/list", "", "" },
	{ { "/base/who?q=1", "{}", "me" }, "/who/me@1?q=1",
	    "X-Who: a me GET\r\n", NULL },
	{ { "/base/two?x=.&y=a", "{}", NULL }, "/.a/z?x=.&y=a", NULL, NULL },
	{ { "/base/all/a/b", "{}", NULL }, "/new/a/b", "X-P: /all/a/b a/b\r\n",
	    NULL },
	{ { "/base/all/a%20%25/", "{}", NULL }, "/new/a%20%25/",
	    "X-P: /all/a%20%25/ a%20%25/\r\n", NULL },
	{ { "/base/all", "{}", NULL }, "/new/", "X-P: /all \r\n", NULL },
	{ { "/base/plain?v=1", "{}", NULL }, "/plain?v=1", NULL, NULL },
};

START_TEST(values_are_encoded_for_their_place)
{
	struct made k;
	struct target t = { .bundle = &bundle, .request = &k.r };
	struct buf to;

	ck_assert_msg(make(&good[_i].asked, &k), "%.*s", SPAN_ARG(k.d.detail));
	t.api = k.m.api;
	t.change = &k.c;
	buf_init(&to, target_bytes_max(&t));
	ck_assert(target_write(&t, &to));
	ck_assert(!to.failed);
	ck_assert_msg(span_eq(buf_span(&to), span_str(good[_i].target)), "%.*s",
	    SPAN_ARG(buf_span(&to)));
	ck_assert_msg(span_eq(k.c.headers, span_str(good[_i].headers)), "%.*s",
	    SPAN_ARG(k.c.headers));
	ck_assert_msg(span_eq(k.c.answer, span_str(good[_i].answer)), "%.*s",
	    SPAN_ARG(k.c.answer));
	buf_fini(&to);
}
END_TEST

static const struct {
	struct asked asked;
	enum reason reason;
} bad[] = {
	{ { "/base/claim", NULL, NULL }, REASON_BAD_REQUEST },
	{ { "/base/claim", "{}", NULL }, REASON_BAD_REQUEST },
	{ { "/base/claim", "{\"c\":\"\"}", NULL }, REASON_BAD_REQUEST },
	{ { "/base/claim", "{\"c\":{}}", NULL }, REASON_BAD_REQUEST },
	{ { "/base/claim", "{\"c\":[]}", NULL }, REASON_BAD_REQUEST },
	{ { "/base/claim", "{\"c\":\".\"}", NULL }, REASON_PATH_AMBIGUOUS },
	{ { "/base/claim", "{\"c\":\"..\"}", NULL }, REASON_PATH_AMBIGUOUS },
	{ { "/base/claim", "{\"c\":\"..;x\"}", NULL }, REASON_PATH_AMBIGUOUS },
	{ { "/base/claim", "{\"c\":\"%2e%2e\"}", NULL },
	    REASON_PATH_AMBIGUOUS },
	{ { "/base/claim", "{\"c\":\"%2F\"}", NULL }, REASON_PATH_AMBIGUOUS },
	{ { "/base/claim", "{\"c\":\"a/b\"}", NULL }, REASON_PATH_AMBIGUOUS },
	{ { "/base/claim", "{\"c\":\"a/../b\"}", NULL },
	    REASON_PATH_AMBIGUOUS },
	{ { "/base/claim", "{\"c\":\"http://evil\"}", NULL },
	    REASON_PATH_AMBIGUOUS },
	{ { "/base/claim", "{\"c\":\"a\\\\b\"}", NULL },
	    REASON_PATH_AMBIGUOUS },
	{ { "/base/claim", "{\"c\":\"a\\r\\nb\"}", NULL }, REASON_BAD_REQUEST },
	{ { "/base/claim", "{\"c\":\"a\\u0001\"}", NULL }, REASON_BAD_REQUEST },
	{ { "/base/claim", "{\"c\":\"\xff\xfe\"}", NULL }, REASON_BAD_REQUEST },
	/* Dots that two values make together. */
	{ { "/base/two?x=.&y=.", "{}", NULL }, REASON_PATH_AMBIGUOUS },
	{ { "/base/two?x=..&y=%3B", "{}", NULL }, REASON_PATH_AMBIGUOUS },
	{ { "/base/two?x=%252&y=e", "{}", NULL }, REASON_PATH_AMBIGUOUS },
	{ { "/base/two?x=%C3&y=b", "{}", NULL }, REASON_BAD_REQUEST },
	{ { "/base/two?x=a&y=", "{}", NULL }, REASON_BAD_REQUEST },
	{ { "/base/two?x=a&y=b&y=c", "{}", NULL }, REASON_BAD_REQUEST },
	{ { "/base/two?x=a&y=b&%79=b", "{}", NULL }, REASON_BAD_REQUEST },
};

START_TEST(what_cannot_be_a_segment_is_refused)
{
	struct made k;

	ck_assert(!make(&bad[_i].asked, &k));
	ck_assert_msg(k.d.reason == bad[_i].reason, "%s: %.*s",
	    reason_word(k.d.reason), SPAN_ARG(k.d.detail));
}
END_TEST

/* {"c":"xxx..."} of "n" bytes, or a list of them. */
static const char *
long_claim(size_t n, const char *before, const char *each, const char *after)
{
	struct buf b;
	const char *p;

	buf_init(&b, 1 << 20);
	buf_add_str(&b, before);
	for (size_t i = 0; i < n; i++)
		buf_add_str(&b, each);
	buf_add_str(&b, after);
	p = arena_copy(&arena, buf_span(&b)).p;
	buf_fini(&b);
	return p;
}

START_TEST(what_is_too_long_is_refused)
{
	struct made k;
	struct asked a = { "/base/list", NULL, NULL };

	a.claims = long_claim(CHANGE_BYTES_MAX / 2, "{\"c\":\"", "x", "\"}");
	ck_assert(make(&a, &k));
	ck_assert_uint_gt(k.c.headers.n, CHANGE_BYTES_MAX / 2);
	a.claims = long_claim(CHANGE_BYTES_MAX, "{\"c\":\"", "x", "\"}");
	ck_assert(!make(&a, &k));
	ck_assert_int_eq(k.d.reason, REASON_URI_TOO_LONG);
	a.uri = "/base/claim";
	ck_assert(!make(&a, &k));
	ck_assert_int_eq(k.d.reason, REASON_URI_TOO_LONG);
	a.uri = "/base/who?q=1";
	a.subject = long_claim(CHANGE_BYTES_MAX / 3, "", "\t", "");
	ck_assert(!make(&a, &k));
	a.uri = "/base/list";
	a.claims = long_claim(CHANGE_LIST_MAX - 1, "{\"c\":[", "1,", "1]}");
	ck_assert(make(&a, &k));
	a.claims = long_claim(CHANGE_LIST_MAX, "{\"c\":[", "1,", "1]}");
	ck_assert(!make(&a, &k));
	ck_assert_int_eq(k.d.reason, REASON_HEADERS_TOO_LARGE);
}
END_TEST

/* Nothing behind the end is looked at, wherever a value ends. */
START_TEST(values_are_read_to_their_end)
{
	static const char claims[] = "{\"a\":1,\"c\":[\"x\",\"%2\\n\"]}";
	struct made k;
	struct asked a = { "/base/list", NULL, NULL };

	for (size_t n = 1; n < sizeof(claims); n++) {
		struct guard g = guard_new(span_of(claims, n));

		ck_assert(make(&a, &k));
		k.who.scheme = SPAN("jwt");
		k.who.claims = g.text;
		ck_assert(change_make(&bundle, &k.r, &k.m, &k.who, &k.c, &k.d));
		ck_assert(n < sizeof(claims) - 1 || k.c.headers.n > 0);
		k.who.claims = SPAN("{}");
		k.who.subject = g.text;
		ck_assert(change_make(&bundle, &k.r, &k.m, &k.who, &k.c, &k.d));
		guard_free(&g);
	}
}
END_TEST

START_TEST(only_what_is_named_is_dropped)
{
	struct made k;
	struct asked a = { "/base/list", "{}", NULL };

	ck_assert(make(&a, &k));
	ck_assert(change_drops(&bundle, &k.c, CHANGE_HEADER, SPAN("X_C")));
	ck_assert(change_drops(&bundle, &k.c, CHANGE_HEADER, SPAN("x-c")));
	ck_assert(!change_drops(&bundle, &k.c, CHANGE_HEADER, SPAN("X_CD")));
	ck_assert(!change_drops(&bundle, &k.c, CHANGE_HEADER, SPAN("X")));
	ck_assert(change_drops(&bundle, &k.c, CHANGE_ANSWER, SPAN("x-C")));
	ck_assert(!change_drops(&bundle, &k.c, CHANGE_ANSWER, SPAN("X_C")));
	ck_assert(change_drops(&bundle, &k.c, CHANGE_QUERY, SPAN("v")));
	ck_assert(!change_drops(&bundle, &k.c, CHANGE_QUERY, SPAN("V")));
	ck_assert(!change_drops(&bundle, &k.c, CHANGE_QUERY, SPAN("X-C")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("change");
	TCase *c = tcase_create("change");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, values_are_encoded_for_their_place, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(c, what_cannot_be_a_segment_is_refused, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, what_is_too_long_is_refused);
	tcase_add_test(c, values_are_read_to_their_end);
	tcase_add_test(c, only_what_is_named_is_dropped);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
