/*
 * state_memory - a shared file in memory, and its copies on disk.
 *
 * For disks that wear out.  A file "memory" in the state directory names a
 * folder of a file system in memory; the shared file is there, and found by
 * whoever opens the state directory.  What lies in the state directory is
 * the copy made last.  It has what limits somebody and the counts of
 * mgw-status, but no verdicts, which anybody can make anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "policy/state_file.h"

#define LINK_NAME "memory"
#define PATH_BYTES_MAX 1024

/* The path in the file; false: there is none, or it cannot be ("*bad"). */
static bool
read_link(int home, char *path, const char **bad)
{
	int fd = openat(home, LINK_NAME,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	*bad = NULL;
	if (fd == -1) {
		if (errno != ENOENT)
			*bad = strerror(errno);
		return false;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & 022) == 0)
		n = read(fd, path, PATH_BYTES_MAX);
	close(fd);
	if (n < 2 || n == PATH_BYTES_MAX || path[0] != '/' ||
	    path[n - 1] != '\n' || memchr(path, '\0', (size_t)n) != NULL) {
		*bad = "its file \"memory\" is damaged, or not only ours";
		return false;
	}
	path[n - 1] = '\0';
	return true;
}

/*
 * All of the copy on disk, unless somebody else is faster; under a lock of
 * the folder, as what was begun under this name by a process that is gone
 * has to go: where every process is number 1 it would stand in the way of
 * all that follow.
 */
static const char *
restore(int home, int memory)
{
	const char *bad = NULL;
	char name[48], chunk[65536];
	ssize_t n;
	int from, to;

	from = openat(home, "shared", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from == -1)
		return errno == ENOENT ? NULL : strerror(errno);
	snprintf(name, sizeof(name), "shared.new.%ld", (long)getpid());
	if (flock(memory, LOCK_EX) != 0 ||
	    (unlinkat(memory, name, 0) != 0 && errno != ENOENT))
		bad = strerror(errno);
	to = bad != NULL
	    ? -1
	    : openat(memory, name,
		  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to == -1 && bad == NULL)
		bad = strerror(errno);
	while (bad == NULL && (n = read(from, chunk, sizeof(chunk))) != 0)
		if (n < 0 || write(to, chunk, (size_t)n) != n)
			bad = n < 0 ? strerror(errno) : "no space";
	if (bad == NULL && linkat(memory, name, memory, "shared", 0) != 0 &&
	    errno != EEXIST)
		bad = strerror(errno);
	if (to != -1) {
		close(to);
		unlinkat(memory, name, 0);
	}
	(void)flock(memory, LOCK_UN); /* it goes with the folder, too */
	close(from);
	return bad;
}

int
state_memory_folder(int home, bool make, char *why, size_t why_size)
{
	char path[PATH_BYTES_MAX];
	const char *bad;
	struct stat st;
	int folder;

	if (!read_link(home, path, &bad)) {
		if (bad == NULL)
			return STATE_MEMORY_NONE;
		snprintf(why, why_size, "state: %s", bad);
		return STATE_MEMORY_BAD;
	}
	folder = state_open_folder(path, make, why, why_size);
	if (folder == -1)
		return STATE_MEMORY_BAD;
	if (!make || fstatat(folder, "shared", &st, 0) == 0)
		return folder;
	bad = restore(home, folder);
	if (bad == NULL)
		return folder;
	snprintf(
	    why, why_size, "state %s: its copy cannot be read: %s", path, bad);
	close(folder);
	return STATE_MEMORY_BAD;
}

/* One bucket, or slide, as it is at some moment; zeros if it is free. */
static void
copy_bucket(const char *from, char *to, size_t stride, int64_t now_us)
{
	const struct bucket *b = (const void *)from;
	const struct slide *slide = (const void *)from;
	struct slide copy = { .head = { .value = 0 } };
	uint64_t lo = atomic_load(&b->lo), hi = atomic_load(&b->hi);
	uint64_t value = atomic_load(&b->value);
	int64_t expires_us = atomic_load(&b->expires_us);

	memset(to, 0, stride);
	if ((value & PAYLOAD) == BUSY || expires_us <= now_us)
		return;
	for (unsigned i = 0; stride == sizeof(copy) && i < SLIDE_SLOTS; i++)
		atomic_init(&copy.ring[i], atomic_load(&slide->ring[i]));
	/* It may have been given to another meanwhile. */
	if (atomic_load(&b->lo) != lo || atomic_load(&b->hi) != hi)
		return;
	atomic_init(&copy.head.lo, lo);
	atomic_init(&copy.head.hi, hi);
	atomic_init(&copy.head.value, value);
	atomic_init(&copy.head.expires_us, expires_us);
	memcpy(to, &copy, stride);
}

static bool
copy_section(const struct state *s, const struct state_section *e, int to,
    int64_t now_us)
{
	static const char zeros[STATE_PAGE];
	uint64_t bytes = (uint64_t)e->entry_bytes * e->count;
	char page[STATE_PAGE];

	for (uint64_t at = 0; at < bytes; at += STATE_PAGE) {
		size_t n =
		    bytes - at < STATE_PAGE ? (size_t)(bytes - at) : STATE_PAGE;
		const char *from = s->map + e->offset + at;

		if (!state_is_counters(e->tag))
			memcpy(page, from, n);
		for (size_t k = 0; state_is_counters(e->tag) && k < n;
		     k += e->entry_bytes)
			copy_bucket(from + k, page + k, e->entry_bytes, now_us);
		/* A hole in the file costs no writing. */
		if (memcmp(page, zeros, n) != 0 &&
		    pwrite(to, page, n, (off_t)(e->offset + at)) != (ssize_t)n)
			return false;
	}
	return true;
}

static bool
copy_all(const struct state *s, int to)
{
	int64_t now_us = clock_wall_us();

	if (ftruncate(to, (off_t)s->size) != 0 ||
	    pwrite(to, s->header, sizeof(*s->header), 0) !=
		(ssize_t)sizeof(*s->header))
		return false;
	for (uint32_t i = 0; i < s->header->n_sections; i++) {
		const struct state_section *e = &s->header->sections[i];

		/* place_sections has checked those that are known. */
		if (e->tag == STATE_VERDICTS || e->tag == STATE_PROCESSES ||
		    e->offset > s->size || e->entry_bytes == 0 ||
		    e->count > (s->size - e->offset) / e->entry_bytes)
			continue;
		if (!copy_section(s, e, to, now_us))
			return false;
	}
	return fsync(to) == 0;
}

static bool
is_young(const struct state *s, int64_t age_us)
{
	int64_t now_us = clock_wall_us(), made_us;
	struct stat st;

	if (fstatat(s->home, "shared", &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	made_us = (int64_t)st.st_mtim.tv_sec * US_PER_S;
	return made_us <= now_us && now_us - made_us < age_us;
}

bool
state_snapshot(struct state *s, int64_t age_us, char *why, size_t why_size)
{
	short type = F_WRLCK;
	bool good = false;
	char name[48];
	int to;

	if (s->home == -1 || is_young(s, age_us))
		return true;
	/* Somebody else is at it. */
	if (!state_byte_lock(s->fd, F_OFD_SETLK, LOCK_SNAPSHOT, &type))
		return true;
	snprintf(name, sizeof(name), "shared.copy.%ld", (long)getpid());
	to = openat(s->home, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to != -1)
		good = copy_all(s, to) &&
		    renameat(s->home, name, s->home, "shared") == 0;
	if (!good)
		snprintf(why, why_size, "state: no copy on disk: %s",
		    strerror(errno));
	if (to != -1) {
		close(to);
		if (!good)
			unlinkat(s->home, name, 0);
	}
	type = F_UNLCK;
	(void)state_byte_lock(s->fd, F_OFD_SETLK, LOCK_SNAPSHOT, &type);
	return good;
}

/* Have the copy on disk say all, and count there from now on. */
static bool
come_home(const char *dir, int home, char *why, size_t why_size)
{
	struct state *s = state_open(dir, NULL, why, why_size);
	bool good = s != NULL && !state_in_use(s) &&
	    state_snapshot(s, 0, why, why_size);

	if (s != NULL && state_in_use(s))
		snprintf(why, why_size,
		    "state %s: is in memory, and used; stop every gate before "
		    "state-memory changes",
		    dir);
	if (s != NULL)
		state_close(s);
	if (good && unlinkat(home, LINK_NAME, 0) != 0) {
		snprintf(why, why_size, "state %s: %s", dir, strerror(errno));
		good = false;
	}
	return good;
}

static bool
name_memory(const char *dir, const char *memory, char *why, size_t why_size)
{
	char path[PATH_BYTES_MAX + 16], line[PATH_BYTES_MAX + 1];
	struct state *s = state_open(dir, NULL, why, why_size);
	bool used = s != NULL && state_in_use(s);
	int n = snprintf(line, sizeof(line), "%s\n", memory);

	if (s == NULL)
		return false;
	state_close(s);
	if (used || n < 0 || n >= PATH_BYTES_MAX || memory[0] != '/') {
		snprintf(why, why_size,
		    used ? "state %s: is used; stop every gate before "
			   "state-memory changes"
			 : "state %s: state-memory cannot be that path",
		    dir);
		return false;
	}
	snprintf(path, sizeof(path), "%s/" LINK_NAME, dir);
	return file_write(path, span_of(line, (size_t)n), 0600, why, why_size);
}

bool
state_set_memory(
    const char *dir, const char *memory, char *why, size_t why_size)
{
	int home = state_open_folder(dir, true, why, why_size);
	char path[PATH_BYTES_MAX];
	const char *bad;
	bool linked, good = true;

	if (home == -1)
		return false;
	linked = read_link(home, path, &bad);
	if (bad != NULL) {
		snprintf(why, why_size, "state %s: %s", dir, bad);
		good = false;
	} else if (linked &&
	    (memory == NULL || !span_eq(span_str(path), span_str(memory)))) {
		good = come_home(dir, home, why, why_size);
		linked = false;
	}
	if (good && memory != NULL && !linked)
		good = name_memory(dir, memory, why, why_size);
	close(home);
	return good;
}
