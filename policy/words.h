/*
 * words - words of a line of the files that people edit.
 *
 * Separated by blanks; a value with blanks is in double quotes, with \"
 * and \\ inside: NAME="quoted text".
 */
#ifndef MGW_POLICY_WORDS_H
#define MGW_POLICY_WORDS_H

#include "base/buf.h"

#define WORDS_ID_MAX 64

/*
 * Cut the next line of "*text" that says something: neither empty nor a
 * "#" comment, without blanks at its ends.  "*number" is counted up to it.
 * False: the text has ended.
 */
bool words_line(struct span *text, struct span *line, unsigned *number);

struct words {
	struct span rest;
	const char *why; /* set by the first thing that is wrong */
};

/*
 * Cut the next word into "*word"; absent at the end of the line.  Quotes
 * are taken out in place: the text is changed, and only gets shorter.
 * False: w->why.
 */
bool words_next(struct words *w, struct span *word);

/*
 * The same, split at its first '='; both absent at the end.  False also
 * when it has none, or the value has control bytes or is not UTF-8.
 */
bool words_field(struct words *w, struct span *name, struct span *value);

/* 1 to 64 letters, digits, '-', '_' and '.', as ids in such files are. */
bool words_is_id(struct span id);

/* " NAME=VALUE", in quotes where it needs them. */
void words_write(struct buf *b, const char *name, struct span value);

#endif
