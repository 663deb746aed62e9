/*
 * bundle_check_tree - the path tree of a bundle; part of bundle_check.c.
 */
#include <stdlib.h>

#include "policy/bundle_check_part.h"

/*
 * The tree: a child comes behind its parent and has one parent only, so
 * the search ends and visits no node twice.  "depth" and "variables" are
 * counted down from the root.
 */
struct tree {
	const struct bundle *b;
	uint32_t *parent;    /* of each node, ROW_NONE: not reached */
	uint32_t *variables; /* on the way to each node */
	uint32_t *depth;
	uint32_t *edges; /* that leave each node */
};

static bool
tree_link(struct tree *t, uint32_t parent, uint32_t child, uint32_t variables)
{
	if (child <= parent || t->parent[child] != ROW_NONE)
		return false;
	t->parent[child] = parent;
	t->variables[child] = variables;
	return true;
}

static bool
check_edges(struct tree *t, char *why, size_t why_size)
{
	const struct bundle *b = t->b;
	uint32_t n = bundle_n(b, SECTION_EDGE), used = 0, found;

	if (n & (n - 1))
		return bundle_bad_row(
		    why, why_size, SECTION_EDGE, 0, "table size");
	for (uint32_t i = 0; i < n; i++)
		used += bundle_edge(b, i)->child != 0;
	if (used > n / 2) /* so that every search meets a free place */
		return bundle_bad_row(
		    why, why_size, SECTION_EDGE, 0, "table full");
	for (uint32_t i = 0; i < n; i++) {
		const struct row_edge *e = bundle_edge(b, i);

		if (e->child == 0)
			continue;
		t->edges[e->parent]++;
		if (!bundle_find_edge(
			b, e->parent, bundle_text(b, e->segment), &found) ||
		    found != e->child || !tree_link(t, e->parent, e->child, 0))
			return bundle_bad_row(
			    why, why_size, SECTION_EDGE, i, "out of place");
	}
	return true;
}

static bool
check_patterns(struct tree *t, uint32_t node, char *why, size_t why_size)
{
	struct range r = bundle_node(t->b, node)->patterns;

	for (uint32_t i = r.first; i < r.first + r.n; i++) {
		const struct row_pattern *p = bundle_pattern(t->b, i);

		if (p->parts.n < 2 || p->parts.n > BUNDLE_VARIABLES_MAX + 1 ||
		    !tree_link(t, node, p->child, p->parts.n - 1))
			return bundle_bad_row(
			    why, why_size, SECTION_PATTERN, i, "out of place");
	}
	return true;
}

static bool
item_fits(const struct tree *t, uint32_t node, uint32_t item)
{
	return item == ROW_NONE ||
	    bundle_item(t->b, item)->variables.n == t->variables[node];
}

static bool
check_nodes(struct tree *t, char *why, size_t why_size)
{
	const struct bundle *b = t->b;
	uint32_t n = bundle_n(b, SECTION_NODE);

	for (uint32_t i = 0; i < n; i++) {
		if (!check_patterns(t, i, why, why_size))
			return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct row_node *node = bundle_node(b, i);
		uint32_t up = t->parent[i];

		if ((i > 0 && up == ROW_NONE) || node->n_edges != t->edges[i])
			return bundle_bad_row(
			    why, why_size, SECTION_NODE, i, "out of place");
		if (i > 0) {
			t->variables[i] += t->variables[up];
			t->depth[i] = t->depth[up] + 1;
		}
		if (t->depth[i] > BUNDLE_DEPTH_MAX ||
		    t->variables[i] > BUNDLE_VARIABLES_MAX)
			return bundle_bad_row(
			    why, why_size, SECTION_NODE, i, "too deep");
		if (!item_fits(t, i, node->item) ||
		    !item_fits(t, i, node->wildcard))
			return bundle_bad_row(why, why_size, SECTION_NODE, i,
			    "variables of its item");
	}
	return true;
}

bool
bundle_check_tree(const struct bundle *b, char *why, size_t why_size)
{
	size_t n = bundle_n(b, SECTION_NODE);
	uint32_t *memory;
	struct tree t = { .b = b };
	bool ok;

	if (n == 0)
		return bundle_bad_row(
		    why, why_size, SECTION_NODE, 0, "no root");
	memory = calloc(n, 4 * sizeof(*memory));
	if (memory == NULL)
		return bundle_bad_row(
		    why, why_size, SECTION_NODE, 0, "no memory");
	t.parent = memory;
	t.variables = memory + n;
	t.depth = memory + 2 * n;
	t.edges = memory + 3 * n;
	memset(t.parent, 0xff, n * sizeof(*t.parent)); /* ROW_NONE */
	ok = check_edges(&t, why, why_size) && check_nodes(&t, why, why_size);
	free(memory);
	return ok;
}
