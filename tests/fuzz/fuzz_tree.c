/*
 * YAML and JSON bytes to a tree, and the tree to JSON that is read again.
 */
#include <stdlib.h>

#include "spec/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena arena;
	struct diag diag;
	struct node *tree;
	struct buf json;

	arena_init(&arena, 1 << 16, (size_t)64 << 20);
	buf_init(&json, (size_t)16 << 20);
	diag = (struct diag){ .arena = &arena };
	tree = tree_parse(span_of(bytes, n), "fuzz.yaml", &diag);
	if ((tree == NULL) != (diag.n_errors > 0))
		abort();
	if (tree != NULL)
		tree_write_json(tree, &json);
	if (tree != NULL && !json.failed && !diag.failed &&
	    tree_parse(buf_span(&json), "fuzz.json", &diag) == NULL &&
	    arena.left_bytes > (size_t)16 << 20)
		abort();
	diag_write(&diag, &json);
	buf_fini(&json);
	arena_fini(&arena);
	return 0;
}
