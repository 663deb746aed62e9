/*
 * clock - see clock.h.
 */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

static int64_t
read_us(clockid_t id)
{
	struct timespec t;
	int rc = clock_gettime(id, &t);

	assert(rc == 0);
	(void)rc; /* only asserted: these clocks cannot fail on Linux */
	return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

int64_t
clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}
