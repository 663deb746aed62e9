/*
 * fuzz_keyfile - key files: what is read can be written and read again.
 */
#include <stdlib.h>

#include "policy/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char why[200];
	struct key_file *again,
	    *f = key_file_new(span_of(bytes, n), why, sizeof(why));
	const struct key_entry *entries;
	struct buf b;
	size_t count;

	if (f == NULL)
		return 0;
	buf_init(&b, 1 << 26);
	entries = key_file_entries(f, &count);
	for (size_t i = 0; i < count; i++)
		key_entry_write(&entries[i], &b);
	again = key_file_new(buf_span(&b), why, sizeof(why));
	if (again == NULL)
		abort();
	key_file_free(again);
	key_file_free(f);
	buf_fini(&b);
	return 0;
}
