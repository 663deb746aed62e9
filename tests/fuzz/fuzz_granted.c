/*
 * fuzz_granted - what a token server might answer.
 */
#include <stdlib.h>

#include "policy/field.h"
#include "policy/granted.h"

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int
LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	struct granted g;
	struct arena a;
	const char *why;

	arena_init(&a, 4096, 1 << 22);
	/* What is taken for a token can stand in a header. */
	if (granted_read(span_of(p, n), &a, &g, &why) &&
	    (g.token.n == 0 || g.token.n > GRANTED_TOKEN_MAX ||
		!field_is_value(g.token) || span_has(g.token, ' ') ||
		g.life_s > GRANTED_LIFE_S_MAX))
		abort();
	arena_fini(&a);
	return 0;
}
