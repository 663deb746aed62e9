/*
 * state_migrate - an older or smaller shared file, with the sections of this
 * build and of the size that is wanted.
 *
 * The new file gets the name only when it is whole.  Who has the old one
 * open would count on in it, so that nobody may: a gate that runs has the
 * lock of its process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
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

bool
state_is_counters(uint32_t tag)
{
	return tag == STATE_BUCKETS || tag == STATE_OVERFLOW ||
	    tag == STATE_CLIENT_BUCKETS || tag == STATE_SLIDES ||
	    tag == STATE_CLIENT_SLIDES || tag == STATE_SLIDE_OVERFLOW ||
	    tag == STATE_FAILURES;
}

/* A damaged header may tell of more than there is. */
static bool
lies_in(const struct state_header *h, const struct state_section *e)
{
	return e->entry_bytes > 0 && e->offset <= h->size &&
	    e->count <= (h->size - e->offset) / e->entry_bytes;
}

/*
 * The larger of "wanted" and what the old file has.  Entries of another
 * size are not of this build.
 */
static uint32_t
at_least(
    uint32_t wanted, const struct state_header *old, uint32_t tag, size_t entry)
{
	const struct state_section *e = find(old, tag);

	return e != NULL && e->entry_bytes == entry && lies_in(old, e) &&
		e->count > wanted
	    ? e->count
	    : wanted;
}

/* What a file is to have that takes the place of one that has "old". */
static struct state_sizes
sizes_of(const struct state_header *old, const struct state_sizes *wanted)
{
	struct state_sizes s = { 0 };

	if (wanted != NULL)
		s = *wanted;
	s.n_buckets =
	    at_least(s.n_buckets, old, STATE_BUCKETS, sizeof(struct bucket));
	s.n_verdicts =
	    at_least(0, old, STATE_VERDICTS, sizeof(struct verdict_slot));
	s.n_client_buckets = at_least(s.n_client_buckets, old,
	    STATE_CLIENT_BUCKETS, sizeof(struct bucket));
	s.n_slides =
	    at_least(s.n_slides, old, STATE_SLIDES, sizeof(struct slide));
	s.n_failures =
	    at_least(s.n_failures, old, STATE_FAILURES, sizeof(struct bucket));
	return s;
}

/* With what the old has that is not known here. */
static void
lay_out(struct state_header *h, const struct state_header *old,
    const struct state_sizes *wanted)
{
	const struct state_sizes sizes = sizes_of(old, wanted);

	memset(h, 0, sizeof(*h));
	h->key = old->key;
	h->made_us = old->made_us;
	state_lay_out(h, &sizes);
	for (uint32_t i = 0; i < old->n_sections; i++) {
		const struct state_section *e = &old->sections[i];

		if (find(h, e->tag) == NULL && lies_in(old, e) &&
		    h->n_sections < STATE_SECTIONS_MAX)
			state_add_section(h, e->tag, e->entry_bytes, e->count);
	}
	h->sum = state_header_sum(h);
}

bool
state_is_smaller(const struct state *s, const struct state_sizes *sizes)
{
	struct state_header h;
	bool smaller = false;

	lay_out(&h, s->header, sizes);
	for (uint32_t i = 0; i < h.n_sections; i++)
		smaller |= state_is_counters(h.sections[i].tag) &&
		    h.sections[i].count >
			count_of(s->header, h.sections[i].tag);
	explicit_bzero(&h.key, sizeof(h.key));
	return smaller;
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
 * Each counter into its group of a larger table.  A group of the old one is
 * taken apart into some of the new, so that there is room for all.
 */
static void
spread(char *table, const struct state_section *n,
    const struct state_section *e, const char *map)
{
	uint32_t groups = n->count / GROUP;

	for (uint32_t i = 0; i < e->count; i++) {
		const char *from = map + e->offset + (size_t)i * e->entry_bytes;
		const struct bucket *b = (const void *)from;
		uint64_t lo = atomic_load(&b->lo), hi = atomic_load(&b->hi);
		size_t group = (size_t)(lo & (groups - 1)) * GROUP;

		if (atomic_load(&b->expires_us) == 0 ||
		    (atomic_load(&b->value) & PAYLOAD) == BUSY)
			continue;
		for (unsigned k = 0; k < GROUP; k++) {
			char *to = table +
			    (group + ((hi + k) & (GROUP - 1))) * e->entry_bytes;
			const struct bucket *there = (const void *)to;

			if (atomic_load(&there->expires_us) != 0)
				continue;
			memcpy(to, from, e->entry_bytes);
			break;
		}
	}
}

static bool
copy_spread(int to, const struct state_section *n,
    const struct state_section *e, const char *map)
{
	size_t bytes = (size_t)n->count * n->entry_bytes;
	char *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, to,
	    (off_t)n->offset);

	if (table == MAP_FAILED)
		return false;
	spread(table, n, e, map);
	(void)munmap(table, bytes);
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
		    n->entry_bytes != e->entry_bytes ||
		    (n->count != e->count &&
			(n->count < e->count || !state_is_counters(e->tag))) ||
		    e->tag == STATE_PROCESSES || e->tag == STATE_HELD ||
		    !lies_in(old, e))
			continue;
		if (n->count != e->count
			? !copy_spread(to, n, e, map)
			: !copy(to, (off_t)n->offset, map + e->offset,
			      (size_t)e->entry_bytes * e->count))
			return false;
	}
	return true;
}

static const char *
replace(int folder, const struct state_header *old, const char *map,
    const struct state_sizes *sizes)
{
	struct state_header h;
	const char *bad = NULL;
	char name[48];
	int fd, rc;

	lay_out(&h, old, sizes);
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
state_migrate(int folder, int fd, const struct state_header *old,
    const char *map, const struct state_sizes *sizes)
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
	return replace(folder, old, map, sizes);
}
