/*
 * fuzz_jwt - a token's parts, its header and its claims.
 */
#include <stdlib.h>

#include "policy/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span text = span_of(bytes, n);
	struct claims claims;
	const char *why = NULL;
	struct arena a;
	struct jwt t;

	arena_init(&a, 4096, 1 << 24);
	if (jwt_split(text, &a, &t, &why))
		(void)claims_read(t.payload, SPAN("scope"), &a, &claims, &why);
	/* As claims too, which the encoding would hide. */
	if (claims_read(text, SPAN("realm.roles"), &a, &claims, &why) &&
	    (span_has_control(claims.subject) ||
		span_has_control(claims.scopes)))
		abort();
	arena_fini(&a);
	return 0;
}
