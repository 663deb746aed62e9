/*
 * build_table - see build_table.h.
 */
#include "policy/build_table.h"

#include <stdlib.h>

void
build_table_fini(struct build_table *t)
{
	free(t->slots);
	free(t->hashes);
	*t = (struct build_table){ 0 };
}

static bool
grow(struct build_table *t)
{
	struct build_table old = *t;
	uint32_t size = old.size > 0 ? old.size * 2 : 64;

	t->slots = calloc(size, sizeof(*t->slots));
	t->hashes = calloc(size, sizeof(*t->hashes));
	t->size = size;
	if (t->slots == NULL || t->hashes == NULL) {
		free(t->slots);
		free(t->hashes);
		*t = old;
		return false;
	}
	for (uint32_t i = 0; i < old.size; i++) {
		uint32_t at = old.hashes[i] & (size - 1);

		if (old.slots[i] == 0)
			continue;
		while (t->slots[at] != 0)
			at = (at + 1) & (size - 1);
		t->slots[at] = old.slots[i];
		t->hashes[at] = old.hashes[i];
	}
	free(old.slots);
	free(old.hashes);
	return true;
}

bool
build_table_put(struct build_table *t, uint32_t hash, uint32_t entry)
{
	uint32_t at;

	if (t->n >= t->size / 2 && !grow(t))
		return false;
	at = hash & (t->size - 1);
	while (t->slots[at] != 0)
		at = (at + 1) & (t->size - 1);
	t->slots[at] = entry + 1;
	t->hashes[at] = hash;
	t->n++;
	return true;
}

bool
build_table_next(
    const struct build_table *t, uint32_t hash, uint32_t *at, uint32_t *entry)
{
	if (t->size == 0)
		return false;
	for (; t->slots[*at & (t->size - 1)] != 0; ++*at) {
		uint32_t i = *at & (t->size - 1);

		if (t->hashes[i] != hash)
			continue;
		*entry = t->slots[i] - 1;
		++*at;
		return true;
	}
	return false;
}
