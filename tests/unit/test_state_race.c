/*
 * Several processes of several threads on one state, some of them killed.
 *
 * Every take is counted in memory that all share, under the window of the
 * very time that it was made with; the counts are compared with the limits
 * afterwards.  Nothing depends on how fast the machine is or how it shares
 * its time: what was asked for is counted too, and the clock is one that
 * nobody sets.
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

/* What the fewest windows are that a test wants to have seen flooded. */
#define WINDOWS_MIN 3
#define PATIENCE_US (40 * US_PER_S)

struct shared {
	int64_t begin_us; /* a multiple of all periods */
	atomic_bool stop;
	atomic_int faults;
	atomic_int asked[KEYS][WINDOWS], passed[KEYS][WINDOWS];
	atomic_bool late[WINDOWS]; /* some take came after its counter */
};

struct flood {
	void (*step)(struct state *s, unsigned seed);
	struct state *state;
	unsigned seed;
};

static struct shared *shared;
static char dir[64];

/* Monotonic, but of the size of wall time. */
static int64_t
now_us(void)
{
	return INT64_C(1800000000) * US_PER_S + clock_mono_us();
}

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/mgw-race-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	shared->begin_us = now_us() / (500 * MS) * (500 * MS);
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
	static const struct state_sizes sizes = {
		.n_buckets = 32768, .n_verdicts = 16, .n_slides = 64
	};
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

static struct take
take_of(const struct row_limit *l, const char *level, unsigned key)
{
	static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM";

	return (struct take){ .limit = l,
		.parts = { span_str(level), span_of(&names[key], 1) },
		.n_parts = 2 };
}

static int
window_of(int64_t at_us, uint64_t period_us)
{
	int64_t w = (at_us - shared->begin_us) / (int64_t)period_us;

	return w >= 0 && w < WINDOWS ? (int)w : WINDOWS - 1;
}

/* Count a take of "n" limits, for each of their keys. */
static void
count(enum take_result r, const unsigned *keys, unsigned n, int w)
{
	for (unsigned i = 0; i < n; i++) {
		atomic_fetch_add(&shared->asked[keys[i]][w], 1);
		if (r == TAKE_ALLOWED)
			atomic_fetch_add(&shared->passed[keys[i]][w], 1);
	}
	if (r == TAKE_FAULT)
		atomic_fetch_add(&shared->faults, 1);
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

static const struct row_limit churn = {
	.algorithm = LIMIT_WINDOW, .count = 20, .period_us = 10 * MS
};

/* New counters all the time: each window of each key is one. */
static void
step_churn(struct state *s, unsigned seed)
{
	const unsigned key = seed * 2654435761u >> 27;
	struct take t = take_of(&churn, "subject", key);
	int64_t now = now_us();
	int w = window_of(now, churn.period_us);
	enum take_result r = state_take(s, &t, 1, now);

	/* Who sleeps for a second may find its counter gone: see gauge.c. */
	if (now_us() - now > 900 * MS)
		atomic_store(&shared->late[w], true);
	count(r, &key, 1, w);
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

START_TEST(killed_processes_neither_pass_more_nor_stop_the_others)
{
	int64_t until_us = now_us() + PATIENCE_US / 2;
	pid_t pids[PROCESSES];
	int status;

	srandom((unsigned)getpid());
	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start(step_churn, 2, i);
	for (unsigned n = 0; n < 200 && (n < 5 || now_us() < until_us); n++) {
		unsigned i = (unsigned)random() % PROCESSES;

		usleep((useconds_t)(random() % 10000));
		ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert(WIFSIGNALED(status)); /* and had not ended before */
		pids[i] = start(step_churn, 2, n);
	}
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(atomic_load(&shared->faults), 0);
	for (int k = 0; k < KEYS; k++) {
		for (int w = 0; w < WINDOWS - 1; w++)
			ck_assert_msg(
			    shared->late[w] || shared->passed[k][w] <= 20,
			    "key %d window %d: %d", k, w, shared->passed[k][w]);
	}
	use_every_group();
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
	tcase_add_test(
	    c, killed_processes_neither_pass_more_nor_stop_the_others);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
