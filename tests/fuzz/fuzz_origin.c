/*
 * Any bytes as an origin, and an origin as its own rule.
 */
#include <stdlib.h>

#include "policy/cors.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s = span_of(p, n);

	/* What may be sent back in a header cannot end one. */
	if (cors_is_origin(s) && (span_has_control(s) || span_has(s, ' ')))
		abort();
	return 0;
}
