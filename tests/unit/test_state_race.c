/*
 * Several processes of several threads on one state, some of them killed.
 *
 * Every take that passed is counted in memory that all share, under the
 * window of the very time that the take was made with; the counts are
 * compared with the limits afterwards.
 */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/state.h"

#define PROCESSES 4
#define THREADS 8
#define KEYS 32
#define WINDOWS 400
#define MS US_PER_MS

struct shared {
	int64_t begin_us; /* a multiple of all periods */
	atomic_bool stop;
	atomic_int faults;
	atomic_int passed[KEYS][WINDOWS];
	_Atomic int64_t last_us;
};

struct flood {
	void (*step)(struct state *s, unsigned seed);
	struct state *state;
	unsigned seed;
};

static struct shared *shared;
static char dir[64];

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/mgw-race-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	shared->begin_us = clock_wall_us() / (500 * MS) * (500 * MS);
}

static void
teardown(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/shared", dir);
	unlink(path);
	rmdir(dir);
	munmap(shared, sizeof(*shared));
}

static void *
flood_thread(void *arg)
{
	struct flood *f = arg;

	for (unsigned i = 0; !atomic_load(&shared->stop); i++)
		f->step(f->state, f->seed + i);
	return NULL;
}

/* A process of "threads" that take until they are told to stop. */
static pid_t
start(void (*step)(struct state *, unsigned), unsigned threads, unsigned seed)
{
	static const struct state_sizes sizes = { 32768, 16 };
	struct flood floods[THREADS];
	pthread_t ids[THREADS];
	struct state *s;
	char why[256];
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid != 0)
		return pid;
	s = state_open(dir, &sizes, why, sizeof(why));
	if (s == NULL)
		_exit(1);
	for (unsigned i = 0; i < threads; i++) {
		floods[i] = (struct flood){ step, s, seed + i * 7919 };
		if (pthread_create(&ids[i], NULL, flood_thread, &floods[i]))
			_exit(1);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	state_close(s);
	_exit(0);
}

static void
run(void (*step)(struct state *, unsigned), int64_t us)
{
	pid_t pids[PROCESSES];
	int status;

	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start(step, THREADS, i * 104729);
	usleep((useconds_t)us);
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(atomic_load(&shared->faults), 0);
}

static struct take
take_of(const struct row_limit *l, const char *level, unsigned key)
{
	static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM";

	return (struct take){ .limit = l,
		.parts = { span_str(level), span_of(&names[key], 1) },
		.n_parts = 2 };
}

static void
count(unsigned key, int64_t now_us, uint64_t period_us)
{
	int64_t window = (now_us - shared->begin_us) / (int64_t)period_us;

	if (window >= 0 && window < WINDOWS)
		atomic_fetch_add(&shared->passed[key][window], 1);
}

static const struct row_limit clock_500ms = {
	.algorithm = LIMIT_WINDOW, .count = 1000, .period_us = 500 * MS
};

static void
step_window(struct state *s, unsigned seed)
{
	struct take t = take_of(&clock_500ms, "subject", 0);
	int64_t now = clock_wall_us();
	enum take_result r = state_take(s, &t, 1, now);

	(void)seed;
	if (r == TAKE_ALLOWED)
		count(0, now, clock_500ms.period_us);
	if (r == TAKE_FAULT)
		atomic_fetch_add(&shared->faults, 1);
}

START_TEST(a_window_passes_exactly_its_limit_to_all_processes_together)
{
	int64_t from, to;

	run(step_window, 1600 * MS);
	to = (clock_wall_us() - shared->begin_us) / (500 * MS);
	/* The first and the last were not flooded for all of their time. */
	from = 1;
	ck_assert_int_gt(to - 1, from);
	for (int64_t i = 0; i <= to; i++)
		ck_assert_int_le(shared->passed[0][i], 1000);
	for (int64_t i = from; i < to - 1; i++)
		ck_assert_int_eq(shared->passed[0][i], 1000);
}
END_TEST

static const struct row_limit tokens = { .algorithm = LIMIT_TOKEN_BUCKET,
	.count = 2000,
	.period_us = 1000 * MS,
	.burst = 100 };

static void
step_bucket(struct state *s, unsigned seed)
{
	struct take t = take_of(&tokens, "subject", 0);
	int64_t now = clock_wall_us();
	enum take_result r = state_take(s, &t, 1, now);

	(void)seed;
	if (r == TAKE_ALLOWED) {
		int64_t zero = 0;

		atomic_compare_exchange_strong(
		    &shared->last_us, &zero, now - 1);
		count(0, now, 3600 * 1000 * MS);
	}
	if (r == TAKE_FAULT)
		atomic_fetch_add(&shared->faults, 1);
}

START_TEST(a_token_bucket_passes_its_burst_and_its_rate_to_all_together)
{
	int64_t us, most;

	run(step_bucket, 800 * MS);
	/* From the first that passed to now, when the last has ended. */
	us = clock_wall_us() - shared->last_us;
	most = 100 + us * 2000 / US_PER_S + 1;
	ck_assert_int_le(shared->passed[0][0], most);
	/* The processes end within a few ms of another, under load later. */
	ck_assert_int_ge(shared->passed[0][0], 100 + 2000 * 6 / 10);
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
	unsigned key = 1 + seed % 3;
	struct take t[2] = { take_of(&wide, "api", 0),
		take_of(&narrow, "subject", key) };
	int64_t now = clock_wall_us();
	enum take_result r = state_take(s, t, 2, now);

	if (r == TAKE_ALLOWED) {
		count(0, now, wide.period_us);
		count(key, now, wide.period_us);
	}
	if (r == TAKE_FAULT)
		atomic_fetch_add(&shared->faults, 1);
}

START_TEST(two_levels_take_all_or_none_from_all_processes)
{
	int64_t to;

	run(step_levels, 1600 * MS);
	to = (clock_wall_us() - shared->begin_us) / (500 * MS);
	ck_assert_int_gt(to, 2);
	for (int64_t i = 1; i < to - 1; i++) {
		/* What a narrow level refuses is not missing in the wide. */
		ck_assert_int_eq(shared->passed[0][i], 900);
		for (int k = 1; k <= 3; k++)
			ck_assert_int_le(shared->passed[k][i], 400);
	}
}
END_TEST

static const struct row_limit churn = {
	.algorithm = LIMIT_WINDOW, .count = 20, .period_us = 10 * MS
};

/* New counters all the time: each window of each key is one. */
static void
step_churn(struct state *s, unsigned seed)
{
	unsigned key = seed * 2654435761u >> 27;
	struct take t = take_of(&churn, "subject", key);
	int64_t now = clock_wall_us();
	enum take_result r = state_take(s, &t, 1, now);

	if (r == TAKE_ALLOWED)
		count(key, now, churn.period_us);
	if (r == TAKE_FAULT)
		atomic_fetch_add(&shared->faults, 1);
}

START_TEST(killed_processes_neither_pass_more_nor_stop_the_others)
{
	pid_t pids[PROCESSES];
	int status;

	srandom((unsigned)getpid());
	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start(step_churn, 2, i);
	for (unsigned round = 0; round < 200; round++) {
		unsigned i = (unsigned)random() % PROCESSES;

		usleep((useconds_t)(random() % 10000));
		ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert(WIFSIGNALED(status)); /* and had not ended before */
		pids[i] = start(step_churn, 2, round);
	}
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(atomic_load(&shared->faults), 0);
	for (int k = 0; k < KEYS; k++) {
		for (int w = 0; w < WINDOWS; w++)
			ck_assert_msg(shared->passed[k][w] <= 20,
			    "key %d window %d: %d", k, w, shared->passed[k][w]);
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
	tcase_set_timeout(c, 60);
	tcase_add_test(
	    c, a_window_passes_exactly_its_limit_to_all_processes_together);
	tcase_add_test(
	    c, a_token_bucket_passes_its_burst_and_its_rate_to_all_together);
	tcase_add_test(c, two_levels_take_all_or_none_from_all_processes);
	tcase_add_test(
	    c, killed_processes_neither_pass_more_nor_stop_the_others);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
