/*
 * diag - what is wrong with the input, all of it, each with its place.
 *
 * Collected while reading and checking, printed once by the tool, sorted
 * by file, line and column:
 *
 *	FILE:LINE:COL: error|warning: text [rule]
 */
#ifndef MGW_SPEC_DIAG_H
#define MGW_SPEC_DIAG_H

#include "base/arena.h"
#include "base/buf.h"

struct place {
	const char *file; /* as the user named it; lives with the arena */
	unsigned line;    /* from 1; 0: the file as a whole */
	unsigned column;  /* in characters, from 1 */
};

enum severity {
	SEVERITY_WARNING,
	SEVERITY_ERROR
};

struct diag_entry;

struct diag {
	struct arena *arena;
	struct diag_entry *entries;
	unsigned n_errors, n_warnings;
	bool failed; /* out of memory: itself an error */
};

/* "rule" is a stable word such as "ref-outside", listed in mgw-spec(1). */
void diag_error(struct diag *d, struct place at, const char *rule,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void diag_warning(struct diag *d, struct place at, const char *rule,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Append all of them; control bytes are escaped, equal lines come once. */
void diag_write(const struct diag *d, struct buf *to);

/*
 * Of "n" known words the nearest to "word" by edit distance, if it is near
 * enough to be meant; NULL otherwise.  For "did you mean".
 */
const char *diag_nearest(struct span word, const char *const *known, size_t n);

#endif
