/*
 * state_make - a new shared file, all of its space taken at once.
 *
 * A full disk is found here and not when a request needs a page.  The
 * file gets its name only when it is complete, and only if nobody else
 * was faster.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/state_file.h"

#define BUCKETS_DEFAULT 65536
#define BUCKETS_MAX (1 << 26)
#define CLIENT_BUCKETS_DEFAULT 16384
#define OVERFLOW_BUCKETS 256
#define FAILURES_DEFAULT 16384
/* 2 MB, and a quarter of it. */
#define SLIDES_DEFAULT 2048
#define SLIDES_MAX (1 << 20)
#define SLIDE_OVERFLOWS 16
/* 3.2 MB on disk; what is never touched takes no memory. */
#define VERDICTS_DEFAULT 2048
#define VERDICTS_MAX (1 << 20)
#define APIS 256 /* the last is for all that found no place */
#define PROCESSES 128
#define BREAKERS 1024
#define HELD 1024 /* keys with requests in progress, of which there are few */
#define NAMES 1024
#define ENDPOINTS 1024
/* 2 MB; some thousand proofs a second, each for a minute. */
#define PROOFS (1 << 18)

static uint32_t
round_up(uint32_t n, uint32_t otherwise, uint32_t max)
{
	uint32_t r = GROUP;

	if (n == 0)
		n = otherwise;
	while (r < n && r < max)
		r *= 2;
	return r;
}

void
state_add_section(
    struct state_header *h, uint32_t tag, size_t entry_bytes, uint32_t count)
{
	uint64_t bytes = (uint64_t)entry_bytes * count;

	h->sections[h->n_sections++] = (struct state_section){ .tag = tag,
		.version = 1,
		.offset = h->size,
		.entry_bytes = (uint32_t)entry_bytes,
		.count = count };
	h->size += (bytes + STATE_PAGE - 1) / STATE_PAGE * STATE_PAGE;
}

struct hash128
state_header_sum(const struct state_header *h)
{
	struct siphash s;

	siphash_init(&s, &h->key);
	siphash_u64(&s, SPACE_HEADER);
	siphash_raw(&s, span_of(h, offsetof(struct state_header, sum)));
	return siphash_done(&s);
}

void
state_lay_out(struct state_header *h, const struct state_sizes *sizes)
{
	static const struct state_sizes defaults;
	uint32_t n_slides;

	if (sizes == NULL)
		sizes = &defaults;
	n_slides = round_up(sizes->n_slides, SLIDES_DEFAULT, SLIDES_MAX);
	memcpy(h->magic, STATE_MAGIC, sizeof(h->magic));
	h->version = STATE_VERSION;
	h->size = STATE_PAGE;
	state_add_section(h, STATE_BUCKETS, sizeof(struct bucket),
	    round_up(sizes->n_buckets, BUCKETS_DEFAULT, BUCKETS_MAX));
	state_add_section(
	    h, STATE_OVERFLOW, sizeof(struct bucket), OVERFLOW_BUCKETS);
	state_add_section(h, STATE_VERDICTS, sizeof(struct verdict_slot),
	    round_up(sizes->n_verdicts, VERDICTS_DEFAULT, VERDICTS_MAX));
	state_add_section(h, STATE_METRICS, sizeof(struct metrics), 1);
	state_add_section(h, STATE_APIS, sizeof(struct api_slot), APIS);
	state_add_section(
	    h, STATE_PROCESSES, sizeof(struct process_slot), PROCESSES);
	state_add_section(h, STATE_CLIENT_BUCKETS, sizeof(struct bucket),
	    round_up(
		sizes->n_client_buckets, CLIENT_BUCKETS_DEFAULT, BUCKETS_MAX));
	state_add_section(h, STATE_SLIDES, sizeof(struct slide), n_slides);
	/* Of what that is rounded to: the size of a file says the same. */
	state_add_section(h, STATE_CLIENT_SLIDES, sizeof(struct slide),
	    round_up(n_slides / 4, GROUP, SLIDES_MAX));
	state_add_section(
	    h, STATE_SLIDE_OVERFLOW, sizeof(struct slide), SLIDE_OVERFLOWS);
	state_add_section(
	    h, STATE_BREAKERS, sizeof(struct breaker_slot), BREAKERS);
	state_add_section(h, STATE_CONTROL, sizeof(struct control_words), 1);
	state_add_section(h, STATE_HELD, sizeof(struct held), HELD);
	state_add_section(h, STATE_NAMES, sizeof(struct name_slot), NAMES);
	state_add_section(
	    h, STATE_HEALTH, sizeof(struct health_slot), ENDPOINTS);
	state_add_section(
	    h, STATE_REVOCATION, sizeof(struct revocation_words), 1);
	state_add_section(h, STATE_FAILURES, sizeof(struct bucket),
	    round_up(sizes->n_failures, FAILURES_DEFAULT, BUCKETS_MAX));
	state_add_section(h, STATE_PROOFS, sizeof(uint64_t), PROOFS);
}

static bool
fill_header(struct state_header *h, const struct state_sizes *sizes)
{
	memset(h, 0, sizeof(*h));
	h->made_us = clock_wall_us();
	if (getrandom(&h->key, sizeof(h->key), 0) != (ssize_t)sizeof(h->key))
		return false;
	state_lay_out(h, sizes);
	h->sum = state_header_sum(h);
	return true;
}

int
state_fill_file(int fd, const struct state_header *h)
{
	int rc = posix_fallocate(fd, 0, (off_t)h->size);

	if (rc != 0)
		return rc;
	if (pwrite(fd, h, sizeof(*h), 0) != (ssize_t)sizeof(*h))
		return errno != 0 ? errno : EIO;
	return fsync(fd) == 0 ? 0 : errno;
}

bool
state_make(
    int folder, const struct state_sizes *sizes, char *why, size_t why_size)
{
	struct state_header h;
	char name[48];
	int fd, rc;

	if (!fill_header(&h, sizes)) {
		snprintf(why, why_size, "state: no random numbers");
		return false;
	}
	snprintf(name, sizeof(name), "shared.new.%ld.%08x", (long)getpid(),
	    (unsigned)(h.sum.lo & 0xffffffff));
	errno = 0;
	fd = openat(folder, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	rc = fd == -1 ? errno : state_fill_file(fd, &h);
	if (rc == 0 && linkat(folder, name, folder, "shared", 0) != 0 &&
	    errno != EEXIST)
		rc = errno;
	if (fd != -1) {
		close(fd);
		unlinkat(folder, name, 0);
	}
	explicit_bzero(&h.key, sizeof(h.key));
	if (rc != 0)
		snprintf(why, why_size,
		    "state: the shared file (%llu kB) cannot be made: %s",
		    (unsigned long long)h.size / 1024, strerror(rc));
	return rc == 0;
}
