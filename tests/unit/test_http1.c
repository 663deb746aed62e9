/*
 * test_http1 - heads and bodies of answers, right and wrong.
 */
#include <check.h>
#include <stdio.h>

#include "fcgi/http1.h"
#include "tests/unit/guard.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

enum ending {
	WHOLE, /* the body ended where it should */
	OPEN,  /* more is needed */
	BAD,
};

static const struct {
	struct span text;
	bool head_request;
	enum ending ending;
	bool reusable;
	const char *body;
	size_t n_rest;
} answers[] = {
	/* Framed. */
	{ SPAN_INIT(OK "Content-Length: 5\r\n\r\nhello"), false, WHOLE, true,
	    "hello", 0 },
	{ SPAN_INIT(OK "Content-Length: 5\r\n\r\nhelloHTTP"), false, WHOLE,
	    true, "hello", 4 },
	{ SPAN_INIT(OK "content-LENGTH:5  \r\n\r\nhello"), false, WHOLE, true,
	    "hello", 0 },
	{ SPAN_INIT(OK "Content-Length: 0\r\n\r\n"), false, WHOLE, true, "",
	    0 },
	{ SPAN_INIT(OK "Content-Length: 6\r\n\r\nhello"), false, OPEN, true,
	    "hello", 0 },
	{ SPAN_INIT(CHUNKED "5\r\nhello\r\n0\r\n\r\n"), false, WHOLE, true,
	    "hello", 0 },
	{ SPAN_INIT(
	      CHUNKED "1;x=\"y\"\r\nh\r\n04\r\nello\r\n0\r\nA: b\r\n\r\n"),
	    false, WHOLE, true, "hello", 0 },
	{ SPAN_INIT(CHUNKED "5\r\nhello\r\n0\r\n"), false, OPEN, true, "hello",
	    0 },
	{ SPAN_INIT(CHUNKED "5\r\nhello\r"), false, OPEN, true, "hello", 1 },
	{ SPAN_INIT(OK "\r\nhello"), false, OPEN, false, "hello", 0 },
	{ SPAN_INIT("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), false,
	    WHOLE, false, "ok", 0 },
	{ SPAN_INIT(OK "Connection: Close\r\nContent-Length: 2\r\n\r\nok"),
	    false, WHOLE, false, "ok", 0 },
	{ SPAN_INIT(OK "Connection: a, close\r\nContent-Length: 2\r\n\r\nok"),
	    false, WHOLE, false, "ok", 0 },
	{ SPAN_INIT("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"), false,
	    WHOLE, true, "ok", 0 },
	/* Without a body, whatever the fields say. */
	{ SPAN_INIT(OK "Content-Length: 5\r\n\r\n"), true, WHOLE, true, "", 0 },
	{ SPAN_INIT(CHUNKED), true, WHOLE, true, "", 0 },
	{ SPAN_INIT("HTTP/1.1 204 No\r\n\r\n"), false, WHOLE, true, "", 0 },
	{ SPAN_INIT("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc"), false,
	    WHOLE, false, "", 3 },
	{ SPAN_INIT("HTTP/1.1 304 Same\r\nContent-Length: 3\r\n\r\n"), false,
	    WHOLE, true, "", 0 },
	/* What two readers could understand differently. */
	{ SPAN_INIT(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
	    false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "Content-Length: 5, 5\r\n\r\nhello"), false, BAD, false,
	    "", 0 },
	{ SPAN_INIT(OK "Content-Length: +5\r\n\r\nhello"), false, BAD, false,
	    "", 0 },
	{ SPAN_INIT(OK "Content-Length: 0x5\r\n\r\nhello"), false, BAD, false,
	    "", 0 },
	{ SPAN_INIT(OK "Content-Length:\r\n\r\nhello"), false, BAD, false, "",
	    0 },
	{ SPAN_INIT(OK "Content-Length: 9223372036854775808\r\n\r\n"), false,
	    BAD, false, "", 0 },
	{ SPAN_INIT(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "0\r\n\r\n"),
	    false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "Transfer-Encoding: chunked\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	    false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
	    false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "Transfer-Encoding: identity\r\n\r\n"), false, BAD,
	    false, "", 0 },
	{ SPAN_INIT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    false, BAD, false, "", 0 },
	/* Broken chunks. */
	{ SPAN_INIT(CHUNKED "\r\nhello"), false, BAD, false, "", 0 },
	{ SPAN_INIT(CHUNKED " 5\r\nhello"), false, BAD, false, "", 0 },
	{ SPAN_INIT(CHUNKED "5 \r\nhello"), false, BAD, false, "", 0 },
	{ SPAN_INIT(CHUNKED "0x5\r\nhello"), false, BAD, false, "", 0 },
	{ SPAN_INIT(CHUNKED "-5\r\nhello"), false, BAD, false, "", 0 },
	{ SPAN_INIT(CHUNKED "5\nhello"), false, BAD, false, "", 0 },
	{ SPAN_INIT(CHUNKED "8000000000000000\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(CHUNKED "10000000000000005\r\nhello"), false, BAD, false,
	    "", 0 },
	{ SPAN_INIT(CHUNKED "5\r\nhelloX\r\n"), false, BAD, false, "hello", 1 },
	{ SPAN_INIT(CHUNKED "5\r\nhello\rX"), false, BAD, false, "hello", 2 },
	{ SPAN_INIT(CHUNKED "0\r\n folded\r\n\r\n"), false, BAD, false, "", 0 },
	/* Broken heads. */
	{ SPAN_INIT("HTTP/2 200\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT("X"), false, BAD, false, "", 0 },
	{ SPAN_INIT("\r\n" OK "\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT("HTTP/1.1  200 OK\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT("HTTP/1.1 20 OK\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT("HTTP/1.1 2000 OK\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT("HTTP/1.1 600 Odd\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT("HTTP/1.1 099 Odd\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT("HTTP/1.1 101 Switch\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT("HTTP/1.1 200 O\0K\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT("HTTP/1.1 200 OK\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "A: 1\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "A: 1\r\n b\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(OK " A: 1\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "A : 1\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(OK ": 1\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "A\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "A: 1\r2\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "A: \0\r\n\r\n"), false, BAD, false, "", 0 },
	{ SPAN_INIT(OK "A\xe4: 1\r\n\r\n"), false, BAD, false, "", 0 },
	/* Not there yet. */
	{ SPAN_INIT(""), false, OPEN, false, "", 0 },
	{ SPAN_INIT("HTT"), false, OPEN, false, "", 0 },
	{ SPAN_INIT(OK "A: 1\r\n"), false, OPEN, false, "", 0 },
	{ SPAN_INIT(OK "A: 1\r\n\r"), false, OPEN, false, "", 0 },
};

START_TEST(an_answer_is_read_to_its_exact_end_or_refused)
{
	struct guard g = guard_new(answers[_i].text);
	struct http1_head head;
	struct http1_body body = { 0 };
	struct span rest = g.text, piece;
	const char *why = "";
	char got[64];
	size_t n_got = 0;
	struct arena a;
	long n;

	arena_init(&a, 4096, 65536);
	n = http1_parse_head(rest, &a, &head, &why);
	if (n > 0) {
		rest = span_skip(rest, (size_t)n);
		n = http1_body_begin(
			&head, answers[_i].head_request, &body, &why)
		    ? 1
		    : -1;
	}
	while (n > 0 && !body.done) {
		n = http1_body_take(&body, rest, &piece, &why);
		if (n <= 0)
			break;
		memcpy(got + n_got, piece.p != NULL ? piece.p : "", piece.n);
		n_got += piece.n;
		rest = span_skip(rest, (size_t)n);
	}
	got[n_got] = '\0';
	ck_assert_int_eq(
	    body.done ? WHOLE : (n < 0 ? BAD : OPEN), answers[_i].ending);
	if (n < 0)
		ck_assert_uint_gt(strlen(why), 0);
	ck_assert_str_eq(got, answers[_i].body);
	if (answers[_i].ending == WHOLE) {
		ck_assert(body.reusable == answers[_i].reusable);
		ck_assert_uint_eq(rest.n, answers[_i].n_rest);
	}
	arena_fini(&a);
	guard_free(&g);
}
END_TEST

START_TEST(fields_are_views_without_blanks_around_them)
{
	struct span text = SPAN(OK "A:\t one two \r\nB:\r\nC: \xe9\r\n\r\n");
	struct http1_head head;
	const char *why = "";
	struct arena a;

	arena_init(&a, 4096, 65536);
	ck_assert_int_eq(http1_parse_head(text, &a, &head, &why), (long)text.n);
	ck_assert_uint_eq(head.status, 200);
	ck_assert_uint_eq(head.version_minor, 1);
	ck_assert_uint_eq(head.n_fields, 3);
	ck_assert(span_eq(head.fields[0].value, SPAN("one two")));
	ck_assert(span_eq(head.fields[1].value, SPAN("")));
	ck_assert(span_eq(head.fields[2].value, SPAN("\xe9")));
	arena_fini(&a);
}
END_TEST

START_TEST(a_head_that_never_ends_or_has_too_many_fields_is_refused)
{
	static char text[HTTP1_HEAD_BYTES_MAX + 1];
	size_t n = sizeof(OK) - 1;
	struct http1_head head;
	const char *why = "";
	struct arena a;

	arena_init(&a, 4096, 65536);
	memset(text, 'x', sizeof(text));
	memcpy(text, OK, n);
	ck_assert_int_eq(
	    http1_parse_head(span_of(text, sizeof(text) - 2), &a, &head, &why),
	    HTTP1_MORE);
	ck_assert_int_eq(
	    http1_parse_head(span_of(text, sizeof(text)), &a, &head, &why),
	    HTTP1_BAD);
	for (int i = 0; i <= HTTP1_FIELDS_MAX; i++) {
		memcpy(text + n, "A: 1\r\n", 6);
		n += 6;
	}
	memcpy(text + n, "\r\n", 2);
	ck_assert_int_eq(
	    http1_parse_head(span_of(text, n + 2), &a, &head, &why), HTTP1_BAD);
	arena_fini(&a);
}
END_TEST

START_TEST(trailers_have_a_bound)
{
	static char text[40000];
	struct http1_body b = { .framing = HTTP1_CHUNKED };
	struct span rest, piece;
	const char *why = "";
	size_t n = 3;
	long used = 1;

	memcpy(text, "0\r\n", 3);
	while (n + 6 < sizeof(text)) {
		memcpy(text + n, "A: 1\r\n", 6);
		n += 6;
	}
	rest = span_of(text, n);
	while (used > 0) {
		used = http1_body_take(&b, rest, &piece, &why);
		if (used > 0)
			rest = span_skip(rest, (size_t)used);
	}
	ck_assert_int_eq(used, HTTP1_BAD);
	ck_assert_uint_gt(rest.n, 10000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http1");
	TCase *tc = tcase_create("http1");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, an_answer_is_read_to_its_exact_end_or_refused,
	    0, (int)(sizeof(answers) / sizeof(*answers)));
	tcase_add_test(tc, fields_are_views_without_blanks_around_them);
	tcase_add_test(
	    tc, a_head_that_never_ends_or_has_too_many_fields_is_refused);
	tcase_add_test(tc, trailers_have_a_bound);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
