/*
 * tree_build - see tree_build.h; and looking up members.
 */
#include "spec/tree_build.h"

#include <stdio.h>

#include "spec/table.h"

#define INDEX_FROM 16 /* a map with more members gets a hash table */

void
tree_build_init(struct tree_build *b, struct arena *a, const char *file)
{
	*b = (struct tree_build){ .arena = a, .file = file };
}

bool
tree_build_fail(struct tree_build *b, struct place at, const char *rule,
    const char *format, ...)
{
	char text[512];
	va_list args;

	if (b->failed)
		return false;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* may cut */
	va_end(args);
	b->failed = true;
	b->error_at = at;
	b->error_rule = rule;
	b->error_text = arena_copy(b->arena, span_str(text));
	return false;
}

static bool
no_memory(struct tree_build *b)
{
	return tree_build_fail(b, (struct place){ b->file, 0, 0 }, "memory",
	    "the document is too large");
}

struct place
tree_build_place(const struct tree_build *b, unsigned line, unsigned column)
{
	return (struct place){ b->file, line, column };
}

static struct tree_build_level *
top(struct tree_build *b)
{
	return b->depth > 0 ? &b->levels[b->depth - 1] : NULL;
}

bool
tree_build_wants_name(const struct tree_build *b)
{
	const struct tree_build_level *l =
	    b->depth > 0 ? &b->levels[b->depth - 1] : NULL;

	return l != NULL && l->container->kind == NODE_MAP && l->name.p == NULL;
}

static bool
count(struct tree_build *b, size_t nodes, struct place at)
{
	b->n_nodes += nodes;
	if (b->n_nodes > TREE_NODES_MAX)
		return tree_build_fail(b, at, "too-large",
		    "more than %d values, aliases counted", TREE_NODES_MAX);
	return true;
}

bool
tree_build_name(struct tree_build *b, struct span name, struct place at)
{
	struct tree_build_level *l = top(b);
	struct node *other;

	if (b->failed)
		return false;
	other = tree_get_span(l->container, name);
	if (other != NULL)
		return tree_build_fail(b, at, "duplicate-key",
		    "'%.*s' is already given in line %u", SPAN_ARG(name),
		    other->name_place.line);
	l->name = name;
	l->name_place = at;
	l->name_merges = false;
	return true;
}

bool
tree_build_merge_name(struct tree_build *b, struct place at)
{
	struct tree_build_level *l = top(b);

	if (b->failed)
		return false;
	if (l->merge != NULL)
		return tree_build_fail(b, at, "duplicate-key",
		    "'<<' is already given; name several in one list");
	l->name = SPAN("<<");
	l->name_place = at;
	l->name_merges = true;
	return true;
}

static bool
index_member(struct tree_build *b, struct node *map, struct node *member)
{
	if (map->index == NULL && map->n == INDEX_FROM) {
		map->index = arena_alloc(b->arena, sizeof(*map->index));
		if (map->index == NULL)
			return no_memory(b);
		table_init(map->index, b->arena);
		for (struct node *m = map->first; m != NULL; m = m->next)
			if (!table_put(map->index, m->name, m))
				return no_memory(b);
	}
	if (map->index != NULL && !table_put(map->index, member->name, member))
		return no_memory(b);
	return true;
}

/* "n", complete, becomes the next member or element of level "l". */
static bool
append(struct tree_build *b, struct tree_build_level *l, struct node *n)
{
	struct node *c = l->container;

	if (c->kind == NODE_MAP && !index_member(b, c, n))
		return false;
	*l->tail = n;
	l->tail = &n->next;
	c->n++;
	l->weight += n->weight;
	if (c->height < n->height + 1)
		c->height = n->height + 1;
	return true;
}

static bool
attach(struct tree_build *b, struct node *n)
{
	struct tree_build_level *l = top(b);

	if (l == NULL) {
		b->root = n;
		return true;
	}
	if (l->container->kind == NODE_MAP) {
		n->name = l->name;
		n->name_place = l->name_place;
		l->name = (struct span){ NULL, 0 };
		if (l->name_merges) {
			l->merge = n;
			return true;
		}
	}
	return append(b, l, n);
}

struct node *
tree_build_scalar(struct tree_build *b, enum node_kind kind, struct span text,
    struct place at)
{
	struct node *n;

	if (b->failed || !count(b, 1, at))
		return NULL;
	n = arena_alloc(b->arena, sizeof(*n));
	if (n == NULL) {
		no_memory(b);
		return NULL;
	}
	n->kind = kind;
	n->place = at;
	n->text = text;
	n->weight = 1;
	return attach(b, n) ? n : NULL;
}

struct node *
tree_build_open(struct tree_build *b, enum node_kind kind, struct place at)
{
	struct node *n;

	if (b->failed || !count(b, 1, at))
		return NULL;
	if (b->depth == TREE_DEPTH_MAX) {
		tree_build_fail(b, at, "too-deep", "more than %d levels deep",
		    TREE_DEPTH_MAX);
		return NULL;
	}
	n = arena_alloc(b->arena, sizeof(*n));
	if (n == NULL) {
		no_memory(b);
		return NULL;
	}
	n->kind = kind;
	n->place = at;
	b->levels[b->depth++] =
	    (struct tree_build_level){ .container = n, .tail = &n->first };
	return n;
}

static struct node *
copy_node(struct tree_build *b, const struct node *of)
{
	struct node *n = arena_alloc(b->arena, sizeof(*n));

	if (n == NULL) {
		no_memory(b);
		return NULL;
	}
	*n = *of;
	n->next = NULL;
	return n;
}

/* Members of "from" that the map lacks; its own and earlier ones win. */
static bool
merge_map(
    struct tree_build *b, struct tree_build_level *l, const struct node *from)
{
	if (from->kind != NODE_MAP)
		return tree_build_fail(b, from->place, "yaml",
		    "'<<' needs a map or a list of maps");
	for (struct node *m = from->first; m != NULL; m = m->next) {
		struct node *copy;

		if (tree_get_span(l->container, m->name) != NULL)
			continue;
		copy = copy_node(b, m);
		if (copy == NULL || !count(b, m->weight, from->place) ||
		    !append(b, l, copy))
			return false;
	}
	return true;
}

static bool
merge_all(struct tree_build *b, struct tree_build_level *l)
{
	const struct node *merge = l->merge;

	if (merge == NULL)
		return true;
	if (merge->kind != NODE_LIST)
		return merge_map(b, l, merge);
	for (struct node *e = merge->first; e != NULL; e = e->next)
		if (!merge_map(b, l, e))
			return false;
	return true;
}

bool
tree_build_close(struct tree_build *b)
{
	struct tree_build_level *l = top(b);
	struct node *n;

	if (b->failed || !merge_all(b, l))
		return false;
	n = l->container;
	n->weight = l->weight + 1; /* no longer 0: it may be copied */
	if (n->height == 0)
		n->height = 1;
	b->depth--;
	return attach(b, n);
}

bool
tree_build_alias(struct tree_build *b, const struct node *of, struct place at)
{
	struct node *n;

	if (b->failed)
		return false;
	if (of->weight == 0)
		return tree_build_fail(
		    b, at, "yaml", "the alias contains itself");
	if (b->depth + of->height > TREE_DEPTH_MAX)
		return tree_build_fail(b, at, "too-deep",
		    "more than %d levels deep", TREE_DEPTH_MAX);
	if (!count(b, of->weight, at))
		return false;
	n = copy_node(b, of);
	if (n == NULL)
		return false;
	n->place = at;
	n->name = (struct span){ NULL, 0 };
	n->name_place = (struct place){ 0 };
	return attach(b, n);
}

struct node *
tree_get_span(const struct node *map, struct span name)
{
	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	if (map->index != NULL)
		return table_get(map->index, name);
	for (struct node *m = map->first; m != NULL; m = m->next)
		if (span_eq(m->name, name))
			return m;
	return NULL;
}

struct node *
tree_get(const struct node *map, const char *name)
{
	return tree_get_span(map, span_str(name));
}

bool
tree_is(const struct node *n, enum node_kind kind)
{
	return n != NULL && n->kind == kind;
}

const char *
tree_kind_name(enum node_kind kind)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",
		[NODE_BOOL] = "true or false",
		[NODE_NUMBER] = "a number",
		[NODE_STRING] = "a string",
		[NODE_LIST] = "a list",
		[NODE_MAP] = "a map",
	};

	return names[kind];
}
