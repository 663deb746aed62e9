/*
 * bundle - a checked bundle in memory, and how its rows are reached.
 *
 * The pool reads the file into private memory, because a mapped file that
 * somebody overwrites changes after the check or ends in SIGBUS; checks
 * the sum and every reference of every row once; and makes the memory
 * read-only.  Afterwards the accessors below only assert.  A bundle is
 * immutable and shared by all threads.
 */
#ifndef MGW_POLICY_BUNDLE_H
#define MGW_POLICY_BUNDLE_H

#include <assert.h>

#include "base/file.h"
#include "base/siphash.h"
#include "policy/format.h"

/* More variables in one template are refused, and deeper templates. */
#define BUNDLE_VARIABLES_MAX 64
#define BUNDLE_DEPTH_MAX 256

struct bundle_rows {
	const char *p;
	uint32_t n;
};

struct bundle {
	struct bundle_rows rows[SECTION__MAX]; /* rows as this build has them */
	struct span text;                      /* SECTION_TEXT */
	struct span path; /* file it came from, NUL-terminated; "" if none */
	struct file_identity identity;
	int64_t made_us; /* wall time: when the file was last changed */
	uint64_t policy; /* names what it enforces; in the event line */
	void *memory;    /* private: the bytes, then rows that were widened */
	size_t memory_bytes;
};

/*
 * Read, check and seal the bundle at "path" into the caller's "b".
 * False: nothing is held, and "why" names the path and what is wrong with
 * it ("truncated", "newer format", "damaged: row 3 of OPERATION ...").
 */
bool bundle_open(
    struct bundle *b, const char *path, char *why, size_t why_size);

/* The same from bytes, which are copied.  For tools and tests. */
bool bundle_from(
    struct bundle *b, struct span bytes, char *why, size_t why_size);

void bundle_close(struct bundle *b);

static inline struct span
bundle_text(const struct bundle *b, struct text t)
{
	assert(t.at <= b->text.n && t.n <= b->text.n - t.at);
	if (t.at == 0)
		return (struct span){ NULL, 0 };
	return span_of(b->text.p + t.at, t.n);
}

/*
 * bundle_api(b, i), bundle_node(b, i), ...: row i, which the check at
 * load proved to exist wherever a row names it.
 */
#define BUNDLE_ROW(word, SECTION)                                 \
	static inline const struct row_##word *bundle_##word(     \
	    const struct bundle *b, uint32_t i)                   \
	{                                                         \
		assert(i < b->rows[SECTION].n);                   \
		return (const struct row_##word *)(const void *)b \
			   ->rows[SECTION]                        \
			   .p +                                   \
		    i;                                            \
	}
BUNDLE_ROW(settings, SECTION_SETTINGS)
BUNDLE_ROW(api, SECTION_API)
BUNDLE_ROW(node, SECTION_NODE)
BUNDLE_ROW(edge, SECTION_EDGE)
BUNDLE_ROW(pattern, SECTION_PATTERN)
BUNDLE_ROW(item, SECTION_ITEM)
BUNDLE_ROW(operation, SECTION_OPERATION)
BUNDLE_ROW(alternative, SECTION_ALTERNATIVE)
BUNDLE_ROW(requirement, SECTION_REQUIREMENT)
BUNDLE_ROW(scheme, SECTION_SCHEME)
BUNDLE_ROW(issuer, SECTION_ISSUER)
BUNDLE_ROW(source, SECTION_SOURCE)
BUNDLE_ROW(tier, SECTION_TIER)
BUNDLE_ROW(limit, SECTION_LIMIT)
BUNDLE_ROW(endpoint, SECTION_ENDPOINT)
BUNDLE_ROW(name, SECTION_NAME)
BUNDLE_ROW(claim, SECTION_CLAIM)
BUNDLE_ROW(assertion, SECTION_ASSERTION)
BUNDLE_ROW(applications, SECTION_APPLICATIONS)
BUNDLE_ROW(issue, SECTION_ISSUE)
BUNDLE_ROW(introspect, SECTION_INTROSPECT)
BUNDLE_ROW(certificate, SECTION_CERTIFICATE)
BUNDLE_ROW(dpop, SECTION_DPOP)
BUNDLE_ROW(host_auth, SECTION_HOST_AUTH)
BUNDLE_ROW(breaker, SECTION_BREAKER)
BUNDLE_ROW(retry, SECTION_RETRY)
BUNDLE_ROW(health, SECTION_HEALTH)
BUNDLE_ROW(cors, SECTION_CORS)
BUNDLE_ROW(change, SECTION_CHANGE)
BUNDLE_ROW(error_body, SECTION_ERROR_BODY)
BUNDLE_ROW(level, SECTION_LEVEL)
BUNDLE_ROW(key_part, SECTION_KEY_PART)
BUNDLE_ROW(zone, SECTION_ZONE)
BUNDLE_ROW(condition, SECTION_CONDITION)
BUNDLE_ROW(shift, SECTION_SHIFT)
BUNDLE_ROW(store, SECTION_STORE)
BUNDLE_ROW(spike, SECTION_SPIKE)
BUNDLE_ROW(revocation, SECTION_REVOCATION)
BUNDLE_ROW(security, SECTION_SECURITY)
BUNDLE_ROW(proxy, SECTION_PROXY)
#undef BUNDLE_ROW

static inline uint32_t
bundle_n(const struct bundle *b, enum section s)
{
	return b->rows[s].n;
}

/* Text number "i" of SECTION_STRING. */
static inline struct span
bundle_string(const struct bundle *b, uint32_t i)
{
	assert(i < b->rows[SECTION_STRING].n);
	return bundle_text(b,
	    ((const struct text *)(const void *)b->rows[SECTION_STRING].p)[i]);
}

/* Row number "i" of SECTION_INDEX. */
static inline uint32_t
bundle_index(const struct bundle *b, uint32_t i)
{
	assert(i < b->rows[SECTION_INDEX].n);
	return ((const uint32_t *)(const void *)b->rows[SECTION_INDEX].p)[i];
}

/* Where the search for an edge starts; see struct row_edge. */
uint32_t bundle_edge_hash(uint32_t parent, struct span segment);

/* The child of node "parent" along "segment"; false: no such edge. */
bool bundle_find_edge(const struct bundle *b, uint32_t parent,
    struct span segment, uint32_t *child);

/* Bytes of a row as this build has it; 1 for SECTION_TEXT. */
uint32_t bundle_row_bytes(enum section s);
const char *bundle_section_name(enum section s);

/* The two sums of a header, over "bytes", which begin with it. */
struct hash128 bundle_sum(struct span bytes);
uint64_t bundle_policy_sum(struct span bytes);

/*
 * Every reference, text, number and sorted list in the rows is as format.h
 * says; bundle_check.c.  False: "why" says which row is not.
 */
bool bundle_check(const struct bundle *b, char *why, size_t why_size);

/* The part of it on limits, levels and zones; bundle_check_limits.c. */
bool bundle_check_limits(const struct bundle *b, char *why, size_t why_size);

#endif
