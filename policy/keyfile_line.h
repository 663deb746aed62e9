/*
 * keyfile_line - one line of the key file; private to keyfile*.c.
 */
#ifndef MGW_POLICY_KEYFILE_LINE_H
#define MGW_POLICY_KEYFILE_LINE_H

#include "policy/keyfile.h"

/*
 * Read a line that is no comment into "e".  NULL, or a static text.  The
 * line is changed (quotes are taken out in place) and then borrowed; lists
 * are made in "a".
 */
const char *key_line_read(
    struct span text, struct arena *a, struct key_entry *e);

#endif
