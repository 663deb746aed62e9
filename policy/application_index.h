/*
 * application_index - a file of applications that stays on disk.
 *
 * A process of one request has no use for reading a hundred thousand lines
 * to find one.  Whoever has read the whole file writes what it found to a
 * file beside the state: where the line of each key begins.  It is good for
 * that very state of the file, under the state's keyed sum, a sum for each
 * page, so that a lookup reads one page of it and one line.
 */
#ifndef MGW_POLICY_APPLICATION_INDEX_H
#define MGW_POLICY_APPLICATION_INDEX_H

#include "base/file.h"
#include "policy/application.h"
#include "policy/state.h"

/* Below that, reading all of it costs less. */
#define APPLICATION_INDEX_BYTES_MIN (64 * 1024)

/* Which text is meant. */
struct application_text {
	const struct state *state; /* its key */
	const char *folder;        /* where the index is */
	const char *path;          /* of the file that the text is in */
	struct file_identity id;   /* of that file */
	uint64_t base;             /* where in it the text begins */
	int64_t made_us;           /* for whoever keeps it; or 0 */
};

/*
 * The applications of the file at t->path by its index, which says where the
 * text begins and when it was made.  NULL: there is none that fits, and all
 * of the file has to be read; or "why" (else "") says why it cannot be.
 */
struct applications *application_index_open(
    struct application_text *t, char *why, size_t why_size);

/*
 * Write the index of "f", which has been read from "t".  Not of a file that
 * was changed just now: it might change again and look the same.
 */
void application_index_write(
    const struct applications *f, const struct application_text *t);

#endif
