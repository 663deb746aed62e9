/*
 * fuzz_keyset - JWK sets and PEM.
 */
#include "policy/keyset.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char why[200];
	struct key_set *k =
	    key_set_new(span_of(bytes, n), false, NULL, why, sizeof(why));

	if (k != NULL)
		(void)key_set_verify(k, ALG_ES256, span_of(NULL, 0),
		    SPAN("a.b"), span_of(bytes, n < 64 ? n : 64));
	key_set_free(k);
	return 0;
}
