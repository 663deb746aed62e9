/*
 * ref - $ref, inside a document and to files below its folder.
 *
 * A reference may name another file only below the folder of the document
 * (after links are followed), never a URL.  Each file is read once.
 * RFC 3986 section 5 for the relative path, RFC 6901 for the fragment.
 */
#ifndef MGW_SPEC_REF_H
#define MGW_SPEC_REF_H

#include "spec/tree.h"

#define REF_STEPS_MAX 32
#define REF_FILES_MAX 1000

struct ref_file; /* a file that was read */

struct ref_set {
	struct diag *diag;
	const char *root;  /* real path of the document's folder, or NULL */
	const char *shown; /* that folder as messages name it */
	struct ref_file *files, **tail; /* of one set: do not copy it */
	unsigned n_files;
};

/* Read the document "path" as root of a set; NULL with errors in "d". */
struct node *ref_open(struct ref_set *s, const char *path, struct diag *d);

/* The same from bytes, which have no folder: other files are outside. */
struct node *ref_open_text(
    struct ref_set *s, struct span text, const char *shown, struct diag *d);

/* The string that makes "n" a reference, or NULL. */
struct node *ref_of(const struct node *n);

/*
 * "n" itself, or what its $ref means, followed to the end (at most
 * REF_STEPS_MAX steps).  NULL after an error: dangling, outside, a cycle,
 * a URL.  Siblings of $ref are ignored, as OpenAPI 3.0 says; for a path
 * item the reader merges them (3.1).
 */
struct node *ref_resolve(struct ref_set *s, struct node *n);

/*
 * Follow every $ref of the document and of the files it leads to, one
 * step, so that dangling ones are errors wherever they stand.  What lies
 * outside or behind a URL is a warning here: whoever needs it says error.
 * Examples and other plain data are not looked into.
 */
void ref_check_all(struct ref_set *s, bool openapi_2);

/*
 * A copy of the tree with every $ref replaced; cycles, and what cannot be
 * found (an error), stay as $ref.  NULL when it grows too large.
 */
struct node *ref_expand(struct ref_set *s, struct node *n);

#endif
