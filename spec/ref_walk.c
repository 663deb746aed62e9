/*
 * ref_walk - every $ref of a document: looked at, or replaced.
 */
#include "spec/ref_file.h"

struct walk {
	struct ref_set *set;
	bool openapi_2;
};

/* A map under such a keyword has names of the author's own. */
static bool
holds_names(struct span keyword)
{
	static const char *const words[] = { "properties", "patternProperties",
		"dependentSchemas", "definitions", "$defs", "schemas",
		"responses", "parameters", "requestBodies", "headers",
		"securitySchemes", "securityDefinitions", "links", "callbacks",
		"pathItems", "paths", "webhooks", "content", "encoding",
		"examples", "variables", "scopes", NULL };

	return span_is_one_of(keyword, words);
}

/* What stands under such a keyword is data, not description. */
static bool
holds_data(const struct walk *w, const struct node *n)
{
	static const char *const words[] = { "example", "default", "enum",
		"const", "value", NULL };

	if (span_is_one_of(n->name, words))
		return true;
	if (span_eq(n->name, SPAN("examples")))
		return w->openapi_2 || n->kind == NODE_LIST;
	return span_starts(n->name, SPAN("x-"));
}

static void
walk(struct walk *w, struct node *n, bool names)
{
	struct ref_look look = { .set = w->set };

	if (n->kind == NODE_LIST)
		for (struct node *e = n->first; e != NULL; e = e->next)
			walk(w, e, false);
	if (n->kind != NODE_MAP)
		return;
	look.ref = names ? NULL : ref_of(n);
	if (look.ref != NULL)
		(void)ref_look(&look); /* it has said what is wrong */
	/* Under a $id of JSON Schema references start from there. */
	if (!names && tree_is(tree_get(n, "$id"), NODE_STRING))
		return;
	for (struct node *m = n->first; m != NULL; m = m->next) {
		if (names)
			walk(w, m, false);
		else if (!holds_data(w, m))
			walk(w, m, holds_names(m->name));
	}
}

void
ref_check_all(struct ref_set *s, bool openapi_2)
{
	struct walk w = { .set = s, .openapi_2 = openapi_2 };

	/* Files that are found on the way come to the end of the list. */
	for (struct ref_file *f = s->files; f != NULL; f = f->next)
		if (f->tree != NULL)
			walk(&w, f->tree, false);
}

struct expansion {
	struct ref_set *set;
	struct node *open[TREE_DEPTH_MAX]; /* targets being expanded */
	unsigned n_open;
	size_t n_nodes;
};

static struct node *
target_of(struct expansion *x, struct node *n)
{
	struct node *target = ref_resolve(x->set, n);

	for (unsigned i = 0; i < x->n_open; i++)
		if (x->open[i] == target)
			return NULL;
	return target;
}

static struct node *
expand(struct expansion *x, struct node *n, unsigned depth)
{
	struct node *target = ref_of(n) != NULL ? target_of(x, n) : NULL;
	struct node *copy, **tail;

	if (++x->n_nodes > TREE_NODES_MAX)
		return NULL;
	if (target != NULL && depth < TREE_DEPTH_MAX &&
	    x->n_open < TREE_DEPTH_MAX) {
		x->open[x->n_open++] = target;
		copy = expand(x, target, depth);
		x->n_open--;
		if (copy == NULL)
			return NULL;
		copy->name = n->name;
		copy->name_place = n->name_place;
		return copy;
	}
	copy = arena_alloc(x->set->diag->arena, sizeof(*copy));
	if (copy == NULL)
		return NULL;
	*copy = *n;
	copy->next = NULL;
	copy->first = NULL;
	copy->index = NULL;
	tail = &copy->first;
	for (struct node *m = n->first; m != NULL; m = m->next) {
		*tail = expand(x, m, depth + 1);
		if (*tail == NULL)
			return NULL;
		tail = &(*tail)->next;
	}
	return copy;
}

struct node *
ref_expand(struct ref_set *s, struct node *n)
{
	struct expansion x = { .set = s };
	struct node *copy = expand(&x, n, 0);

	if (copy == NULL)
		diag_error(s->diag, n->place, "too-large",
		    "with every $ref replaced it is too large");
	return copy;
}
