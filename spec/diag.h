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
 * Which of the known words, tried one by one, "word" was meant to be: the
 * nearest by edit distance, the first of these, if it is near enough.
 */
struct diag_guess {
	struct span word;
	struct span best; /* p == NULL: none is near */
	unsigned distance;
};

void diag_guess_try(struct diag_guess *g, struct span known);

/* ", did you mean 'x'?" or "", to end a message with. */
struct span diag_guess_hint(const struct diag_guess *g, struct arena *a);

/* The same for a list of words that ends with NULL. */
struct span diag_hint(
    struct span word, const char *const *known, struct arena *a);

#endif
