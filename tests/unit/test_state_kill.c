/*
 * test_state_kill - processes are killed in the middle of a flood.
 *
 * Each of them holds one of as many places as there are processes, counts
 * in one counter with all others, and makes new counters all the time.
 */
#include "tests/unit/race.h"

#define ROUNDS 200

/* One key, of windows of another length, that all flood. */
#define FLOODED (KEYS - 1)
#define FLOOD_LIMIT 1000

/* What a new process has to do before it may be killed. */
#define STEPS_MIN 64

static const struct row_limit flood = {
	.algorithm = LIMIT_WINDOW, .count = FLOOD_LIMIT, .period_us = 100 * MS
};
static const struct row_limit churn = {
	.algorithm = LIMIT_WINDOW, .count = 20, .period_us = 10 * MS
};
static const struct row_limit places = {
	.algorithm = LIMIT_WINDOW, .unit = LIMIT_CONCURRENT, .count = PROCESSES
};
static const struct row_limit rush = {
	.algorithm = LIMIT_WINDOW, .unit = LIMIT_CONCURRENT, .count = 20
};

static struct kills {
	atomic_int in[WINDOWS]; /* of "flood" */
	atomic_int steps[PROCESSES];
	atomic_int held_up; /* who asked for a place and got none */
} * kills;

/* In a child: which of them it is, and whether it has its place. */
static unsigned me;
static atomic_bool placed;

static void
begin(void)
{
	setup();
	kills = mmap(NULL, sizeof(*kills), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(kills, MAP_FAILED);
}

static void
end(void)
{
	munmap(kills, sizeof(*kills));
	teardown();
}

static void
step_flood(struct state *s)
{
	const unsigned key = FLOODED;
	struct take t = take_of(&flood, "api", key);
	int64_t now = now_us();
	int w = window_of(now, flood.period_us);
	enum take_result r = state_take(s, &t, 1, now);

	if (now_us() - now > 900 * MS)
		atomic_fetch_add(&kills->in[w], 1 << 16);
	count(r, &key, 1, w);
}

/* New counters all the time: each window of each key is one. */
static void
step_churn(struct state *s, unsigned seed)
{
	const unsigned key = (seed * 2654435761u >> 8) % FLOODED;
	struct take t = take_of(&churn, "subject", key);
	int64_t now = now_us();
	int w = window_of(now, churn.period_us);
	enum take_result r = state_take(s, &t, 1, now);

	/* Who sleeps for a second may find its counter gone: see gauge.c. */
	if (now_us() - now > 900 * MS)
		atomic_store(&shared->late[w], true);
	count(r, &key, 1, w);
}

static void
step_rush(struct state *s)
{
	struct take t = take_of(&rush, "rush", 0);
	enum take_result r = state_take(s, &t, 1, now_us());

	if (r == TAKE_FAULT)
		atomic_fetch_add(&shared->faults, 1);
	if (r == TAKE_ALLOWED)
		state_give(s, &t, 1, now_us());
}

static void
step(struct state *s, unsigned seed)
{
	struct take t = take_of(&places, "place", 0);

	/* That of the one before, who was killed, is free at once. */
	if (!atomic_exchange(&placed, true) &&
	    state_take(s, &t, 1, now_us()) != TAKE_ALLOWED)
		atomic_fetch_add(&kills->held_up, 1);
	step_flood(s);
	step_churn(s, seed);
	if (seed % 4 == 0)
		step_rush(s);
	atomic_fetch_add(&kills->steps[me], 1);
}

static pid_t
start_one(unsigned i, unsigned seed)
{
	atomic_store(&kills->steps[i], 0);
	me = i;
	return start(step, THREADS, seed);
}

/* False: it does nothing for very long. */
static bool
has_begun(unsigned i)
{
	int64_t until_us = now_us() + PATIENCE_US / 4;

	while (atomic_load(&kills->steps[i]) < STEPS_MIN)
		if (now_us() > until_us || usleep(1000) != 0)
			return false;
	return true;
}

static void
kill_one(pid_t pids[PROCESSES], unsigned seed)
{
	unsigned i = (unsigned)random() % PROCESSES;
	int status;

	ck_assert_msg(has_begun(i), "a process does not go on");
	usleep((useconds_t)(random() % 15000));
	atomic_fetch_add(&kills->in[window_of(now_us(), flood.period_us)], 1);
	ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
	ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
	ck_assert(WIFSIGNALED(status)); /* and had not ended before */
	pids[i] = start_one(i, seed);
}

/* Whoever was killed, every group of the table can be used by others. */
static void
use_every_group(void)
{
	struct row_limit l = churn;
	char why[256], who[16];
	struct state *s = state_open(dir, NULL, why, sizeof(why));
	int64_t now = now_us() + 60 * US_PER_S; /* all have expired */

	ck_assert_ptr_nonnull(s);
	l.count = 1;
	for (unsigned i = 0; i < 16384; i++) {
		struct take t = { .limit = &l, .n_parts = 1 };

		snprintf(who, sizeof(who), "%u", i);
		t.parts[0] = span_str(who);
		ck_assert_int_eq(state_take(s, &t, 1, now), TAKE_ALLOWED);
	}
	state_close(s);
}

/* What was held by those killed is held by nobody. */
static void
take_all_places(void)
{
	struct state *s = state_open(dir, NULL, (char[256]){ 0 }, 256);
	uint64_t n = 0;

	ck_assert_ptr_nonnull(s);
	for (;; n++) {
		struct take t = take_of(&rush, "rush", 0);

		if (state_take(s, &t, 1, now_us()) != TAKE_ALLOWED)
			break;
	}
	ck_assert_uint_eq(n, rush.count);
	state_close(s);
}

static void
check_counts(void)
{
	unsigned flooded = 0;

	ck_assert_int_eq(atomic_load(&shared->faults), 0);
	ck_assert_int_eq(atomic_load(&kills->held_up), 0);
	for (int k = 0; k < FLOODED; k++)
		for (int w = 0; w < WINDOWS - 1; w++)
			ck_assert_msg(
			    shared->late[w] || shared->passed[k][w] <= 20,
			    "key %d window %d: %d", k, w, shared->passed[k][w]);
	for (int w = 0; w < WINDOWS - 1; w++) {
		int n = shared->passed[FLOODED][w], dead = kills->in[w];

		if (dead >= 1 << 16) /* some slept for long */
			continue;
		ck_assert_int_le(n, FLOOD_LIMIT);
		/* Who was killed had taken one each that nobody counted. */
		if (shared->asked[FLOODED][w] < 3 * FLOOD_LIMIT)
			continue;
		ck_assert_int_ge(n, FLOOD_LIMIT - dead * THREADS);
		flooded++;
	}
	ck_assert_uint_ge(flooded, WINDOWS_MIN);
}

START_TEST(killed_processes_neither_pass_more_nor_stop_the_others)
{
	pid_t pids[PROCESSES];
	int status;

	srandom((unsigned)getpid());
	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start_one(i, i * 104729);
	for (unsigned n = 0; n < ROUNDS; n++)
		kill_one(pids, n * 104729);
	for (unsigned i = 0; i < PROCESSES; i++)
		ck_assert_msg(has_begun(i), "a process does not go on");
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	check_counts();
	take_all_places();
	use_every_group();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state kill");
	TCase *c = tcase_create("state kill");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 120);
	tcase_add_test(
	    c, killed_processes_neither_pass_more_nor_stop_the_others);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
