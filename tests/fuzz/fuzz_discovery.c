/*
 * fuzz_discovery - metadata of an issuer, as a server might send them.
 */
#include "fcgi/discovery.h"

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int
LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	const char *why;
	struct arena a;

	arena_init(&a, 4096, 1 << 20);
	(void)discovery_read(
	    span_of(p, n), SPAN("https://id.example"), &a, &why);
	arena_fini(&a);
	return 0;
}
