/*
 * Backend URLs: what is read from them, what is refused, what is local.
 */
#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/url.h"

static const struct {
	const char *text;
	bool tls;
	const char *host;
	uint32_t port;
	const char *path, *query, *unix_path;
	bool local;
} good[] = {
	{ "http://a.example", false, "a.example", 80, "", NULL, NULL, false },
	{ "https://a.example/", true, "a.example", 443, "", NULL, NULL, false },
	{ "HTTPS://a.example:8443/v1/?k=1&l", true, "a.example", 8443, "/v1",
	    "k=1&l", NULL, false },
	{ "http://a_b.example?x", false, "a_b.example", 80, "", "x", NULL,
	    false },
	{ "http://[2001:db8::1]:80/x%20y", false, "2001:db8::1", 80, "/x%20y",
	    NULL, NULL, false },
	{ "http://127.0.0.1:9000/api", false, "127.0.0.1", 9000, "/api", NULL,
	    NULL, true },
	{ "http://169.254.169.254", false, "169.254.169.254", 80, "", NULL,
	    NULL, true },
	{ "http://0.0.0.0", false, "0.0.0.0", 80, "", NULL, NULL, true },
	{ "http://10.0.0.1", false, "10.0.0.1", 80, "", NULL, NULL, false },
	{ "http://[::1]", false, "::1", 80, "", NULL, NULL, true },
	{ "http://[::]", false, "::", 80, "", NULL, NULL, true },
	{ "http://[::ffff:127.0.0.1]", false, "::ffff:127.0.0.1", 80, "", NULL,
	    NULL, true },
	{ "http://[64:ff9b::7f00:1]", false, "64:ff9b::7f00:1", 80, "", NULL,
	    NULL, true },
	{ "http://[::ffff:192.0.2.1]", false, "::ffff:192.0.2.1", 80, "", NULL,
	    NULL, false },
	{ "http://[febf::1]", false, "febf::1", 80, "", NULL, NULL, true },
	{ "http://LocalHost.", false, "LocalHost.", 80, "", NULL, NULL, true },
	{ "http://a.localhost", false, "a.localhost", 80, "", NULL, NULL,
	    true },
	{ "unix:/run/a.sock", false, NULL, 0, "", NULL, "/run/a.sock", true },
	{ "unix:/run/a.sock:/v1?q", false, NULL, 0, "/v1", "q", "/run/a.sock",
	    true },
};

static const struct {
	const char *text, *why;
} bad[] = {
	{ "", "not an http, https or unix URL" },
	{ "http:/", "not an http, https or unix URL" },
	{ "ftp://a", "not an http, https or unix URL" },
	{ "http://", "no host" },
	{ "http://:80", "no host" },
	{ "http://u:p@a/", "a user name or password is not allowed" },
	{ "http://a:0", "bad port" },
	{ "http://a:65536", "bad port" },
	{ "http://a:", "bad port" },
	{ "http://a:8x", "bad port" },
	{ "http://[::1", "']' is missing" },
	{ "http://[::1]x", "bad port" },
	{ "http://[fe80::1%25eth0]", "not an IPv6 address" },
	{ "http://2130706433/", "not an IPv4 address" },
	{ "http://127.1/", "not an IPv4 address" },
	{ "http://0x7f.0.0.1.", "not an IPv4 address" },
	{ "http://a.0x7f", "not an IPv4 address" },
	{ "http://a b/",
	    "a host name of letters, digits, '-' and '.' is needed" },
	{ "http://a/#x", "a fragment is not allowed" },
	{ "http://a/%4", "a byte that no URL may have" },
	{ "http://a/ b", "a byte that no URL may have" },
	{ "http://a/\"", "a byte that no URL may have" },
	{ "unix:run/a", "a UNIX socket needs an absolute path" },
	{ "unix:/a:b", "bad path behind the UNIX socket" },
};

/* The text ends at a page that must not be touched. */
static struct span
guarded(const char *text)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = strlen(text);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p + page, page, PROT_NONE), 0);
	memcpy(p + page - n, text, n);
	return span_of(p + page - n, n);
}

START_TEST(url_reads_its_parts)
{
	struct url u;
	const char *why = NULL;

	ck_assert_msg(url_parse(guarded(good[_i].text), &u, &why), "%s: %s",
	    good[_i].text, why);
	ck_assert_int_eq(u.tls, good[_i].tls);
	ck_assert(span_eq(u.host, span_str(good[_i].host)));
	ck_assert_uint_eq(u.port, good[_i].port);
	ck_assert(span_eq(u.path, span_str(good[_i].path)));
	ck_assert(span_eq(u.query, span_str(good[_i].query)));
	ck_assert_int_eq(u.query.p != NULL, good[_i].query != NULL);
	ck_assert(span_eq(u.unix_path, span_str(good[_i].unix_path)));
	ck_assert_msg(url_is_local(&u) == good[_i].local, "%s", good[_i].text);
}
END_TEST

START_TEST(url_refuses_what_two_readers_could_read_differently)
{
	struct url u;
	const char *why = NULL;

	ck_assert_msg(
	    !url_parse(guarded(bad[_i].text), &u, &why), "%s", bad[_i].text);
	ck_assert_str_eq(why, bad[_i].why);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("url");
	TCase *t = tcase_create("url");
	SRunner *r;
	int failed;

	tcase_add_loop_test(
	    t, url_reads_its_parts, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t,
	    url_refuses_what_two_readers_could_read_differently, 0,
	    sizeof(bad) / sizeof(bad[0]));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
