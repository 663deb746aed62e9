/*
 * pattern - bytes that tell where they stand, so that a body which lost,
 * doubled or moved any of them is seen to be another one.
 */
#ifndef MGW_TESTS_PATTERN_H
#define MGW_TESTS_PATTERN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The "n" bytes from "at" on; both are multiples of 8. */
static inline void
pattern_fill(char *to, size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t x = (at + i) * UINT64_C(0x9e3779b97f4a7c15);

		x ^= x >> 29;
		memcpy(to + i, &x, 8);
	}
}

#endif
