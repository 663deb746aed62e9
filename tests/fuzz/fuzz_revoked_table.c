/*
 * fuzz_revoked_table - a table of what is revoked, whose sums are right:
 * what its maker has written wrong, and the state's key would vouch for.
 * The bytes are laid over a good one from its beginning.
 */
#include <stdlib.h>

#include "policy/revocation_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct revoked_keys keys;

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct revoked_origin origin = { .list = 1 };
	struct revoked_build b = { 0 };
	struct revoked_table t;
	struct hash128 id = { 0, 0 };
	struct buf table;
	size_t over;

	for (uint64_t i = 0; i < 20; i++) {
		id = (struct hash128){ i * 77, i };
		revoked_build_add(&b,
		    (enum revoked_kind)(i % REVOKED_KIND__MAX), id, 0, false);
	}
	if (!revoked_build_done(&b, &keys, &origin, 1, false, &table))
		return 0;
	revoked_build_fini(&b);
	/* First as it is: anything but these bytes is no table. */
	over = n < table.n ? n : table.n;
	if (n > 0)
		memcpy(table.p, bytes, over);
	for (int seal = 0; seal < 2; seal++) {
		if (seal == 1)
			revoked_table_seal(table.p, table.n, &keys);
		if (!revoked_table_from(&t, buf_span(&table), &keys))
			continue;
		for (int i = 0; i < REVOKED_KIND__MAX; i++) {
			enum revoked_kind kind = (enum revoked_kind)i;

			if (!revoked_table_has(&t, kind))
				continue;
			revoked_table_prefetch(&t, kind, id);
			(void)revoked_table_find(&t, kind, id, 1);
		}
	}
	buf_fini(&table);
	return 0;
}
