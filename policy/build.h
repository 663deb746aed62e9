/*
 * build - how a bundle is put together: rows in, bytes out.
 *
 * The writer's side of format.h, used by mgw-spec and by tests.  Rows are
 * appended section by section and refer to each other by the numbers that
 * appending returned; equal texts are stored once.  The path tree is made
 * from templates.  Equal calls give equal bytes.
 *
 * Running out of memory or space is remembered: check once, at the end.
 * Not locked.
 */
#ifndef MGW_POLICY_BUILD_H
#define MGW_POLICY_BUILD_H

#include "base/buf.h"
#include "policy/format.h"

struct build;

/* NULL without memory. */
struct build *build_new(void);
void build_free(struct build *b);

/* Store a text; the absent span gives {0, 0}, an empty one does not. */
struct text build_text(struct build *b, struct span s);

/*
 * Append a row and return its number.  Not for NODE, EDGE and PATTERN,
 * which build_path makes.
 */
uint32_t build_row(
    struct build *b, enum section s, const void *row, size_t row_bytes);
#define BUILD_ROW(b, s, row) build_row((b), (s), (row), sizeof(*(row)))

/* Row "row", to be filled in later; valid until the next append. */
void *build_at(struct build *b, enum section s, uint32_t row);
uint32_t build_n(const struct build *b, enum section s);

/* Append a list of texts to STRING, or of row numbers to INDEX. */
struct range build_strings(
    struct build *b, const struct span *list, uint32_t n);
struct range build_indices(struct build *b, const uint32_t *list, uint32_t n);

struct build_place {
	uint32_t node;          /* where the template ends */
	bool wildcard;          /* its last segment is '*' */
	struct range variables; /* STRING: their names, in order */
};

/*
 * Make the nodes of a template: "" (the root), "/pets", "/pets/{id}.json",
 * or with '*' as its last segment.  Literal text may be percent-encoded;
 * it is kept decoded.  Templates that differ only in the names of
 * variables are one place.
 * False: "*why" is a static text (braces, escapes, no slash, '*' inside).
 */
bool build_path(struct build *b, struct span template,
    struct build_place *place, const char **why);

/*
 * What row of ITEM stands at a place; ROW_NONE: nothing yet.  "set" gives
 * it one.  A base path is marked with the row of its API.
 */
uint32_t build_item(const struct build *b, const struct build_place *place);
void build_set_item(
    struct build *b, const struct build_place *place, uint32_t item);
void build_set_api(
    struct build *b, const struct build_place *place, uint32_t api);

/*
 * Order patterns, lay out the hash table and write all bytes with their
 * sums.  Once.  True: "bytes", begun here, is the caller's to buf_fini.
 * False: out of memory, or larger than BUNDLE_BYTES_MAX; nothing is held.
 */
bool build_finish(struct build *b, struct buf *bytes);

#endif
