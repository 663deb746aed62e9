/*
 * test_request - what a web server's parameters mean, and what is refused
 * because two readers could take it two ways.
 */
#include "tests/unit/sample.h"

#include <stdlib.h>

#include "policy/field.h"
#include "policy/request.h"
#include "tests/unit/guard.h"

static struct sample sample;
static struct arena arena;
static struct request request;
static struct decision decision;

enum slot {
	SLOT_AUTHORIZATION,
	SLOT_KEY,
	SLOT_QUERY,
	SLOT_COOKIE,
	SLOT_PLAIN, /* read by a rule, but no credential */
	SLOT__MAX
};

static void
add_name(enum name_kind kind, const char *name, bool credential)
{
	struct row_name row = { .kind = kind };
	struct row_scheme scheme = { .source = ROW_NONE };

	row.name = build_text(sample.build, span_str(name));
	row.shown = row.name;
	scheme.field = BUILD_ROW(sample.build, SECTION_NAME, &row);
	if (credential)
		(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
}

static void
setup(void)
{
	arena_init(&arena, 1 << 14, 1 << 20);
	sample_begin(&sample);
	sample.settings.max_uri_bytes = 100;
	sample.settings.max_header_bytes = 200;
	add_name(NAME_HEADER, "HTTP_AUTHORIZATION", true);
	add_name(NAME_HEADER, "HTTP_X_API_KEY", true);
	add_name(NAME_QUERY, "api key", true);
	add_name(NAME_COOKIE, "sid", true);
	add_name(NAME_HEADER, "HTTP_X_TRACE", false);
	sample_operation(sample_item(&sample, "/", "GET"), "GET");
	sample_end(&sample);
}

static void
teardown(void)
{
	arena_fini(&arena);
	sample_free(&sample);
}

/* "NAME=value" parameters, each value before a guard page; n of them. */
static bool
read_request(const char *const *lines, size_t n)
{
	static const struct request_rules rules = { .strip_prefix =
							SPAN_INIT("") };
	static struct param params[32]; /* looked at afterwards */
	struct guard guards[32];
	bool ok;

	ck_assert_uint_le(n, 32);
	for (size_t i = 0; i < n; i++) {
		struct span value = span_str(lines[i]);
		struct span name = span_cut(&value, '=');

		guards[i] = guard_new(value);
		params[i] = (struct param){ name, guards[i].text };
	}
	request = (struct request){ .params = params,
		.n_params = n,
		.arena = &arena,
		.id = SPAN("42") };
	decision = (struct decision){ .reason = REASON_NONE };
	ok = request_read(&request, &sample.bundle, &rules, &decision);
	if (!ok) {
		for (size_t i = 0; i < n; i++)
			guard_free(&guards[i]);
	}
	return ok; /* what was accepted is looked at: the pages stay */
}

#define BASE(method, uri) \
	"REQUEST_METHOD=" method, "REQUEST_URI=" uri, "HTTP_HOST=h"

struct row {
	const char *lines[12];
	enum reason reason;
	int64_t body_length;
};

static const struct row rows[] = {
	{ { BASE("GET", "/") }, REASON_NONE, 0 },
	{ { BASE("GET", "/a?b") }, REASON_NONE, 0 },
	{ { BASE("POST", "/"), "CONTENT_LENGTH=12" }, REASON_NONE, 12 },
	{ { BASE("POST", "/"), "CONTENT_LENGTH=" }, REASON_NONE, 0 },
	{ { BASE("GET", "http://h/a") }, REASON_NONE, 0 },
	{ { BASE("OPTIONS", "*") }, REASON_NONE, 0 },
	{ { BASE("TRACE", "/") }, REASON_NONE, 0 },
	{ { "REQUEST_METHOD=GET", "REQUEST_URI=/" }, REASON_NONE, 0 },
	/* Method and target. */
	{ { BASE("GET", "*") }, REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "http://other/a") }, REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "") }, REASON_BAD_REQUEST, 0 },
	{ { "REQUEST_METHOD=GET" }, REASON_BAD_REQUEST, 0 },
	{ { BASE("", "/") }, REASON_BAD_REQUEST, 0 },
	{ { BASE("G T", "/") }, REASON_BAD_REQUEST, 0 },
	{ { BASE("GET\r\n", "/") }, REASON_BAD_REQUEST, 0 },
	{ { BASE("CONNECT", "h:80") }, REASON_METHOD_NOT_ALLOWED, 0 },
	{ { BASE("GET", "/a/../b") }, REASON_PATH_AMBIGUOUS, 0 },
	{ { BASE("GET",
	      "/0123456789012345678901234567890123456789"
	      "012345678901234567890123456789012345678901234567890123456789") },
	    REASON_URI_TOO_LONG, 0 },
	{ { BASE("GET", "/"),
	      "HTTP_A=0123456789012345678901234567890123456789"
	      "0123456789012345678901234567890123456789",
	      "HTTP_B=0123456789012345678901234567890123456789"
	      "0123456789012345678901234567890123456789"
	      "0123456789012345678901234567890123456789" },
	    REASON_HEADERS_TOO_LARGE, 0 },
	/* Framing. */
	{ { BASE("POST", "/"), "CONTENT_LENGTH=-1" }, REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "CONTENT_LENGTH=+1" }, REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "CONTENT_LENGTH=1,1" }, REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "CONTENT_LENGTH=0x1" }, REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "CONTENT_LENGTH=9223372036854775808" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "CONTENT_LENGTH=1", "CONTENT_LENGTH=1" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "CONTENT_LENGTH=1", "HTTP_CONTENT_LENGTH=1" },
	    REASON_NONE, 1 },
	{ { BASE("POST", "/"), "CONTENT_LENGTH=9", "HTTP_CONTENT_LENGTH=1" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "HTTP_CONTENT_LENGTH=1" }, REASON_BAD_REQUEST,
	    0 },
	{ { BASE("POST", "/"), "CONTENT_TYPE=a/b", "HTTP_CONTENT_TYPE=a/c" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "CONTENT_TYPE=a/b, a/c" }, REASON_BAD_REQUEST,
	    0 },
	{ { BASE("POST", "/"), "CONTENT_TYPE=a/b; x=\"1,\\\",2\"" },
	    REASON_NONE, 0 },
	{ { BASE("POST", "/"), "HTTP_TRANSFER_ENCODING=chunked" }, REASON_NONE,
	    BODY_LENGTH_UNKNOWN },
	{ { BASE("POST", "/"), "HTTP_TRANSFER_ENCODING=gzip, chunked" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "HTTP_TRANSFER_ENCODING=" }, REASON_BAD_REQUEST,
	    0 },
	{ { BASE("POST", "/"), "HTTP_TRANSFER_ENCODING=chunked",
	      "HTTP_TRANSFER_ENCODING=chunked" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "HTTP_TRANSFER_ENCODING=chunked",
	      "CONTENT_LENGTH=3", "SERVER_SOFTWARE=lighttpd/1.4.69" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("POST", "/"), "HTTP_TRANSFER_ENCODING=chunked",
	      "CONTENT_LENGTH=3", "SERVER_SOFTWARE=Apache/2.4.57" },
	    REASON_NONE, 3 },
	/* Names that decide come once. */
	{ { BASE("GET", "/"), "HTTP_HOST=h" }, REASON_BAD_REQUEST, 0 },
	{ { "REQUEST_METHOD=GET", "REQUEST_URI=/", "HTTP_HOST=a, b" },
	    REASON_BAD_REQUEST, 0 },
	{ { "REQUEST_METHOD=GET", "REQUEST_URI=/", "HTTP_HOST=a/b" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/"), "REQUEST_URI=/" }, REASON_NONE, 0 },
	{ { BASE("GET", "/"), "REQUEST_URI=/a" }, REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/"), "REMOTE_ADDR=1.2.3.4", "REMOTE_ADDR=1.2.3.5" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/"), "HTTP_X_FORWARDED_FOR=a" }, REASON_NONE, 0 },
	{ { BASE("GET", "/"), "HTTP_X_FORWARDED_FOR=a",
	      "HTTP_X_FORWARDED_FOR=a" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/"), "HTTP_FORWARDED=a", "HTTP_FORWARDED=b" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/"), "HTTP_X_TRACE=a", "HTTP_X_TRACE=b" }, REASON_NONE,
	    0 },
	/* Credentials. */
	{ { BASE("GET", "/"), "HTTP_AUTHORIZATION=a", "HTTP_AUTHORIZATION=a" },
	    REASON_CREDENTIAL_DUPLICATE, 0 },
	{ { BASE("GET", "/"), "HTTP_AUTHORIZATION=a",
	      "REDIRECT_HTTP_AUTHORIZATION=b" },
	    REASON_CREDENTIAL_DUPLICATE, 0 },
	{ { BASE("GET", "/"), "HTTP_X_API_KEY=a", "HTTP_X_API_KEY=a" },
	    REASON_CREDENTIAL_DUPLICATE, 0 },
	{ { BASE("GET", "/?api%20key=a&x&api+key=b") },
	    REASON_CREDENTIAL_DUPLICATE, 0 },
	{ { BASE("GET", "/"), "HTTP_COOKIE=sid=1; a=b; sid=1" },
	    REASON_CREDENTIAL_DUPLICATE, 0 },
	{ { BASE("GET", "/"), "HTTP_COOKIE=sid=1, sid=2" },
	    REASON_CREDENTIAL_DUPLICATE, 0 },
	{ { BASE("GET", "/"), "HTTP_COOKIE=sid=1", "HTTP_COOKIE=sid=1" },
	    REASON_CREDENTIAL_DUPLICATE, 0 },
	{ { BASE("GET", "/?api+key=%zz") }, REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/?%zz=1&other=%zz") }, REASON_NONE, 0 },
	/* Bytes that no field has. */
	{ { BASE("GET", "/"), "HTTP_A=b\rc" }, REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/"), "HTTP_A=long enough\nfor eight" },
	    REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/"), "HTTP_A=long\tenough\xc3\xbc" }, REASON_NONE, 0 },
	{ { BASE("GET", "/"), "HTTP_=x" }, REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/"), "HTTP_A:B=x" }, REASON_BAD_REQUEST, 0 },
	{ { BASE("GET", "/"), "SSL_CLIENT_CERT=a\nb" }, REASON_NONE, 0 },
};

START_TEST(a_request_has_one_reading_or_none)
{
	const struct row *row = &rows[_i];
	size_t n = 0;

	while (row->lines[n] != NULL)
		n++;
	ck_assert_msg(
	    read_request(row->lines, n) == (row->reason == REASON_NONE),
	    "row %d: %s", _i, reason_word(decision.reason));
	if (row->reason != REASON_NONE)
		ck_assert_msg(decision.reason == row->reason, "row %d: %s", _i,
		    reason_word(decision.reason));
	else
		ck_assert_int_eq(request.body_length, row->body_length);
}
END_TEST

static const struct {
	const char *line;
	enum slot slot;
	const char *value; /* NULL: the field did not come */
} fields[] = {
	{ "HTTP_X_API_KEY= k1 ", SLOT_KEY, "k1" },
	{ "HTTP_X_API_KE=k1", SLOT_KEY, NULL },
	{ "HTTP_AUTHORIZATION=Bearer a", SLOT_AUTHORIZATION, "Bearer a" },
	{ "REDIRECT_HTTP_AUTHORIZATION=Bearer a", SLOT_AUTHORIZATION,
	    "Bearer a" },
	{ "REDIRECT_REDIRECT_HTTP_AUTHORIZATION=Bearer a", SLOT_AUTHORIZATION,
	    "Bearer a" },
	{ "HTTP_REDIRECT_HTTP_AUTHORIZATION=Bearer a", SLOT_AUTHORIZATION,
	    NULL },
	{ "HTTP_AUTHORIZATION=", SLOT_AUTHORIZATION, NULL },
	{ "REQUEST_URI=/?api+key=a%2Bb+c", SLOT_QUERY, "a+b c" },
	{ "REQUEST_URI=/?api%20key", SLOT_QUERY, "" },
	{ "REQUEST_URI=/?&&x=y&api+key=1", SLOT_QUERY, "1" },
	{ "REQUEST_URI=/?apikey=1", SLOT_QUERY, NULL },
	{ "REQUEST_URI=/?", SLOT_QUERY, NULL },
	{ "HTTP_COOKIE=a=b; sid=12=3; c", SLOT_COOKIE, "12=3" },
	{ "HTTP_COOKIE=a=b, sid=\"q\"", SLOT_COOKIE, "q" },
	{ "HTTP_COOKIE=sid", SLOT_COOKIE, NULL },
	{ "HTTP_COOKIE=xsid=1;;=", SLOT_COOKIE, NULL },
	{ "HTTP_COOKIE=SID=1", SLOT_COOKIE, NULL },
};

START_TEST(fields_are_found_where_rules_look_for_them)
{
	const char *lines[] = { "REQUEST_METHOD=GET", fields[_i].line,
		"REQUEST_URI=/" };
	bool has_uri = strncmp(lines[1], "REQUEST_URI", 11) == 0;
	const struct field *f;

	ck_assert(read_request(lines, has_uri ? 2 : 3));
	f = &request.fields[fields[_i].slot];
	if (fields[_i].value == NULL) {
		ck_assert_uint_eq(f->n, 0);
		return;
	}
	ck_assert_uint_eq(f->n, 1);
	ck_assert(span_eq(f->value, span_str(fields[_i].value)));
}
END_TEST

START_TEST(equal_copies_of_authorization_are_one)
{
	static const char *const lines[] = { BASE("GET", "/"),
		"HTTP_AUTHORIZATION=Bearer a",
		"REDIRECT_HTTP_AUTHORIZATION=Bearer a" };

	ck_assert(read_request(lines, 5));
	ck_assert_uint_eq(request.fields[SLOT_AUTHORIZATION].n, 1);
}
END_TEST

START_TEST(what_the_web_server_says_is_taken)
{
	static const char *const lines[] = { BASE("GET", "/a%62?q"),
		"SERVER_PROTOCOL=HTTP/1.1", "REMOTE_ADDR=192.0.2.1",
		"REQUEST_SCHEME=https", "CONTENT_TYPE=a/b" };

	ck_assert(read_request(lines, 7));
	ck_assert(request.https);
	ck_assert(span_eq(request.path, SPAN("/ab")));
	ck_assert(span_eq(request.query, SPAN("q")));
	ck_assert(span_eq(request.address, SPAN("192.0.2.1")));
	ck_assert(span_eq(request.content_type, SPAN("a/b")));
	ck_assert(span_eq(
	    request_param(&request, SPAN("REQUEST_SCHEME")), SPAN("https")));
	ck_assert_ptr_null(request_param(&request, SPAN("NONE")).p);
}
END_TEST

START_TEST(a_refused_request_is_still_described)
{
	static const char *const lines[] = { BASE("POST", "/a"),
		"REMOTE_ADDR=192.0.2.1", "CONTENT_LENGTH=x" };

	ck_assert(!read_request(lines, 5));
	ck_assert(request.method.p != NULL && request.address.p != NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("request");
	TCase *t = tcase_create("request");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_request_has_one_reading_or_none, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(t, fields_are_found_where_rules_look_for_them, 0,
	    (int)(sizeof(fields) / sizeof(fields[0])));
	tcase_add_test(t, equal_copies_of_authorization_are_one);
	tcase_add_test(t, what_the_web_server_says_is_taken);
	tcase_add_test(t, a_refused_request_is_still_described);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
