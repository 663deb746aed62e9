/*
 * edited - see edited.h.
 */
#include "tools/edited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/shown.h"

#define MODE_NEW 0600

bool
edited_fail(const struct edited *e, const char *why)
{
	(void)fprintf(stderr, "%s: ", e->program);
	shown_print(stderr, span_str(e->path));
	(void)fprintf(stderr, ": %s\n", why);
	return false;
}

/*
 * Lock the file that "path" names now.  Saving replaces it, so that who
 * waited may hold the lock of a file that is no longer there.
 */
static bool
lock_file(struct edited *e)
{
	struct stat mine, there;

	for (;;) {
		e->lock = open(e->path,
		    O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		    MODE_NEW);
		if (e->lock == -1 || flock(e->lock, LOCK_EX) == -1 ||
		    fstat(e->lock, &mine) == -1)
			return edited_fail(e, strerror(errno));
		if (lstat(e->path, &there) == 0 &&
		    mine.st_dev == there.st_dev && mine.st_ino == there.st_ino)
			break;
		(void)close(e->lock); /* nothing was written */
	}
	e->mode = mine.st_mode & 0777;
	return true;
}

bool
edited_open(struct edited *e, const char *program, const char *path,
    size_t max_bytes, bool change)
{
	char why[400];

	*e = (struct edited){ .program = program,
		.path = path,
		.max_bytes = max_bytes,
		.lock = -1,
		.mode = MODE_NEW };
	if (change && !lock_file(e))
		goto out;
	if (file_read(path, FILE_TRUSTED, max_bytes, &e->text, NULL, why,
		sizeof(why)))
		return true;
	(void)fprintf(stderr, "%s: %s\n", program, why);
out:
	edited_close(e);
	return false;
}

void
edited_close(struct edited *e)
{
	buf_fini(&e->text);
	if (e->lock != -1)
		(void)close(e->lock); /* opened for reading */
	*e = (struct edited){ .lock = -1 };
}

bool
edited_replace(struct edited *e, unsigned number, struct span line)
{
	struct span rest = buf_span(&e->text);
	struct buf to;

	buf_init(&to, e->max_bytes);
	for (unsigned i = 1; rest.p != NULL && rest.n > 0; i++) {
		struct span old = span_cut(&rest, '\n');

		if (i == number) {
			buf_add(&to, line);
			continue;
		}
		buf_add(&to, old);
		buf_add_char(&to, '\n');
	}
	if (number == 0)
		buf_add(&to, line);
	buf_fini(&e->text);
	e->text = to;
	return !to.failed || edited_fail(e, "too large");
}

bool
edited_save(struct edited *e)
{
	char why[400];

	if (file_write(e->path, buf_span(&e->text), e->mode, why, sizeof(why)))
		return true;
	(void)fprintf(stderr, "%s: %s\n", e->program, why);
	return false;
}
