/*
 * revocation_table - see revocation_table.h.
 */
#include "policy/revocation_table.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/sign.h"

#define SLOTS 4
/* Of so many slots two thirds are used at most. */
#define SLOTS_USED 2
#define SLOTS_OF 3
#define ITEMS_MAX (UINT32_C(1) << 26)

#define NEVER UINT32_MAX
#define RESTORED 0 /* what no entry ends at */

struct bucket {
	uint64_t sum;         /* of all that follows */
	uint64_t tags[SLOTS]; /* 0: free */
	uint32_t ends[SLOTS];
	uint32_t place;   /* its number */
	uint32_t spilled; /* an entry of here, or of before, is further on */
};

static_assert(sizeof(struct bucket) == 64, "a cache line");
static_assert(sizeof(struct revoked_header) <= REVOKED_HEADER_BYTES, "a page");

struct revoked_item {
	struct hash128 id;
	uint32_t end;
	uint8_t kind;
	bool dead;
};

void
revoked_keys_of(const struct state *s, struct revoked_keys *k)
{
	struct hash128 names = state_sum(s, SPAN("revoked names"));
	struct hash128 sums = state_sum(s, SPAN("revoked sums"));

	k->names = (struct siphash_key){ names.lo, names.hi };
	k->sums = (struct siphash_key){ sums.lo, sums.hi };
}

struct hash128
revoked_id(const struct revoked_keys *k, enum revoked_kind kind,
    struct span issuer, struct span value)
{
	struct siphash h;

	siphash_init(&h, &k->names);
	siphash_u64(&h, (uint64_t)kind);
	siphash_part(&h, issuer);
	siphash_part(&h, value);
	return siphash_done(&h);
}

static uint64_t
tag_of(struct hash128 id)
{
	return id.lo != 0 ? id.lo : 1;
}

static struct hash128
header_sum(const struct revoked_header *h, const struct revoked_keys *k)
{
	return siphash_128(
	    &k->sums, span_of(h, offsetof(struct revoked_header, sum)));
}

/* Buckets of one table are not believed in another. */
static struct siphash_key
bucket_key(const struct revoked_header *h, const struct revoked_keys *k)
{
	struct hash128 sum =
	    siphash_128(&k->sums, span_of(&h->nonce, sizeof(h->nonce)));

	return (struct siphash_key){ sum.lo, sum.hi };
}

static uint64_t
bucket_sum(const struct bucket *b, const struct siphash_key *key)
{
	return siphash_64(key, span_of(&b->tags, sizeof(*b) - sizeof(b->sum)));
}

/* Building. */

static uint32_t
end_of(int64_t expires_s, bool restored)
{
	if (restored)
		return RESTORED;
	return expires_s <= 0 || expires_s >= NEVER ? NEVER
						    : (uint32_t)expires_s;
}

void
revoked_build_add(struct revoked_build *b, enum revoked_kind kind,
    struct hash128 id, int64_t expires_s, bool restored)
{
	size_t size = b->size > 0 ? b->size * 2 : 64;
	struct revoked_item *more;

	if (b->failed || b->n == ITEMS_MAX) {
		b->failed = true;
		return;
	}
	if (b->n == b->size) {
		more = reallocarray(b->items, size, sizeof(*more));
		b->failed = more == NULL;
		if (more == NULL)
			return;
		b->items = more;
		b->size = size;
	}
	b->items[b->n++] = (struct revoked_item){ .id = id,
		.end = end_of(expires_s, restored),
		.kind = (uint8_t)kind };
}

void
revoked_build_fini(struct revoked_build *b)
{
	free(b->items);
	*b = (struct revoked_build){ 0 };
}

static size_t
power_of_two(size_t at_least)
{
	size_t n = 1;

	while (n < at_least)
		n *= 2;
	return n;
}

/* Of one name only one stays, and only while it lasts. */
static bool
bury(struct revoked_build *b, int64_t now_s, bool restored)
{
	size_t mask = power_of_two(b->n * 2 + 1) - 1;
	uint32_t *index = calloc(mask + 1, sizeof(*index));

	if (index == NULL)
		return false;
	for (size_t i = 0; i < b->n; i++) {
		struct revoked_item *item = &b->items[i];
		size_t at = item->id.hi & mask;

		for (; index[at] != 0; at = (at + 1) & mask) {
			struct revoked_item *old = &b->items[index[at] - 1];

			if (old->kind != item->kind ||
			    !hash128_eq(old->id, item->id))
				continue;
			if (b->is_set && item->end < old->end)
				item->end = old->end;
			old->dead = true;
			break;
		}
		index[at] = (uint32_t)i + 1;
	}
	free(index);
	for (size_t i = 0; i < b->n; i++) {
		struct revoked_item *item = &b->items[i];

		if (item->end <= now_s) /* those that were taken back, too */
			item->end = RESTORED;
		item->dead |= item->end == RESTORED && !restored;
	}
	return true;
}

static void
lay_out(const struct revoked_build *b, struct revoked_header *h,
    uint64_t *n_buckets)
{
	uint64_t counts[REVOKED_KIND__MAX] = { 0 };

	*n_buckets = 0;
	for (size_t i = 0; i < b->n; i++)
		counts[b->items[i].kind] += !b->items[i].dead;
	for (int i = 0; i < REVOKED_KIND__MAX; i++) {
		h->n_entries += counts[i];
		h->kinds[i].first = *n_buckets;
		if (counts[i] > 0)
			h->kinds[i].n = power_of_two(
			    counts[i] * SLOTS_OF / SLOTS_USED / SLOTS + 1);
		*n_buckets += h->kinds[i].n;
	}
}

static void
put(struct bucket *buckets, const struct revoked_header *h,
    const struct revoked_item *item)
{
	uint64_t first = h->kinds[item->kind].first;
	uint64_t mask = h->kinds[item->kind].n - 1;

	/* There is room: a third of the slots are free. */
	for (uint64_t at = item->id.hi & mask;; at = (at + 1) & mask) {
		struct bucket *to = &buckets[first + at];

		for (int i = 0; i < SLOTS; i++) {
			if (to->tags[i] != 0)
				continue;
			to->tags[i] = tag_of(item->id);
			to->ends[i] = item->end;
			return;
		}
		to->spilled = 1;
	}
}

bool
revoked_build_done(struct revoked_build *b, const struct revoked_keys *k,
    const struct revoked_origin *origin, int64_t now_us, bool restored,
    struct buf *to)
{
	struct revoked_header h = {
		.version = REVOKED_VERSION, .made_us = now_us, .origin = *origin
	};
	struct bucket *buckets;
	uint64_t n_buckets;
	size_t size;
	char *p;

	if (b->failed || !bury(b, now_us / US_PER_S, restored) ||
	    !sign_random(&h.nonce, sizeof(h.nonce)))
		return false;
	memcpy(h.magic, REVOKED_MAGIC, sizeof(h.magic));
	lay_out(b, &h, &n_buckets);
	size = REVOKED_HEADER_BYTES + n_buckets * sizeof(struct bucket);
	buf_init(to, size);
	p = buf_room(to, size);
	if (p == NULL)
		return false;
	memset(p, 0, size);
	buckets = (void *)(p + REVOKED_HEADER_BYTES);
	for (size_t i = 0; i < b->n; i++)
		if (!b->items[i].dead)
			put(buckets, &h, &b->items[i]);
	memcpy(p, &h, sizeof(h));
	revoked_table_seal(p, size, k);
	to->n = size;
	return true;
}

void
revoked_table_seal(char *p, size_t n, const struct revoked_keys *k)
{
	struct bucket *buckets = (void *)(p + REVOKED_HEADER_BYTES);
	struct revoked_header h;
	struct siphash_key key;

	memcpy(&h, p, sizeof(h));
	key = bucket_key(&h, k);
	for (size_t i = 0; i < (n - REVOKED_HEADER_BYTES) / sizeof(*buckets);
	     i++) {
		buckets[i].place = (uint32_t)i;
		buckets[i].sum = bucket_sum(&buckets[i], &key);
	}
	h.sum = header_sum(&h, k);
	memcpy(p, &h, sizeof(h));
}

/* Reading. */

static bool
is_laid_out(const struct revoked_header *h, size_t size)
{
	uint64_t n = 0;

	for (int i = 0; i < REVOKED_KINDS; i++) {
		uint64_t of_kind = h->kinds[i].n;

		if (of_kind > ITEMS_MAX || (of_kind & (of_kind - 1)) != 0 ||
		    (of_kind > 0 && h->kinds[i].first != n))
			return false;
		n += of_kind;
	}
	return size == REVOKED_HEADER_BYTES + n * sizeof(struct bucket);
}

bool
revoked_table_from(
    struct revoked_table *t, struct span bytes, const struct revoked_keys *k)
{
	struct revoked_header *h = &t->header;

	*t = (struct revoked_table){ 0 };
	if (bytes.n < REVOKED_HEADER_BYTES)
		return false;
	memcpy(h, bytes.p, sizeof(*h));
	if (memcmp(h->magic, REVOKED_MAGIC, sizeof(h->magic)) != 0 ||
	    h->version != REVOKED_VERSION ||
	    !hash128_eq(h->sum, header_sum(h, k)) || !is_laid_out(h, bytes.n))
		return false;
	t->key = bucket_key(h, k);
	t->p = bytes.p;
	t->n = bytes.n;
	return true;
}

bool
revoked_table_open(struct revoked_table *t, const char *path,
    const struct revoked_keys *k, struct file_identity *id)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	void *map = MAP_FAILED;

	*t = (struct revoked_table){ 0 };
	if (fd == -1)
		return false;
	/* Ours alone: nobody shortens it under us. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
	    st.st_size >= REVOKED_HEADER_BYTES)
		map = mmap(
		    NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd); /* opened for reading */
	errno = EINVAL;
	if (map == MAP_FAILED)
		return false;
	if (!revoked_table_from(t, span_of(map, (size_t)st.st_size), k)) {
		(void)munmap(map, (size_t)st.st_size); /* of a map that is */
		errno = EINVAL;
		return false;
	}
	t->mapped = true;
	if (id != NULL)
		file_identity_of(&st, id);
	return true;
}

void
revoked_table_close(struct revoked_table *t)
{
	if (t->mapped)
		(void)munmap((void *)(uintptr_t)t->p, t->n); /* likewise */
	*t = (struct revoked_table){ 0 };
}

bool
revoked_table_renew(
    const char *path, const struct revoked_keys *k, int64_t fetched_us)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct revoked_header h;
	bool ok = false;

	if (fd == -1)
		return false;
	/* One page: whole, or no table after a loss of power. */
	if (pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
	    hash128_eq(h.sum, header_sum(&h, k))) {
		h.origin.fetched_us = fetched_us;
		h.sum = header_sum(&h, k);
		ok = pwrite(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h);
	}
	return close(fd) == 0 && ok;
}

void
revoked_table_prefetch(
    const struct revoked_table *t, enum revoked_kind kind, struct hash128 id)
{
	const struct bucket *buckets =
	    (const void *)(t->p + REVOKED_HEADER_BYTES);

	__builtin_prefetch(&buckets[t->header.kinds[kind].first +
	    (id.hi & (t->header.kinds[kind].n - 1))]);
}

enum revoked_found
revoked_table_find(const struct revoked_table *t, enum revoked_kind kind,
    struct hash128 id, int64_t now_s)
{
	const struct bucket *buckets =
	    (const void *)(t->p + REVOKED_HEADER_BYTES);
	uint64_t first = t->header.kinds[kind].first;
	uint64_t mask = t->header.kinds[kind].n - 1, tag = tag_of(id);

	for (uint64_t n = 0; n <= mask; n++) {
		uint64_t at = first + ((id.hi + n) & mask);
		const struct bucket *b = &buckets[at];

		if (b->place != at || b->sum != bucket_sum(b, &t->key))
			return REVOKED_DAMAGED;
		for (int i = 0; i < SLOTS; i++) {
			if (b->tags[i] != tag)
				continue;
			return b->ends[i] == NEVER || b->ends[i] > now_s
			    ? REVOKED_FOUND
			    : REVOKED_RESTORED;
		}
		if (b->spilled == 0)
			break;
	}
	return REVOKED_NOT_FOUND;
}
