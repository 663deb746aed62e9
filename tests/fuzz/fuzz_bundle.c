/*
 * fuzz_bundle - any bytes, with right sums: refused, or a bundle whose
 * whole tree can be walked.
 */
#include <stdlib.h>

#include "policy/bundle.h"
#include "policy/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Ask it something, so that the search runs over what was accepted. */
static void
ask(const struct bundle *b)
{
	struct span segments[] = { SPAN("pets"), SPAN("1.json"), SPAN("") };
	struct request r = {
		.method = SPAN("GET"), .segments = segments, .n_segments = 3
	};
	struct decision d;
	struct match m;
	struct arena a;

	arena_init(&a, 1024, 1 << 16);
	r.arena = &a;
	for (size_t n = 0; n <= 3; n++) {
		r.n_segments = n;
		(void)route_match(b, &r, &m, &d);
	}
	arena_fini(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct bundle_header h;
	struct bundle b;
	char why[200];
	char *copy = malloc(n + 1);

	if (copy == NULL)
		return 0;
	memcpy(copy, bytes, n);
	if (n >= sizeof(h)) {
		struct hash128 sum;

		memcpy(&h, copy, sizeof(h));
		h.size = n;
		memcpy(copy, &h, sizeof(h));
		sum = bundle_sum(span_of(copy, n));
		h.sum_lo = sum.lo;
		h.sum_hi = sum.hi;
		memcpy(copy, &h, sizeof(h));
	}
	if (bundle_from(&b, span_of(copy, n), why, sizeof(why))) {
		ask(&b);
		bundle_close(&b);
	}
	free(copy);
	return 0;
}
