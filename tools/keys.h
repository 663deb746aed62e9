/*
 * keys - the key file as mgw-key changes it.
 *
 * A change is made under a lock on the file, to its text: lines that are
 * not meant stay as they are, comments included.  The new text is read
 * back as the gate would read it before it replaces the file.
 */
#ifndef MGW_TOOLS_KEYS_H
#define MGW_TOOLS_KEYS_H

#include <sys/stat.h>

#include "base/buf.h"
#include "policy/keyfile.h"

struct keys {
	const char *path;
	int lock; /* descriptor, or -1 */
	mode_t mode;
	struct buf text;
	struct key_file *file;
};

/*
 * Read the file, for changing under a lock (then it is made, empty, where
 * it is missing).  False with a message on standard error, nothing held.
 */
bool keys_open(struct keys *k, const char *path, bool change);
void keys_close(struct keys *k);

/* Put "line" in place of line "number", or at the end if that is 0. */
bool keys_replace(struct keys *k, unsigned number, struct span line);

/* Check the changed text and replace the file; false with a message. */
bool keys_save(struct keys *k);

/*
 * A time as people give it: RFC 3339, a date, "never" (0), or 90s, 15m,
 * 12h, 30d, 2w from "now_s".
 */
bool keys_when(struct span s, int64_t now_s, int64_t *unix_s);

#endif
