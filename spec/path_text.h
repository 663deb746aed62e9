/*
 * path_text - what a path template or a base path may look like.
 *
 * Whatever the gate refuses in a request (dot segments, empty segments,
 * %2F, a backslash ...) is wrong in a template: nobody could ever call
 * that operation.
 */
#ifndef MGW_SPEC_PATH_TEXT_H
#define MGW_SPEC_PATH_TEXT_H

#include "spec/model.h"

/* Deep enough for any API, and below what the bundle check allows. */
#define PATH_SEGMENTS_MAX 64

/*
 * NULL: all is well; else a static text that follows the path in a
 * message: "has a dot segment".
 * Names of variables are appended to "*variables", in order of appearance;
 * NULL: none are allowed.  "shape" gets the path with escapes undone and
 * variables without names; two templates of one shape match the same.
 */
const char *path_text_wrong(const struct spec_text *path,
    struct spec_word **variables, struct buf *shape, struct arena *a);

#endif
