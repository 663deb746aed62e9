/*
 * race - several processes of several threads that flood one state.
 *
 * Every take is counted in memory that all share, under the window of the
 * very time that it was made with; the counts are compared with the limits
 * afterwards.  Nothing depends on how fast the machine is or how it shares
 * its time: what was asked for is counted too, and the clock is one that
 * nobody sets.
 */
#ifndef MGW_TESTS_RACE_H
#define MGW_TESTS_RACE_H

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
#define WINDOWS 6000
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
static inline int64_t
now_us(void)
{
	return INT64_C(1800000000) * US_PER_S + clock_mono_us();
}

static inline void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/mgw-race-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	shared->begin_us = now_us() / (500 * MS) * (500 * MS);
}

static inline void
teardown(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/shared", dir);
	unlink(path);
	rmdir(dir);
	munmap(shared, sizeof(*shared));
}

static inline void *
flood_thread(void *arg)
{
	struct flood *f = arg;

	for (unsigned i = 0; !atomic_load(&shared->stop); i++)
		f->step(f->state, f->seed + i);
	return NULL;
}

/* A process of "threads" that take until they are told to stop. */
static inline pid_t
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

static inline struct take
take_of(const struct row_limit *l, const char *level, unsigned key)
{
	static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM";

	return (struct take){ .limit = l,
		.parts = { span_str(level), span_of(&names[key], 1) },
		.n_parts = 2 };
}

static inline int
window_of(int64_t at_us, uint64_t period_us)
{
	int64_t w = (at_us - shared->begin_us) / (int64_t)period_us;

	return w >= 0 && w < WINDOWS ? (int)w : WINDOWS - 1;
}

/* Count a take of "n" limits, for each of their keys. */
static inline void
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

#endif
