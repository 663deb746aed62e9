/*
 * fuzz_records - the record walker, whole and in two parts: the outcome
 * may not depend on how the bytes were cut.
 */
#include <assert.h>

#include "fcgi/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct records whole, parts;
	size_t cut = n > 0 ? bytes[0] % n : 0;
	bool ok, ok_parts;

	records_init(&whole);
	records_init(&parts);
	ok = records_walk(&whole, span_of(bytes, n));
	ok_parts = records_walk(&parts, span_of(bytes, cut)) &&
	    records_walk(&parts, span_of(bytes + cut, n - cut));
	assert(ok == ok_parts);
	assert(!ok || whole.state == parts.state);
	assert(!ok || whole.stdin_bytes == parts.stdin_bytes);
	assert(records_stdin_come(&whole) <= n);
	return 0;
}
