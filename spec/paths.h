/*
 * paths - the templates of a document, and whether they fit together.
 *
 * Compared as requests are: segment by segment, decoded.
 */
#ifndef MGW_SPEC_PATHS_H
#define MGW_SPEC_PATHS_H

#include "spec/model.h"

/*
 * The full templates that a path stands for: base path and template, and
 * under trailing-slash: ignore the one with or without a slash at its end.
 * Returns how many of "full" there are; 0 when the arena is full.
 */
unsigned paths_spellings(const struct spec_document *doc,
    const struct spec_path *path, struct span full[2], struct arena *a);

/* Report templates that are identical or ambiguous. */
void paths_check(const struct spec_document *doc, struct diag *d);

/*
 * Bring base paths to their form, without a slash at the end, and report
 * those that are wrong or contain one another.
 */
void paths_check_bases(struct spec_document *documents, struct diag *d);

#endif
