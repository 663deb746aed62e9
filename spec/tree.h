/*
 * tree - a YAML or JSON file as nodes that know where they stand.
 *
 * JSON is read by base/json.h, YAML by libyaml; which of the two is
 * decided by the first byte that is not white space ('{' or '[' is tried
 * as JSON first, flow YAML second).  YAML is read by the core schema of
 * YAML 1.2: yes, no, on and off are strings, 0o17 is a number.  Aliases
 * count against a budget of nodes, so that a small file cannot grow into
 * a large tree; a duplicate key is an error.  The merge key "<<" is read
 * as YAML 1.1 has it, since documents use it.
 *
 * A node that an alias stands for is a copy of its own, but shares its
 * members with the original: read trees, do not change them.
 */
#ifndef MGW_SPEC_TREE_H
#define MGW_SPEC_TREE_H

#include "spec/diag.h"

struct table;

enum node_kind {
	NODE_NULL,
	NODE_BOOL,
	NODE_NUMBER, /* "text" as written */
	NODE_STRING,
	NODE_LIST,
	NODE_MAP,
};

struct node {
	enum node_kind kind;
	struct place place;      /* of the value */
	struct span text;        /* of a scalar; "true" or "false" of a bool */
	struct span name;        /* of a map's member; p == NULL elsewhere */
	struct place name_place; /* of the name */
	struct node *first;      /* members or elements, in file order */
	struct node *next;       /* sibling */
	unsigned n;              /* members or elements */

	/* Private. */
	unsigned weight;     /* nodes, itself and aliases counted; 0: open */
	unsigned height;     /* containers on the longest way down */
	struct table *index; /* of a large map's members, or NULL */
};

#define TREE_BYTES_MAX (32 * 1024 * 1024)
#define TREE_NODES_MAX 4000000
#define TREE_DEPTH_MAX 64

/*
 * Read the file at "path" (named "shown" in messages).  NULL: "d" has at
 * least one error.  Nodes and texts live in the arena of "d".
 */
struct node *tree_read(const char *path, const char *shown, struct diag *d);

/* The same from bytes. */
struct node *tree_parse(struct span text, const char *shown, struct diag *d);

/* A member of a map, or NULL; "map" may be NULL or of another kind. */
struct node *tree_get(const struct node *map, const char *name);
struct node *tree_get_span(const struct node *map, struct span name);

bool tree_is(const struct node *n, enum node_kind kind); /* NULL: false */

/* "a string", "a list" ...: for messages. */
const char *tree_kind_name(enum node_kind kind);

/* The tree as JSON text, two blanks of indentation, names in file order. */
void tree_write_json(const struct node *n, struct buf *to);

#endif
