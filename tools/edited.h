/*
 * edited - a text file that people edit, as a tool changes it.
 *
 * A change is made under a lock on the file, to its text: lines that are
 * not meant stay as they are, comments included.  The file is replaced
 * whole, so that a tool that is killed leaves the old one or the new one.
 */
#ifndef MGW_TOOLS_EDITED_H
#define MGW_TOOLS_EDITED_H

#include <sys/stat.h>

#include "base/buf.h"

struct edited {
	const char *program; /* for messages */
	const char *path;
	size_t max_bytes;
	int lock; /* descriptor, or -1 */
	mode_t mode;
	struct buf text;
};

/*
 * Read the file, for changing under a lock (then it is made, empty, where
 * it is missing).  False with a message on standard error, nothing held.
 */
bool edited_open(struct edited *e, const char *program, const char *path,
    size_t max_bytes, bool change);
void edited_close(struct edited *e);

/* Put "line", with its end, in place of line "number", or at the end if 0. */
bool edited_replace(struct edited *e, unsigned number, struct span line);

/* Replace the file by the changed text; false with a message. */
bool edited_save(struct edited *e);

/* "PROGRAM: PATH: WHY" on standard error; returns false. */
bool edited_fail(const struct edited *e, const char *why);

#endif
