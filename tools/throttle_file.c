/*
 * throttle_file - the file of rules as mgw-throttle adds to it.
 *
 * A line is on the disk before it counts: only then the shared state tells
 * the gates of it.  What could not be written whole is cut off again.
 *
 * A file of which most is of no use any more is replaced by a shorter one,
 * and stays under another name.  The new one has a greater last seq than
 * the old one, so that, once the shared state knows, the old one cannot
 * come back unnoticed; until then either is whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shown.h"
#include "policy/bundle.h"
#include "tools/show.h"
#include "tools/throttle.h"

struct open_file {
	int folder, fd;
	char path[4096];
};

static bool
fail(const struct open_file *f, const char *what)
{
	(void)fprintf(stderr, "mgw-throttle: %s: %s: %s\n", f->path, what,
	    strerror(errno));
	return false;
}

/* True: "b" has the tier; else its tiers are added to "known". */
static bool
has_tier(const struct bundle *b, struct span tier, struct buf *known)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++) {
		const struct row_tier *t = bundle_tier(b, i);
		struct span name = bundle_text(b, t->name);

		uint32_t of = t->flags &
		    (TIER_OF_RESOURCE | TIER_OF_SUBSCRIPTION |
			TIER_OF_APPLICATION);

		if (of != 0 && (of & TIER_OF_APPLICATION) == 0)
			continue;
		if (span_eq(name, tier))
			return true;
		buf_add_str(known, known->n > 0 ? ", " : "");
		buf_add(known, name);
	}
	return span_eq(tier, SPAN("Unlimited"));
}

int
throttle_check_tier(struct call *c)
{
	struct state_report report;
	struct buf known;
	bool found = false;
	struct bundle b;
	char why[512];

	if (!state_report(c->state, clock_wall_us(), &c->arena, &report))
		return throttle_fail("memory", "none left");
	buf_init(&known, 65536);
	for (unsigned i = 0; i < report.n_processes && !found; i++) {
		struct span path =
		    arena_copy(&c->arena, report.processes[i].bundle);

		if (path.p == NULL ||
		    !bundle_open(&b, path.p, why, sizeof(why)))
			continue;
		found = has_tier(&b, c->rule.tier, &known);
		bundle_close(&b);
	}
	if (!found && known.n > 0) {
		(void)fprintf(stderr,
		    "mgw-throttle: no gate that runs knows "
		    "this tier; known are ");
		shown_print(stderr, buf_span(&known));
		(void)fprintf(stderr, "\n");
	}
	found |= known.n == 0;
	buf_fini(&known);
	return found ? 0 : 2;
}

/* The file that has the name now: another may have been put there. */
static bool
is_named(const struct open_file *f)
{
	struct stat ours, named;

	return fstat(f->fd, &ours) == 0 &&
	    fstatat(f->folder, CONTROL_FILE, &named, AT_SYMLINK_NOFOLLOW) ==
	    0 &&
	    ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static bool
open_locked(const char *dir, struct open_file *f)
{
	*f = (struct open_file){ .folder = -1, .fd = -1 };
	(void)snprintf(f->path, sizeof(f->path), "%s/%s", dir, CONTROL_FILE);
	f->folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->folder == -1)
		return fail(f, "open");
	do {
		if (f->fd != -1)
			(void)close(f->fd); /* nothing was written to it */
		f->fd = openat(f->folder, CONTROL_FILE,
		    O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC |
			O_NONBLOCK,
		    0600);
		if (f->fd == -1 || flock(f->fd, LOCK_EX) != 0)
			return fail(f, "open");
	} while (!is_named(f));
	/* Its name must be on the disk as well. */
	return fsync(f->folder) == 0 || fail(f, "sync");
}

static void
close_file(struct open_file *f)
{
	if (f->fd != -1)
		(void)close(f->fd); /* synced where it matters */
	if (f->folder != -1)
		(void)close(f->folder); /* likewise */
	f->fd = f->folder = -1;
}

/* All of it behind the first "size" bytes, or nothing. */
static bool
write_behind(const struct open_file *f, size_t size, struct span lines)
{
	ssize_t n;

	/* A line that was begun once, and that nobody was told of. */
	if (ftruncate(f->fd, (off_t)size) != 0)
		return fail(f, "cut");
	n = write(f->fd, lines.p, lines.n);
	if (n == (ssize_t)lines.n && fsync(f->fd) == 0)
		return true;
	if (n >= 0 && n < (ssize_t)lines.n)
		errno = ENOSPC;
	(void)fail(f, "write");
	if (ftruncate(f->fd, (off_t)size) != 0 || fsync(f->fd) != 0)
		(void)fail(f, "cut");
	return false;
}

/* Lines for "n" rules; each is built on the sum of the one before. */
static bool
write_lines(struct call *c, struct control_rule *rules, int n,
    const struct open_file *f, struct buf *text)
{
	size_t size;
	char why[512];

	if (!file_read(f->path, FILE_TRUSTED, CONTROL_BYTES_MAX, text, NULL,
		why, sizeof(why)))
		return throttle_fail("read", why) == 0;
	size = control_whole_bytes(c->control);
	text->n = size;
	text->max = CONTROL_BYTES_MAX;
	for (int i = 0; i < n; i++) {
		struct control *more;

		control_write(c->control, &rules[i], text);
		more = text->failed
		    ? NULL
		    : control_new(buf_span(text), 0, why, sizeof(why));
		if (more == NULL)
			return throttle_fail("rule",
				   text->failed ? "no memory" : why) == 0;
		control_free(c->control);
		c->control = more;
	}
	return write_behind(f, size, span_skip(buf_span(text), size));
}

/* Have c->control be what the file says; false after a message. */
static bool
load(struct call *c)
{
	char why[512];

	control_free(c->control);
	c->control = control_load(
	    c->dir, state_rules_seq(c->state), NULL, why, sizeof(why));
	return c->control != NULL || throttle_fail(c->dir, why) == 0;
}

/* What others had begun to write when they were killed, under the lock. */
static void
remove_begun(const struct open_file *f)
{
	static const char begun[] = "." CONTROL_FILE ".";
	int fd = openat(f->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (d == NULL) {
		if (fd != -1)
			(void)close(fd); /* nothing is lost but room */
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, begun, sizeof(begun) - 1) == 0)
			(void)unlinkat(f->folder, e->d_name, 0); /* likewise */
	(void)closedir(d);                                       /* likewise */
}

/*
 * Under the lock of the old file, which nobody adds to any more: who waits
 * for it finds that it has lost its name.
 */
static bool
replace(struct call *c, const struct open_file *f)
{
	struct buf old = { 0 }, text;
	char kept[4200], why[512];
	bool good;

	(void)snprintf(kept, sizeof(kept), "%s.%" PRIu64, f->path,
	    control_last(c->control));
	remove_begun(f);
	buf_init(&text, CONTROL_BYTES_MAX);
	good = file_read(f->path, FILE_TRUSTED, CONTROL_BYTES_MAX, &old, NULL,
		   why, sizeof(why)) &&
	    file_write(kept, buf_span(&old), 0600, why, sizeof(why));
	if (good &&
	    !control_compact(c->control, c->rule.author, c->now_s, &text)) {
		(void)snprintf(why, sizeof(why), "no memory");
		good = false;
	}
	good = good &&
	    file_write(f->path, buf_span(&text), 0600, why, sizeof(why));
	if (!good)
		(void)throttle_fail("compact", why);
	buf_fini(&old);
	buf_fini(&text);
	if (good)
		state_rules_raise(c->state, control_last(c->control) + 1);
	return good;
}

/* Open, and in "c->control"; shortened first if "always", or if need be. */
static bool
open_loaded(struct call *c, struct open_file *f, bool always)
{
	if (!open_locked(c->dir, f) || !load(c))
		return false;
	if (!always && !control_wants_compact(c->control, c->now_s))
		return true;
	/* Without it there is still room, or the caller will be told. */
	if (!replace(c, f))
		return !always;
	close_file(f);
	return open_locked(c->dir, f) && load(c);
}

static void
warn_of_size(const struct call *c)
{
	unsigned percent = control_percent(c->control);

	if (percent >= CONTROL_FULL_PERCENT)
		(void)fprintf(stderr,
		    "mgw-throttle: warning: %s is %u %% full: take back what "
		    "is not needed\n",
		    CONTROL_FILE, percent);
}

int
throttle_compact(struct call *c)
{
	struct open_file f;
	int rc = open_loaded(c, &f, true) ? 0 : 2;

	if (rc == 0)
		warn_of_size(c);
	close_file(&f);
	return rc;
}

int
throttle_append(struct call *c,
    int (*make)(struct call *c, struct control_rule rules[THROTTLE_RULES_MAX]))
{
	struct control_rule rules[THROTTLE_RULES_MAX];
	struct buf text = { 0 };
	struct open_file f;
	int n, rc = 2;

	if (!open_loaded(c, &f, false))
		goto out;
	n = make(c, rules);
	rc = n < 0 ? 2 : 1;
	if (n <= 0 || !write_lines(c, rules, n, &f, &text)) {
		rc = n > 0 ? 2 : rc;
		goto out;
	}
	state_rules_raise(c->state, control_last(c->control));
	warn_of_size(c);
	rc = 0;
out:
	buf_fini(&text);
	close_file(&f);
	return rc;
}
