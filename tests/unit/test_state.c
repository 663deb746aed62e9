/*
 * Counters: what passes, for how long, and from when on again.
 */
#include "state_dir.h"

#include <sys/wait.h>

static struct row_limit
window(uint64_t count, uint64_t period_s)
{
	return (struct row_limit){
		.algorithm = LIMIT_WINDOW,
		.count = count,
		.period_us = period_s * S,
		.burst = 1,
	};
}

static struct row_limit
bucket(uint64_t count, uint64_t period_s, uint64_t burst)
{
	return (struct row_limit){ .algorithm = LIMIT_TOKEN_BUCKET,
		.count = count,
		.period_us = period_s * S,
		.burst = burst };
}

static struct take
take_of(const struct row_limit *l, const char *level, const char *who)
{
	return (struct take){ .limit = l,
		.parts = { span_str(level), span_str(who) },
		.n_parts = 2 };
}

static enum take_result
take_one(const struct row_limit *l, const char *who, int64_t now_us)
{
	struct take t = take_of(l, "subject", who);

	return state_take(state, &t, 1, now_us);
}

/* How many of "n" takes at "now_us" pass. */
static int
flood(const struct row_limit *l, const char *who, int n, int64_t now_us)
{
	int passed = 0;

	for (int i = 0; i < n; i++)
		passed += take_one(l, who, now_us) == TAKE_ALLOWED;
	return passed;
}

START_TEST(a_window_allows_exactly_its_count_and_begins_on_the_clock)
{
	struct row_limit l = window(5, 60);
	struct take t = take_of(&l, "subject", "a");

	ck_assert_int_eq(flood(&l, "a", 9, NOON + 59 * S), 5);
	ck_assert_int_eq(flood(&l, "b", 9, NOON + 59 * S), 5);
	ck_assert_int_eq(state_take(state, &t, 1, NOON + 45 * S), TAKE_REFUSED);
	ck_assert_uint_eq(t.wait_us, 15 * S);
	ck_assert_uint_eq(t.remaining, 0);
	ck_assert_int_eq(state_take(state, &t, 1, NOON + 60 * S), TAKE_ALLOWED);
	ck_assert_uint_eq(t.remaining, 4);
	ck_assert_uint_eq(t.reset_us, 60 * S);
}
END_TEST

START_TEST(a_token_bucket_allows_its_burst_and_then_its_rate)
{
	struct row_limit l = bucket(60, 60, 3);
	struct take t = take_of(&l, "subject", "a");

	ck_assert_int_eq(flood(&l, "a", 9, NOON), 3);
	ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_REFUSED);
	ck_assert_uint_eq(t.wait_us, 1 * S);
	ck_assert_int_eq(flood(&l, "a", 9, NOON + 1 * S - 1), 0);
	ck_assert_int_eq(flood(&l, "a", 9, NOON + 1 * S), 1);
	ck_assert_int_eq(flood(&l, "a", 9, NOON + 100 * S), 3);
}
END_TEST

START_TEST(what_is_refused_at_one_level_takes_nothing_from_the_others)
{
	struct row_limit wide = window(10, 60), narrow = bucket(2, 60, 2);
	struct take t[2];

	for (int i = 0; i < 5; i++) {
		t[0] = take_of(&wide, "api", "pets");
		t[1] = take_of(&narrow, "subject", "a");
		ck_assert_int_eq(state_take(state, t, 2, NOON),
		    i < 2 ? TAKE_ALLOWED : TAKE_REFUSED);
		ck_assert(t[1].refused == (i >= 2) && !t[0].refused);
		ck_assert_uint_eq(t[0].remaining, i < 2 ? 9 - i : 8);
	}
	t[0] = take_of(&wide, "api", "pets");
	ck_assert_int_eq(state_take(state, t, 1, NOON), TAKE_ALLOWED);
	ck_assert_uint_eq(t[0].remaining, 7);
}
END_TEST

START_TEST(what_is_given_back_can_be_taken_again)
{
	struct row_limit limits[] = { window(2, 60), bucket(2, 60, 2) };

	for (int i = 0; i < 2; i++) {
		struct take t = take_of(&limits[i], "subject", "a");

		ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_ALLOWED);
		ck_assert_int_eq(flood(&limits[i], "a", 5, NOON), 1);
		state_give(state, &t, 1, NOON + 1 * S);
		state_give(state, &t, 1, NOON + 1 * S); /* once only */
		ck_assert_int_eq(flood(&limits[i], "a", 5, NOON), 1);
	}
}
END_TEST

START_TEST(a_late_give_of_what_time_gave_back_gives_nothing)
{
	struct row_limit l = bucket(60, 60, 2);
	struct take t = take_of(&l, "subject", "a");

	ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_ALLOWED);
	ck_assert_int_eq(flood(&l, "a", 5, NOON + 10 * S + 77), 2);
	state_give(state, &t, 1, NOON + 10 * S + 77);
	ck_assert_int_eq(flood(&l, "a", 5, NOON + 10 * S + 77), 0);
}
END_TEST

START_TEST(pass_over_counts_and_never_refuses)
{
	struct row_limit limits[] = { window(2, 60), bucket(2, 60, 2) };

	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 5; k++) {
			struct take t = take_of(&limits[i], "subject", "a");

			t.pass_over = true;
			ck_assert_int_eq(
			    state_take(state, &t, 1, NOON), TAKE_ALLOWED);
			ck_assert(t.over == (k >= 2));
		}
	}
}
END_TEST

START_TEST(a_changed_limit_applies_to_what_was_used)
{
	struct row_limit w5 = window(5, 60), w3 = window(3, 60);
	struct row_limit b5 = bucket(5, 60, 5), b2 = bucket(2, 60, 2);
	struct row_limit fast = bucket(100, 1, 1);

	ck_assert_int_eq(flood(&w5, "a", 4, NOON), 4);
	ck_assert_int_eq(flood(&w3, "a", 4, NOON), 0);
	ck_assert_int_eq(flood(&w5, "a", 4, NOON), 1);
	ck_assert_int_eq(flood(&b5, "a", 9, NOON), 5);
	ck_assert_int_eq(flood(&b2, "a", 9, NOON), 0);
	/* And nobody waits a minute for a limit of a hundredth second. */
	ck_assert_int_eq(flood(&fast, "a", 9, NOON), 0);
	ck_assert_int_eq(flood(&fast, "a", 9, NOON + S / 100), 1);
}
END_TEST

START_TEST(counters_survive_closing_and_other_processes_see_them)
{
	struct row_limit l = window(5, 60);
	int status;
	pid_t pid;

	ck_assert_int_eq(flood(&l, "a", 2, NOON), 2);
	pid = fork();
	if (pid == 0) {
		struct state *s = state_open(dir, NULL, why, sizeof(why));
		struct take t = take_of(&l, "subject", "a");

		_exit(s != NULL && state_take(s, &t, 1, NOON) == TAKE_ALLOWED &&
			    t.remaining == 2
			? 0
			: 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	state_close(state);
	state = must_open(NULL);
	ck_assert_int_eq(flood(&l, "a", 9, NOON), 2);
}
END_TEST

START_TEST(a_clock_set_back_neither_locks_out_nor_frees)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f",
		"g" };
	struct row_limit b = bucket(60, 60, 3), w = window(3, 60);

	ck_assert_int_eq(flood(&b, "a", 9, NOON + 3600 * S), 3);
	ck_assert_int_eq(flood(&b, "a", 9, NOON), 0);
	ck_assert_int_eq(flood(&b, "a", 9, NOON + 2 * S), 2);
	/* No more buckets than one group has, so that all must be there. */
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(flood(&w, names[i], 9, NOON), 3);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(flood(&w, names[i], 9, NOON + 3600 * S), 3);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(flood(&w, names[i], 9, NOON), 0);
}
END_TEST

START_TEST(a_full_table_shares_one_counter_and_says_so)
{
	struct row_limit l = window(3, 3600);
	struct arena a;
	struct state_report r;
	int passed = 0;

	/* 64 buckets have room for 64 at most; the rest share 3. */
	for (int i = 0; i < 1000; i++) {
		char who[16];

		snprintf(who, sizeof(who), "key %d", i);
		passed += take_one(&l, who, NOON) == TAKE_ALLOWED;
	}
	ck_assert_int_le(passed, 64 + 3);
	ck_assert_int_ge(passed, 32 + 3);
	arena_init(&a, 4096, 1 << 20);
	ck_assert(state_report(state, NOON, &a, &r));
	ck_assert_uint_ge(r.totals[STATE_TAKE_SHARED], 900);
	ck_assert_uint_eq(r.fills[0].used, 64);
	arena_fini(&a);
	/* Those who were there keep their own, and the table empties. */
	ck_assert_int_eq(flood(&l, "key 0", 9, NOON), 2);
	ck_assert_int_eq(flood(&l, "new", 9, NOON + 3 * 3600 * S), 3);
}
END_TEST

START_TEST(keys_that_clients_make_up_fill_a_table_of_their_own)
{
	struct row_limit l = window(2, 3600);
	struct state_report r;
	struct arena a;
	int passed = 0;

	for (int i = 0; i < 1000; i++) {
		char who[32];
		struct take t;

		snprintf(who, sizeof(who), "made up %d", i);
		t = take_of(&l, "operation", who);
		t.client = true;
		passed += state_take(state, &t, 1, NOON) == TAKE_ALLOWED;
	}
	/* 16 have a place, all others share one counter. */
	ck_assert_int_eq(passed, 16 + 2);
	for (int i = 0; i < 20; i++) {
		char who[32];

		snprintf(who, sizeof(who), "known %d", i);
		ck_assert_int_eq(flood(&l, who, 5, NOON), 2);
	}
	arena_init(&a, 4096, 1 << 20);
	ck_assert(state_report(state, NOON, &a, &r));
	ck_assert_str_eq(r.fills[TABLE_CLIENT].section, "client_buckets");
	ck_assert_uint_eq(r.fills[TABLE_CLIENT].used, 16);
	ck_assert_uint_ge(r.totals[STATE_TAKE_SHARED], 1000 - 16);
	arena_fini(&a);
}
END_TEST

START_TEST(full_sliding_windows_share_one_that_slides_as_well)
{
	struct row_limit l = {
		.algorithm = LIMIT_SLIDING, .count = 3, .period_us = 60 * S
	};
	int passed = 0;

	for (int i = 0; i < 200; i++) {
		char who[32];

		snprintf(who, sizeof(who), "key %d", i);
		passed += take_one(&l, who, NOON) == TAKE_ALLOWED;
	}
	/* 64 places, of which some groups fill before others. */
	ck_assert_int_ge(passed, 32 + 3);
	ck_assert_int_le(passed, 64 + 3);
	ck_assert_int_eq(take_one(&l, "one more", NOON), TAKE_REFUSED);
	ck_assert_int_eq(flood(&l, "one more", 9, NOON + 61 * S), 3);
}
END_TEST

/* Until the clock is set, a small machine may believe that it is 1970. */
START_TEST(a_clock_that_starts_in_1970_locks_nobody_out_and_revives_nothing)
{
	const int64_t now = clock_wall_us(), young = 100 * S;
	struct row_limit limits[] = { window(3, 86400 * 30),
		bucket(3, 86400 * 30, 3),
		{ .algorithm = LIMIT_SLIDING,
		    .count = 3,
		    .period_us = 86400 * 30 * S } };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct row_limit *l = &limits[i];

		ck_assert_int_eq(flood(l, "a", 9, now), 3);
		/* Booted: what was counted before stays where it is. */
		ck_assert_int_eq(flood(l, "a", 9, young), 3);
		for (int k = 0; k < 300; k++) {
			char who[32];

			snprintf(who, sizeof(who), "other %d", k);
			(void)take_one(l, who, young);
		}
		/* Set: used up is used up, and who is new is let in. */
		ck_assert_int_eq(flood(l, "a", 9, now + 60 * S), 0);
		ck_assert_int_eq(flood(l, "b", 9, now + 60 * S), 3);
	}
}
END_TEST

START_TEST(an_impossible_limit_or_time_is_a_fault)
{
	struct row_limit none = window(0, 60), never = window(1, 0);
	struct row_limit later = window(1, 60), short_one = window(1, 0);
	struct row_limit good = window(1, 60);
	struct take many[STATE_TAKES_MAX + 1];

	later.unit = LIMIT_CONCURRENT;
	short_one.algorithm = LIMIT_SLIDING;
	short_one.period_us = SLIDE_PERIOD_MIN_US - 1;
	ck_assert_int_eq(take_one(&none, "a", NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&never, "a", NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&later, "a", NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&short_one, "a", NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&good, "a", 0), TAKE_FAULT);
	ck_assert_int_eq(take_one(&good, "a", -NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&good, "a", INT64_MAX), TAKE_FAULT);
	for (unsigned i = 0; i <= STATE_TAKES_MAX; i++)
		many[i] = take_of(&good, "a", "b");
	ck_assert_int_eq(
	    state_take(state, many, STATE_TAKES_MAX + 1, NOON), TAKE_FAULT);
}
END_TEST

START_TEST(a_bucket_left_half_made_is_used_again)
{
	struct row_limit l = window(2, 60);

	/* As if every insertion had been killed in the middle. */
	for (unsigned i = 0; i < 64; i++) {
		struct bucket *b =
		    (struct bucket *)(void *)state->tables[TABLE_BUCKETS].p + i;

		atomic_store(&b->value, UINT64_MAX >> 8);
		atomic_store(&b->expires_us, INT64_MAX);
	}
	ck_assert_int_eq(flood(&l, "a", 9, NOON), 2);
}
END_TEST

START_TEST(random_takes_agree_with_a_slow_exact_counter)
{
	struct row_limit b = bucket(7, 10, 4), w = window(7, 10);
	/* In units of one spacing / 10^7 us: exact where the gauge rounds. */
	double full_at = 0;
	int64_t now = NOON, start = 0;
	int count = 0, b_model = 0, b_real = 0;

	srandom(1);
	for (int i = 0; i < 20000; i++) {
		double every = 10.0 * (double)S / 7, from;
		bool pass;

		now += random() % (3 * S);
		from = full_at > (double)now ? full_at : (double)now;
		pass = from + every <= (double)now + 4 * every;
		full_at = pass ? from + every : full_at;
		b_model += pass;
		b_real += take_one(&b, "a", now) == TAKE_ALLOWED;
		ck_assert_int_le(abs(b_model - b_real), 1);
		if (start != now - now % (10 * S)) {
			start = now - now % (10 * S);
			count = 0;
		}
		pass = count < 7;
		count += pass;
		ck_assert(pass == (take_one(&w, "a", now) == TAKE_ALLOWED));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state");
	TCase *c = tcase_create("state");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(
	    c, a_window_allows_exactly_its_count_and_begins_on_the_clock);
	tcase_add_test(c, a_token_bucket_allows_its_burst_and_then_its_rate);
	tcase_add_test(
	    c, what_is_refused_at_one_level_takes_nothing_from_the_others);
	tcase_add_test(c, what_is_given_back_can_be_taken_again);
	tcase_add_test(c, a_late_give_of_what_time_gave_back_gives_nothing);
	tcase_add_test(c, pass_over_counts_and_never_refuses);
	tcase_add_test(c, a_changed_limit_applies_to_what_was_used);
	tcase_add_test(
	    c, counters_survive_closing_and_other_processes_see_them);
	tcase_add_test(c, a_clock_set_back_neither_locks_out_nor_frees);
	tcase_add_test(c, a_full_table_shares_one_counter_and_says_so);
	tcase_add_test(c, keys_that_clients_make_up_fill_a_table_of_their_own);
	tcase_add_test(c, full_sliding_windows_share_one_that_slides_as_well);
	tcase_add_test(c,
	    a_clock_that_starts_in_1970_locks_nobody_out_and_revives_nothing);
	tcase_add_test(c, an_impossible_limit_or_time_is_a_fault);
	tcase_add_test(c, a_bucket_left_half_made_is_used_again);
	tcase_add_test(c, random_takes_agree_with_a_slow_exact_counter);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
