/*
 * state_migrate - an older shared file, with the sections of this build.
 *
 * The new file gets the name only when it is whole.  Who has the old one
 * open would count on in it, so that nobody may: a gate that runs has the
 * lock of its process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/state_file.h"

static const struct state_section *
find(const struct state_header *h, uint32_t tag)
{
	for (uint32_t i = 0; i < h->n_sections; i++)
		if (h->sections[i].tag == tag)
			return &h->sections[i];
	return NULL;
}

static uint32_t
count_of(const struct state_header *h, uint32_t tag)
{
	const struct state_section *e = find(h, tag);

	return e != NULL ? e->count : 0;
}

/* Of the size of the old, and with what it has that is not known here. */
static void
lay_out(struct state_header *h, const struct state_header *old)
{
	const struct state_sizes sizes = {
		.n_buckets = count_of(old, STATE_BUCKETS),
		.n_verdicts = count_of(old, STATE_VERDICTS),
		.n_client_buckets = count_of(old, STATE_CLIENT_BUCKETS),
		.n_slides = count_of(old, STATE_SLIDES),
		.n_failures = count_of(old, STATE_FAILURES),
	};

	memset(h, 0, sizeof(*h));
	h->key = old->key;
	h->made_us = old->made_us;
	state_lay_out(h, &sizes);
	for (uint32_t i = 0; i < old->n_sections; i++) {
		const struct state_section *e = &old->sections[i];

		if (find(h, e->tag) == NULL &&
		    h->n_sections < STATE_SECTIONS_MAX)
			state_add_section(h, e->tag, e->entry_bytes, e->count);
	}
	h->sum = state_header_sum(h);
}

static bool
in_use(int fd, const struct state_header *old)
{
	uint32_t n = count_of(old, STATE_PROCESSES);

	for (uint32_t i = 0; i < n; i++) {
		short type = F_WRLCK;

		if (!state_byte_lock(
			fd, F_OFD_GETLK, LOCK_PROCESSES + i, &type) ||
		    type != F_UNLCK)
			return true;
	}
	return false;
}

static bool
copy(int to, off_t at, const char *from, size_t n)
{
	while (n > 0) {
		ssize_t done = pwrite(to, from, n, at);

		if (done <= 0 && errno != EINTR)
			return false;
		if (done <= 0)
			continue;
		from += done;
		at += done;
		n -= (size_t)done;
	}
	return true;
}

/*
 * Sections whose entries are as they were; processes come by themselves,
 * and hold nothing yet.
 */
static bool
copy_sections(int to, const struct state_header *h,
    const struct state_header *old, const char *map)
{
	for (uint32_t i = 0; i < old->n_sections; i++) {
		const struct state_section *e = &old->sections[i];
		const struct state_section *n = find(h, e->tag);

		if (n == NULL || n->version != e->version ||
		    n->entry_bytes != e->entry_bytes || n->count != e->count ||
		    e->tag == STATE_PROCESSES || e->tag == STATE_HELD ||
		    e->entry_bytes == 0 || e->offset > old->size ||
		    e->count > (old->size - e->offset) / e->entry_bytes)
			continue;
		if (!copy(to, (off_t)n->offset, map + e->offset,
			(size_t)e->entry_bytes * e->count))
			return false;
	}
	return true;
}

static const char *
replace(int folder, const struct state_header *old, const char *map)
{
	struct state_header h;
	const char *bad = NULL;
	char name[48];
	int fd, rc;

	lay_out(&h, old);
	snprintf(name, sizeof(name), "shared.old.%ld", (long)getpid());
	/* Under the lock nobody lives who begins one of this name. */
	(void)unlinkat(folder, name, 0);
	fd = openat(folder, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	rc = fd == -1 ? errno : state_fill_file(fd, &h);
	if (rc != 0)
		bad = strerror(rc);
	else if (!copy_sections(fd, &h, old, map) || fsync(fd) != 0 ||
	    renameat(folder, name, folder, "shared") != 0)
		bad = strerror(errno);
	if (fd != -1) {
		close(fd);
		if (bad != NULL)
			unlinkat(folder, name, 0);
	}
	explicit_bzero(&h.key, sizeof(h.key));
	return bad;
}

const char *
state_migrate(
    int folder, int fd, const struct state_header *old, const char *map)
{
	struct stat ours, named;
	short type = F_WRLCK;

	/* Another waits until it is done, and then finds the new one. */
	if (!state_byte_lock(fd, F_OFD_SETLKW, LOCK_MIGRATE, &type) ||
	    fstat(fd, &ours) != 0)
		return strerror(errno);
	if (fstatat(folder, "shared", &named, AT_SYMLINK_NOFOLLOW) != 0 ||
	    named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
		return NULL;
	if (in_use(fd, old))
		return "was made by an older mgw that still runs; stop it "
		       "first";
	return replace(folder, old, map);
}
