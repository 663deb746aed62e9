/*
 * show - what came from outside, made safe for a terminal.
 */
#ifndef MGW_TOOLS_SHOW_H
#define MGW_TOOLS_SHOW_H

#include <stdio.h>

#include "base/span.h"

struct json_object;

/*
 * As JSON of several lines, control characters as \u00NN.  False: no
 * memory.
 */
bool show_json(FILE *to, const struct json_object *o);

/* Flush standard output; false with a message if that failed. */
bool show_end(const char *program);

#endif
