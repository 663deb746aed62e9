/*
 * keys - the key file as mgw-key changes it; see edited.h.
 *
 * The new text is read back as the gate would read it before it replaces
 * the file.
 */
#ifndef MGW_TOOLS_KEYS_H
#define MGW_TOOLS_KEYS_H

#include "policy/keyfile.h"
#include "tools/edited.h"

struct keys {
	struct edited edited;
	struct key_file *file;
};

/*
 * Read the file, for changing under a lock (then it is made, empty, where
 * it is missing).  False with a message on standard error, nothing held.
 */
bool keys_open(struct keys *k, const char *path, bool change);
void keys_close(struct keys *k);

/* Check the changed text and replace the file; false with a message. */
bool keys_save(struct keys *k);

/*
 * A time as people give it: RFC 3339, a date, "never" (0), or 90s, 15m,
 * 12h, 30d, 2w from "now_s".
 */
bool keys_when(struct span s, int64_t now_s, int64_t *unix_s);

#endif
