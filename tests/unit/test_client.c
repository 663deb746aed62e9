/*
 * test_client - whose address a request comes from, and what it is counted
 * under.
 */
#include <check.h>
#include <stdlib.h>

#include "policy/request.h"
#include "tests/unit/guard.h"

static struct network trusted[2];
static struct client_rules rules;
static struct arena arena;

static void
setup(void)
{
	ck_assert(network_parse(SPAN("10.0.0.0/8"), &trusted[0]));
	ck_assert(network_parse(SPAN("2001:db8:ff::/48"), &trusted[1]));
	rules = (struct client_rules){ .trusted = trusted, .n_trusted = 2 };
	arena_init(&arena, 4096, 65536);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

static const struct {
	const char *address, *x, *forwarded; /* NULL: did not come */
	enum client_header header;
	const char *client; /* NULL: they disagree */
} cases[] = {
	/* Nobody is trusted who is not named. */
	{ "192.0.2.1", "198.51.100.1", NULL, 0, "192.0.2.1" },
	{ "192.0.2.1", NULL, "for=198.51.100.1", 0, "192.0.2.1" },
	{ "10.0.0.1", NULL, NULL, 0, "10.0.0.1" },
	{ "10.0.0.1", "", "", 0, "10.0.0.1" },
	{ "::ffff:10.0.0.1", "198.51.100.1", NULL, 0, "198.51.100.1" },
	{ "2001:db8:ff::1", "198.51.100.1", NULL, 0, "198.51.100.1" },
	/* From the right, as far as is trusted. */
	{ "10.0.0.1", "1.1.1.1, 198.51.100.1", NULL, 0, "198.51.100.1" },
	{ "10.0.0.1", "1.1.1.1, 198.51.100.1, 10.9.9.9", NULL, 0,
	    "198.51.100.1" },
	{ "10.0.0.1", "10.1.1.1,10.2.2.2", NULL, 0, "10.1.1.1" },
	{ "10.0.0.1", "[2001:db8::7]:443", NULL, 0, "2001:db8::7" },
	{ "10.0.0.1", "2001:db8::7", NULL, 0, "2001:db8::7" },
	{ "10.0.0.1", "198.51.100.1:4711", NULL, 0, "198.51.100.1" },
	{ "10.0.0.1", "fe80::1%eth0", NULL, 0, "fe80::1" },
	/* What is no address ends the walk. */
	{ "10.0.0.1", "1.1.1.1, unknown", NULL, 0, "10.0.0.1" },
	{ "10.0.0.1", "1.1.1.1, ", NULL, 0, "10.0.0.1" },
	{ "10.0.0.1", "1.1.1.1, x, 10.3.3.3", NULL, 0, "10.3.3.3" },
	{ "10.0.0.1", "1.1.1.1 2.2.2.2", NULL, 0, "10.0.0.1" },
	{ "10.0.0.1", "010.1.1.1", NULL, 0, "10.0.0.1" },
	{ "10.0.0.1", "[2001:db8::7", NULL, 0, "10.0.0.1" },
	{ "10.0.0.1", "[2001:db8::7]x", NULL, 0, "10.0.0.1" },
	/* RFC 7239. */
	{ "10.0.0.1", NULL, "for=198.51.100.1;proto=https", 0, "198.51.100.1" },
	{ "10.0.0.1", NULL, "proto=http;For=\"[2001:db8::7]:80\"", 0,
	    "2001:db8::7" },
	{ "10.0.0.1", NULL, "for=1.1.1.1, for=198.51.100.1, for=10.4.4.4", 0,
	    "198.51.100.1" },
	{ "10.0.0.1", NULL, "for=1.1.1.1, for=_hidden", 0, "10.0.0.1" },
	{ "10.0.0.1", NULL, "for=1.1.1.1, by=10.0.0.2", 0, "10.0.0.1" },
	{ "10.0.0.1", NULL, "for=1.1.1.1;for=2.2.2.2", 0, "10.0.0.1" },
	{ "10.0.0.1", NULL, "for=\"1.1.1.1, for=2.2.2.2\"", 0, "10.0.0.1" },
	{ "10.0.0.1", NULL, "for", 0, "10.0.0.1" },
	/* Both. */
	{ "10.0.0.1", "198.51.100.1", "for=198.51.100.1", 0, "198.51.100.1" },
	{ "10.0.0.1", "198.51.100.1", "for=1.1.1.1", 0, NULL },
	{ "192.0.2.1", "198.51.100.1", "for=1.1.1.1", 0, "192.0.2.1" },
	{ "10.0.0.1", "198.51.100.1", "for=1.1.1.1",
	    CLIENT_HEADER_X_FORWARDED_FOR, "198.51.100.1" },
	{ "10.0.0.1", "198.51.100.1", "for=1.1.1.1", CLIENT_HEADER_FORWARDED,
	    "1.1.1.1" },
	{ "10.0.0.1", "198.51.100.1", NULL, CLIENT_HEADER_FORWARDED,
	    "10.0.0.1" },
};

START_TEST(the_client_is_who_trusted_proxies_saw)
{
	struct param params[3];
	struct guard guards[3];
	const char *values[3] = { cases[_i].address, cases[_i].x,
		cases[_i].forwarded };
	const char *names[3] = { "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR",
		"HTTP_FORWARDED" };
	struct request r = { .params = params };
	struct client c;

	for (int i = 0; i < 3; i++) {
		if (values[i] == NULL)
			continue;
		guards[r.n_params] = guard_new(span_str(values[i]));
		params[r.n_params] = (struct param){ span_str(names[i]),
			guards[r.n_params].text };
		r.n_params++;
	}
	rules.header = cases[_i].header;
	client_find(&r, &rules, &c);
	ck_assert(c.known);
	ck_assert_int_eq(c.disagree, cases[_i].client == NULL);
	if (cases[_i].client != NULL)
		ck_assert_msg(span_eq(c.text, span_str(cases[_i].client)),
		    "%.*s", SPAN_ARG(c.text));
	for (size_t i = 0; i < r.n_params; i++)
		guard_free(&guards[i]);
}
END_TEST

static const struct {
	const char *address;
	unsigned v6_bits;
	const char *key;
} keys[] = {
	{ "192.0.2.1", 64, "192.0.2.1" },
	{ "::ffff:192.0.2.1", 64, "192.0.2.1" },
	{ "::FFFF:c000:201", 48, "192.0.2.1" },
	{ "2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::/64" },
	{ "2001:0DB8:1:2::", 64, "2001:db8:1:2::/64" },
	{ "2001:db8:1:2ff:3:4:5:6", 56, "2001:db8:1:200::/56" },
	{ "2001:db8:1:2:3:4:5:6", 48, "2001:db8:1::/48" },
	{ "2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6" },
	{ "", 64, "unknown" },
	{ "unix:", 64, "unknown" },
	{ "proxy.example", 64, "unknown" },
	{ "192.0.2.1, 10.0.0.1", 64, "unknown" },
};

START_TEST(a_client_is_counted_under_its_address_or_network)
{
	struct param p = { SPAN("REMOTE_ADDR"), span_str(keys[_i].address) };
	struct request r = { .params = &p, .n_params = 1 };
	struct client c;
	struct span key;

	client_find(&r, &rules, &c);
	key = client_key(&c, keys[_i].v6_bits, &arena);
	ck_assert_msg(
	    span_eq(key, span_str(keys[_i].key)), "%.*s", SPAN_ARG(key));
}
END_TEST

static const struct {
	const char *address;
	bool is_private;
} places[] = {
	{ "10.255.0.1", true },
	{ "127.0.0.1", true },
	{ "172.31.255.255", true },
	{ "172.32.0.0", false },
	{ "192.168.1.1", true },
	{ "100.64.0.1", true },
	{ "100.128.0.1", false },
	{ "169.254.1.1", true },
	{ "8.8.8.8", false },
	{ "::1", true },
	{ "::2", false },
	{ "fd00::1", true },
	{ "fe80::1", true },
	{ "2001:db8::1", false },
};

START_TEST(private_addresses_are_known)
{
	struct network n;

	ck_assert(network_parse_address(span_str(places[_i].address), &n));
	ck_assert_int_eq(network_is_private(&n), places[_i].is_private);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("client");
	TCase *t = tcase_create("client");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, the_client_is_who_trusted_proxies_saw, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(t, a_client_is_counted_under_its_address_or_network,
	    0, sizeof(keys) / sizeof(keys[0]));
	tcase_add_loop_test(t, private_addresses_are_known, 0,
	    sizeof(places) / sizeof(places[0]));
	suite_add_tcase(s, t);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
