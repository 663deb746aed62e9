/*
 * test_breaker - when a breaker opens, who may probe, and what closes it.
 */
#include <check.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/state_breaker.h"
#include "tests/unit/state_dir.h"

#define NOW (INT64_C(1800000000) * US_PER_S)
#define LEASE (5 * US_PER_S)

static const struct row_breaker rule = {
	.window_ms = 8000, .volume = 10, .ratio_ppm = 500000, .reset_ms = 2000
};
static const struct hash128 id = { 7, 9 }, other = { 8, 9 };

static int64_t wait_us;

static enum breaker_answer
ask(bool claim, int64_t now_us)
{
	return state_breaker_ask(state, id, claim, LEASE, now_us, &wait_us);
}

static void
tell(unsigned good, unsigned bad, int64_t now_us)
{
	while (good-- > 0)
		state_breaker_tell(state, id, &rule, false, false, now_us);
	while (bad-- > 0)
		state_breaker_tell(state, id, &rule, true, false, now_us);
}

START_TEST(it_opens_when_enough_failed_and_not_before)
{
	tell(0, 9, NOW);
	ck_assert_int_eq(ask(true, NOW), BREAKER_CLOSED);
	tell(0, 1, NOW);
	ck_assert_int_eq(ask(true, NOW), BREAKER_OPEN);
	ck_assert_int_eq(wait_us, 2 * US_PER_S);
	ck_assert_int_eq(
	    state_breaker_ask(state, other, true, LEASE, NOW, &wait_us),
	    BREAKER_CLOSED);
}
END_TEST

START_TEST(a_small_part_of_failures_is_borne)
{
	for (int i = 0; i < 20; i++) {
		tell(11, 0, NOW);
		tell(0, 9, NOW);
		ck_assert_int_eq(ask(true, NOW), BREAKER_CLOSED);
	}
}
END_TEST

START_TEST(what_was_long_ago_does_not_count)
{
	tell(0, 9, NOW);
	tell(0, 9, NOW + 9 * US_PER_S);
	ck_assert_int_eq(ask(true, NOW + 9 * US_PER_S), BREAKER_CLOSED);
	tell(0, 1, NOW + 12 * US_PER_S);
	ck_assert_int_eq(ask(true, NOW + 12 * US_PER_S), BREAKER_OPEN);
}
END_TEST

START_TEST(one_probes_and_what_it_shows_decides)
{
	int64_t later = NOW + 2 * US_PER_S;

	tell(0, 10, NOW);
	/* To look is not to claim. */
	ck_assert_int_eq(ask(false, later), BREAKER_PROBE);
	ck_assert_int_eq(ask(true, later), BREAKER_PROBE);
	ck_assert_int_eq(ask(true, later), BREAKER_OPEN);
	ck_assert_int_eq(ask(false, later), BREAKER_OPEN);
	/* Those that were sent before it opened decide nothing. */
	tell(50, 0, later);
	ck_assert_int_eq(ask(true, later), BREAKER_OPEN);
	state_breaker_tell(state, id, &rule, true, true, later);
	ck_assert_int_eq(ask(true, later + US_PER_S), BREAKER_OPEN);
	later += 2 * US_PER_S;
	ck_assert_int_eq(ask(true, later), BREAKER_PROBE);
	state_breaker_tell(state, id, &rule, false, true, later);
	ck_assert_int_eq(ask(true, later), BREAKER_CLOSED);
	/* And what failed before is forgotten. */
	tell(0, 9, later);
	ck_assert_int_eq(ask(true, later), BREAKER_CLOSED);
}
END_TEST

START_TEST(a_probe_that_never_ends_is_forgotten)
{
	int64_t later = NOW + 2 * US_PER_S;

	tell(0, 10, NOW);
	ck_assert_int_eq(ask(true, later), BREAKER_PROBE);
	ck_assert_int_eq(ask(true, later + LEASE - 1), BREAKER_OPEN);
	ck_assert_int_eq(ask(true, later + LEASE), BREAKER_PROBE);
	state_breaker_give_up(state, id);
	ck_assert_int_eq(ask(true, later + LEASE), BREAKER_PROBE);
}
END_TEST

START_TEST(all_processes_share_it_and_one_probes)
{
	int64_t later = NOW + 2 * US_PER_S;
	unsigned probes = 0;

	for (int i = 0; i < 10; i++) {
		if (fork() == 0) {
			tell(0, 1, NOW);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	ck_assert_int_eq(ask(true, NOW), BREAKER_OPEN);
	for (int i = 0; i < 10; i++)
		if (fork() == 0)
			_exit(ask(true, later) == BREAKER_PROBE);
	for (int code; wait(&code) > 0;)
		probes += WEXITSTATUS(code) == 1;
	ck_assert_uint_eq(probes, 1);
}
END_TEST

START_TEST(without_a_place_there_is_no_breaker)
{
	/* All that lie beside each other. */
	for (uint64_t i = 0; i < 40; i++) {
		const struct hash128 h = { 1000 + i, i };

		for (int k = 0; k < 10; k++)
			state_breaker_tell(state, h, &rule, true, false, NOW);
	}
	for (uint64_t i = 0; i < 40; i++) {
		const struct hash128 h = { 1000, 100 + i };

		for (int k = 0; k < 10; k++)
			state_breaker_tell(state, h, &rule, true, false, NOW);
		ck_assert_int_eq(
		    state_breaker_ask(state, h, true, LEASE, NOW, &wait_us),
		    BREAKER_CLOSED);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("breaker");
	TCase *t = tcase_create("breaker");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_opens_when_enough_failed_and_not_before);
	tcase_add_test(t, a_small_part_of_failures_is_borne);
	tcase_add_test(t, what_was_long_ago_does_not_count);
	tcase_add_test(t, one_probes_and_what_it_shows_decides);
	tcase_add_test(t, a_probe_that_never_ends_is_forgotten);
	tcase_add_test(t, all_processes_share_it_and_one_probes);
	tcase_add_test(t, without_a_place_there_is_no_breaker);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
