/*
 * control_line - one line of the file in control.h; for control*.c alone.
 */
#ifndef MGW_POLICY_CONTROL_LINE_H
#define MGW_POLICY_CONTROL_LINE_H

#include "policy/control.h"

/*
 * Read a line without its end.  "*sum" is that of the line before and
 * becomes this one's.  NULL, or what is wrong.
 */
const char *control_line_read(struct span line, struct hash128 *sum,
    struct arena *a, struct control_rule *r);

/* The sum of a line whose JSON text this is. */
struct hash128 control_line_sum(struct span json, struct hash128 before);

/* Append the line with its end. */
void control_line_write(
    const struct control_rule *r, struct hash128 before, struct buf *to);

#endif
