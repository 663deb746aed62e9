/*
 * test_live - what is in force, while bundles, sources and endpoints
 * change, break and are repaired.
 */
#include "fcgi/live.h"

#include <sys/stat.h>

#include "base/file.h"
#include "policy/keyfile.h"
#include "tests/unit/sample.h"
#include "tests/unit/state_dir.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LINE(state) "abcdefgh " state " " HASH " owner=o application=a\n"

static struct config config;
static struct live *live;
static char bundle_path[96], keys_path[96];

static void
put(const char *path, struct span text)
{
	ck_assert_msg(
	    file_write(path, text, 0600, why, sizeof(why)), "%s", why);
}

static void
put_bundle(const char *title, const char *url)
{
	struct sample s;
	struct row_source source = { .kind = SOURCE_KEY_FILE,
		.how = SOURCE_FILE };
	struct row_endpoint endpoint = { .weight = 1, .connect_ms = 7 };

	sample_begin(&s);
	sample_operation(sample_item(&s, "/cats", "GET"), "GET");
	source.value = build_text(s.build, SPAN("keys.db"));
	source.origin = build_text(s.build, SPAN("mgw.yaml:7"));
	(void)BUILD_ROW(s.build, SECTION_SOURCE, &source);
	endpoint.url = build_text(s.build, span_str(url));
	s.api.title = build_text(s.build, span_str(title));
	s.api.endpoints =
	    (struct range){ BUILD_ROW(s.build, SECTION_ENDPOINT, &endpoint),
		    1 };
	sample_write(&s);
	put(bundle_path, buf_span(&s.bytes));
	build_free(s.build);
	buf_fini(&s.bytes);
}

static void
begin(void)
{
	setup();
	snprintf(bundle_path, sizeof(bundle_path), "%s/mgw.bundle", dir);
	snprintf(keys_path, sizeof(keys_path), "%s/keys.db", dir);
	config = (struct config){
		.bundle = bundle_path, .state = dir, .threads = 4
	};
	put(keys_path, SPAN(LINE("active")));
	setenv("TEST_PORT", "8080", 1);
	put_bundle("One", "http://127.0.0.1:${env:TEST_PORT}/api");
}

static void
finish(void)
{
	live_close(live);
	unlink(bundle_path);
	unlink(keys_path);
	teardown();
}

static struct live *
start(void)
{
	live = live_open(&config, state, false, why, sizeof(why));
	return live;
}

static bool
serves(const char *title)
{
	const struct generation *g = live_get(live);
	const struct bundle *b = g->policy.bundle;
	bool is =
	    span_eq(bundle_text(b, bundle_api(b, 0)->title), span_str(title));

	live_put(live, g);
	return is;
}

static enum source_result
look(bool *revoked)
{
	const struct generation *g = live_get(live);
	const struct outside *o = g->policy.outside;
	enum source_result result;
	struct source source;
	size_t n;

	result = o->source(o->world, 0, &source);
	if (result == SOURCE_OK)
		*revoked = key_file_entries(source.key_file, &n)[0].revoked;
	live_put(live, g);
	return result;
}

START_TEST(a_good_bundle_replaces_and_a_bad_one_does_not)
{
	const struct generation *held;

	ck_assert_msg(start() != NULL, "%s", why);
	held = live_get(live);
	put_bundle("Two", "http://127.0.0.1:1/");
	ck_assert(serves("One"));
	live_refresh(live, false);
	ck_assert(serves("Two"));
	/* Who began with the old one ends with it. */
	ck_assert(span_eq(bundle_text(held->policy.bundle,
			      bundle_api(held->policy.bundle, 0)->title),
	    SPAN("One")));
	live_put(live, held);
	put(bundle_path, SPAN("no bundle"));
	live_refresh(live, false);
	live_refresh(live, true);
	ck_assert(serves("Two"));
	unlink(bundle_path);
	live_refresh(live, true);
	ck_assert(serves("Two"));
	put_bundle("Three", "http://127.0.0.1:${env:TEST_MISSING}/");
	live_refresh(live, false);
	ck_assert(serves("Two"));
	put_bundle("Four", "http://127.0.0.1:1/");
	live_refresh(live, false);
	ck_assert(serves("Four"));
}
END_TEST

START_TEST(a_broken_key_file_is_a_fault_until_it_is_repaired)
{
	bool revoked = true;

	ck_assert_msg(start() != NULL, "%s", why);
	ck_assert_int_eq(look(&revoked), SOURCE_OK);
	ck_assert(!revoked);
	/* At the next request, not at the next look. */
	put(keys_path, SPAN(LINE("revoked")));
	ck_assert_int_eq(look(&revoked), SOURCE_OK);
	ck_assert(revoked);
	put(keys_path, SPAN("nonsense\n"));
	ck_assert_int_eq(look(&revoked), SOURCE_FAULT);
	live_refresh(live, false);
	ck_assert_int_eq(look(&revoked), SOURCE_FAULT);
	put(keys_path, SPAN(LINE("active")));
	ck_assert_int_eq(look(&revoked), SOURCE_OK);
	ck_assert(!revoked);
	live_refresh(live, false);
	ck_assert_int_eq(look(&revoked), SOURCE_OK);
	chmod(keys_path, 0666);
	ck_assert_int_eq(look(&revoked), SOURCE_FAULT);
	unlink(keys_path);
	ck_assert_int_eq(look(&revoked), SOURCE_FAULT);
	live_refresh(live, true);
	ck_assert_int_eq(look(&revoked), SOURCE_FAULT);
	put(keys_path, SPAN(LINE("active")));
	live_refresh(live, false);
	ck_assert_int_eq(look(&revoked), SOURCE_OK);
}
END_TEST

static void
expect_backend(unsigned n, uint32_t port, const char *path)
{
	const struct generation *g = live_get(live);
	const struct match m = { .api = bundle_api(g->policy.bundle, 0) };
	const struct balance_set *set = live_backends(g, &m, false);
	const struct backend *b = &set->list[n - 1];

	ck_assert_uint_eq(set->n, n);
	ck_assert_uint_eq(b->port, port);
	ck_assert(span_eq(b->path, span_str(path)));
	live_put(live, g);
}

START_TEST(endpoints_take_their_values_from_this_machine)
{
	struct config_endpoint e = { .api = SPAN("One"),
		.url = SPAN("https://other.example/v2"),
		.origin = "mgw.conf:3" };

	ck_assert_msg(start() != NULL, "%s", why);
	expect_backend(1, 8080, "/api");
	live_close(live);
	config.endpoints = &e;
	ck_assert_msg(start() != NULL, "%s", why);
	expect_backend(1, 443, "/v2");
	live_close(live);
	/* Behind the end of the list it is one more. */
	e.index = 1;
	ck_assert_msg(start() != NULL, "%s", why);
	expect_backend(2, 443, "/v2");
	live_close(live);
	e.index = 0;
	setenv("MGW_ENDPOINT_ONE_0", "http://env.example:81/v3", 1);
	ck_assert_msg(start() != NULL, "%s", why);
	expect_backend(1, 81, "/v3");
	live_close(live);
	setenv("MGW_ENDPOINT_ONE_0", "nonsense", 1);
	ck_assert_ptr_null(start());
	ck_assert_ptr_nonnull(strstr(why, "MGW_ENDPOINT_ONE_0"));
	unsetenv("MGW_ENDPOINT_ONE_0");
	e = (struct config_endpoint){ .api = SPAN("Nobody"),
		.url = SPAN("http://h/"),
		.origin = "mgw.conf:3" };
	ck_assert_ptr_null(start());
}
END_TEST

START_TEST(what_is_missing_at_start_is_named)
{
	unsetenv("TEST_PORT");
	ck_assert_ptr_null(start());
	ck_assert_ptr_nonnull(strstr(why, "TEST_PORT"));
	setenv("TEST_PORT", "x", 1);
	ck_assert_ptr_null(start());
	setenv("TEST_PORT", "80", 1);
	unlink(keys_path);
	ck_assert_ptr_null(start());
	ck_assert_ptr_nonnull(strstr(why, "mgw.yaml:7"));
	ck_assert_ptr_nonnull(strstr(why, "keys.db"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("live");
	TCase *tc = tcase_create("live");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, a_good_bundle_replaces_and_a_bad_one_does_not);
	tcase_add_test(tc, a_broken_key_file_is_a_fault_until_it_is_repaired);
	tcase_add_test(tc, endpoints_take_their_values_from_this_machine);
	tcase_add_test(tc, what_is_missing_at_start_is_named);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
