/*
 * revocation_table - a list as a hash table in a file that is mapped.
 *
 *	+------------------------+
 *	| struct revoked_header  |  one page; sealed by a keyed sum
 *	+------------------------+
 *	| buckets of each kind   |  64 bytes: up to 4 entries and their sum
 *	+------------------------+
 *
 * An entry is 64 bits of a keyed hash and when it ends; another 64 bits
 * say in which bucket it is.  Each bucket has a keyed sum of its own, that
 * is checked when it is read: a damaged byte is found by whoever would
 * have been misled by it, and nobody reads the whole file.  A lookup is
 * one cache line, and nothing for a kind without entries.
 *
 * A table never changes; a new one takes its name.
 */
#ifndef MGW_POLICY_REVOCATION_TABLE_H
#define MGW_POLICY_REVOCATION_TABLE_H

#include "base/file.h"
#include "policy/revocation.h"
#include "policy/state.h"

#define REVOKED_MAGIC "MGWREVOK"
#define REVOKED_VERSION 1
#define REVOKED_KINDS 16 /* that a header has room for */
#define REVOKED_HEADER_BYTES 4096

/* Both are secrets of the state. */
struct revoked_keys {
	struct siphash_key names, sums;
};

void revoked_keys_of(const struct state *s, struct revoked_keys *k);

/* The name of an entry in all tables. */
struct hash128 revoked_id(const struct revoked_keys *k, enum revoked_kind kind,
    struct span issuer, struct span value);

/* What a table was made of. */
struct revoked_origin {
	uint64_t list;               /* which list it is of */
	struct file_identity source; /* of a file */
	struct hash128 content;      /* of a feed */
	int64_t fetched_us;          /* the same */
	/* Of revoked.list, which grows: so much of it is in the table. */
	uint64_t bytes, seq, lines;
	struct hash128 sum;
};

struct revoked_header {
	char magic[8];
	uint32_t version, pad;
	uint64_t nonce; /* of this table, part of all its sums */
	uint64_t n_entries;
	int64_t made_us;
	struct revoked_origin origin;
	struct {
		uint64_t first, n; /* buckets; n is a power of two, or 0 */
	} kinds[REVOKED_KINDS];
	struct hash128 sum; /* of all before it */
};

/* Entries of a table to be; the last one of a name counts. */
struct revoked_build {
	struct revoked_item *items;
	size_t n, size;
	bool is_set; /* of one name the longest counts, else the last */
	bool failed; /* out of memory, or too many */
};

void revoked_build_add(struct revoked_build *b, enum revoked_kind kind,
    struct hash128 id, int64_t expires_s, bool restored);

/*
 * The bytes of the table, without what has ended at "now_s"; with
 * "restored" those that were taken back stay as such, for a table that is
 * looked at before another.  False: out of memory.
 */
bool revoked_build_done(struct revoked_build *b, const struct revoked_keys *k,
    const struct revoked_origin *origin, int64_t now_us, bool restored,
    struct buf *to);
void revoked_build_fini(struct revoked_build *b);

/* Set all sums of a table of "n" bytes. */
void revoked_table_seal(char *p, size_t n, const struct revoked_keys *k);

struct revoked_table {
	const char *p; /* NULL: none */
	size_t n;
	bool mapped;
	struct siphash_key key;
	struct revoked_header header;
};

/*
 * Map the table at "path"; "id" (may be NULL) is of the file.  False: there
 * is none that can be used, with errno ENOENT where there is none at all.
 */
bool revoked_table_open(struct revoked_table *t, const char *path,
    const struct revoked_keys *k, struct file_identity *id);

/* The same of bytes, which are borrowed. */
bool revoked_table_from(
    struct revoked_table *t, struct span bytes, const struct revoked_keys *k);
void revoked_table_close(struct revoked_table *t);

/* Say in its file that what it has is what a server had at this time. */
bool revoked_table_renew(
    const char *path, const struct revoked_keys *k, int64_t fetched_us);

enum revoked_found {
	REVOKED_NOT_FOUND,
	REVOKED_FOUND,
	REVOKED_RESTORED,
	REVOKED_DAMAGED,
};

/* Begin to load what revoked_table_find is to read. */
void revoked_table_prefetch(
    const struct revoked_table *t, enum revoked_kind kind, struct hash128 id);
enum revoked_found revoked_table_find(const struct revoked_table *t,
    enum revoked_kind kind, struct hash128 id, int64_t now_s);

static inline bool
revoked_table_has(const struct revoked_table *t, enum revoked_kind kind)
{
	return t->p != NULL && t->header.kinds[kind].n > 0;
}

#endif
