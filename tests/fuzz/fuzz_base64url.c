/*
 * fuzz_base64url - what decodes has this one spelling.
 */
#include <stdlib.h>

#include "base/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span text = span_of(bytes, n), decoded;
	struct arena a;
	struct buf b;

	arena_init(&a, 4096, 1 << 24);
	buf_init(&b, 1 << 24);
	if (base64url_decode(text, &a, &decoded)) {
		base64url_encode(&b, decoded);
		if (!span_eq(buf_span(&b), text))
			abort();
	}
	buf_fini(&b);
	arena_fini(&a);
	return 0;
}
