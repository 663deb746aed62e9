/*
 * application_index - see application_index.h.
 *
 *	page 0     what it is of, and a sum over that
 *	page 1..   a sum, and the keys whose hash leads there
 *
 * Each sum is over the one of page 0 and the number of its page, too: no
 * page can stand in the place of another, or in another index.  A key has
 * the sum of its line: one that was changed unnoticed is not believed.
 */
#include "policy/application_index.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/application_part.h"

#define PAGE_BYTES 4096
#define MAGIC "mgwapps1"
#define KEYS_PER_PAGE ((PAGE_BYTES - 16) / sizeof(struct entry))
/* Half full on the average; one that overflows makes more of them. */
#define KEYS_WANTED (KEYS_PER_PAGE / 2)
#define PAGES_MAX (UINT32_C(1) << 22)
/* Changes within the resolution of a file's time look the same. */
#define SETTLED_NS (2 * INT64_C(1000000000))

struct entry {
	uint64_t hash;
	uint64_t line_sum;
	uint32_t at, n; /* of the line, in the text; n == 0: free */
};

struct page {
	uint64_t sum_lo, sum_hi; /* with these zero */
	struct entry entries[KEYS_PER_PAGE];
};

struct head {
	uint64_t sum_lo, sum_hi; /* with these zero */
	char magic[8];
	uint64_t n_pages, n, n_blocked;
	struct file_identity id;
	uint64_t base;
	int64_t made_us;
};

_Static_assert(sizeof(struct page) <= PAGE_BYTES, "one page");
_Static_assert(sizeof(struct head) <= PAGE_BYTES, "one page");

struct application_index {
	int index_fd, file_fd;
	struct head head;
	struct siphash_key secret;
	char path[PATH_MAX];
};

static struct siphash_key
secret_of(const struct state *s)
{
	struct hash128 h = state_sum(s, SPAN("application index"));

	return (struct siphash_key){ h.lo, h.hi };
}

static struct hash128
head_sum(const struct siphash_key *secret, const char *path, struct head head)
{
	struct siphash h;

	head.sum_lo = head.sum_hi = 0;
	siphash_init(&h, secret);
	siphash_part(&h, span_str(path));
	siphash_part(&h, span_of(&head, sizeof(head)));
	return siphash_done(&h);
}

static struct hash128
page_sum(const struct siphash_key *secret, const struct head *head,
    uint64_t number, const struct page *page)
{
	struct siphash h;

	siphash_init(&h, secret);
	siphash_u64(&h, head->sum_lo);
	siphash_u64(&h, head->sum_hi);
	siphash_u64(&h, number);
	siphash_part(&h, span_of(page->entries, sizeof(page->entries)));
	return siphash_done(&h);
}

static bool
name_index(const struct application_text *t, char path[static PATH_MAX])
{
	static const struct siphash_key none;
	struct hash128 h = siphash_128(&none, span_str(t->path));
	int n = snprintf(path, PATH_MAX, "%s/applications-%016llx.idx",
	    t->folder, (unsigned long long)h.lo);

	return n > 0 && n < PATH_MAX;
}

static bool
read_at(int fd, void *to, size_t n, uint64_t at)
{
	ssize_t got = pread(fd, to, n, (off_t)at);

	return got >= 0 && (size_t)got == n;
}

static bool
read_head(struct application_index *x, const struct application_text *t)
{
	char why[256];
	struct hash128 sum;
	struct stat st;

	if (!name_index(t, x->path))
		return false;
	x->index_fd = file_open(x->path, FILE_TRUSTED, &st, why, sizeof(why));
	if (x->index_fd == -1 ||
	    !read_at(x->index_fd, &x->head, sizeof(x->head), 0))
		return false;
	sum = head_sum(&x->secret, t->path, x->head);
	return x->head.sum_lo == sum.lo && x->head.sum_hi == sum.hi &&
	    memcmp(x->head.magic, MAGIC, sizeof(x->head.magic)) == 0 &&
	    x->head.n_pages > 0 && x->head.n_pages <= PAGES_MAX;
}

struct applications *
application_index_open(struct application_text *t, char *why, size_t why_size)
{
	struct application_index *x = calloc(1, sizeof(*x));
	struct applications *f = NULL;
	struct stat st;

	(void)snprintf(why, why_size, "%s", "");
	if (x == NULL)
		return NULL;
	x->secret = secret_of(t->state);
	x->index_fd = -1;
	x->file_fd = file_open(t->path, FILE_TRUSTED, &st, why, why_size);
	if (x->file_fd != -1) {
		file_identity_of(&st, &t->id);
		if (read_head(x, t) && file_identity_eq(&x->head.id, &t->id)) {
			t->base = x->head.base;
			t->made_us = x->head.made_us;
			f = applications_of_index(
			    x, x->head.n, x->head.n_blocked);
		}
	}
	if (f == NULL)
		application_index_close(x);
	return f;
}

void
application_index_close(struct application_index *x)
{
	if (x == NULL)
		return;
	if (x->index_fd != -1)
		(void)close(x->index_fd); /* nothing was written */
	if (x->file_fd != -1)
		(void)close(x->file_fd); /* likewise */
	free(x);
}

/* It goes, so that whoever comes next makes another. */
static enum applications_result
damaged(const struct application_index *x)
{
	log_error("applications: %s: damaged", x->path);
	(void)unlink(x->path);
	return APPLICATIONS_FAULT;
}

static enum applications_result
read_line(const struct application_index *x, const struct entry *e,
    const struct application_key *key, struct arena *a, struct application *to)
{
	char *line = e->n <= APPLICATION_LINE_MAX ? arena_alloc(a, e->n) : NULL;

	if (line == NULL)
		return APPLICATIONS_FAULT;
	if (!read_at(x->file_fd, line, e->n, x->head.base + e->at) ||
	    siphash_64(&x->secret, span_of(line, e->n)) != e->line_sum ||
	    application_read(span_of(line, e->n), a, to) != NULL)
		return damaged(x);
	return application_has(to, key) ? APPLICATIONS_FOUND
					: APPLICATIONS_NONE;
}

enum applications_result
application_index_find(const struct application_index *x,
    const struct application_key *key, struct arena *a, struct application *to)
{
	uint64_t hash = application_hash(&x->secret, key);
	uint64_t number = hash % x->head.n_pages + 1;
	enum applications_result result = APPLICATIONS_NONE;
	struct hash128 sum;
	struct page page;

	if (!read_at(x->index_fd, &page, sizeof(page), number * PAGE_BYTES))
		return damaged(x);
	sum = page_sum(&x->secret, &x->head, number, &page);
	if (page.sum_lo != sum.lo || page.sum_hi != sum.hi)
		return damaged(x);
	for (size_t i = 0; i < KEYS_PER_PAGE && result == APPLICATIONS_NONE;
	     i++) {
		if (page.entries[i].n > 0 && page.entries[i].hash == hash)
			result = read_line(x, &page.entries[i], key, a, to);
	}
	return result;
}

static struct page *
page_at(char *pages, uint64_t number)
{
	return (struct page *)(void *)(pages + number * PAGE_BYTES);
}

static bool
put(char *pages, uint64_t n_pages, const struct entry *e)
{
	struct page *page = page_at(pages, e->hash % n_pages + 1);

	for (size_t i = 0; i < KEYS_PER_PAGE; i++) {
		if (page->entries[i].n == 0) {
			page->entries[i] = *e;
			return true;
		}
	}
	return false;
}

/* All keys of "f"; false: a page overflows, or there is no memory. */
static bool
fill(const struct applications *f, const struct siphash_key *secret,
    char *pages, uint64_t n_pages)
{
	struct span text = applications_text(f);
	struct application app;
	bool good = true;
	struct arena a;
	size_t at = 0;

	arena_init(&a, 8192, APPLICATION_ARENA_MAX);
	while (good && applications_next(f, &at, &a, &app)) {
		const struct application_credential *credential = NULL;
		struct application_key key;
		unsigned n = 0;
		struct entry e = { .line_sum = siphash_64(secret, app.text),
			.at = (uint32_t)(app.text.p - text.p),
			.n = (uint32_t)app.text.n };

		while (good && application_keys(&app, &credential, &n, &key)) {
			e.hash = application_hash(secret, &key);
			good = put(pages, n_pages, &e);
		}
		arena_reset(&a);
	}
	arena_fini(&a);
	return good;
}

static void
seal(const struct siphash_key *secret, char *pages, uint64_t n_pages,
    const struct application_text *t, struct head *head)
{
	struct hash128 sum = head_sum(secret, t->path, *head);

	head->sum_lo = sum.lo;
	head->sum_hi = sum.hi;
	memcpy(pages, head, sizeof(*head));
	for (uint64_t i = 1; i <= n_pages; i++) {
		struct page *page = page_at(pages, i);

		sum = page_sum(secret, head, i, page);
		page->sum_lo = sum.lo;
		page->sum_hi = sum.hi;
	}
}

static bool
is_settled(const struct file_identity *id)
{
	int64_t now_ns = clock_wall_us() * 1000;

	return now_ns - id->mtime_ns > SETTLED_NS &&
	    now_ns - id->ctime_ns > SETTLED_NS;
}

void
application_index_write(
    const struct applications *f, const struct application_text *t)
{
	const struct siphash_key secret = secret_of(t->state);
	struct head head = { .magic = MAGIC,
		.n = applications_n(f),
		.n_blocked = applications_n_blocked(f),
		.id = t->id,
		.base = t->base,
		.made_us = t->made_us };
	uint64_t n_pages = applications_n_keys(f) / KEYS_WANTED + 1;
	char path[PATH_MAX], why[256];
	char *pages = NULL;
	size_t bytes = 0;
	bool good = false;

	if (applications_text(f).n < APPLICATION_INDEX_BYTES_MIN ||
	    !is_settled(&t->id) || !name_index(t, path))
		return;
	for (; !good && n_pages <= PAGES_MAX; n_pages *= 2) {
		free(pages);
		bytes = (size_t)(n_pages + 1) * PAGE_BYTES;
		pages = calloc(1, bytes);
		if (pages == NULL)
			return;
		good = fill(f, &secret, pages, n_pages);
		head.n_pages = n_pages;
	}
	if (good) {
		seal(&secret, pages, head.n_pages, t, &head);
		if (!file_write(
			path, span_of(pages, bytes), 0600, why, sizeof(why)))
			log_warn("applications: no index: %s", why);
	}
	free(pages);
}
