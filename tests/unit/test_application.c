/*
 * The file of applications: what is read, what is refused, and what leads
 * to which application.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "policy/application.h"

#define WHO " name=n owner=o"
#define HEX "00000000000000000000000000000000000000000000000000000000000000Fa"

static const struct {
	struct span text;
	const char *why; /* NULL: right */
} files[] = {
	{ SPAN_INIT(""), NULL },
	{ SPAN_INIT("# only a note\r\n \t\n#"), NULL },
	{ SPAN_INIT("a active" WHO), NULL },
	{ SPAN_INIT("a active name=\"Web \\\"shop\\\\\" owner=\"\xc3\xa4 b\""
		    " uuid=u tier=Gold type=SANDBOX group=g group=\"h i\""
		    " subscription=A subscription=A/1:Gold blocked-api=B:c"
		    " client=\"i c\" sandbox-client=\"i d e\" user=u"
		    " host-user=\"h u\" certificate=" HEX "\r\n"),
	    NULL },
	{ SPAN_INIT("a"),
	    "line 1: the state is not \"active\" or \"blocked\"" },
	{ SPAN_INIT("a Active" WHO),
	    "line 1: the state is not \"active\" or \"blocked\"" },
	{ SPAN_INIT("a/b active" WHO),
	    "line 1: not an id of letters, digits, '-', '_', '.'" },
	{ SPAN_INIT("a\x01 active" WHO),
	    "line 1: not an id of letters, digits, '-', '_', '.'" },
	{ SPAN_INIT("a active name=n"), "line 1: name or owner is missing" },
	{ SPAN_INIT("a active owner=n"), "line 1: name or owner is missing" },
	{ SPAN_INIT("a active owner=n name="), "line 1: a field is empty" },
	{ SPAN_INIT("a active" WHO " name=m"), "line 1: a field comes twice" },
	{ SPAN_INIT("a active" WHO " tier=t tier=t"),
	    "line 1: a field comes twice" },
	{ SPAN_INIT("a active" WHO " ower=p"), "line 1: an unknown field" },
	{ SPAN_INIT("a active" WHO " x"), "line 1: a field is not NAME=VALUE" },
	{ SPAN_INIT("a active" WHO " tier=\"x"),
	    "line 1: a quote is not closed" },
	{ SPAN_INIT("a active" WHO " tier=\"\\n\""),
	    "line 1: only \\\" and \\\\ are known" },
	{ SPAN_INIT("a active" WHO " tier=a\x7f"),
	    "line 1: a value has control bytes or is not UTF-8" },
	{ SPAN_INIT("a active" WHO " group=\xff"),
	    "line 1: a value has control bytes or is not UTF-8" },
	{ SPAN_INIT("a active" WHO " group="), "line 1: a group is empty" },
	{ SPAN_INIT("a active" WHO " type=sandbox"),
	    "line 1: type is neither PRODUCTION nor SANDBOX" },
	{ SPAN_INIT("a active" WHO " subscription=:Gold"),
	    "line 1: an API is empty" },
	{ SPAN_INIT("a active" WHO " blocked-api="),
	    "line 1: an API is empty" },
	{ SPAN_INIT("a active" WHO " client=c"),
	    "line 1: a client is not \"ISSUER ID\"" },
	{ SPAN_INIT("a active" WHO " client=\"c \""),
	    "line 1: a client is not \"ISSUER ID\"" },
	{ SPAN_INIT("a active" WHO " client=\" c\""),
	    "line 1: a client is not \"ISSUER ID\"" },
	{ SPAN_INIT("a active" WHO " user="), "line 1: a user is empty" },
	{ SPAN_INIT("a active" WHO " certificate=00"),
	    "line 1: certificate is no SHA-256 of 64 hexadecimal digits" },
	{ SPAN_INIT("a active" WHO " certificate=g" HEX),
	    "line 1: certificate is no SHA-256 of 64 hexadecimal digits" },
	{ SPAN_INIT("a active" WHO "\n#\na blocked name=m owner=o"),
	    "line 3: this id comes twice" },
	{ SPAN_INIT("a active" WHO "\nb active" WHO),
	    "line 2: this name of this owner comes twice" },
	{ SPAN_INIT("a active" WHO "\nb active name=n owner=p"), NULL },
	{ SPAN_INIT("a active" WHO " client=\"i c\"\n"
		    "b active name=m owner=o sandbox-client=\"i c\""),
	    "line 2: this client comes twice" },
	{ SPAN_INIT("a active" WHO " client=\"i c\"\n"
		    "b active name=m owner=o client=\"j c\""),
	    NULL },
	{ SPAN_INIT("a active" WHO " client=\"i c\" client=\"i c\""),
	    "line 1: this client comes twice" },
	{ SPAN_INIT("a active" WHO " user=u\nb active name=m owner=o"
		    " user=u"),
	    "line 2: this user comes twice" },
	{ SPAN_INIT("a active" WHO " user=u\nb active name=m owner=o"
		    " host-user=\"h u\""),
	    NULL },
	{ SPAN_INIT("a active" WHO " host-user=u"),
	    "line 1: a host-user is not \"HOST-AUTH NAME\"" },
	{ SPAN_INIT("a active" WHO " host-user=\"h u\"\nb active name=m"
		    " owner=o host-user=\"h u\""),
	    "line 2: this host-user comes twice" },
	{ SPAN_INIT("a active" WHO " certificate=" HEX
		    "\nb active name=m owner=o certificate=" HEX),
	    "line 2: this certificate comes twice" },
};

START_TEST(each_file_is_read_or_refused_with_its_line)
{
	struct guard g = guard_new(files[_i].text);
	char why[200] = "";
	struct applications *f = applications_new(g.text, why, sizeof(why));

	ck_assert_msg((f != NULL) == (files[_i].why == NULL), "%s: %s",
	    files[_i].text.p, why);
	if (f == NULL)
		ck_assert_str_eq(why, files[_i].why);
	applications_free(f);
	guard_free(&g);
}
END_TEST

static const char three[] =
    "# three\n"
    "shop active name=\"Web shop\" owner=ada group=g group=\"h i\" tier=Gold\n"
    "    \n"
    "till blocked name=Till owner=ada client=\"https://a/ till\" user=bob\n"
    "  other active name=Till owner=eve client=\"https://b/ till\""
    " sandbox-client=\"https://a/ x y\" certificate=" HEX
    " host-user=\"h bob\"\n";

static const struct {
	struct application_key key;
	const char *id; /* NULL: none */
} lookups[] = {
	{ { APPLICATION_BY_ID, SPAN_INIT("shop"), { NULL, 0 } }, "shop" },
	{ { APPLICATION_BY_ID, SPAN_INIT("Web shop"), { NULL, 0 } }, NULL },
	{ { APPLICATION_BY_ID, SPAN_INIT(""), { NULL, 0 } }, NULL },
	{ { APPLICATION_BY_NAME, SPAN_INIT("ada"), SPAN_INIT("Web shop") },
	    "shop" },
	{ { APPLICATION_BY_NAME, SPAN_INIT("ada"), SPAN_INIT("Till") },
	    "till" },
	{ { APPLICATION_BY_NAME, SPAN_INIT("eve"), SPAN_INIT("Till") },
	    "other" },
	{ { APPLICATION_BY_NAME, SPAN_INIT("eve"), SPAN_INIT("Web shop") },
	    NULL },
	{ { APPLICATION_BY_CLIENT, SPAN_INIT("https://a/"), SPAN_INIT("till") },
	    "till" },
	{ { APPLICATION_BY_CLIENT, SPAN_INIT("https://b/"), SPAN_INIT("till") },
	    "other" },
	{ { APPLICATION_BY_CLIENT, SPAN_INIT("https://c/"), SPAN_INIT("till") },
	    NULL },
	{ { APPLICATION_BY_CLIENT, SPAN_INIT("https://a/ x"), SPAN_INIT("y") },
	    NULL },
	{ { APPLICATION_BY_CLIENT, SPAN_INIT("https://a/"), SPAN_INIT("x y") },
	    "other" },
	{ { APPLICATION_BY_USER, SPAN_INIT("bob"), { NULL, 0 } }, "till" },
	{ { APPLICATION_BY_HOST_USER, SPAN_INIT("h"), SPAN_INIT("bob") },
	    "other" },
	{ { APPLICATION_BY_HOST_USER, SPAN_INIT("g"), SPAN_INIT("bob") },
	    NULL },
	{ { APPLICATION_BY_CERTIFICATE, SPAN_INIT(HEX), { NULL, 0 } }, NULL },
};

START_TEST(what_is_brought_leads_to_one_application_or_none)
{
	struct applications *f;
	struct application app;
	char why[200];
	struct arena a;

	arena_init(&a, 4096, APPLICATION_ARENA_MAX);
	f = applications_new(span_str(three), why, sizeof(why));
	ck_assert_msg(f != NULL, "%s", why);
	ck_assert_uint_eq(applications_n(f), 3);
	for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		enum applications_result r =
		    applications_find(f, &lookups[i].key, &a, &app);

		ck_assert_msg(
		    (r == APPLICATIONS_FOUND) == (lookups[i].id != NULL) &&
			r != APPLICATIONS_FAULT,
		    "lookup %zu", i);
		if (lookups[i].id != NULL)
			ck_assert(span_eq(app.id, span_str(lookups[i].id)));
	}
	applications_free(f);
	arena_fini(&a);
}
END_TEST

START_TEST(without_memory_nothing_is_found_by_mistake)
{
	struct applications *f;
	struct application app;
	char why[200];
	struct arena a;

	f = applications_new(span_str(three), why, sizeof(why));
	arena_init(&a, 16, 16);
	ck_assert_int_eq(applications_find(f, &lookups[0].key, &a, &app),
	    APPLICATIONS_FAULT);
	applications_free(f);
	arena_fini(&a);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
	struct applications *f, *again;
	struct application app;
	size_t at = 0, n = 0;
	char why[200];
	struct arena a;
	struct buf b;

	arena_init(&a, 4096, APPLICATION_ARENA_MAX);
	buf_init(&b, 65536);
	f = applications_new(span_str(three), why, sizeof(why));
	while (applications_next(f, &at, &a, &app)) {
		application_write(&app, &b);
		n++;
	}
	ck_assert_uint_eq(n, 3);
	ck_assert_msg(memmem(b.p, b.n, "group=\"h i\"", 11) != NULL, "%.*s",
	    (int)b.n, b.p);
	again = applications_new(buf_span(&b), why, sizeof(why));
	ck_assert_msg(again != NULL, "%s", why);
	ck_assert_uint_eq(applications_n(again), 3);
	applications_free(f);
	applications_free(again);
	buf_fini(&b);
	arena_fini(&a);
}
END_TEST

static const struct {
	const char *title, *version;
	const char *tier; /* NULL: no subscription; "!": blocked */
} subscriptions[] = {
	{ "A", "1", "Gold" },
	{ "A", "2", "Silver" },
	{ "A/1", "2", "Gold" }, /* a title may have slashes */
	{ "B", "1", "!" },
	{ "B", "2", "" },
	{ "C", "1", "!" },
	{ "D: x", "1", "" },
	{ "D", "1", NULL },
	{ "E/f", "1", "Gold" },
	{ "", "", NULL },
};

START_TEST(a_subscription_is_of_one_version_or_of_all)
{
	struct span line =
	    SPAN("a active" WHO
		 " subscription=A:Silver subscription=A/1:Gold subscription=B"
		 " blocked-api=B/1 subscription=C blocked-api=C"
		 " subscription=\"D: x:\" subscription=E/f:Gold");
	struct application app;
	struct arena a;

	arena_init(&a, 4096, APPLICATION_ARENA_MAX);
	line = arena_copy(&a, line);
	ck_assert_ptr_null(application_read(line, &a, &app));
	for (size_t i = 0; i < sizeof(subscriptions) / sizeof(subscriptions[0]);
	     i++) {
		const char *tier = subscriptions[i].tier;
		const struct application_subscription *s =
		    application_subscribed(&app,
			span_str(subscriptions[i].title),
			span_str(subscriptions[i].version));

		ck_assert_msg((s != NULL) == (tier != NULL), "%zu", i);
		if (s == NULL)
			continue;
		ck_assert_msg(s->blocked == (strcmp(tier, "!") == 0), "%zu", i);
		if (!s->blocked)
			ck_assert_msg(
			    span_eq(s->tier, span_str(tier)), "%zu", i);
	}
	arena_fini(&a);
}
END_TEST

START_TEST(a_hundred_thousand_are_found_one_by_one)
{
	struct application_key key = { .by = APPLICATION_BY_CLIENT,
		.first = SPAN("https://id.example/") };
	struct applications *f;
	struct application app;
	char why[200], id[32];
	struct arena a;
	struct buf b;

	arena_init(&a, 4096, APPLICATION_ARENA_MAX);
	buf_init(&b, APPLICATIONS_BYTES_MAX);
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&b,
		    "app%u active name=n%u owner=o client=\"https://"
		    "id.example/ c%u\"\n",
		    i, i, i);
	f = applications_new(buf_span(&b), why, sizeof(why));
	ck_assert_msg(f != NULL, "%s", why);
	for (unsigned i = 0; i < 100000; i += 7) {
		(void)snprintf(id, sizeof(id), "c%u", i);
		key.second = span_str(id);
		ck_assert_int_eq(
		    applications_find(f, &key, &a, &app), APPLICATIONS_FOUND);
		id[0] = 'n';
		ck_assert(span_eq(app.name, span_str(id)));
		arena_reset(&a);
	}
	key.second = SPAN("c100000");
	ck_assert_int_eq(
	    applications_find(f, &key, &a, &app), APPLICATIONS_NONE);
	applications_free(f);
	buf_fini(&b);
	arena_fini(&a);
}
END_TEST

START_TEST(a_line_past_its_bound_is_refused)
{
	struct applications *f;
	char why[200] = "";
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_add_str(&b, "a active" WHO);
	while (b.n <= APPLICATION_LINE_MAX)
		buf_add_str(&b, " subscription=x");
	f = applications_new(buf_span(&b), why, sizeof(why));
	ck_assert_ptr_null(f);
	ck_assert_str_eq(why, "line 1: the line is too long");
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("application");
	TCase *t = tcase_create("application");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, each_file_is_read_or_refused_with_its_line, 0,
	    (int)(sizeof(files) / sizeof(files[0])));
	tcase_add_test(t, what_is_brought_leads_to_one_application_or_none);
	tcase_add_test(t, without_memory_nothing_is_found_by_mistake);
	tcase_add_test(t, what_is_written_is_read_back);
	tcase_add_test(t, a_subscription_is_of_one_version_or_of_all);
	tcase_add_test(t, a_hundred_thousand_are_found_one_by_one);
	tcase_add_test(t, a_line_past_its_bound_is_refused);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
