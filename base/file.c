/*
 * file - see file.h.
 *
 * The folder is opened first and the file through it, so that what was
 * judged is what is read.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

/* Longer paths are refused; the kernel's own limit. */
#define PATH_BYTES_MAX 4096

static bool
fail(char *why, size_t why_size, const char *path, const char *what)
{
	(void)snprintf(why, why_size, "%s: %s", path, what);
	return false;
}

static bool
fail_errno(char *why, size_t why_size, const char *path)
{
	return fail(why, why_size, path, strerror(errno));
}

/* The folder of "path" into "folder", "." where it names none. */
static bool
cut_folder(
    const char *path, char folder[static PATH_BYTES_MAX], const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;

	*name = slash != NULL ? slash + 1 : path;
	if (n + 2 > PATH_BYTES_MAX || (*name)[0] == '\0')
		return false;
	if (slash == NULL)
		folder[n++] = '.';
	else if (n == 0)
		folder[n++] = '/';
	else
		memcpy(folder, path, n);
	folder[n] = '\0';
	return true;
}

static int
open_folder(const char *path, const char **name, char *why, size_t why_size)
{
	char folder[PATH_BYTES_MAX];
	int fd;

	if (!cut_folder(path, folder, name)) {
		(void)fail(why, why_size, path, "not the name of a file");
		return -1;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		(void)fail_errno(why, why_size, path);
	return fd;
}

static const char *
distrust(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to another user";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "is writable by others";
	return NULL;
}

static bool
check_trust(int folder_fd, const struct stat *st, enum file_trust trust,
    const char *path, char *why, size_t why_size)
{
	struct stat folder;
	const char *what = NULL;

	if (trust == FILE_ANY)
		return true;
	if (fstat(folder_fd, &folder) == -1)
		return fail_errno(why, why_size, path);
	if ((what = distrust(st)) != NULL)
		return fail(why, why_size, path, what);
	if ((what = distrust(&folder)) != NULL) {
		(void)snprintf(
		    why, why_size, "%s: the folder it is in %s", path, what);
		return false;
	}
	if (trust == FILE_SECRET && (st->st_mode & S_IROTH) != 0)
		return fail(why, why_size, path, "is readable by everybody");
	return true;
}

void
file_identity_of(const struct stat *st, struct file_identity *id)
{
	const int64_t ns = 1000000000;

	*id = (struct file_identity){
		.device = (uint64_t)st->st_dev,
		.inode = (uint64_t)st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns =
		    (int64_t)st->st_mtim.tv_sec * ns + st->st_mtim.tv_nsec,
		.ctime_ns =
		    (int64_t)st->st_ctim.tv_sec * ns + st->st_ctim.tv_nsec,
	};
}

/* Exactly "n" bytes and then the end of the file. */
static bool
read_exactly(int fd, size_t n, struct buf *b)
{
	/* One more, so that an empty file has a place as well. */
	char *room = buf_room(b, n + 1), more;
	ssize_t got;

	if (room == NULL && n > 0) {
		errno = ENOMEM;
		return false;
	}
	while (b->n < n) {
		got = read(fd, b->p + b->n, n - b->n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			goto changed;
		b->n += (size_t)got;
	}
	do {
		got = read(fd, &more, 1);
	} while (got == -1 && errno == EINTR);
	if (got == 0)
		return true;
changed:
	if (got >= 0)
		errno = EAGAIN;
	return false;
}

/* Of an open file whose state was "before". */
static bool
read_open(int fd, const char *path, const struct stat *before, size_t max_bytes,
    struct buf *b, struct file_identity *id, char *why, size_t why_size)
{
	struct stat after;
	struct file_identity first, last;

	if ((uint64_t)before->st_size > max_bytes) {
		(void)snprintf(why, why_size, "%s: is larger than %zu bytes",
		    path, max_bytes);
		return false;
	}
	buf_init(b, max_bytes < SIZE_MAX ? max_bytes + 1 : max_bytes);
	if (!read_exactly(fd, (size_t)before->st_size, b)) {
		if (errno == EAGAIN)
			return fail(
			    why, why_size, path, "changed while it was read");
		return fail_errno(why, why_size, path);
	}
	if (fstat(fd, &after) == -1)
		return fail_errno(why, why_size, path);
	file_identity_of(before, &first);
	file_identity_of(&after, &last);
	if (first.size != last.size || first.mtime_ns != last.mtime_ns)
		return fail(why, why_size, path, "changed while it was read");
	if (id != NULL)
		*id = last;
	return true;
}

static bool
judge_open(int fd, int folder_fd, const char *path, enum file_trust trust,
    struct stat *st, char *why, size_t why_size)
{
	if (fstat(fd, st) == -1)
		return fail_errno(why, why_size, path);
	if (!S_ISREG(st->st_mode))
		return fail(why, why_size, path, "is not a regular file");
	return check_trust(folder_fd, st, trust, path, why, why_size);
}

int
file_open(const char *path, enum file_trust trust, struct stat *st, char *why,
    size_t why_size)
{
	/* Without O_NONBLOCK a planted FIFO would hold the opener. */
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int folder_fd, fd;
	const char *name;

	folder_fd = open_folder(path, &name, why, why_size);
	if (folder_fd == -1)
		return -1;
	if (trust != FILE_ANY)
		flags |= O_NOFOLLOW;
	fd = openat(folder_fd, name, flags);
	if (fd == -1) {
		(void)(errno == ELOOP
			? fail(why, why_size, path, "is a symbolic link")
			: fail_errno(why, why_size, path));
	} else if (!judge_open(fd, folder_fd, path, trust, st, why, why_size)) {
		(void)close(fd); /* nothing was written */
		fd = -1;
	}
	(void)close(folder_fd); /* likewise */
	return fd;
}

bool
file_read(const char *path, enum file_trust trust, size_t max_bytes,
    struct buf *b, struct file_identity *id, char *why, size_t why_size)
{
	struct stat st;
	bool good;
	int fd;

	*b = (struct buf){ 0 };
	fd = file_open(path, trust, &st, why, why_size);
	if (fd == -1)
		return false;
	good = read_open(fd, path, &st, max_bytes, b, id, why, why_size);
	(void)close(fd); /* nothing was written */
	if (!good)
		buf_fini(b);
	return good;
}

bool
file_identify(const char *path, struct file_identity *id)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return false;
	file_identity_of(&st, id);
	return true;
}

bool
file_identity_eq(const struct file_identity *a, const struct file_identity *b)
{
	return a->device == b->device && a->inode == b->inode &&
	    a->size == b->size && a->mtime_ns == b->mtime_ns &&
	    a->ctime_ns == b->ctime_ns;
}

static bool
write_all(int fd, struct span bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = span_skip(bytes, (size_t)n);
	}
	return true;
}

/* Make "temporary" in the folder, filled and on disk; errno on false. */
static bool
write_temporary(
    int folder_fd, const char *temporary, struct span bytes, mode_t mode)
{
	int fd = openat(folder_fd, temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good;

	if (fd == -1)
		return false;
	good = write_all(fd, bytes) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	if (close(fd) == -1)
		good = false;
	if (!good) {
		int saved = errno;

		/* It is ours alone; if it stays, it is only litter. */
		(void)unlinkat(folder_fd, temporary, 0);
		errno = saved;
	}
	return good;
}

bool
file_write(const char *path, struct span bytes, mode_t mode, char *why,
    size_t why_size)
{
	char temporary[PATH_BYTES_MAX];
	const char *name;
	uint64_t random;
	bool good = false;
	int folder_fd = open_folder(path, &name, why, why_size), n;

	if (folder_fd == -1)
		return false;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		goto out;
	n = snprintf(temporary, sizeof(temporary), ".%s.%016llx", name,
	    (unsigned long long)random);
	if (n < 0 || (size_t)n >= sizeof(temporary)) {
		errno = ENAMETOOLONG;
		goto out;
	}
	if (!write_temporary(folder_fd, temporary, bytes, mode))
		goto out;
	if (renameat(folder_fd, temporary, folder_fd, name) == -1) {
		int saved = errno;

		(void)unlinkat(folder_fd, temporary, 0); /* as above */
		errno = saved;
		goto out;
	}
	good = fsync(folder_fd) == 0;
out:
	if (!good)
		(void)fail_errno(why, why_size, path);
	(void)close(folder_fd); /* opened for reading */
	return good;
}

struct span
file_beside(struct span path, struct span beside, struct arena *a)
{
	size_t folder = beside.n;

	while (folder > 0 && beside.p[folder - 1] != '/')
		folder--;
	if (path.n > 0 && path.p[0] == '/')
		folder = 0;
	return arena_printf(a, "%.*s%.*s", (int)folder,
	    beside.p != NULL ? beside.p : "", SPAN_ARG(path));
}
