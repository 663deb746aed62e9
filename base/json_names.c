/*
 * json_names - the names of an open object, to find one that comes twice.
 */
#include <sys/random.h>

#include "base/json_part.h"
#include "base/siphash.h"

/* Up to here a new name is compared with each; beyond, by hash table. */
#define NAMES_LINEAR 12

/*
 * The key of the name tables: names come from outside, so that a fixed
 * hash could be made to collide.  Where the kernel gives no random bytes
 * the addresses of this process must do.
 */
static const struct siphash_key *
names_key(void)
{
	static _Thread_local struct siphash_key key;
	static _Thread_local bool made;

	if (!made) {
		if (getrandom(&key, sizeof(key), GRND_NONBLOCK) !=
		    (ssize_t)sizeof(key)) {
			key.k0 ^= (uint64_t)(uintptr_t)&key;
			key.k1 ^= (uint64_t)(uintptr_t)&names_key;
		}
		made = true;
	}
	return &key;
}

static uint32_t *
find_place(const struct json_names *set, struct span name)
{
	const uint32_t mask = set->size * 2 - 1;
	uint32_t at = (uint32_t)siphash_64(names_key(), name) & mask;

	while (set->table[at] != 0 &&
	    !span_eq(set->names[set->table[at] - 1], name))
		at = (at + 1) & mask;
	return &set->table[at];
}

static bool
grow(struct json_names *set, struct arena *a)
{
	uint32_t size = set->size > 0 ? set->size * 2 : 16;
	struct span *names = arena_calloc(a, size, sizeof(*names));
	uint32_t *table = arena_calloc(a, size * 2, sizeof(*table));

	if (names == NULL || table == NULL)
		return false;
	if (set->n > 0)
		memcpy(names, set->names, set->n * sizeof(*names));
	set->names = names;
	set->table = table;
	set->size = size;
	if (set->n > NAMES_LINEAR) {
		for (uint32_t i = 0; i < set->n; i++)
			*find_place(set, names[i]) = i + 1;
	}
	return true;
}

const char *
json_names_add(struct json_names *set, struct span name, struct arena *a)
{
	static const char twice[] = "name comes twice in one object";
	uint32_t *place;

	if (set->n == set->size && !grow(set, a))
		return "out of memory";
	if (set->n < NAMES_LINEAR) {
		for (uint32_t i = 0; i < set->n; i++) {
			if (span_eq(set->names[i], name))
				return twice;
		}
		set->names[set->n++] = name;
		return NULL;
	}
	if (set->n == NAMES_LINEAR) {
		memset(set->table, 0, set->size * 2 * sizeof(*set->table));
		for (uint32_t i = 0; i < set->n; i++)
			*find_place(set, set->names[i]) = i + 1;
	}
	place = find_place(set, name);
	if (*place != 0)
		return twice;
	set->names[set->n++] = name;
	*place = set->n;
	return NULL;
}
