/*
 * fuzz_json - the scanner, and that json-c takes what it passes.
 */
#include <stdlib.h>

#include "base/json.h"
#include "policy/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena a;
	struct json_scan s;
	enum json_event e;
	const char *error;
	struct json_object *o = json_read(span_of(bytes, n), &error);

	arena_init(&a, 4096, 1 << 24);
	json_scan_init(&s, span_of(bytes, n), JSON_DEPTH_MAX, &a);
	do
		e = json_scan_next(&s);
	while (e != JSON_ERROR && e != JSON_END);
	if (o != NULL && e != JSON_END)
		abort();
	json_free(o);
	arena_fini(&a);
	return 0;
}
