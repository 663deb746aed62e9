/*
 * state - see state.h.
 *
 * This file opens, checks and closes the shared file; state_make.c makes
 * it.  The sections have files of their own: state_bucket.c,
 * state_verdict.c, state_metric.c, state_process.c.
 */
#include "policy/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "policy/state_file.h"

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words shared by processes");
static_assert(sizeof(struct bucket) == 32, "two to a cache line");
static_assert(sizeof(struct name_slot) == 512, "eight to a page");
static_assert(sizeof(struct slide) == 1024, "whole buckets");
static_assert(sizeof(struct state_header) <= STATE_PAGE, "one page");

/* How often a lock is asked for: first at once, then once a millisecond. */
#define LOCK_SPINS 50
#define LOCK_WAITS 1000

/*
 * File systems whose locks or mappings other machines do not see: f_type
 * of statfs(2).  NFS, SMB, CIFS, SMB2, AFS, Coda, NCP, 9P, Ceph.
 */
static const unsigned long network_systems[] = { 0x6969, 0x517b, 0xff534d42,
	0xfe534d42, 0x5346414f, 0x73757245, 0x564c, 0x01021997, 0x00c36400 };

static bool
on_network(int fd)
{
	struct statfs f;
	size_t n = sizeof(network_systems) / sizeof(network_systems[0]);

	if (fstatfs(fd, &f) != 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (((unsigned long)f.f_type & 0xffffffff) ==
		    network_systems[i])
			return true;
	}
	return false;
}

int
state_open_folder(const char *dir, bool make, char *why, size_t why_size)
{
	struct stat st;
	int fd;

	if (lstat(dir, &st) == 0 && S_ISLNK(st.st_mode)) {
		snprintf(why, why_size, "state %s: is a link", dir);
		return -1;
	}
	if (make && mkdir(dir, 0700) != 0 && errno != EEXIST) {
		snprintf(why, why_size, "state %s: cannot be made: %s", dir,
		    strerror(errno));
		return -1;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) != 0)
		snprintf(why, why_size, "state %s: %s", dir, strerror(errno));
	else if (st.st_uid != geteuid())
		snprintf(why, why_size,
		    "state %s: belongs to somebody else; only its owner may "
		    "use it",
		    dir);
	else if ((st.st_mode & 077) != 0)
		snprintf(why, why_size,
		    "state %s: is open to others; chmod 700 it", dir);
	else if (on_network(fd))
		snprintf(why, why_size,
		    "state %s: lies on a network file system; "
		    "name a local folder with \"state\"",
		    dir);
	else
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

/* Open the shared file of "folder"; -1 with errno, 0 for a bad one. */
static int
open_shared(int folder, bool writable, struct stat *st, const char **bad)
{
	int fd = openat(folder, "shared",
	    (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
		O_NONBLOCK);

	*bad = NULL;
	if (fd == -1)
		return -1;
	if (fstat(fd, st) != 0)
		*bad = strerror(errno);
	else if (!S_ISREG(st->st_mode))
		*bad = "is no regular file";
	else if (st->st_uid != geteuid())
		*bad = "belongs to somebody else";
	else if ((st->st_mode & 077) != 0)
		*bad = "is open to others";
	return fd;
}

/* The section of this tag, or NULL when its entries are not as we know. */
static const struct state_section *
section(const struct state_header *h, uint32_t tag, size_t entry_bytes,
    uint32_t multiple, bool power)
{
	for (uint32_t i = 0; i < h->n_sections; i++) {
		const struct state_section *e = &h->sections[i];

		if (e->tag != tag)
			continue;
		if (e->version != 1 || e->entry_bytes != entry_bytes ||
		    e->offset % STATE_PAGE != 0 || e->offset < STATE_PAGE ||
		    e->offset > h->size || e->count == 0 ||
		    e->count % multiple != 0 ||
		    (power && (e->count & (e->count - 1)) != 0) ||
		    e->count > (h->size - e->offset) / entry_bytes)
			return NULL;
		return e;
	}
	return NULL;
}

static const char *
check_header(const struct state_header *h, uint64_t size)
{
	struct hash128 sum;

	if (memcmp(h->magic, STATE_MAGIC, sizeof(h->magic)) != 0)
		return "is no state of mgw";
	if (h->version > STATE_VERSION)
		return "was made by a newer mgw";
	if (h->version != STATE_VERSION)
		return "has an unknown version";
	sum = state_header_sum(h);
	if (!hash128_eq(sum, h->sum) || h->n_sections > STATE_SECTIONS_MAX)
		return "is damaged; remove it to begin at zero";
	if (h->size != size)
		return "is truncated; remove it to begin at zero";
	return NULL;
}

/* From a build that did not know all sections. */
static const char lacking[] = "is of an older mgw; start this one once";

/* False: its section is not there, or not as we know it. */
static bool
place_table(struct state *s, enum table table, uint32_t tag, size_t stride)
{
	const struct state_section *e =
	    section(s->header, tag, stride, GROUP, true);

	if (e == NULL)
		return false;
	s->tables[table] = (struct bucket_table){ s->map + e->offset, stride,
		e->count / GROUP, LOCK_TABLES + ((off_t)table << 40),
		table == TABLE_FAILURES };
	return true;
}

static bool
place_tables(struct state *s)
{
	const size_t bucket = sizeof(struct bucket),
		     slide = sizeof(struct slide);

	return place_table(s, TABLE_BUCKETS, STATE_BUCKETS, bucket) &&
	    place_table(s, TABLE_CLIENT, STATE_CLIENT_BUCKETS, bucket) &&
	    place_table(s, TABLE_OVERFLOW, STATE_OVERFLOW, bucket) &&
	    place_table(s, TABLE_SLIDES, STATE_SLIDES, slide) &&
	    place_table(s, TABLE_CLIENT_SLIDES, STATE_CLIENT_SLIDES, slide) &&
	    place_table(s, TABLE_SLIDE_OVERFLOW, STATE_SLIDE_OVERFLOW, slide) &&
	    place_table(s, TABLE_FAILURES, STATE_FAILURES, bucket);
}

static bool
place_revocation(struct state *s)
{
	const struct state_section *e = section(s->header, STATE_REVOCATION,
	    sizeof(struct revocation_words), 1, false);

	if (e != NULL)
		s->revocation = (void *)(s->map + e->offset);
	return e != NULL;
}

/* Find all sections in the map; NULL or what is wrong. */
static const char *
place_sections(struct state *s)
{
	const struct state_header *h = s->header;
	const struct state_section *v, *m, *a, *p, *c, *n, *d, *b, *e, *f;

	v = section(
	    h, STATE_VERDICTS, sizeof(struct verdict_slot), GROUP, true);
	m = section(h, STATE_METRICS, sizeof(struct metrics), 1, false);
	a = section(h, STATE_APIS, sizeof(struct api_slot), 1, true);
	p = section(h, STATE_PROCESSES, sizeof(struct process_slot), 1, false);
	c = section(h, STATE_CONTROL, sizeof(struct control_words), 1, false);
	d = section(h, STATE_HELD, sizeof(struct held), 2 * GROUP, true);
	n = section(h, STATE_NAMES, sizeof(struct name_slot), GROUP, true);
	f = section(h, STATE_PROOFS, sizeof(uint64_t), STATE_PROOF_GROUP, true);
	b = section(
	    h, STATE_BREAKERS, sizeof(struct breaker_slot), GROUP, true);
	e = section(h, STATE_HEALTH, sizeof(struct health_slot), GROUP, true);
	if (!place_tables(s) || !place_revocation(s) || v == NULL ||
	    m == NULL || a == NULL || p == NULL || c == NULL || n == NULL ||
	    d == NULL || b == NULL || e == NULL || f == NULL)
		return lacking;
	s->verdicts = (void *)(s->map + v->offset);
	s->n_verdicts = v->count;
	s->metrics = (void *)(s->map + m->offset);
	s->apis = (void *)(s->map + a->offset);
	s->n_apis = a->count;
	s->processes = (void *)(s->map + p->offset);
	s->n_processes = p->count;
	s->control = (void *)(s->map + c->offset);
	s->held = (void *)(s->map + d->offset);
	s->n_held = d->count;
	s->names = (void *)(s->map + n->offset);
	s->n_names = n->count;
	s->proofs = (void *)(s->map + f->offset);
	s->n_proofs = f->count;
	s->breakers = (void *)(s->map + b->offset);
	s->n_breakers = b->count;
	s->health = (void *)(s->map + e->offset);
	s->n_health = e->count;
	return NULL;
}

static const char *
map_shared(struct state *s, uint64_t size)
{
	const char *bad;
	void *map;

	if (size < STATE_PAGE || size > (UINT64_C(1) << 40))
		return "is truncated; remove it to begin at zero";
	map = mmap(NULL, (size_t)size,
	    s->writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, s->fd,
	    0);
	if (map == MAP_FAILED)
		return strerror(errno);
	/* The key is in it. */
	(void)madvise(map, (size_t)size, MADV_DONTDUMP); /* else as before */
	s->map = map;
	s->size = (size_t)size;
	s->header = map;
	bad = check_header(s->header, size);
	if (bad != NULL)
		return bad;
	s->key = s->header->key;
	return place_sections(s);
}

static struct state *
new_state(int fd, bool writable)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->fd = fd;
	s->writable = writable;
	s->home = -1;
	s->process = -1;
	atomic_store(&s->owner, -1);
	for (int i = 0; i < MUTEXES; i++)
		pthread_mutex_init(&s->mutexes[i], NULL);
	for (int i = 0; i < HASH_PLACES; i++)
		pthread_mutex_init(&s->hashing[i], NULL);
	return s;
}

/*
 * The state in "folder" or NULL; "*missing" when there is none, "*again"
 * when it was of an older build, or too small, and there is another now.
 */
static struct state *
open_once(int folder, const char *dir, const struct state_sizes *sizes,
    bool writable, bool *missing, bool *again, char *why, size_t why_size)
{
	struct stat st;
	const char *bad;
	struct state *s;
	int fd = open_shared(folder, writable, &st, &bad);

	*missing = fd == -1 && errno == ENOENT;
	*again = false;
	if (fd == -1) {
		snprintf(
		    why, why_size, "state %s/shared: %s", dir, strerror(errno));
		return NULL;
	}
	s = new_state(fd, writable);
	if (s == NULL) {
		close(fd);
		snprintf(why, why_size, "state %s: out of memory", dir);
		return NULL;
	}
	if (bad == NULL)
		bad = map_shared(s, (uint64_t)st.st_size);
	if (bad == lacking && writable) {
		bad = state_migrate(folder, fd, s->header, s->map, sizes);
		*again = bad == NULL;
	} else if (bad == NULL && writable && sizes != NULL &&
	    state_is_smaller(s, sizes)) {
		/* Where that cannot be it does as it is. */
		*again =
		    state_migrate(folder, fd, s->header, s->map, sizes) == NULL;
	}
	if (bad == NULL && !*again && !state_columns(s))
		bad = "is locked by a process that does not go on";
	if (bad != NULL || *again) {
		snprintf(why, why_size, "state %s/shared: %s", dir,
		    bad != NULL ? bad : "changes again and again");
		state_close(s);
		return NULL;
	}
	return s;
}

static struct state *
open_in(int folder, const char *dir, const struct state_sizes *sizes,
    bool writable, bool *missing, char *why, size_t why_size)
{
	struct state *s;
	bool again;

	s = open_once(
	    folder, dir, sizes, writable, missing, &again, why, why_size);
	if (again) /* it has the size now, or must do without */
		s = open_once(folder, dir, NULL, writable, missing, &again, why,
		    why_size);
	return s;
}

/* Where the shared file is: "home", or a folder in memory; -1 with "why". */
static int
place_of_shared(int home, bool make, char *why, size_t why_size)
{
	int folder = state_memory_folder(home, make, why, why_size);

	return folder == STATE_MEMORY_NONE ? home : folder;
}

/* Takes "home". */
static struct state *
open_at(int home, const char *dir, const struct state_sizes *sizes,
    bool writable, char *why, size_t why_size)
{
	int folder = place_of_shared(home, writable, why, why_size);
	struct state *s = NULL;
	bool missing = false;

	if (folder >= 0)
		s = open_in(
		    folder, dir, sizes, writable, &missing, why, why_size);
	/* Another process may make it first; then theirs is opened. */
	if (s == NULL && missing && writable &&
	    state_make(folder, sizes, why, why_size))
		s = open_in(
		    folder, dir, sizes, writable, &missing, why, why_size);
	if (folder >= 0 && folder != home) {
		close(folder);
		if (s != NULL) {
			s->home = home;
			return s;
		}
	}
	close(home);
	return s;
}

struct state *
state_open(const char *dir, const struct state_sizes *sizes, char *why,
    size_t why_size)
{
	int home = state_open_folder(dir, true, why, why_size);

	if (home == -1)
		return NULL;
	return open_at(home, dir, sizes, true, why, why_size);
}

struct state *
state_view(const char *dir, char *why, size_t why_size)
{
	int home = state_open_folder(dir, false, why, why_size);

	if (home == -1)
		return NULL;
	return open_at(home, dir, NULL, false, why, why_size);
}

void
state_close(struct state *s)
{
	if (s == NULL)
		return;
	if (s->map != NULL)
		munmap(s->map, s->size);
	close(s->fd); /* frees all our locks */
	if (s->home != -1)
		close(s->home);
	for (int i = 0; i < MUTEXES; i++)
		pthread_mutex_destroy(&s->mutexes[i]);
	for (int i = 0; i < HASH_PLACES; i++)
		pthread_mutex_destroy(&s->hashing[i]);
	explicit_bzero(&s->key, sizeof(s->key));
	free(s);
}

bool
state_byte_lock(int fd, int command, off_t byte, short *type)
{
	struct flock f = { .l_type = *type,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1 };
	int rc = fcntl(fd, command, &f);

	*type = f.l_type;
	return rc == 0;
}

bool
state_lock(struct state *s, off_t byte)
{
	const struct timespec ms = { 0, 1000000 };
	short type = F_WRLCK;

	/* Waiting is bounded: a holder that is stopped must not stop us. */
	pthread_mutex_lock(&s->mutexes[byte % MUTEXES]);
	for (int i = 0; i < LOCK_SPINS + LOCK_WAITS; i++) {
		if (state_byte_lock(s->fd, F_OFD_SETLK, byte, &type))
			return true;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			break;
		if (i < LOCK_SPINS)
			sched_yield();
		else
			nanosleep(&ms, NULL);
	}
	pthread_mutex_unlock(&s->mutexes[byte % MUTEXES]);
	return false;
}

void
state_unlock(struct state *s, off_t byte)
{
	short type = F_UNLCK;

	/* Of a lock that is ours, on an open file: it cannot fail. */
	(void)state_byte_lock(s->fd, F_OFD_SETLK, byte, &type);
	pthread_mutex_unlock(&s->mutexes[byte % MUTEXES]);
}

struct hash128
state_sum(const struct state *s, struct span bytes)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h, SPACE_FILE);
	siphash_raw(&h, bytes);
	return siphash_done(&h);
}
