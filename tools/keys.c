/*
 * keys - see keys.h.
 */
#include "tools/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/args.h"
#include "base/file.h"
#include "base/shown.h"

#define MODE_NEW 0600

static bool
fail(const char *path, const char *why)
{
	(void)fprintf(stderr, "mgw-key: ");
	shown_print(stderr, span_str(path));
	(void)fprintf(stderr, ": %s\n", why);
	return false;
}

/*
 * Lock the file that "path" names now.  Saving replaces it, so that who
 * waited may hold the lock of a file that is no longer there.
 */
static bool
lock_file(struct keys *k)
{
	struct stat mine, there;

	for (;;) {
		k->lock = open(k->path,
		    O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		    MODE_NEW);
		if (k->lock == -1 || flock(k->lock, LOCK_EX) == -1 ||
		    fstat(k->lock, &mine) == -1)
			return fail(k->path, strerror(errno));
		if (lstat(k->path, &there) == 0 &&
		    mine.st_dev == there.st_dev && mine.st_ino == there.st_ino)
			break;
		(void)close(k->lock); /* nothing was written */
	}
	k->mode = mine.st_mode & 0777;
	return true;
}

bool
keys_open(struct keys *k, const char *path, bool change)
{
	char why[400];

	*k = (struct keys){ .path = path, .lock = -1, .mode = MODE_NEW };
	if (change && !lock_file(k))
		goto out;
	if (!file_read(path, FILE_TRUSTED, KEY_FILE_BYTES_MAX, &k->text, NULL,
		why, sizeof(why))) {
		(void)fprintf(stderr, "mgw-key: %s\n", why);
		goto out;
	}
	k->file = key_file_new(buf_span(&k->text), why, sizeof(why));
	if (k->file != NULL)
		return true;
	(void)fail(path, why);
out:
	keys_close(k);
	return false;
}

void
keys_close(struct keys *k)
{
	key_file_free(k->file);
	buf_fini(&k->text);
	if (k->lock != -1)
		(void)close(k->lock); /* opened for reading */
	*k = (struct keys){ .lock = -1 };
}

bool
keys_replace(struct keys *k, unsigned number, struct span line)
{
	struct span rest = buf_span(&k->text);
	struct buf to;

	buf_init(&to, KEY_FILE_BYTES_MAX);
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
	buf_fini(&k->text);
	k->text = to;
	return !to.failed || fail(k->path, "too large");
}

bool
keys_save(struct keys *k)
{
	struct key_file *checked;
	char why[400];

	if (k->text.failed)
		return fail(k->path, "too large");
	checked = key_file_new(buf_span(&k->text), why, sizeof(why));
	if (checked == NULL)
		return fail(k->path, why);
	key_file_free(checked);
	if (file_write(k->path, buf_span(&k->text), k->mode, why, sizeof(why)))
		return true;
	(void)fprintf(stderr, "mgw-key: %s\n", why);
	return false;
}

bool
keys_when(struct span s, int64_t now_s, int64_t *unix_s)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 604800 } };
	uint64_t v;

	if (span_eq(s, SPAN("never"))) {
		*unix_s = 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (s.n < 2 || s.p[s.n - 1] != units[i].letter)
			continue;
		/* A thousand years are enough for everybody. */
		if (!span_to_u64(span_of(s.p, s.n - 1),
			UINT64_C(31557600000) / (uint64_t)units[i].seconds, &v))
			return false;
		*unix_s = now_s + (int64_t)v * units[i].seconds;
		return true;
	}
	return key_time_parse(s, unix_s);
}
