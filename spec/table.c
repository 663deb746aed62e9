/*
 * table - see table.h.
 */
#include "spec/table.h"

#include "base/siphash.h"

/*
 * The key is no secret: whoever could choose names that collide slows
 * down only his own import.
 */
static const struct siphash_key hash_key = { 0 };

void
table_init(struct table *t, struct arena *a)
{
	*t = (struct table){ .arena = a };
}

/* Where "key" is, or the free slot where it would be. */
static struct table_slot *
find(const struct table *t, struct span key)
{
	size_t i = siphash_64(&hash_key, key) & (t->size - 1);

	while (t->slots[i].value != NULL && !span_eq(t->slots[i].key, key))
		i = (i + 1) & (t->size - 1);
	return &t->slots[i];
}

static bool
grow(struct table *t)
{
	struct table old = *t;

	t->size = old.size > 0 ? old.size * 2 : 32;
	t->slots = arena_calloc(t->arena, t->size, sizeof(*t->slots));
	if (t->slots == NULL) {
		*t = old;
		return false;
	}
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i].value != NULL)
			*find(t, old.slots[i].key) = old.slots[i];
	return true;
}

void *
table_get(const struct table *t, struct span key)
{
	return t->size > 0 ? find(t, key)->value : NULL;
}

bool
table_put(struct table *t, struct span key, void *value)
{
	struct table_slot *slot;

	if ((t->n + 1) * 2 > t->size && !grow(t))
		return false;
	slot = find(t, key);
	t->n += slot->value == NULL ? 1 : 0;
	slot->key = key;
	slot->value = value;
	return true;
}
