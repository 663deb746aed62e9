/*
 * One document through the whole reader, and its messages.
 */
#include <stdlib.h>

#include "spec/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena arena;
	struct diag diag;
	struct spec_document *doc;
	struct buf messages;

	arena_init(&arena, 1 << 16, (size_t)64 << 20);
	buf_init(&messages, (size_t)16 << 20);
	diag = (struct diag){ .arena = &arena };
	doc = openapi_parse(span_of(bytes, n), "fuzz.yaml", &diag);
	if (doc == NULL && diag.n_errors == 0)
		abort();
	if (doc != NULL && !diag.failed)
		(void)ref_expand(&doc->refs, doc->root);
	diag_write(&diag, &messages);
	buf_fini(&messages);
	arena_fini(&arena);
	return 0;
}
