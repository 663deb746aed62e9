/*
 * table - a hash table from bytes to pointers, in an arena.
 *
 * Keys are borrowed; nothing is ever removed.
 */
#ifndef MGW_SPEC_TABLE_H
#define MGW_SPEC_TABLE_H

#include "base/arena.h"

struct table_slot {
	struct span key;
	void *value; /* NULL: free */
};

struct table {
	struct arena *arena;
	struct table_slot *slots;
	size_t size; /* a power of two, or 0 */
	size_t n;
};

void table_init(struct table *t, struct arena *a);

/* NULL when there is none. */
void *table_get(const struct table *t, struct span key);

/* Add, or replace what was there.  False when the arena is full. */
bool table_put(struct table *t, struct span key, void *value);

#endif
