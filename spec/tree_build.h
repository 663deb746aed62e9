/*
 * tree_build - nodes put together from the events of a parser.
 *
 * Private to tree*.c.  Keeps what holds for JSON and YAML alike: depth
 * and number of nodes, duplicate keys, members of large maps indexed.
 * The first error stops it: every call answers false from then on.
 */
#ifndef MGW_SPEC_TREE_BUILD_H
#define MGW_SPEC_TREE_BUILD_H

#include "spec/tree.h"

struct tree_build_level {
	struct node *container;
	struct node **tail;
	unsigned weight;  /* of its members so far */
	struct span name; /* of the member to come; p == NULL: none yet */
	struct place name_place;
	bool name_merges;   /* that name is the merge key */
	struct node *merge; /* its value */
};

struct tree_build {
	struct arena *arena;
	const char *file;
	struct node *root; /* once it is complete */
	struct tree_build_level levels[TREE_DEPTH_MAX];
	unsigned depth; /* levels in use */
	size_t n_nodes; /* aliases counted with all they stand for */

	bool failed;
	struct place error_at;
	const char *error_rule;
	struct span error_text; /* p == NULL: out of memory */
};

void tree_build_init(struct tree_build *b, struct arena *a, const char *file);

/* Keep the first error; always false. */
bool tree_build_fail(struct tree_build *b, struct place at, const char *rule,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

struct place tree_build_place(
    const struct tree_build *b, unsigned line, unsigned column);

/* A name is what comes next. */
bool tree_build_wants_name(const struct tree_build *b);
bool tree_build_name(struct tree_build *b, struct span name, struct place at);
bool tree_build_merge_name(struct tree_build *b, struct place at);

/* NULL after an error. */
struct node *tree_build_scalar(struct tree_build *b, enum node_kind kind,
    struct span text, struct place at);
struct node *tree_build_open(
    struct tree_build *b, enum node_kind kind, struct place at);
bool tree_build_close(struct tree_build *b);

/* Another node again, in this place. */
bool tree_build_alias(
    struct tree_build *b, const struct node *of, struct place at);

/* JSON text; the build fails on anything else (tree_json.c). */
bool tree_build_json(struct tree_build *b, struct span text);

#endif
