/*
 * file - reading files that decide something, and replacing files whole.
 *
 * What is read may have been planted: a last link is not followed, and
 * the file must be regular, owned by root or by us, and not writable by
 * group or others, and so must the folder it lies in (a sticky folder
 * such as /tmp counts as writable).  What is written appears at once and
 * whole: made exclusively beside the target, fsynced, renamed.
 */
#ifndef MGW_BASE_FILE_H
#define MGW_BASE_FILE_H

#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"

/* Which file it is and which state of it: differs when it was changed. */
struct file_identity {
	uint64_t device, inode, size;
	int64_t mtime_ns, ctime_ns;
};

enum file_trust {
	FILE_ANY,     /* input of a tool: any readable regular file */
	FILE_TRUSTED, /* it decides something: the rules above */
	FILE_SECRET,  /* and is not readable by others either */
};

/*
 * Read a whole file of at most "max_bytes" into the heap: b->p is the
 * caller's, to be released with buf_fini.  Identity is of what was read
 * (may be NULL).  A file that changes its size while it is read is an
 * error.  False: "why" (of "why_size") says what is wrong, with the path.
 */
bool file_read(const char *path, enum file_trust trust, size_t max_bytes,
    struct buf *b, struct file_identity *id, char *why, size_t why_size);

/* The identity of a file whose status is known. */
void file_identity_of(const struct stat *st, struct file_identity *id);

/*
 * Open such a file for reading, and say in "*st" what it is; -1 with "why".
 */
int file_open(const char *path, enum file_trust trust, struct stat *st,
    char *why, size_t why_size);

/* Only the identity, by lstat; false with errno set. */
bool file_identify(const char *path, struct file_identity *id);
bool file_identity_eq(
    const struct file_identity *a, const struct file_identity *b);

/* Replace or create "path" with "bytes" and "mode"; false with "why". */
bool file_write(const char *path, struct span bytes, mode_t mode, char *why,
    size_t why_size);

/*
 * "path" as it is if absolute, else below the folder that "beside" lies
 * in; NUL-terminated, or p == NULL when the arena is full.
 */
struct span file_beside(struct span path, struct span beside, struct arena *a);

#endif
