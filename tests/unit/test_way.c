/*
 * What a backend is told of the way that a request has come.
 */
#include "tests/unit/upstream_rig.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define GOOD "00-" ID "-00f067aa0ba902b7-01"

static const struct {
	enum trace_rule rule;
	bool proxied;
	const char *lines;
	const char *sent; /* NULL: no trace */
} traces[] = {
	{ TRACE_PASS, false, "HTTP_TRACEPARENT=" GOOD "\nHTTP_TRACESTATE=a=b\n",
	    "\r\ntraceparent: " GOOD "\r\ntracestate: a=b\r\n" },
	{ TRACE_PASS, false, "HTTP_TRACEPARENT=cc" GOOD "\n", NULL },
	{ TRACE_PASS, false,
	    "HTTP_TRACEPARENT=cc-" ID "-00f067aa0ba902b7-01-what\n",
	    "\r\ntraceparent: cc-" ID "-00f067aa0ba902b7-01-what\r\n" },
	{ TRACE_PASS, false, "HTTP_TRACEPARENT=" GOOD "-what\n", NULL },
	{ TRACE_PASS, false, "HTTP_TRACEPARENT=" GOOD " \n",
	    "\r\ntraceparent: " GOOD "\r\n" },
	{ TRACE_PASS, false, "HTTP_TRACEPARENT=\nHTTP_TRACESTATE=a=b\n", NULL },
	{ TRACE_PASS, false, "HTTP_TRACESTATE=a=b\n", NULL },
	{ TRACE_PASS, false,
	    "HTTP_TRACEPARENT=" GOOD "\nHTTP_TRACEPARENT=" GOOD "\n", NULL },
	{ TRACE_PASS, false, "HTTP_TRACEPARENT=00-" ID "-0000000000000000-01\n",
	    NULL },
	{ TRACE_PASS, false, "HTTP_TRACEPARENT=00-" ID "-00F067AA0BA902B7-01\n",
	    NULL },
	{ TRACE_PASS, false, "HTTP_TRACEPARENT=ff-" ID "-00f067aa0ba902b7-01\n",
	    NULL },
	{ TRACE_OFF, true, "HTTP_TRACEPARENT=" GOOD "\n", NULL },
	{ TRACE_MAKE, true, "HTTP_TRACEPARENT=" GOOD "\n",
	    "\r\ntraceparent: " GOOD "\r\n" },
	{ TRACE_MAKE, false, "HTTP_TRACEPARENT=" GOOD "\n",
	    "\r\ntraceparent: 00-0123456789abcdef0123456789abcdef-"
	    "0123456789abcdef-00\r\n" },
	{ TRACE_MAKE, true, "",
	    "\r\ntraceparent: 00-0123456789abcdef0123456789abcdef-"
	    "0123456789abcdef-00\r\n" },
};

START_TEST(a_trace_is_well_formed_or_none)
{
	struct rig *g = rig_new();

	g->backend.trace = traces[_i].rule;
	g->proxied = traces[_i].proxied;
	g->server.script[0] = HELLO;
	ask(g, "GET", traces[_i].lines, NULL, -1);
	ck_assert(g->whole && got(g, "hello"));
	if (traces[_i].sent != NULL)
		ck_assert(saw(g, traces[_i].sent));
	else
		ck_assert(!saw(g, "trace"));
	rig_free(g);
}
END_TEST

static const struct {
	enum forward_rule forwarded, x_forwarded;
	bool proxied;
	const char *sent, *not ;
} ways[] = {
	{ FORWARD_USUAL, FORWARD_USUAL, false,
	    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
	    "X-Forwarded-Host: api.example\r\n",
	    "\r\nForwarded" },
	{ FORWARD_USUAL, FORWARD_USUAL, true,
	    "X-Forwarded-For: 198.51.100.1, 192.0.2.1\r\n"
	    "X-Forwarded-Proto: https\r\n",
	    "\r\nForwarded" },
	{ FORWARD_SET, FORWARD_SET, true,
	    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
	    "X-Forwarded-Host: api.example\r\n"
	    "Forwarded: for=192.0.2.1;proto=http;host=\"api.example\"\r\n",
	    "198.51.100.1" },
	{ FORWARD_APPEND, FORWARD_OFF, true,
	    "Forwarded: for=198.51.100.1, for=192.0.2.1;proto=http;",
	    "X-Forwarded" },
	{ FORWARD_APPEND, FORWARD_OFF, false,
	    "Forwarded: for=192.0.2.1;proto=http;", "198.51.100.1" },
	{ FORWARD_PASS, FORWARD_PASS, true,
	    "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\n"
	    "Forwarded: for=198.51.100.1\r\n",
	    "192.0.2.1" },
	{ FORWARD_PASS, FORWARD_PASS, false, "Via: 1.1 mgw\r\n", "orwarded" },
};

START_TEST(the_way_is_told_by_rule)
{
	struct rig *g = rig_new();

	g->backend.forwarded = ways[_i].forwarded;
	g->backend.x_forwarded = ways[_i].x_forwarded;
	g->proxied = ways[_i].proxied;
	g->server.script[0] = HELLO;
	ask(g, "GET",
	    "HTTP_X_FORWARDED_FOR=198.51.100.1\nHTTP_X_FORWARDED_PROTO=https\n"
	    "HTTP_FORWARDED=for=198.51.100.1\n",
	    NULL, -1);
	ck_assert(g->whole);
	ck_assert(saw(g, ways[_i].sent));
	ck_assert(!saw(g, ways[_i].not ));
	rig_free(g);
}
END_TEST

START_TEST(only_a_kind_of_field_that_proxies_write_is_believed)
{
	struct rig *g = rig_new();

	g->proxied = true;
	g->policy.rules.client.header = CLIENT_HEADER_X_FORWARDED_FOR;
	g->backend.forwarded = FORWARD_APPEND;
	g->server.script[0] = HELLO;
	ask(g, "GET",
	    "HTTP_X_FORWARDED_FOR=198.51.100.1\nHTTP_FORWARDED=for=evil\n",
	    NULL, -1);
	ck_assert(saw(g, "X-Forwarded-For: 198.51.100.1, 192.0.2.1\r\n"));
	ck_assert(!saw(g, "evil"));
	rig_free(g);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("way");
	TCase *tc = tcase_create("way");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, a_trace_is_well_formed_or_none, 0,
	    (int)(sizeof(traces) / sizeof(*traces)));
	tcase_add_loop_test(tc, the_way_is_told_by_rule, 0,
	    (int)(sizeof(ways) / sizeof(*ways)));
	tcase_add_test(tc, only_a_kind_of_field_that_proxies_write_is_believed);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
