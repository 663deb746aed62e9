/*
 * test_state_names - who is told to use most and to be refused, and whose
 * counters begin anew.
 */
#include "tests/unit/state_dir.h"

static struct arena arena;
static struct row_limit limits[] = {
	{ .algorithm = LIMIT_TOKEN_BUCKET,
	    .count = 2,
	    .burst = 2,
	    .period_us = 3600 * US_PER_S },
	{ .algorithm = LIMIT_WINDOW, .count = 2, .period_us = 3600 * US_PER_S },
	{ .algorithm = LIMIT_SLIDING,
	    .count = 2,
	    .period_us = 3600 * US_PER_S },
};

static void
begin(void)
{
	setup();
	arena_init(&arena, 65536, 16 << 20);
}

static void
end(void)
{
	arena_fini(&arena);
	teardown();
}

static enum take_result
ask(const struct row_limit *limit, struct span who, bool client)
{
	struct take t = { .parts = { SPAN("subject"), SPAN("0"),
			      SPAN("https://id/"), who },
		.n_parts = 4,
		.limit = limit,
		.client = client };
	enum take_result result = state_take(state, &t, 1, NOON);

	state_note(state, &t, 1, result, NOON);
	return result;
}

static struct state_name *
find(const char *key)
{
	struct state_name *list;
	size_t n;

	ck_assert(state_names(state, NOON, &arena, &list, &n));
	for (size_t i = 0; i < n; i++)
		if (span_eq(list[i].key, span_str(key)))
			return &list[i];
	return NULL;
}

START_TEST(who_is_refused_is_told_until_reset)
{
	const struct row_limit *l = &limits[_i % 3];
	struct state_name *name;

	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(ask(l, SPAN("ada"), _i >= 3), TAKE_ALLOWED);
		ck_assert_int_eq(ask(l, SPAN("ada"), _i >= 3), TAKE_ALLOWED);
		ck_assert_int_eq(ask(l, SPAN("ada"), _i >= 3), TAKE_REFUSED);
		name = find("https://id/ ada");
		ck_assert_ptr_nonnull(name);
		ck_assert(span_eq(name->level, SPAN("subject")));
		ck_assert_uint_eq(name->refused, 1);
		ck_assert_int_gt(name->until_us, NOON);
		ck_assert_int_le(name->until_us, NOON + 3700 * US_PER_S);
		ck_assert_uint_eq(state_reset(state, SPAN("api"),
				      SPAN("https://id/ ada"), &arena, NOON)
				      .n,
		    0);
		ck_assert_uint_eq(state_reset(state, (struct span){ NULL, 0 },
				      SPAN("https://id/ bob"), &arena, NOON)
				      .n,
		    0);
		ck_assert_int_eq(ask(l, SPAN("ada"), _i >= 3), TAKE_REFUSED);
		ck_assert_uint_eq(state_reset(state, (struct span){ NULL, 0 },
				      SPAN("https://id/ ada"), &arena, NOON)
				      .n,
		    1);
		ck_assert_int_eq(find("https://id/ ada")->until_us, 0);
	}
}
END_TEST

/* Its own kind, until "until", and cannot be reset. */
static void
expect_kept(const char *key, enum state_counter counter)
{
	struct state_name *name = find(key);
	struct state_resets done;

	ck_assert_ptr_nonnull(name);
	ck_assert_int_eq(name->counter, counter);
	ck_assert_int_gt(name->until_us, NOON);
	done = state_reset(
	    state, (struct span){ NULL, 0 }, span_str(key), &arena, NOON);
	ck_assert_uint_eq(done.n, 0);
	ck_assert_uint_eq(done.kept[counter], 1);
}

START_TEST(who_shares_a_counter_is_told_so_and_is_not_reset)
{
	char text[32];

	/* The small table of clients has 16 places. */
	for (int i = 0; i < 60; i++) {
		int n = snprintf(text, sizeof(text), "user%d", i);

		(void)ask(&limits[1], span_of(text, (size_t)n), true);
	}
	ck_assert_int_eq(ask(&limits[1], SPAN("ada"), true), TAKE_REFUSED);
	expect_kept("https://id/ ada", STATE_COUNTER_SHARED);
	state_reset_all(state, NOON);
	ck_assert_int_eq(ask(&limits[1], SPAN("ada"), true), TAKE_ALLOWED);
}
END_TEST

START_TEST(requests_in_progress_are_told_as_long_as_they_are)
{
	struct row_limit l = { .unit = LIMIT_CONCURRENT, .count = 2 };
	struct take t[3];
	enum take_result result = TAKE_ALLOWED;

	l.algorithm = LIMIT_WINDOW;
	for (int i = 0; i < 3; i++) {
		t[i] = (struct take){ .parts = { SPAN("api"), SPAN("0"),
					  SPAN("Pets") },
			.n_parts = 3,
			.limit = &l };
		result = state_take(state, &t[i], 1, NOON);
	}
	ck_assert_int_eq(result, TAKE_REFUSED);
	state_note(state, &t[2], 1, result, NOON - 3600 * US_PER_S);
	expect_kept("Pets", STATE_COUNTER_HELD);
	ck_assert_uint_eq(find("Pets")->held, 2);
	ck_assert_uint_eq(find("Pets")->most, 2);
	state_give(state, &t[0], 1, NOON);
	ck_assert_uint_eq(find("Pets")->held, 1);
	ck_assert_int_eq(find("Pets")->until_us, 0);
}
END_TEST

START_TEST(what_a_store_counts_is_told_so_and_is_not_reset)
{
	struct take t = { .parts = { SPAN("api"), SPAN("0"), SPAN("Pets") },
		.n_parts = 3,
		.limit = &limits[0],
		.store = TIER_STORE,
		.refused = true,
		.wait_us = 60 * US_PER_S };

	state_note(state, &t, 1, TAKE_REFUSED, NOON);
	expect_kept("Pets", STATE_COUNTER_STORE);
}
END_TEST

START_TEST(a_reset_of_all_is_one_of_each)
{
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 2; k++)
			ck_assert_int_eq(
			    ask(&limits[i], SPAN("ada"), k == 0), TAKE_ALLOWED);
	for (int i = 0; i < 3; i++)
		(void)ask(&limits[i], SPAN("ada"), true);
	state_reset_all(state, NOON);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 4; k++)
			ck_assert_int_eq(
			    ask(&limits[i], SPAN("ada"), k % 2 == 0),
			    TAKE_ALLOWED);
}
END_TEST

START_TEST(busy_ones_are_told_about)
{
	const struct row_limit many = { .algorithm = LIMIT_WINDOW,
		.count = 1000000,
		.period_us = 3600 * US_PER_S };

	for (int i = 0; i < 1600; i++)
		ck_assert_int_eq(ask(&many, SPAN("ada"), false), TAKE_ALLOWED);
	ck_assert_ptr_nonnull(find("https://id/ ada"));
	ck_assert_uint_eq(find("https://id/ ada")->taken, 1600);
	ck_assert_int_eq(find("https://id/ ada")->until_us, 0);
}
END_TEST

START_TEST(a_name_too_long_is_cut_and_not_reset)
{
	char text[2000];
	struct state_name *list;
	size_t n;

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 3; i++)
		(void)ask(&limits[1], span_of(text, sizeof(text)), false);
	ck_assert(state_names(state, NOON, &arena, &list, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert(span_ends(list[0].key, SPAN("xxx...")));
	ck_assert_uint_eq(state_reset(state, (struct span){ NULL, 0 },
			      list[0].key, &arena, NOON)
			      .n,
	    0);
}
END_TEST

START_TEST(more_names_than_places_lose_only_names)
{
	struct state_name *list;
	char text[32];
	size_t n;

	for (int i = 0; i < 20000; i++) {
		int length = snprintf(text, sizeof(text), "user%d", i / 4);

		(void)ask(&limits[1], span_of(text, (size_t)length), true);
	}
	ck_assert(state_names(state, NOON, &arena, &list, &n));
	ck_assert_uint_le(n, 1024);
	ck_assert_uint_ge(n, 512);
}
END_TEST

/* Of 10 requests "n" come from one address; how often it is told. */
static unsigned
told(unsigned n, bool tell, int64_t now_us)
{
	unsigned times = 0;

	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t other = i | 1U << 31;
		struct span from =
		    i % 10 < n ? SPAN("one") : span_of(&other, sizeof(other));

		times += state_traffic(state, from, tell, now_us);
	}
	return times;
}

START_TEST(an_address_that_makes_most_of_the_traffic_is_told_once)
{
	ck_assert_uint_eq(told(5, true, NOON), 0);
	ck_assert_uint_eq(told(8, false, NOON), 0);
	ck_assert_uint_eq(told(8, true, NOON), 1);
	ck_assert_uint_eq(told(10, true, NOON + 3599 * US_PER_S), 0);
	ck_assert_uint_eq(told(10, true, NOON + 3600 * US_PER_S), 1);
	/* The clock was set back. */
	ck_assert_uint_eq(told(10, true, NOON), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state_names");
	TCase *t = tcase_create("state_names");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, who_is_refused_is_told_until_reset, 0, 6);
	tcase_add_test(t, who_shares_a_counter_is_told_so_and_is_not_reset);
	tcase_add_test(t, requests_in_progress_are_told_as_long_as_they_are);
	tcase_add_test(t, what_a_store_counts_is_told_so_and_is_not_reset);
	tcase_add_test(t, a_reset_of_all_is_one_of_each);
	tcase_add_test(t, busy_ones_are_told_about);
	tcase_add_test(t, a_name_too_long_is_cut_and_not_reset);
	tcase_add_test(t, more_names_than_places_lose_only_names);
	tcase_add_test(
	    t, an_address_that_makes_most_of_the_traffic_is_told_once);
	suite_add_tcase(s, t);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
