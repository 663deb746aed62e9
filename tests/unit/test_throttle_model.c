/*
 * Random sequences against slow exact counters, for each algorithm.
 *
 * The models keep every request that passed; the real counters have a few
 * words.  Time goes on by random steps, some of them none, some over many
 * windows, and now and then a little back, as between processes.
 */
#include <stdlib.h>

#include "policy/gauge.h"
#include "state_dir.h"

#define STEPS 20000
#define BACK_US (200 * INT64_C(1000))

struct model {
	int64_t *at; /* of each unit that passed */
	size_t n, size;
};

static void
pass(struct model *m, int64_t at, unsigned units)
{
	while (m->n + units > m->size) {
		m->size = m->size > 0 ? 2 * m->size : 1024;
		m->at = realloc(m->at, m->size * sizeof(*m->at));
		ck_assert_ptr_nonnull(m->at);
	}
	while (units-- > 0)
		m->at[m->n++] = at;
}

/* Units that passed at from <= t < until. */
static uint64_t
passed(const struct model *m, int64_t from, int64_t until)
{
	uint64_t n = 0;

	for (size_t i = m->n; i-- > 0;) {
		if (m->at[i] < from - BACK_US)
			break; /* times are in order but for going back once */
		n += m->at[i] >= from && m->at[i] < until;
	}
	return n;
}

/* From the latest time that any request had. */
static int64_t
step(int64_t latest, uint64_t period_us)
{
	int64_t now = latest;

	switch (random() % 8) {
	case 0:
		return now;
	case 1:
		return now - random() % BACK_US;
	case 2:
		return now + random() % (int64_t)(8 * period_us);
	default:
		return now + random() % (int64_t)period_us;
	}
}

static enum take_result
take_at(const struct row_limit *l, int64_t now, struct take *t)
{
	*t = (struct take){ .limit = l,
		.parts = { SPAN("subject"), SPAN("a") },
		.n_parts = 2 };
	return state_take(state, t, 1, now);
}

static const struct {
	uint64_t count, period_us;
} shapes[] = {
	{ 1, 1000000 },
	{ 7, 10000000 },
	{ 100, 3000017 },
	{ 1000, 60000000 },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

START_TEST(windows_agree_with_a_list_of_all_requests)
{
	struct row_limit l = { .algorithm = LIMIT_WINDOW,
		.count = shapes[_i].count,
		.period_us = shapes[_i].period_us };
	int64_t period = (int64_t)l.period_us, now = NOON;
	int64_t latest = NOON;
	struct model m = { 0 };
	struct take t;

	srandom(2);
	for (int i = 0; i < STEPS; i++) {
		int64_t start;
		uint64_t used;
		bool allowed;

		now = step(latest, l.period_us / l.count);
		latest = now > latest ? now : latest;
		start = now - now % period;
		used = passed(&m, start, start + period);
		allowed = take_at(&l, now, &t) == TAKE_ALLOWED;
		ck_assert_msg(allowed == (used < l.count), "step %d", i);
		if (!allowed)
			ck_assert_int_eq(
			    (int64_t)t.wait_us, start + period - now);
		else
			ck_assert_uint_eq(t.remaining, l.count - used - 1);
		if (allowed)
			pass(&m, now, 1);
	}
	free(m.at);
}
END_TEST

/*
 * Never more than the limit in any period up to now; and no refusal where
 * a period longer by a slot, and by what clocks differ, had room.
 */
START_TEST(a_sliding_window_never_passes_more_and_hardly_less)
{
	struct row_limit l = { .algorithm = LIMIT_SLIDING,
		.count = shapes[_i].count,
		.period_us = shapes[_i].period_us };
	int64_t period = (int64_t)l.period_us, now = NOON;
	int64_t slot = (period + SLIDE_SLOTS - 1) / SLIDE_SLOTS;
	struct model m = { 0 };
	struct take t;
	int64_t latest = NOON;
	int refused = 0;

	srandom(3);
	for (int i = 0; i < STEPS; i++) {
		uint64_t used, nearly;
		bool allowed;

		now = step(latest, l.period_us / l.count);
		latest = now > latest ? now : latest;
		used = passed(&m, latest - period + 1, INT64_MAX);
		nearly =
		    passed(&m, latest - period - 2 * slot - BACK_US, INT64_MAX);
		allowed = take_at(&l, now, &t) == TAKE_ALLOWED;
		if (allowed)
			ck_assert_msg(used < l.count, "step %d: too many", i);
		else
			ck_assert_msg(nearly >= l.count, "step %d: too few", i);
		if (!allowed) {
			refused++;
			ck_assert_uint_gt(t.wait_us, 0);
			ck_assert_uint_le(t.wait_us,
			    l.period_us + 2 * (uint64_t)slot + BACK_US);
		}
		if (allowed)
			pass(&m, latest, 1);
	}
	ck_assert_int_gt(refused, STEPS / 100);
	free(m.at);
}
END_TEST

START_TEST(who_waits_as_long_as_he_is_told_passes)
{
	struct row_limit limits[] = {
		{ .algorithm = LIMIT_WINDOW },
		{ .algorithm = LIMIT_SLIDING },
		{ .algorithm = LIMIT_TOKEN_BUCKET },
	};
	struct row_limit *l = &limits[_i];
	int64_t now = NOON;
	struct take t;

	srandom(4);
	l->count = 20;
	l->period_us = 7 * S;
	l->burst = 5;
	for (int i = 0; i < 5000; i++) {
		now += random() % (int64_t)(l->period_us / 15);
		if (take_at(l, now, &t) == TAKE_ALLOWED)
			continue;
		now += (int64_t)t.wait_us - 1;
		if (l->algorithm != LIMIT_TOKEN_BUCKET)
			ck_assert_int_eq(take_at(l, now, &t), TAKE_REFUSED);
		now++;
		ck_assert_int_eq(take_at(l, now, &t), TAKE_ALLOWED);
	}
}
END_TEST

/* Burst and rate times time, plus or minus one, between any two moments. */
START_TEST(a_token_bucket_passes_its_burst_and_rate_times_time)
{
	struct row_limit l = { .algorithm = LIMIT_TOKEN_BUCKET,
		.count = shapes[_i].count,
		.period_us = shapes[_i].period_us,
		.burst = shapes[_i].count / 2 + 1 };
	double rate = (double)l.count / (double)l.period_us;
	double tokens = (double)l.burst;
	int64_t now = NOON, last = NOON;
	struct take t;

	srandom(5);
	for (int i = 0; i < STEPS; i++) {
		bool allowed;

		now += random() % (int64_t)(l.period_us / l.count * 3 / 2);
		tokens += (double)(now - last) * rate;
		if (tokens > (double)l.burst)
			tokens = (double)l.burst;
		last = now;
		allowed = take_at(&l, now, &t) == TAKE_ALLOWED;
		if (allowed != (tokens >= 1))
			ck_assert_msg(tokens > 0.99 && tokens < 1.01,
			    "step %d: %f tokens", i, tokens);
		/* Where both may be right, the model follows. */
		if (allowed)
			tokens -= 1;
	}
}
END_TEST

/* Bytes are charged when they are known: past the limit, then not at all. */
START_TEST(bytes_are_let_pass_while_any_are_left)
{
	const enum limit_algorithm algorithms[] = { LIMIT_WINDOW,
		LIMIT_SLIDING };
	struct row_limit l = { .algorithm = algorithms[_i],
		.unit = LIMIT_BYTES,
		.count = 5000,
		.period_us = 10 * S };
	int64_t slot = (10 * S + SLIDE_SLOTS - 1) / SLIDE_SLOTS;
	int64_t now = NOON;
	struct model m = { 0 };
	struct take t;

	srandom(6);
	for (int i = 0; i < STEPS / 4; i++) {
		uint64_t used, nearly;
		unsigned bytes = (unsigned)random() % 700;
		bool allowed;

		now += random() % S;
		used = passed(&m,
		    _i == 0 ? now - now % (10 * S) : now - 10 * S + 1,
		    INT64_MAX);
		nearly = passed(&m,
		    _i == 0 ? now - now % (10 * S) : now - 10 * S - slot,
		    INT64_MAX);
		allowed = take_at(&l, now, &t) == TAKE_ALLOWED;
		if (allowed)
			ck_assert_msg(used < l.count, "step %d", i);
		else
			ck_assert_msg(nearly >= l.count, "step %d", i);
		if (!allowed)
			continue;
		state_charge(state, &t, 1, bytes, now);
		pass(&m, now, bytes);
	}
	free(m.at);
}
END_TEST

START_TEST(a_bucket_of_bytes_fills_at_its_rate_to_the_byte)
{
	/* 10 MB a second: 1.5 ticks a byte, 15 % off if they were rounded. */
	struct row_limit l = { .algorithm = LIMIT_TOKEN_BUCKET,
		.unit = LIMIT_BYTES,
		.count = 10 << 20,
		.period_us = S,
		.burst = 20 << 20 };
	int64_t now = NOON;
	uint64_t sent = 0;
	struct take t;

	srandom(7);
	for (int i = 0; i < 100000; i++) {
		uint64_t bytes = (uint64_t)random() % 20000;

		if (take_at(&l, now, &t) == TAKE_ALLOWED) {
			state_charge(state, &t, 1, bytes, now);
			sent += bytes;
		} else {
			now += (int64_t)t.wait_us;
		}
	}
	/* A tick a charge is lost at most, and one charge goes past. */
	ck_assert_uint_le(sent,
	    l.burst + 20000 +
		(uint64_t)((double)(now - NOON) * (10 << 20) / (double)S));
	ck_assert_uint_ge(sent,
	    l.burst - 20000 +
		(uint64_t)((double)(now - NOON) * (10 << 20) / (double)S) -
		100000);
}
END_TEST

START_TEST(a_debt_of_bytes_ends_and_a_clock_set_back_does_not_lengthen_it)
{
	struct row_limit l = { .algorithm = LIMIT_TOKEN_BUCKET,
		.unit = LIMIT_BYTES,
		.count = 1000,
		.period_us = S,
		.burst = 1000 };
	struct take t;

	ck_assert_int_eq(take_at(&l, NOON, &t), TAKE_ALLOWED);
	state_charge(state, &t, 1, UINT64_C(1) << 50, NOON);
	ck_assert_int_eq(take_at(&l, NOON + 3599 * S, &t), TAKE_REFUSED);
	ck_assert_int_eq(take_at(&l, NOON + 3601 * S, &t), TAKE_ALLOWED);
	state_charge(state, &t, 1, UINT64_C(1) << 50, NOON + 3601 * S);
	/* A day back: it counts as empty, and fills. */
	ck_assert_int_eq(take_at(&l, NOON - 86400 * S, &t), TAKE_REFUSED);
	ck_assert_int_eq(take_at(&l, NOON - 86390 * S, &t), TAKE_ALLOWED);
}
END_TEST

START_TEST(sliding_over_a_clock_that_is_set_back_neither_frees_nor_locks_out)
{
	struct row_limit l = {
		.algorithm = LIMIT_SLIDING, .count = 10, .period_us = 60 * S
	};
	int64_t back[] = { 30 * S, 3600 * S, 86400 * S, 40 * 86400 * S };
	struct take t;

	for (size_t i = 0; i < sizeof(back) / sizeof(back[0]); i++) {
		int64_t now = NOON + 1000 * 86400 * S * (int64_t)i / 100;
		int n = 0;

		now += (int64_t)i * 80 * 86400 * S;
		for (int k = 0; k < 10; k++)
			n += take_at(&l, now + k * S, &t) == TAKE_ALLOWED;
		ck_assert_int_eq(n, 10);
		now -= back[i];
		/* In the shortest case some left the period by themselves. */
		ck_assert_int_eq(take_at(&l, now + 9 * S, &t), TAKE_REFUSED);
		n = 0;
		for (int k = 0; k < 20; k++)
			n += take_at(&l, now + 130 * S, &t) == TAKE_ALLOWED;
		ck_assert_int_eq(n, 10);
	}
}
END_TEST

START_TEST(what_was_given_back_in_a_slot_that_went_by_can_be_taken_again)
{
	struct row_limit l = {
		.algorithm = LIMIT_SLIDING, .count = 2, .period_us = 60 * S
	};
	struct take first, t;

	ck_assert_int_eq(take_at(&l, NOON, &first), TAKE_ALLOWED);
	ck_assert_int_eq(take_at(&l, NOON + 5 * S, &t), TAKE_ALLOWED);
	ck_assert_int_eq(take_at(&l, NOON + 6 * S, &t), TAKE_REFUSED);
	state_give(state, &first, 1, NOON + 6 * S);
	ck_assert_int_eq(take_at(&l, NOON + 6 * S, &t), TAKE_ALLOWED);
	ck_assert_int_eq(take_at(&l, NOON + 6 * S, &t), TAKE_REFUSED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("throttle model");
	TCase *c = tcase_create("throttle model");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(
	    c, windows_agree_with_a_list_of_all_requests, 0, SHAPES);
	tcase_add_loop_test(
	    c, a_sliding_window_never_passes_more_and_hardly_less, 0, SHAPES);
	tcase_add_loop_test(c, who_waits_as_long_as_he_is_told_passes, 0, 3);
	tcase_add_loop_test(
	    c, a_token_bucket_passes_its_burst_and_rate_times_time, 0, SHAPES);
	tcase_add_loop_test(c, bytes_are_let_pass_while_any_are_left, 0, 2);
	tcase_add_test(c, a_bucket_of_bytes_fills_at_its_rate_to_the_byte);
	tcase_add_test(
	    c, a_debt_of_bytes_ends_and_a_clock_set_back_does_not_lengthen_it);
	tcase_add_test(c,
	    sliding_over_a_clock_that_is_set_back_neither_frees_nor_locks_out);
	tcase_add_test(
	    c, what_was_given_back_in_a_slot_that_went_by_can_be_taken_again);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
