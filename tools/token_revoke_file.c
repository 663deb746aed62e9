/*
 * token_revoke_file - revoked.list as mgw-token adds to it.
 *
 * A line is on the disk before it counts: only then the shared state tells
 * the gates of it.  What could not be written whole is cut off again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tools/token_revoke.h"

/* Shorter ones are left as they are. */
#define TIDY_LINES_MIN 1000

static bool
fail(const struct revoked_open *f, const char *what)
{
	(void)fprintf(stderr, "mgw-token: %s: %s: %s\n", f->source.path, what,
	    strerror(errno));
	return false;
}

static bool
is_same_file(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && lstat(path, &named) == 0 &&
	    ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/* Its name must be on the disk as well. */
static bool
sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd != -1 && fsync(fd) == 0;

	if (fd != -1)
		(void)close(fd); /* opened for reading */
	return ok;
}

static bool
open_and_lock(struct revoked_open *f)
{
	const char *path = f->source.path;
	struct stat st;

	for (;;) {
		f->fd = open(path,
		    O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC |
			O_NONBLOCK,
		    0600);
		if (f->fd == -1 || flock(f->fd, LOCK_EX) != 0)
			return fail(f, "open");
		/* While we waited another one may have taken its name. */
		if (is_same_file(f->fd, path))
			break;
		(void)close(f->fd); /* nothing was written */
	}
	return (fstat(f->fd, &st) == 0 &&
		   (st.st_size > 0 || sync_folder(f->source.dir))) ||
	    fail(f, "sync");
}

bool
revoked_open_locked(
    const struct revoked_source *s, struct revoked_open *f, int64_t now_us)
{
	bool missing = access(s->path, F_OK) != 0;

	*f = (struct revoked_open){ .source = *s, .fd = -1 };
	f->source.writer = true;
	/* What others know of is not made anew, as an empty one. */
	if (missing && state_revoked_get(s->state, STATE_REVOKED_SEQ) > 0) {
		errno = ENOENT;
		return fail(f, "open");
	}
	if (!open_and_lock(f)) {
		revoked_open_close(f);
		return false;
	}
	revoked_list_load(&f->source, &f->list, now_us);
	if (!f->list.lost)
		return true;
	(void)fprintf(stderr, "mgw-token: %s\n", f->list.why);
	revoked_open_close(f);
	return false;
}

void
revoked_open_close(struct revoked_open *f)
{
	if (f->fd != -1)
		(void)close(f->fd); /* synced where it matters */
	revoked_list_fini(&f->list);
}

/* Tell the gates what the file is now. */
static bool
publish(struct revoked_open *f, uint64_t seq)
{
	struct file_identity id;

	if (!file_identify(f->source.path, &id))
		return fail(f, "open");
	revoked_own_changed(&f->source, seq, &id);
	return true;
}

bool
revoked_open_append(struct revoked_open *f, struct revoked_entry *e)
{
	struct hash128 sum = f->list.end.sum;
	off_t size = (off_t)f->list.end.bytes;
	struct buf line;
	ssize_t n;
	bool ok;

	e->seq = f->list.end.seq + 1;
	buf_init(&line, 16384);
	revoked_line_write(e, &sum, &line);
	/* A line that was begun once, and that nobody was told of. */
	if (line.failed || ftruncate(f->fd, size) != 0) {
		buf_fini(&line);
		return fail(f, "cut");
	}
	n = write(f->fd, line.p, line.n);
	ok = n == (ssize_t)line.n && fsync(f->fd) == 0;
	if (n >= 0 && n < (ssize_t)line.n)
		errno = ENOSPC;
	if (!ok) {
		(void)fail(f, "write");
		if (ftruncate(f->fd, size) != 0 || fsync(f->fd) != 0)
			(void)fail(f, "cut");
	} else {
		f->list.end.seq = e->seq;
		f->list.end.sum = sum;
		f->list.end.bytes += line.n;
		f->list.end.lines++;
	}
	buf_fini(&line);
	return ok && publish(f, e->seq);
}

/* The number of the last line about each name. */
struct newest {
	const struct revoked_keys *keys;
	struct place {
		struct hash128 id;
		uint64_t seq; /* 0: free */
	} * places;
	size_t n, mask;
	bool failed;
	int64_t now_s;
	revoked_each *each;
	void *user;
};

static struct place *
place_of(struct newest *w, const struct revoked_entry *e)
{
	struct hash128 id = revoked_id(w->keys, e->kind, e->issuer, e->value);
	size_t at = id.hi & w->mask;

	while (w->places[at].seq != 0 && !hash128_eq(w->places[at].id, id))
		at = (at + 1) & w->mask;
	w->places[at].id = id;
	return &w->places[at];
}

static void
count_line(void *user, const struct revoked_entry *e)
{
	(void)e;
	((struct newest *)user)->n++;
}

static void
note_newest(void *user, const struct revoked_entry *e)
{
	place_of(user, e)->seq = e->seq;
}

static void
pass_live(void *user, const struct revoked_entry *e)
{
	struct newest *w = user;

	if (place_of(w, e)->seq == e->seq && !e->restored &&
	    (e->expires_s == 0 || e->expires_s > w->now_s))
		w->each(w->user, e);
}

/* Lines are changed in place as they are read: each time a copy. */
static const char *
walk_copy(struct span text, revoked_each *each, void *user, unsigned *line)
{
	struct revoked_origin end;
	struct buf copy;
	const char *why = "out of memory";

	buf_init(&copy, text.n + 1);
	buf_add(&copy, text);
	if (!copy.failed)
		why =
		    revoked_text_walk(buf_span(&copy), each, user, &end, line);
	buf_fini(&copy);
	return why;
}

const char *
revoked_text_live(const struct revoked_keys *keys, struct span text,
    int64_t now_s, revoked_each *each, void *user, unsigned *line)
{
	struct newest w = {
		.keys = keys, .now_s = now_s, .each = each, .user = user
	};
	const char *why = walk_copy(text, count_line, &w, line);

	if (why != NULL)
		return why;
	for (w.mask = 15; w.mask < w.n * 2;)
		w.mask = w.mask * 2 + 1;
	w.places = calloc(w.mask + 1, sizeof(*w.places));
	if (w.places == NULL)
		return "out of memory";
	why = walk_copy(text, note_newest, &w, line);
	if (why == NULL)
		why = walk_copy(text, pass_live, &w, line);
	free(w.places);
	return why;
}

/* The text to be, whose lines go on counting. */
struct rewriting {
	struct buf text;
	struct hash128 sum;
	uint64_t seq;
};

static void
write_live(void *user, const struct revoked_entry *e)
{
	struct rewriting *w = user;
	struct revoked_entry copy = *e;

	copy.seq = ++w->seq;
	revoked_line_write(&copy, &w->sum, &w->text);
}

static bool
rewrite(struct revoked_open *f, struct span text, int64_t now_us)
{
	struct rewriting w = { .seq = f->list.end.seq };
	char why[512];
	unsigned line = 0;
	const char *wrong;
	bool ok = false;

	buf_init(&w.text, REVOKED_BYTES_MAX);
	wrong = revoked_text_live(
	    &f->source.keys, text, now_us / US_PER_S, write_live, &w, &line);
	if (wrong != NULL || w.text.failed || w.text.n == 0)
		/* One that would be empty could not be told from a lost one. */
		ok = wrong == NULL && !w.text.failed;
	else if (!file_write(
		     f->source.path, buf_span(&w.text), 0600, why, sizeof(why)))
		(void)fprintf(stderr, "mgw-token: %s\n", why);
	else
		ok = publish(f, w.seq);
	buf_fini(&w.text);
	return ok;
}

/* Reading it anew makes the table, which the gates then find. */
static void
renew_table(const struct revoked_open *f, int64_t now_us)
{
	struct revoked_list list;

	revoked_list_load(&f->source, &list, now_us);
	revoked_list_fini(&list);
}

bool
revoked_open_tidy(struct revoked_open *f, int64_t now_us)
{
	uint64_t lines = f->list.end.lines;
	uint64_t covered =
	    f->list.base.p != NULL ? f->list.base.header.origin.lines : 0;
	struct buf text;
	char why[512];
	bool ok;

	if (lines < TIDY_LINES_MIN ||
	    revoked_list_entries(&f->list) > lines / 2) {
		if (lines - covered > REVOKED_LINES_MAX)
			renew_table(f, now_us);
		return true;
	}
	if (!file_read(f->source.path, FILE_TRUSTED, REVOKED_BYTES_MAX, &text,
		NULL, why, sizeof(why))) {
		(void)fprintf(stderr, "mgw-token: %s\n", why);
		return false;
	}
	ok = rewrite(f, buf_span(&text), now_us);
	buf_fini(&text);
	renew_table(f, now_us);
	return ok;
}
