/*
 * test_fetch - which addresses count as local, what may be fetched, and
 * for how long it may be kept.
 */
#include "fcgi/fetch.h"

#include <arpa/inet.h>
#include <check.h>

#include "fcgi/libcurl.h"

static const struct {
	const char *text;
	bool local;
	bool loopback;
} addresses[] = {
	{ "127.0.0.1", true, true },
	{ "127.255.0.9", true, true },
	{ "0.0.0.0", true, false },
	{ "169.254.169.254", true, false },
	{ "10.0.0.1", false, false },
	{ "192.0.2.1", false, false },
	{ "::1", true, true },
	{ "::", true, false },
	{ "fe80::1", true, false },
	{ "febf::1", true, false },
	{ "fec0::1", false, false },
	{ "2001:db8::1", false, false },
	{ "::ffff:127.0.0.1", true, true },
	{ "::ffff:169.254.1.1", true, false },
	{ "::ffff:192.0.2.1", false, false },
};

START_TEST(addresses_that_only_this_machine_reaches_are_known)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *a = (const struct sockaddr *)&in;

	if (inet_pton(AF_INET, addresses[_i].text, &in.sin_addr) != 1) {
		ck_assert_int_eq(
		    inet_pton(AF_INET6, addresses[_i].text, &in6.sin6_addr), 1);
		a = (const struct sockaddr *)&in6;
	}
	ck_assert(libcurl_address_is_local(a) == addresses[_i].local);
	ck_assert(libcurl_address_is_loopback(a) == addresses[_i].loopback);
}
END_TEST

static const struct {
	const char *field;
	int64_t age_s;
} ages[] = {
	{ "", -1 },
	{ "public", -1 },
	{ "max-age=60", 60 },
	{ "public, Max-Age=60", 60 },
	{ "max-age=60, no-cache", 0 },
	{ "no-store", 0 },
	{ "max-age=", -1 },
	{ "max-age=-5", -1 },
	{ "max-age=1e9", -1 },
	{ "max-age=9999999999", 365 * 24 * 3600 },
};

START_TEST(max_age_is_read_strictly_and_bounded)
{
	ck_assert_int_eq(
	    fetch_max_age(span_str(ages[_i].field)), ages[_i].age_s);
}
END_TEST

static const char *const refused[] = {
	"",
	"file:///etc/passwd",
	"ftp://127.0.0.1/",
	"http://192.0.2.1/keys",
	"https://id.example/\nX: 1",
	"HTTPS//id.example/",
};

START_TEST(other_than_https_and_loopback_is_refused)
{
	char why[200] = "";
	struct buf body;
	int64_t age_s;

	buf_init(&body, 1000);
	ck_assert(!fetch_url(
	    span_str(refused[_i]), 100, 1000, &body, &age_s, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "https"));
	ck_assert_uint_eq(body.n, 0);
	buf_fini(&body);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fetch");
	TCase *tc = tcase_create("fetch");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc,
	    addresses_that_only_this_machine_reaches_are_known, 0,
	    (int)(sizeof(addresses) / sizeof(*addresses)));
	tcase_add_loop_test(tc, max_age_is_read_strictly_and_bounded, 0,
	    (int)(sizeof(ages) / sizeof(*ages)));
	tcase_add_loop_test(tc, other_than_https_and_loopback_is_refused, 0,
	    (int)(sizeof(refused) / sizeof(*refused)));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
