/*
 * fuzz_issue - what a user may say of the life of a key.
 */
#include <stdlib.h>

#include "policy/issue.h"

#define LIFE_S 1000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint32_t life_s = LIFE_S;
	struct arena a;

	arena_init(&a, 4096, 1 << 20);
	(void)issue_read_life(span_of(bytes, n), &a, &life_s);
	if (life_s == 0 || life_s > LIFE_S)
		abort();
	arena_fini(&a);
	return 0;
}
