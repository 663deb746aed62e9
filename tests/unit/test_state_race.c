/*
 * test_state_race - what passes when several processes flood one state.
 */
#include "tests/unit/race.h"

/* Flood until "enough" has seen what it wants. */
static void
run(void (*step)(struct state *, unsigned), bool (*enough)(void))
{
	int64_t until_us = now_us() + PATIENCE_US;
	pid_t pids[PROCESSES];
	int status;

	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start(step, THREADS, i * 104729);
	do
		usleep(50 * MS);
	while (!enough() && now_us() < until_us);
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(atomic_load(&shared->faults), 0);
	ck_assert_msg(enough(), "the machine is too slow to tell anything");
}

static const struct row_limit clock_500ms = {
	.algorithm = LIMIT_WINDOW, .count = 1000, .period_us = 500 * MS
};

static void
step_window(struct state *s, unsigned seed)
{
	const unsigned key = 0;
	struct take t = take_of(&clock_500ms, "subject", key);
	int64_t now = now_us();
	enum take_result r = state_take(s, &t, 1, now);

	(void)seed;
	count(r, &key, 1, window_of(now, clock_500ms.period_us));
}

/* Each key of the range was asked for this often in window "w". */
static bool
flooded(unsigned from, unsigned to, int w, int often)
{
	for (unsigned k = from; k < to; k++) {
		if (atomic_load(&shared->asked[k][w]) < often)
			return false;
	}
	return true;
}

static bool
enough_windows(void)
{
	unsigned n = 0;

	for (int w = 0; w < WINDOWS; w++)
		n += flooded(0, 1, w, 3000);
	return n >= WINDOWS_MIN;
}

START_TEST(a_window_passes_exactly_its_limit_to_all_processes_together)
{
	run(step_window, enough_windows);
	for (int w = 0; w < WINDOWS - 1; w++) {
		int asked = shared->asked[0][w];

		ck_assert_int_eq(
		    shared->passed[0][w], asked < 1000 ? asked : 1000);
	}
}
END_TEST

/* A burst of 20 s: nobody sleeps long enough for it to fill again. */
static const struct row_limit tokens = { .algorithm = LIMIT_TOKEN_BUCKET,
	.count = 2000,
	.period_us = 1000 * MS,
	.burst = 40000 };

static void
step_bucket(struct state *s, unsigned seed)
{
	const unsigned key = 0;
	struct take t = take_of(&tokens, "subject", key);
	enum take_result r = state_take(s, &t, 1, now_us());

	(void)seed;
	count(r, &key, 1, 0);
}

static bool
enough_tokens(void)
{
	return atomic_load(&shared->passed[0][0]) >= 1000 &&
	    atomic_load(&shared->asked[0][0]) >= 100000;
}

/* Take all that is there at "at_us". */
static int
drain(struct state *s, int64_t at_us)
{
	struct take t = take_of(&tokens, "subject", 0);
	int n = 0;

	while (state_take(s, &t, 1, at_us) == TAKE_ALLOWED)
		n++;
	return n;
}

START_TEST(a_token_bucket_passes_its_burst_and_its_rate_to_all_together)
{
	struct state *s;
	char why[256];
	int64_t from, to;
	int n;

	s = state_open(dir, NULL, why, sizeof(why));
	ck_assert_ptr_nonnull(s);
	from = now_us();
	ck_assert_int_eq(drain(s, from), 40000);
	run(step_bucket, enough_tokens);
	to = now_us();
	/* What they left, taken too, makes it exact: a token each 500 us. */
	n = shared->passed[0][0] + drain(s, to);
	ck_assert_int_eq(n, (to - from) / 500);
	state_close(s);
}
END_TEST

static const struct row_limit wide = {
	.algorithm = LIMIT_WINDOW, .count = 900, .period_us = 500 * MS
};
static const struct row_limit narrow = {
	.algorithm = LIMIT_WINDOW, .count = 400, .period_us = 500 * MS
};

static void
step_levels(struct state *s, unsigned seed)
{
	const unsigned keys[2] = { 0, 1 + seed % 3 };
	struct take t[2] = { take_of(&wide, "api", keys[0]),
		take_of(&narrow, "subject", keys[1]) };
	int64_t now = now_us();
	enum take_result r = state_take(s, t, 2, now);

	count(r, keys, 2, window_of(now, wide.period_us));
}

static bool
enough_levels(void)
{
	unsigned n = 0;

	for (int w = 0; w < WINDOWS; w++)
		n += flooded(1, 4, w, 900);
	return n >= WINDOWS_MIN;
}

START_TEST(two_levels_take_all_or_none_from_all_processes)
{
	run(step_levels, enough_levels);
	for (int w = 0; w < WINDOWS - 1; w++) {
		int sum = 0;

		for (int k = 1; k <= 3; k++) {
			ck_assert_int_le(shared->passed[k][w], 400);
			sum += shared->passed[k][w];
		}
		ck_assert_int_eq(shared->passed[0][w], sum);
		/* What a narrow level refuses is not missing in the wide. */
		if (flooded(1, 4, w, 900))
			ck_assert_int_eq(sum, 900);
		ck_assert_int_le(sum, 900);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state race");
	TCase *c = tcase_create("state race");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_test(
	    c, a_window_passes_exactly_its_limit_to_all_processes_together);
	tcase_add_test(
	    c, a_token_bucket_passes_its_burst_and_its_rate_to_all_together);
	tcase_add_test(c, two_levels_take_all_or_none_from_all_processes);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
