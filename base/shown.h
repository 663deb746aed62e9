/*
 * shown - bytes that came from outside, made safe to look at.
 */
#ifndef MGW_BASE_SHOWN_H
#define MGW_BASE_SHOWN_H

#include <stdio.h>

#include "base/buf.h"

/*
 * How many bytes at the start of "s" are a control character: below
 * U+0020, DEL, or U+0080 to U+009F, which some terminals obey.  0: none.
 */
size_t shown_control(struct span s);

/* For a terminal: control characters as \xNN, a byte each. */
void shown_print(FILE *to, struct span s);

/* For where not even UTF-8 is sure: all but printable ASCII as \xNN. */
void shown_ascii(struct buf *to, struct span s);

#endif
