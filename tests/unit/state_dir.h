/*
 * state_dir - a small state in a folder of its own, for each test.
 */
#ifndef MGW_TESTS_STATE_DIR_H
#define MGW_TESTS_STATE_DIR_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/state_file.h"

#define S US_PER_S
#define NOON (INT64_C(1800000000) * S) /* a multiple of a minute */

static char dir[64];
static struct state *state;
static char why[256];
static const struct state_sizes small = { .n_buckets = 64,
	.n_verdicts = 16,
	.n_client_buckets = 16,
	.n_slides = 64,
	.n_failures = 64 };

static inline struct state *
must_open(const struct state_sizes *sizes)
{
	struct state *s = state_open(dir, sizes, why, sizeof(why));

	ck_assert_msg(s != NULL, "%s", why);
	return s;
}

static inline void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/mgw-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	state = must_open(&small);
}

static inline const char *
shared(void)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/shared", dir);
	return path;
}

static inline void
teardown(void)
{
	state_close(state);
	unlink(shared());
	rmdir(dir);
}

#endif
