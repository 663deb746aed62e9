/*
 * A state file whose bytes were changed anywhere: it is refused, or it
 * works, and never lets more pass than the limits say.
 *
 * The input is one byte, whose lowest bit asks for a right header sum,
 * and patches: two bytes that tell the place in units of 8 bytes, one
 * that tells the length, and the bytes.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/state_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define NOON (INT64_C(1800000000) * 1000000)

static char dir[] = "/tmp/mgw-fuzz-XXXXXX";
static char path[64];
static char *good; /* a whole file */
static size_t good_bytes;

static void
clean_up(void)
{
	unlink(path);
	rmdir(dir);
}

/* A file with something in each section. */
static void
make_good(void)
{
	static const struct state_sizes sizes = { .n_buckets = 16,
		.n_verdicts = 16,
		.n_client_buckets = 16,
		.n_slides = 16,
		.n_failures = 16 };
	struct verdict v = { SPAN("k"), SPAN("{}"), INT64_C(1) << 40 };
	struct span part = SPAN("token");
	char why[256];
	struct state *s;

	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/shared", dir);
	atexit(clean_up);
	s = state_open(dir, &sizes, why, sizeof(why));
	if (s == NULL)
		abort();
	state_count(s, SPAN("Pets/1"), REASON_NONE, 1);
	state_remember(s, &part, 1, &v);
	good_bytes = s->size;
	good = malloc(good_bytes);
	if (good == NULL)
		abort();
	memcpy(good, s->map, good_bytes);
	state_close(s);
}

static void
patch(char *file, const uint8_t *bytes, size_t n)
{
	struct state_header h;
	bool fix = n > 0 && (bytes[0] & 1) != 0;

	for (size_t at = 1; at + 3 <= n;) {
		size_t to =
		    ((size_t)bytes[at] | (size_t)bytes[at + 1] << 8) * 8;
		size_t length = bytes[at + 2];

		at += 3;
		if (length > n - at)
			length = n - at;
		if (length > 0 && to + length <= good_bytes)
			memcpy(file + to, bytes + at, length);
		at += length;
	}
	if (!fix)
		return;
	memcpy(&h, file, sizeof(h));
	h.sum = state_header_sum(&h);
	memcpy(file, &h, sizeof(h));
}

static void
write_file(const char *file)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, file, good_bytes) != (ssize_t)good_bytes)
		abort();
	close(fd);
}

static void
use(struct state *s)
{
	static const struct row_limit limits[] = {
		{ .algorithm = LIMIT_WINDOW,
		    .count = 3,
		    .period_us = 60000000 },
		{ .algorithm = LIMIT_TOKEN_BUCKET,
		    .count = 3,
		    .period_us = 60000000,
		    .burst = 3 },
		{ .algorithm = LIMIT_SLIDING,
		    .count = 3,
		    .period_us = 60000000 },
		{ .algorithm = LIMIT_SLIDING,
		    .unit = LIMIT_BYTES,
		    .count = 3,
		    .period_us = 60000000 },
	};
	struct span part = SPAN("token"), other = SPAN("another");
	struct state_report report;
	struct verdict v;
	struct arena a;
	struct take failed = { .limit = &limits[1],
		.failure = true,
		.parts = { SPAN("failures") },
		.n_parts = 1 };
	int passed[4] = { 0 };

	for (int i = 0; i < 40; i++) {
		struct take t = { .limit = &limits[i % 4],
			.client = (i & 4) != 0,
			.parts = { SPAN("subject") },
			.n_parts = 1 };

		passed[i % 4] += state_take(s, &t, 1, NOON) == TAKE_ALLOWED;
		state_charge(s, &t, 1, 1, NOON);
		if (i >= 36)
			state_give(s, &t, 1, NOON);
	}
	for (int i = 0; i < 5; i++)
		(void)state_take(s, &failed, 1, NOON);
	assert(state_look(s, &failed, 1, NOON) == TAKE_REFUSED);
	/* Two tables know of the counter. */
	for (int i = 0; i < 4; i++)
		assert(passed[i] <= 6);
	arena_init(&a, 4096, 1 << 21);
	if (state_recall(s, &part, 1, &a, &v))
		assert(span_eq(v.payload, SPAN("{}")));
	assert(!state_recall(s, &other, 1, &a, &v));
	state_count(s, SPAN("Another/1"), REASON_FAULT, 1);
	state_process_enter(s, SPAN("bundle"), 1, 2);
	assert(state_report(s, NOON, &a, &report));
	arena_fini(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct state_sizes more = { .n_buckets = 64,
		.n_client_buckets = 64,
		.n_slides = 32,
		.n_failures = 32 };
	bool grow = n > 0 && (bytes[0] & 15) == 3;
	char why[256];
	struct state *s;
	char *file;

	if (good == NULL)
		make_good();
	file = malloc(good_bytes);
	if (file == NULL)
		abort();
	memcpy(file, good, good_bytes);
	patch(file, bytes, n);
	write_file(file);
	free(file);
	s = state_open(dir, grow ? &more : NULL, why, sizeof(why));
	if (s != NULL)
		use(s);
	state_close(s);
	return 0;
}
