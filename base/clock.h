/*
 * clock - the two clocks.
 *
 * Wall time (Unix microseconds) is what tokens, windows and files are
 * judged by.  Monotonic time measures how long something takes and never
 * leaves the process.
 */
#ifndef MGW_BASE_CLOCK_H
#define MGW_BASE_CLOCK_H

#include <stdint.h>

#define US_PER_S INT64_C(1000000)
#define US_PER_MS INT64_C(1000)

int64_t clock_wall_us(void);
int64_t clock_mono_us(void);

#endif
