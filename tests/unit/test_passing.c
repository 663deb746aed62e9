/*
 * test_passing - which of a client's fields reach the backend when it
 * hides some, and when it is a proxy that is trusted.
 */
#include "tests/unit/upstream_rig.h"

#include "policy/network.h"

static const struct {
	const char *connection;
	bool passed;
} hiding[] = {
	{ "close", true },
	{ "keep-alive, TE, X-Hidden", true },
	{ "x.hidden", true },
	{ " , ,", true },
	{ "If-Match", true },
	{ "Cookie", false },
	{ "close, cookie", false },
	{ "Authorization", false },
	{ "Host", false },
	{ "Content-Encoding", false },
	{ "Content_Length", false },
	{ "Via", false },
	{ "Forwarded", false },
	{ "X-Forwarded-For", false },
	{ "x.forwarded.host", false },
	{ "X-Mgw-Subject", false },
	{ "X-API-Key", false },
	{ "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", false },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    false },
};

START_TEST(connection_hides_fields_but_none_that_was_decided_on)
{
	struct rig *g = rig_new();
	char lines[400];

	g->server.script[0] = HELLO;
	snprintf(lines, sizeof(lines),
	    "HTTP_CONNECTION=%s\nHTTP_X_HIDDEN=posing\nHTTP_TE=posing\n"
	    "HTTP_COOKIE=a=b\nHTTP_X_SHOWN=1\n",
	    hiding[_i].connection);
	ask(g, "GET", lines, NULL, -1);
	ck_assert(g->answered == hiding[_i].passed);
	if (!hiding[_i].passed) {
		ck_assert_int_eq(g->decision.reason, REASON_BAD_REQUEST);
		ck_assert_uint_eq(g->server.n_requests, 0);
	} else {
		ck_assert(got(g, "\r\n\r\nhello"));
		ck_assert(saw(g, "\r\nX-Shown: 1\r\n"));
		ck_assert(saw(g, "\r\nCookie: a=b\r\n"));
		ck_assert(!saw(g, "\r\nConnection: "));
		ck_assert(!saw(g, "\r\nTe: "));
		ck_assert(saw(g, "posing") ==
		    (strstr(hiding[_i].connection, "idden") == NULL));
	}
	rig_free(g);
}
END_TEST

#define FORWARDED                                                  \
	"HTTP_X_FORWARDED_FOR=%s\nHTTP_X_FORWARDED_PROTO=%s\n"     \
	"HTTP_X_FORWARDED_HOST=%s\nHTTP_FORWARDED=for=10.0.0.9\n"  \
	"HTTP_X_FORWARDED_PORT=1\nHTTP_X_REAL_IP=10.0.0.9\n"       \
	"HTTP_REMOTE_ADDR=10.0.0.9\nHTTP_X_REMOTE_ADDR=10.0.0.9\n" \
	"HTTP_X_FORWARD_FOR=10.0.0.9\n"

static const struct {
	bool proxied;
	const char *from[3];
	const char *to[3];
} chains[] = {
	{ false, { "10.0.0.9", "https", "evil.example" },
	    { "192.0.2.1", "http", "api.example" } },
	{ true, { "10.0.0.9", "https", "shop.example" },
	    { "10.0.0.9, 192.0.2.1", "https", "shop.example" } },
	{ true, { "10.0.0.8, 10.0.0.9", "http", "shop.example:8443" },
	    { "10.0.0.8, 10.0.0.9, 192.0.2.1", "http", "shop.example:8443" } },
	{ true, { "", "gopher", "a, b" },
	    { "192.0.2.1", "http", "api.example" } },
};

START_TEST(only_a_trusted_proxy_says_whom_it_speaks_for)
{
	static const char *const names[] = { "For", "Proto", "Host" };
	struct rig *g = rig_new();
	char text[600];

	g->proxied = chains[_i].proxied;
	g->server.script[0] = HELLO;
	snprintf(text, sizeof(text), FORWARDED, chains[_i].from[0],
	    chains[_i].from[1], chains[_i].from[2]);
	ask(g, "GET", text, NULL, -1);
	ck_assert(g->whole);
	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "\r\nX-Forwarded-%s: %s\r\n",
		    names[i], chains[_i].to[i]);
		ck_assert_msg(saw(g, text), "%s", text);
	}
	ck_assert(!saw(g, "evil"));
	ck_assert(!saw(g, "\r\nForwarded"));
	ck_assert(!saw(g, "\r\nX-Forwarded-Port"));
	ck_assert(!saw(g, "\r\nX-Real-Ip"));
	ck_assert(!saw(g, "Remote-Addr"));
	ck_assert(!saw(g, "X-Forward-For"));
	rig_free(g);
}
END_TEST

static const struct {
	const char *network;
	const char *address;
	bool has;
} networks[] = {
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.1", "::ffff:192.0.2.1", true },
	{ "10.0.0.0/8", "10.255.0.9", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.0.0.0/8", "::10.0.0.1", false },
	{ "192.0.2.128/25", "192.0.2.129", true },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "192.0.2.1/32", "192.0.2.1", true },
	{ "192.0.2.1", "", false },
	{ "192.0.2.1", "unix:", false },
	{ "::/0", "fe80::1%eth0", false },
};

START_TEST(a_network_is_all_addresses_with_its_first_bits)
{
	struct network n;

	ck_assert(network_parse(span_str(networks[_i].network), &n));
	ck_assert(network_has(&n, 1, span_str(networks[_i].address)) ==
	    networks[_i].has);
	ck_assert(!network_has(&n, 0, span_str(networks[_i].address)));
}
END_TEST

static const char *const none[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33",
	"10.0.0.0/-1", "10.0.0.1/8", "10.0.0", "010.0.0.1", "10.0.0.0/8/8",
	"2001:db8::/129", "2001:db8::1/64", "localhost", "*", "10.0.0.0/8 ",
	"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd" };

START_TEST(what_is_no_network_is_refused)
{
	struct network n;

	ck_assert(!network_parse(span_str(none[_i]), &n));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("passing");
	TCase *tc = tcase_create("passing");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc,
	    connection_hides_fields_but_none_that_was_decided_on, 0,
	    (int)(sizeof(hiding) / sizeof(*hiding)));
	tcase_add_loop_test(tc, only_a_trusted_proxy_says_whom_it_speaks_for, 0,
	    (int)(sizeof(chains) / sizeof(*chains)));
	tcase_add_loop_test(tc, a_network_is_all_addresses_with_its_first_bits,
	    0, (int)(sizeof(networks) / sizeof(*networks)));
	tcase_add_loop_test(tc, what_is_no_network_is_refused, 0,
	    (int)(sizeof(none) / sizeof(*none)));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
