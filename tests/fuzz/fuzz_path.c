/*
 * fuzz_path - any target: refused, or canonical and a fixed point.
 */
#include <stdlib.h>

#include "policy/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct path p, again;
	struct decision d;
	struct arena a;

	arena_init(&a, 4096, 1 << 22);
	if (path_parse(span_of(bytes, n), SPAN("h"), SPAN(""), &a, &p, &d)) {
		must(path_parse(
		    p.canonical, SPAN(""), SPAN(""), &a, &again, &d));
		must(span_eq(p.canonical, again.canonical));
		must(p.n_segments == again.n_segments);
		for (size_t i = 0; i < p.n_segments; i++) {
			must(span_eq(p.segments[i], again.segments[i]));
			must(!span_has(p.segments[i], '/'));
			must(!span_has_control(p.segments[i]));
			must(span_is_utf8(p.segments[i]));
		}
	}
	arena_fini(&a);
	return 0;
}
