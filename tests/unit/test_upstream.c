/*
 * test_upstream - what reaches a backend, what comes back from it, and
 * what becomes of backends and clients that do not keep to HTTP.
 */
#include "tests/unit/upstream_rig.h"

START_TEST(the_backend_gets_what_was_decided_on_and_nothing_posing_as_us)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO;
	g->backend.query = SPAN("v=1");
	g->ruling.who = (struct principal){ .scheme = SPAN("jwt"),
		.subject = SPAN("j\xc3\xb6 %\r\nX-Evil: 1"),
		.scopes = SPAN("read write"),
		.issuer = SPAN("https://id.example/") };
	ask(g, "GET",
	    "QUERY_STRING=a=1&api%20key=secret&%61pi+key=secret&b=%20\n"
	    "HTTP_HOST=api.example\nHTTP_ACCEPT=text/plain\n"
	    "HTTP_AUTHORIZATION=Bearer secret\nHTTP_X_API_KEY=secret\n"
	    "HTTP_COOKIE=a=b; session=secret; c=d\n"
	    "HTTP_COOKIE=e=f, session=secret,g=h;i={j,k}\n"
	    "HTTP_CONNECTION=keep-alive, X-Hidden\nHTTP_X_HIDDEN=posing\n"
	    "HTTP_TE=posing\nHTTP_UPGRADE=posing\nHTTP_EXPECT=posing\n"
	    "HTTP_CONTENT_LENGTH=99\nHTTP_TRANSFER_ENCODING=chunked\n"
	    "HTTP_X_MGW_SUBJECT=posing\nHTTP_X_FORWARDED_FOR=posing\n"
	    "HTTP_X_HTTP_METHOD_OVERRIDE=posing\nHTTP_X_ORIGINAL_URL=posing\n"
	    "HTTP_X_JWT_ASSERTION=posing\nHTTP_PROXY=posing\n"
	    "HTTP_CLIENT_CERT=posing\nHTTP_X_SSL_CLIENT_VERIFY=posing\n"
	    "HTTP_REMOTE_USER=posing\nHTTP_X_REWRITE_URI=posing\n"
	    "HTTP_FORWARDED=posing\nHTTP_VIA=1.0 first\n"
	    "HTTP_CONTENT_ENCODING=gzip\nHTTP_X_FOO_BAR=baz\n",
	    NULL, -1);
	ck_assert(g->answered && g->whole && g->reply.ended);
	ck_assert(saw(g, "GET /api/cats?v=1&a=1&b=%20 HTTP/1.1\r\n"));
	ck_assert(saw(g, "\r\nHost: 127.0.0.1:"));
	ck_assert(saw(g, "\r\nAccept: text/plain\r\n"));
	ck_assert(saw(g, "\r\nX-Foo-Bar: baz\r\n"));
	ck_assert(saw(g, "\r\nContent-Encoding: gzip\r\n"));
	ck_assert(saw(g, "\r\nCookie: a=b; c=d\r\n"));
	ck_assert(saw(g, "\r\nCookie: e=f, g=h; i={j,k}\r\n"));
	ck_assert(saw(g, "\r\nVia: 1.0 first\r\n"));
	ck_assert(saw(g, "\r\nVia: 1.1 mgw\r\n"));
	ck_assert(saw(g, "\r\nX-Forwarded-For: 192.0.2.1\r\n"));
	ck_assert(saw(g, "\r\nX-Forwarded-Host: api.example\r\n"));
	ck_assert(saw(g, "\r\nX-Forwarded-Proto: http\r\n"));
	ck_assert(
	    saw(g, "\r\nX-Mgw-Subject: j%C3%B6%20%25%0D%0AX-Evil:%201\r\n"));
	ck_assert(saw(g, "\r\nX-Mgw-Scopes: read write\r\n"));
	ck_assert(!saw(g, "posing"));
	ck_assert(!saw(g, "secret"));
	ck_assert(!saw(g, "Content-Length"));
	ck_assert(!saw(g, "chunked"));
	rig_free(g);
}
END_TEST

START_TEST(fields_that_command_the_web_server_do_not_pass)
{
	struct rig *g = rig_new();

	g->server.script[0] =
	    OK "Status: 201\r\nX-Sendfile: /x\r\nx-sendfile2: /x\r\n"
	       "X-LIGHTTPD-send-file: /x\r\nX-Accel-Redirect: /x\r\n"
	       "X-LiteSpeed-Location: /x\r\nX-Reproxy-URL: /x\r\n"
	       "Variable-A: /x\r\nScript-Control: /x\r\nLocation: /x\r\n"
	       "Connection: X-Hop\r\nX-Hop: /x\r\nKeep-Alive: /x\r\n"
	       "Proxy-Authenticate: /x\r\nUpgrade: /x\r\nTrailer: /x\r\n"
	       "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Name: caf\xe9\r\n"
	       "Content-Length: 5\r\n\r\nhello";
	g->server.script[1] = "HTTP/1.1 302 Found\r\nLocation: /moved\r\n"
			      "Content-Length: 0\r\n\r\n";
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->answered && g->whole);
	ck_assert(
	    span_starts(buf_span(&g->reply.out), SPAN("Status: 200\r\n")));
	ck_assert(!got(g, "/x"));
	ck_assert(!got(g, "Status: 201"));
	ck_assert(got(g, "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
	ck_assert(got(g, "X-Name: caf\xe9\r\n"));
	ck_assert(got(g, "Content-Length: 5\r\n"));
	ck_assert(got(g, "\r\n\r\nhello"));
	ask(g, "GET", "", NULL, -1);
	ck_assert(got(g, "Location: /moved\r\n"));
	ck_assert_uint_eq(g->server.n_connections, 1);
	rig_free(g);
}
END_TEST

static const struct {
	const char *fields; /* of the backend */
	bool secured;
	const char *want;
	const char *never; /* or NULL */
} caching[] = {
	{ "", true, "\r\nCache-Control: private\r\n", NULL },
	{ "", false, "\r\n", "Cache-Control" },
	{ "Cache-Control: public\r\n", false, "Cache-Control: public\r\n",
	    "private" },
	{ "Cache-Control: max-age=9\r\n", true,
	    "Cache-Control: private, max-age=9\r\n", NULL },
	{ "Cache-Control: max-age=9, Public,s-maxage=8\r\n", true,
	    "Cache-Control: private, max-age=9\r\n", "ublic" },
	{ "Cache-Control: No-Store\r\n", true,
	    "Cache-Control: private, No-Store\r\n", NULL },
	{ "cache-control: public\r\nCache-Control: no-cache\r\n", true,
	    "Cache-Control: private, no-cache\r\n", "public" },
	{ "Cache-Control: private=\"a, public\"\r\n", true,
	    "Cache-Control: private\r\n", "public" },
	{ "CDN-Cache-Control: max-age=9\r\n", true,
	    "Cache-Control: private\r\n", "CDN" },
	{ "Surrogate-Control: max-age=9\r\n", true,
	    "Cache-Control: private\r\n", "Surrogate" },
};

START_TEST(answers_of_secured_operations_are_private)
{
	struct rig *g = rig_new();
	struct row_operation op = *g->ruling.match.operation;
	char text[200];

	if (caching[_i].secured)
		op.flags |= OPERATION_SECURED;
	g->ruling.match.operation = &op;
	snprintf(text, sizeof(text), OK "%sContent-Length: 0\r\n\r\n",
	    caching[_i].fields);
	g->server.script[0] = text;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole);
	ck_assert(got(g, caching[_i].want));
	ck_assert(caching[_i].never == NULL || !got(g, caching[_i].never));
	rig_free(g);
}
END_TEST

static const struct {
	const char *answer; /* NULL: close */
	enum reason reason; /* NONE: an answer went out, truncated */
} broken[] = {
	{ NULL, REASON_UPSTREAM_BROKEN },
	{ "~garbage\r\n\r\n", REASON_UPSTREAM_BROKEN },
	{ "~HTTP/1.1 999 Odd\r\n\r\n", REASON_UPSTREAM_BROKEN },
	{ "~HTTP/1.1 101 Switch\r\n\r\n", REASON_UPSTREAM_BROKEN },
	{ "~" OK "A: 1", REASON_UPSTREAM_BROKEN },
	{ "~" OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	    REASON_UPSTREAM_BROKEN },
	{ SILENCE, REASON_UPSTREAM_TIMEOUT },
	{ "~" OK "Content-Length: 9\r\n\r\nhello", REASON_NONE },
	{ "~" OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n",
	    REASON_NONE },
	{ "~" OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	    REASON_NONE },
};

START_TEST(a_broken_answer_is_refused_or_seen_as_truncated)
{
	struct rig *g = rig_new();

	g->backend.first_byte_ms = 300;
	g->server.script[0] = broken[_i].answer;
	ask(g, "GET", "", NULL, -1);
	ck_assert(!g->whole);
	ck_assert_int_eq(g->decision.reason, broken[_i].reason);
	ck_assert(g->answered == (broken[_i].reason == REASON_NONE));
	if (g->answered)
		ck_assert(got(g, "\r\n\r\nhello") && !g->reply.ended);
	rig_free(g);
}
END_TEST

START_TEST(bodies_are_sent_with_a_length_or_in_chunks)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO;
	g->server.script[1] = HELLO;
	g->server.script[2] = HELLO;
	ask(g, "POST", "CONTENT_TYPE=text/plain\n", "0123456789", 10);
	ck_assert(g->whole);
	ck_assert(saw(g, "\r\nContent-Length: 10\r\n"));
	ck_assert(saw(g, "\r\nContent-Type: text/plain\r\n"));
	ck_assert(saw(g, "\r\n\r\n0123456789"));
	ck_assert_uint_eq(g->meter.bytes_in, 10);
	ck_assert_uint_eq(g->meter.bytes_out, 5);
	ask(g, "POST", "", "abcdefghij", BODY_LENGTH_UNKNOWN);
	ck_assert(g->whole);
	ck_assert(saw(g, "\r\n\r\na\r\nabcdefghij\r\n0\r\n\r\n"));
	ask(g, "POST", "", NULL, 0);
	ck_assert(saw(g, "\r\nContent-Length: 0\r\n"));
	ck_assert_uint_eq(g->server.n_connections, 1);
	rig_free(g);
}
END_TEST

START_TEST(a_body_shorter_than_said_is_never_whole)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO;
	ask(g, "POST", "", "01234", 10);
	ck_assert(!g->answered);
	ck_assert_int_eq(g->decision.reason, REASON_BAD_REQUEST);
	ck_assert_uint_eq(g->server.n_requests, 0);
	rig_free(g);
}
END_TEST

START_TEST(a_body_over_the_limit_is_refused_as_soon_as_known)
{
	struct rig *g = rig_new();

	g->max_body_bytes = 9;
	ask(g, "POST", "", "0123456789", 10);
	ck_assert_int_eq(g->decision.reason, REASON_BODY_TOO_LARGE);
	ck_assert_uint_eq(g->server.n_connections, 0);
	ask(g, "POST", "", "0123456789", BODY_LENGTH_UNKNOWN);
	ck_assert_int_eq(g->decision.reason, REASON_BODY_TOO_LARGE);
	ck_assert_uint_eq(g->server.n_requests, 0);
	rig_free(g);
}
END_TEST

START_TEST(what_follows_an_answer_is_never_the_next_one)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO OK "Content-Length: 6\r\n\r\nforged";
	g->server.script[1] = HELLO;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello") && !got(g, "forged"));
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && !got(g, "forged"));
	ck_assert_uint_eq(g->server.n_connections, 2);
	rig_free(g);
}
END_TEST

static const struct {
	const char *method;
	const char *body;
	bool repeated;
} dying[] = {
	{ "GET", NULL, true },
	{ "HEAD", NULL, true },
	{ "DELETE", NULL, false },
	{ "POST", "12345", false },
	{ "GET", "12345", false },
};

/* The second request dies after it was read on the kept connection. */
START_TEST(only_a_safe_request_without_a_body_is_sent_twice)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO;
	g->server.script[1] = NULL;
	g->server.script[2] = OK "Content-Length: 0\r\n\r\n";
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole);
	ask(g, dying[_i].method, "", dying[_i].body,
	    dying[_i].body != NULL ? 5 : -1);
	ck_assert(g->whole == dying[_i].repeated);
	ck_assert_int_eq(g->decision.reason,
	    dying[_i].repeated ? REASON_NONE : REASON_UPSTREAM_BROKEN);
	ck_assert_uint_eq(g->server.n_requests, dying[_i].repeated ? 3 : 2);
	rig_free(g);
}
END_TEST

START_TEST(an_early_answer_ends_the_upload_and_the_connection)
{
	struct rig *g = rig_new();

	g->server.unread = true;
	g->server.script[0] =
	    "HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nno\n";
	g->server.script[1] = HELLO;
	g->upload_open = true;
	ask(g, "POST", "", "01234", 10);
	ck_assert(g->answered && g->whole && got(g, "Status: 413\r\n"));
	g->upload_open = false;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello"));
	ck_assert_uint_eq(g->server.n_connections, 2);
	rig_free(g);
}
END_TEST

START_TEST(a_client_that_leaves_during_its_upload_is_not_waited_for)
{
	struct rig *g = rig_new();

	g->upload_open = true;
	g->client_gone = true;
	ask(g, "POST", "", "01234", 10);
	ck_assert(!g->answered);
	ck_assert_uint_eq(g->server.n_requests, 0);
	rig_free(g);
}
END_TEST

START_TEST(a_client_that_has_gone_ends_the_wait)
{
	struct rig *g = rig_new();
	int64_t start_us = clock_mono_us();

	g->client_gone = true;
	g->server.script[0] = SILENCE;
	ask(g, "GET", "", NULL, -1);
	ck_assert(!g->answered);
	ck_assert_int_lt(clock_mono_us() - start_us, 2 * US_PER_S);
	rig_free(g);
}
END_TEST

START_TEST(interim_answers_are_read_over_up_to_eight)
{
	struct rig *g = rig_new();
	char text[1000] = "";

	g->server.script[0] = "HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" HELLO;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello") && !got(g, "Link"));
	for (int i = 0; i < 9; i++)
		snprintf(
		    text + strlen(text), 40, "HTTP/1.1 100 Continue\r\n\r\n");
	snprintf(text + strlen(text), 100, "%s", HELLO);
	g->server.script[1] = text;
	ask(g, "GET", "", NULL, -1);
	ck_assert_int_eq(g->decision.reason, REASON_UPSTREAM_BROKEN);
	rig_free(g);
}
END_TEST

START_TEST(unreachable_and_local_backends_are_told_apart_from_slow_ones)
{
	struct rig *g = rig_new();

	g->backend.may_be_local = false;
	ask(g, "GET", "", NULL, -1);
	ck_assert_int_eq(g->decision.reason, REASON_UPSTREAM_CONNECT);
	ck_assert_uint_eq(g->server.n_connections, 0);
	g->backend.may_be_local = true;
	g->backend.port = 1;
	ask(g, "GET", "", NULL, -1);
	ck_assert_int_eq(g->decision.reason, REASON_UPSTREAM_CONNECT);
	rig_free(g);
}
END_TEST

START_TEST(answers_without_a_length_end_with_the_connection)
{
	struct rig *g = rig_new();

	g->server.script[0] = "~" OK "\r\nto the end";
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && g->reply.ended);
	ck_assert(got(g, "\r\n\r\nto the end"));
	ck_assert(!got(g, "Content-Length"));
	rig_free(g);
}
END_TEST

START_TEST(head_keeps_the_length_and_has_no_body)
{
	struct rig *g = rig_new();

	g->server.script[0] = OK "Content-Length: 5\r\n\r\n";
	ask(g, "HEAD", "", NULL, -1);
	ck_assert(saw(g, "HEAD /api/cats HTTP/1.1\r\n"));
	ck_assert(g->whole && got(g, "Content-Length: 5\r\n"));
	ck_assert(span_ends(buf_span(&g->reply.out), SPAN("\r\n\r\n")));
	rig_free(g);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("upstream");
	TCase *tc = tcase_create("upstream");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_test(
	    tc, the_backend_gets_what_was_decided_on_and_nothing_posing_as_us);
	tcase_add_test(tc, fields_that_command_the_web_server_do_not_pass);
	tcase_add_loop_test(tc, answers_of_secured_operations_are_private, 0,
	    (int)(sizeof(caching) / sizeof(*caching)));
	tcase_add_loop_test(tc, a_broken_answer_is_refused_or_seen_as_truncated,
	    0, (int)(sizeof(broken) / sizeof(*broken)));
	tcase_add_test(tc, bodies_are_sent_with_a_length_or_in_chunks);
	tcase_add_test(tc, a_body_shorter_than_said_is_never_whole);
	tcase_add_test(tc, a_body_over_the_limit_is_refused_as_soon_as_known);
	tcase_add_test(tc, what_follows_an_answer_is_never_the_next_one);
	tcase_add_loop_test(tc,
	    only_a_safe_request_without_a_body_is_sent_twice, 0,
	    (int)(sizeof(dying) / sizeof(*dying)));
	tcase_add_test(tc, an_early_answer_ends_the_upload_and_the_connection);
	tcase_add_test(tc, a_client_that_has_gone_ends_the_wait);
	tcase_add_test(
	    tc, a_client_that_leaves_during_its_upload_is_not_waited_for);
	tcase_add_test(tc, interim_answers_are_read_over_up_to_eight);
	tcase_add_test(
	    tc, unreachable_and_local_backends_are_told_apart_from_slow_ones);
	tcase_add_test(tc, answers_without_a_length_end_with_the_connection);
	tcase_add_test(tc, head_keeps_the_length_and_has_no_body);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
