/*
 * levels - see levels.h.
 */
#include "spec/levels.h"

#include "spec/fields.h"

static struct spec_level *
add(struct spec_level **levels, enum level level, struct place at,
    struct diag *d)
{
	struct spec_level *l = arena_alloc(d->arena, sizeof(*l));

	if (l == NULL) {
		d->failed = true;
		return NULL;
	}
	while (*levels != NULL)
		levels = &(*levels)->next;
	l->level = level;
	l->place = at;
	*levels = l;
	return l;
}

static void
read_level(const struct node *n, enum level level, struct spec_level **levels,
    struct diag *d)
{
	static const char *const keys[] = { "tier", "key", NULL };
	struct spec_level *l = add(levels, level, n->name_place, d);

	if (l == NULL)
		return;
	if (n->kind != NODE_MAP) {
		(void)node_text(n, "a level", false, &l->tier, d); /* told */
		return;
	}
	if (!fields_check(n, "a level", keys, d))
		return;
	field_text(n, "tier", &l->tier, d);
	if (tree_get(n, "key") != NULL)
		l->key = tiers_read_key(tree_get(n, "key"), d);
	if (n->n == 0)
		diag_error(
		    d, n->place, "missing-key", "a level needs tier or key");
}

void
levels_read(const struct node *n, struct spec_level **levels, struct diag *d)
{
	static const char *const keys[] = { "subscription", "application",
		"subject", "address", NULL };

	if (n == NULL || !fields_check(n, "levels", keys, d))
		return;
	for (int i = 0; keys[i] != NULL; i++) {
		const struct node *m = tree_get(n, keys[i]);

		if (m != NULL)
			read_level(
			    m, (enum level)(LEVEL_SUBSCRIPTION + i), levels, d);
	}
}

void
levels_read_unknown(
    const struct node *root, struct spec_level **levels, struct diag *d)
{
	const struct node *n = tree_get(root, "unknown-tier");
	struct spec_level *l;

	if (n == NULL)
		return;
	l = add(levels, LEVEL_UNKNOWN, n->name_place, d);
	if (l != NULL)
		(void)node_text(n, "unknown-tier", false, &l->tier, d);
}

static bool
has(const struct spec_level *list, enum level level)
{
	while (list != NULL && list->level != level)
		list = list->next;
	return list != NULL;
}

void
levels_add_wso2(struct spec_level **own, const struct spec_level *all,
    struct spec_tier *list, struct diag *d)
{
	const struct span name = SPAN("Unauthenticated");
	struct spec_tier *t = tiers_find_for(list, name, LEVEL_SUBSCRIPTION);
	struct spec_level *l;

	if (t == NULL || (t->flags & TIER_OF_SUBSCRIPTION) == 0 ||
	    has(*own, LEVEL_ADDRESS) || has(all, LEVEL_ADDRESS))
		return;
	l = add(own, LEVEL_ADDRESS, t->name.place, d);
	if (l != NULL)
		l->tier = t->name;
}

void
levels_link(struct spec_level *levels, struct spec_tier *list, struct diag *d)
{
	for (struct spec_level *l = levels; l != NULL; l = l->next) {
		if (l->tier.text.p == NULL)
			continue;
		l->limits = tiers_find_for(list, l->tier.text, l->level);
		if (l->limits == NULL)
			link_tier_unknown(list, &l->tier, l->level, d);
	}
}

/* The most at "level": what a credential may name, or what is said here. */
static uint32_t
most_at(const struct spec_tier *list, const struct spec_level *own,
    const struct spec_level *all, enum level level)
{
	uint32_t most =
	    level == LEVEL_ADDRESS ? 0 : tiers_most_limits(list, level);

	for (int i = 0; i < 2; i++)
		for (const struct spec_level *l = i == 0 ? own : all; l != NULL;
		     l = l->next)
			if (l->level == level && l->limits != NULL &&
			    l->limits->n_limits > most)
				most = l->limits->n_limits;
	return most;
}

uint32_t
levels_most_limits(const struct spec_tier *list, const struct spec_level *own,
    const struct spec_level *all)
{
	uint32_t known = most_at(list, own, all, LEVEL_SUBSCRIPTION) +
	    most_at(list, own, all, LEVEL_APPLICATION) +
	    most_at(list, own, all, LEVEL_SUBJECT);
	uint32_t nobody = most_at(list, own, all, LEVEL_ADDRESS);

	return known > nobody ? known : nobody;
}
