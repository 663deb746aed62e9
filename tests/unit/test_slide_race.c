/*
 * Sliding windows, flooded by processes of several threads, some killed.
 *
 * Every take that passes is noted with the times before and after it; how
 * long the slowest took is how far its note may be from where it counted.
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
#define NOTES 100000
#define PERIOD_US US_PER_S
#define LIMIT 1000
#define WINDOWS 3
#define ROUNDS 50

struct shared {
	atomic_bool stop;
	atomic_int faults;
	atomic_uint n;
	_Atomic int64_t lag_us;
	int64_t notes[NOTES];
};

static struct shared *shared;
static char dir[64];

static const struct row_limit limit = {
	.algorithm = LIMIT_SLIDING, .count = LIMIT, .period_us = PERIOD_US
};
static const struct state_sizes sizes = {
	.n_buckets = 64, .n_verdicts = 16, .n_slides = 16
};

/* Monotonic, but of the size of wall time. */
static int64_t
now_us(void)
{
	return INT64_C(1800000000) * US_PER_S + clock_mono_us();
}

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/mgw-slide-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
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

static void
note(int64_t before)
{
	unsigned i = atomic_fetch_add(&shared->n, 1);
	int64_t lag = now_us() - before, most = atomic_load(&shared->lag_us);

	if (i < NOTES)
		shared->notes[i] = before;
	while (lag > most &&
	    !atomic_compare_exchange_weak(&shared->lag_us, &most, lag))
		;
}

static bool
take(struct state *s)
{
	struct take t = { .limit = &limit,
		.parts = { SPAN("subject"), SPAN("a") },
		.n_parts = 2 };
	int64_t before = now_us();
	enum take_result r = state_take(s, &t, 1, before);

	if (r == TAKE_FAULT)
		atomic_fetch_add(&shared->faults, 1);
	if (r == TAKE_ALLOWED)
		note(before);
	return r == TAKE_ALLOWED;
}

static void *
flood_thread(void *arg)
{
	while (!atomic_load(&shared->stop))
		(void)take(arg);
	return NULL;
}

static pid_t
start(void)
{
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
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&ids[i], NULL, flood_thread, s) != 0)
			_exit(1);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	state_close(s);
	_exit(0);
}

static void
stop_all(const pid_t *pids)
{
	int status;

	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(atomic_load(&shared->faults), 0);
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* In no period did more pass than the limit. */
static void
check_never_more(void)
{
	unsigned n = atomic_load(&shared->n);

	ck_assert_uint_le(n, NOTES);
	qsort(shared->notes, n, sizeof(shared->notes[0]), by_time);
	for (unsigned i = 0; i + LIMIT < n; i++)
		ck_assert_msg(shared->notes[i + LIMIT] - shared->notes[i] >
			PERIOD_US - shared->lag_us,
		    "%d passed in %jd us, the slowest took %jd", LIMIT + 1,
		    (intmax_t)(shared->notes[i + LIMIT] - shared->notes[i]),
		    (intmax_t)shared->lag_us);
}

START_TEST(a_flood_passes_the_limit_in_any_period_and_hardly_less)
{
	pid_t pids[PROCESSES];
	unsigned n = 0;

	/* Not from the start of a clock window. */
	while (now_us() % PERIOD_US < PERIOD_US / 2)
		usleep(1000);
	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start();
	usleep((WINDOWS + 1) * PERIOD_US);
	stop_all(pids);
	check_never_more();
	while (n < shared->n &&
	    shared->notes[n] < shared->notes[0] + WINDOWS * PERIOD_US)
		n++;
	ck_assert_uint_ge(n, WINDOWS * 990);
	/* What began in the last moments may count in the period after. */
	while (n > 0 &&
	    shared->notes[n - 1] + shared->lag_us >=
		shared->notes[0] + WINDOWS * PERIOD_US)
		n--;
	ck_assert_uint_le(n, WINDOWS * LIMIT);
}
END_TEST

START_TEST(killed_processes_leave_a_window_that_counts_on)
{
	pid_t pids[PROCESSES];
	struct state *s;
	char why[256];
	int status, passed = 0;

	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start();
	for (unsigned n = 0; n < ROUNDS; n++) {
		unsigned i = n % PROCESSES;

		usleep((useconds_t)(random() % 20000));
		ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert(WIFSIGNALED(status)); /* and had not ended before */
		pids[i] = start();
	}
	stop_all(pids);
	check_never_more();
	/* Never stuck: a period later all of it is there again. */
	usleep(PERIOD_US + PERIOD_US / 10);
	s = state_open(dir, NULL, why, sizeof(why));
	ck_assert_ptr_nonnull(s);
	for (int i = 0; i < LIMIT; i++)
		passed += take(s);
	ck_assert_int_eq(passed, LIMIT);
	state_close(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("slide race");
	TCase *c = tcase_create("slide race");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_test(
	    c, a_flood_passes_the_limit_in_any_period_and_hardly_less);
	tcase_add_test(c, killed_processes_leave_a_window_that_counts_on);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
