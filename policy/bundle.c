/*
 * bundle - see bundle.h.
 */
#include "policy/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* From here on large pages are worth asking for: a few of them. */
#define HUGE_BYTES (8U << 20)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "rows are used in place, and their numbers are little-endian");
_Static_assert(sizeof(struct bundle_header) == 48, "part of the format");
_Static_assert(sizeof(struct bundle_section) == 24, "part of the format");

static const struct {
	const char *name;
	uint32_t row_bytes;
} sections[SECTION__MAX] = {
	[SECTION_SETTINGS] = { "SETTINGS", sizeof(struct row_settings) },
	[SECTION_API] = { "API", sizeof(struct row_api) },
	[SECTION_NODE] = { "NODE", sizeof(struct row_node) },
	[SECTION_EDGE] = { "EDGE", sizeof(struct row_edge) },
	[SECTION_PATTERN] = { "PATTERN", sizeof(struct row_pattern) },
	[SECTION_ITEM] = { "ITEM", sizeof(struct row_item) },
	[SECTION_OPERATION] = { "OPERATION", sizeof(struct row_operation) },
	[SECTION_ALTERNATIVE] = { "ALTERNATIVE",
	    sizeof(struct row_alternative) },
	[SECTION_REQUIREMENT] = { "REQUIREMENT",
	    sizeof(struct row_requirement) },
	[SECTION_SCHEME] = { "SCHEME", sizeof(struct row_scheme) },
	[SECTION_ISSUER] = { "ISSUER", sizeof(struct row_issuer) },
	[SECTION_SOURCE] = { "SOURCE", sizeof(struct row_source) },
	[SECTION_TIER] = { "TIER", sizeof(struct row_tier) },
	[SECTION_LIMIT] = { "LIMIT", sizeof(struct row_limit) },
	[SECTION_ENDPOINT] = { "ENDPOINT", sizeof(struct row_endpoint) },
	[SECTION_NAME] = { "NAME", sizeof(struct row_name) },
	[SECTION_INTROSPECT] = { "INTROSPECT", sizeof(struct row_introspect) },
	[SECTION_DPOP] = { "DPOP", sizeof(struct row_dpop) },
	[SECTION_HOST_AUTH] = { "HOST_AUTH", sizeof(struct row_host_auth) },
	[SECTION_ISSUE] = { "ISSUE", sizeof(struct row_issue) },
	[SECTION_ASSERTION] = { "ASSERTION", sizeof(struct row_assertion) },
	[SECTION_APPLICATIONS] = { "APPLICATIONS",
	    sizeof(struct row_applications) },
	[SECTION_CLAIM] = { "CLAIM", sizeof(struct row_claim) },
	[SECTION_STRING] = { "STRING", sizeof(struct text) },
	[SECTION_INDEX] = { "INDEX", sizeof(uint32_t) },
	[SECTION_TEXT] = { "TEXT", 1 },
	[SECTION_CERTIFICATE] = { "CERTIFICATE",
	    sizeof(struct row_certificate) },
	[SECTION_BREAKER] = { "BREAKER", sizeof(struct row_breaker) },
	[SECTION_SPIKE] = { "SPIKE", sizeof(struct row_spike) },
	[SECTION_RETRY] = { "RETRY", sizeof(struct row_retry) },
	[SECTION_HEALTH] = { "HEALTH", sizeof(struct row_health) },
	[SECTION_CORS] = { "CORS", sizeof(struct row_cors) },
	[SECTION_CHANGE] = { "CHANGE", sizeof(struct row_change) },
	[SECTION_ERROR_BODY] = { "ERROR_BODY", sizeof(struct row_error_body) },
	[SECTION_LEVEL] = { "LEVEL", sizeof(struct row_level) },
	[SECTION_KEY_PART] = { "KEY_PART", sizeof(struct row_key_part) },
	[SECTION_CONDITION] = { "CONDITION", sizeof(struct row_condition) },
	[SECTION_ZONE] = { "ZONE", sizeof(struct row_zone) },
	[SECTION_SHIFT] = { "SHIFT", sizeof(struct row_shift) },
	[SECTION_STORE] = { "STORE", sizeof(struct row_store) },
	[SECTION_REVOCATION] = { "REVOCATION", sizeof(struct row_revocation) },
	[SECTION_PROXY] = { "PROXY", sizeof(struct row_proxy) },
	[SECTION_SECURITY] = { "SECURITY", sizeof(struct row_security) },
};

uint32_t
bundle_row_bytes(enum section s)
{
	return sections[s].row_bytes;
}

const char *
bundle_section_name(enum section s)
{
	return sections[s].name;
}

/*
 * Multiply and fold, eight bytes at a time.  Not keyed: who writes the
 * table is trusted, and who asks it cannot make a chain longer.
 */
uint32_t
bundle_edge_hash(uint32_t parent, struct span segment)
{
	const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = (parent + UINT64_C(1)) * k ^ segment.n, w;

	for (; segment.n >= 8; segment = span_skip(segment, 8)) {
		memcpy(&w, segment.p, 8);
		h = (h ^ w) * k;
		h ^= h >> 32;
	}
	w = 0;
	if (segment.n > 0)
		memcpy(&w, segment.p, segment.n);
	h = (h ^ w) * k;
	h ^= h >> 32;
	h *= k;
	return (uint32_t)(h >> 32);
}

bool
bundle_find_edge(const struct bundle *b, uint32_t parent, struct span segment,
    uint32_t *child)
{
	uint32_t mask = bundle_n(b, SECTION_EDGE) - 1, at;

	if (bundle_n(b, SECTION_EDGE) == 0)
		return false;
	at = bundle_edge_hash(parent, segment) & mask;
	for (;; at = (at + 1) & mask) {
		const struct row_edge *e = bundle_edge(b, at);

		if (e->child == 0)
			return false;
		if (e->parent == parent &&
		    span_eq(bundle_text(b, e->segment), segment)) {
			*child = e->child;
			return true;
		}
	}
}

struct hash128
bundle_sum(struct span bytes)
{
	static const struct siphash_key key = { 0, 0 };
	struct bundle_header h;
	struct siphash sum;

	memcpy(&h, bytes.p, sizeof(h));
	h.sum_lo = 0;
	h.sum_hi = 0;
	siphash_init(&sum, &key);
	siphash_raw(&sum, span_of(&h, sizeof(h)));
	siphash_raw(&sum, span_skip(bytes, sizeof(h)));
	return siphash_done(&sum);
}

uint64_t
bundle_policy_sum(struct span bytes)
{
	static const struct siphash_key key = { 0, 0 };

	return siphash_128(&key, span_skip(bytes, sizeof(struct bundle_header)))
	    .lo;
}

static bool
wrong(char *why, size_t why_size, const char *what)
{
	(void)snprintf(why, why_size, "%s", what); /* cut is well enough */
	return false;
}

static bool
check_header(
    struct span bytes, struct bundle_header *h, char *why, size_t why_size)
{
	struct hash128 sum;

	if (bytes.n < sizeof(h->magic) ||
	    memcmp(bytes.p, BUNDLE_MAGIC, sizeof(h->magic)) != 0)
		return wrong(why, why_size, "not a bundle");
	if (bytes.n < sizeof(*h))
		return wrong(why, why_size, "truncated");
	memcpy(h, bytes.p, sizeof(*h));
	if (h->version > BUNDLE_VERSION)
		return wrong(
		    why, why_size, "newer format: written by a newer mgw-spec");
	if (h->version < BUNDLE_VERSION_OLDEST)
		return wrong(
		    why, why_size, "older format: import the documents again");
	if (h->size > bytes.n)
		return wrong(why, why_size, "truncated");
	if (h->size < bytes.n)
		return wrong(why, why_size, "damaged: bytes behind its end");
	sum = bundle_sum(bytes);
	if (sum.lo != h->sum_lo || sum.hi != h->sum_hi)
		return wrong(why, why_size, "damaged: wrong checksum");
	return true;
}

/* Copy rows of another length; what is new to them stays zero. */
static bool
widen(const struct bundle_section *s, const char *from, char *to)
{
	size_t ours = sections[s->tag].row_bytes, theirs = s->row_bytes;
	size_t keep = ours < theirs ? ours : theirs;

	for (uint64_t i = 0; i < s->n_rows; i++, from += theirs, to += ours) {
		memcpy(to, from, keep);
		/*
		 * A newer field that is not zero asks for something that
		 * this build would not do: policy must not get lost.
		 */
		for (size_t k = ours; k < theirs; k++) {
			if (from[k] != 0)
				return false;
		}
	}
	return true;
}

static bool
check_section(const struct bundle_section *s, uint64_t size, uint64_t end)
{
	if (s->n_rows >= UINT32_MAX || s->row_bytes == 0 ||
	    s->row_bytes > 4096 || s->offset % 8 != 0)
		return false;
	if (s->tag == SECTION_TEXT && s->row_bytes != 1)
		return false;
	return s->offset >= end && s->offset <= size &&
	    s->n_rows * s->row_bytes <= size - s->offset;
}

/* The section table into "table"; "*extra" is what widening will need. */
static bool
read_table(const char *p, const struct bundle_header *h,
    struct bundle_section table[SECTION__MAX], uint64_t *extra, char *why,
    size_t why_size)
{
	uint64_t end = sizeof(*h) +
	    (uint64_t)h->n_sections * sizeof(struct bundle_section);
	uint32_t last = 0;

	*extra = 0;
	if (end > h->size)
		return wrong(why, why_size, "damaged: section table");
	for (uint32_t i = 0; i < h->n_sections; i++) {
		struct bundle_section s;

		memcpy(&s, p + sizeof(*h) + i * sizeof(s), sizeof(s));
		if (s.tag >= SECTION__MAX ||
		    (s.tag > 0 && sections[s.tag].row_bytes == 0))
			return wrong(why, why_size,
			    "asks for a feature that this mgw lacks");
		if (s.tag <= last || !check_section(&s, h->size, end))
			return wrong(why, why_size, "damaged: section table");
		last = s.tag;
		end = s.offset + s.n_rows * s.row_bytes;
		table[s.tag] = s;
		if (s.row_bytes != sections[s.tag].row_bytes)
			*extra += s.n_rows * sections[s.tag].row_bytes + 8;
	}
	return true;
}

/* Room for "bytes" and "extra" more, page-aligned so that it can be sealed. */
static bool
hold(struct bundle *b, struct span bytes, uint64_t extra)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	b->memory_bytes = (bytes.n + 8 + extra + page - 1) / page * page;
	b->memory = mmap(NULL, b->memory_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->memory == MAP_FAILED) {
		b->memory = NULL;
		return false;
	}
	/* Searches jump about in it; where that is not had, nothing is lost. */
	if (b->memory_bytes >= HUGE_BYTES)
		(void)madvise(b->memory, b->memory_bytes, MADV_HUGEPAGE);
	memcpy(b->memory, bytes.p, bytes.n);
	return true;
}

static bool
place_rows(struct bundle *b, const struct bundle_section *table, size_t used)
{
	char *base = b->memory, *free_at = base + (used + 7) / 8 * 8;

	for (uint32_t tag = 1; tag < SECTION__MAX; tag++) {
		const struct bundle_section *s = &table[tag];
		size_t ours = sections[tag].row_bytes;

		b->rows[tag].n = (uint32_t)s->n_rows;
		b->rows[tag].p = base + s->offset;
		if (s->tag == 0 || s->row_bytes == ours)
			continue;
		if (!widen(s, base + s->offset, free_at))
			return false;
		b->rows[tag].p = free_at;
		free_at += (s->n_rows * ours + 7) / 8 * 8;
	}
	b->text = span_of(b->rows[SECTION_TEXT].p, b->rows[SECTION_TEXT].n);
	return true;
}

static bool
load(struct bundle *b, struct span bytes, char *why, size_t why_size)
{
	struct bundle_section table[SECTION__MAX] = { 0 };
	struct bundle_header h;
	uint64_t extra;

	if (!check_header(bytes, &h, why, why_size) ||
	    !read_table(bytes.p, &h, table, &extra, why, why_size))
		return false;
	if (extra > BUNDLE_BYTES_MAX || !hold(b, bytes, extra))
		return wrong(why, why_size, "out of memory");
	if (!place_rows(b, table, bytes.n))
		return wrong(
		    why, why_size, "asks for a feature that this mgw lacks");
	if (!bundle_check(b, why, why_size))
		return false;
	b->policy = h.policy_lo;
	if (mprotect(b->memory, b->memory_bytes, PROT_READ) != 0)
		return wrong(why, why_size, "cannot be made read-only");
	return true;
}

bool
bundle_from(struct bundle *b, struct span bytes, char *why, size_t why_size)
{
	*b = (struct bundle){ .path = SPAN("") };
	if (bytes.n > BUNDLE_BYTES_MAX)
		return wrong(why, why_size, "too long for a bundle");
	if (load(b, bytes, why, why_size))
		return true;
	bundle_close(b);
	return false;
}

bool
bundle_open(struct bundle *b, const char *path, char *why, size_t why_size)
{
	struct file_identity id;
	char what[160] = "";
	struct buf bytes;
	size_t n = strlen(path);
	char *name;
	bool ok;

	*b = (struct bundle){ 0 };
	if (!file_read(path, FILE_TRUSTED, BUNDLE_BYTES_MAX, &bytes, &id, why,
		why_size))
		return false;
	ok = bundle_from(b, buf_span(&bytes), what, sizeof(what));
	buf_fini(&bytes);
	name = ok ? strndup(path, n) : NULL;
	if (name == NULL) {
		(void)snprintf(why, why_size, "%s: %s", path,
		    ok ? "out of memory" : what); /* may be cut */
		bundle_close(b);
		return false;
	}
	b->path = span_of(name, n);
	b->identity = id;
	b->made_us = id.mtime_ns / 1000;
	return true;
}

void
bundle_close(struct bundle *b)
{
	if (b->memory != NULL)
		(void)munmap(
		    b->memory, b->memory_bytes); /* ours: cannot fail */
	if (b->path.n > 0)
		free((void *)(uintptr_t)b->path.p);
	*b = (struct bundle){ 0 };
}
