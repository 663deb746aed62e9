/*
 * build_table - numbers found again by a hash; open addressing, grows.
 *
 * It keeps no keys: who looks compares each candidate himself.
 */
#ifndef MGW_POLICY_BUILD_TABLE_H
#define MGW_POLICY_BUILD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct build_table {     /* zero is an empty one */
	uint32_t *slots; /* number + 1; 0: free */
	uint32_t *hashes;
	uint32_t size; /* a power of two, or 0 */
	uint32_t n;
};

void build_table_fini(struct build_table *t);

/* False without memory. */
bool build_table_put(struct build_table *t, uint32_t hash, uint32_t entry);

/*
 * The next entry of this hash; "*at" begins as the hash and says where to
 * go on.  False: no more.
 */
bool build_table_next(
    const struct build_table *t, uint32_t hash, uint32_t *at, uint32_t *entry);

#endif
