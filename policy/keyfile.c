/*
 * keyfile - see keyfile.h.
 *
 * Two hash tables lead to the entries: by digest, whose bytes are as good
 * as random already, and by id, to find one that comes twice.
 */
#include "policy/keyfile_line.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/grow.h"
#include "base/siphash.h"
#include "policy/sign.h"
#include "policy/words.h"

struct key_file {
	struct arena arena;
	struct key_entry *entries;
	size_t n, size;
	uint32_t *by_digest; /* index + 1; 0 is free */
	uint32_t *by_id;
	size_t n_places; /* a power of two */
};

static bool
append(struct key_file *f, const struct key_entry *e)
{
	struct key_entry *more =
	    grow(f->entries, f->n, &f->size, sizeof(*more));

	if (more == NULL)
		return false;
	f->entries = more;
	f->entries[f->n++] = *e;
	return true;
}

/* NULL, or what is wrong with the text; "*number" is the line. */
static const char *
read_lines(struct key_file *f, struct span text, unsigned *number)
{
	struct span line;

	while (words_line(&text, &line, number)) {
		struct key_entry e = { .line = *number };
		const char *why;

		why = key_line_read(line, &f->arena, &e);
		if (why != NULL)
			return why;
		if (!append(f, &e))
			return "out of memory";
	}
	return NULL;
}

static uint64_t
digest_hash(const unsigned char *digest)
{
	uint64_t v;

	memcpy(&v, digest, sizeof(v));
	return v;
}

static const char *
insert(struct key_file *f, uint32_t i)
{
	const struct siphash_key none = { 0, 0 };
	const struct key_entry *e = &f->entries[i];
	size_t mask = f->n_places - 1;
	size_t at = digest_hash(e->sha256) & mask;

	for (; f->by_digest[at] != 0; at = (at + 1) & mask) {
		if (memcmp(f->entries[f->by_digest[at] - 1].sha256, e->sha256,
			SHA256_BYTES) == 0)
			return "this key comes twice";
	}
	f->by_digest[at] = i + 1;
	at = siphash_64(&none, e->id) & mask;
	for (; f->by_id[at] != 0; at = (at + 1) & mask) {
		if (span_eq(f->entries[f->by_id[at] - 1].id, e->id))
			return "this id comes twice";
	}
	f->by_id[at] = i + 1;
	return NULL;
}

static const char *
build_index(struct key_file *f, unsigned *number)
{
	const char *why = NULL;

	f->n_places = 16;
	while (f->n_places < f->n * 2)
		f->n_places *= 2;
	f->by_digest = calloc(f->n_places, sizeof(*f->by_digest));
	f->by_id = calloc(f->n_places, sizeof(*f->by_id));
	if (f->by_digest == NULL || f->by_id == NULL)
		return "out of memory";
	for (size_t i = 0; i < f->n && why == NULL; i++) {
		*number = f->entries[i].line;
		why = insert(f, (uint32_t)i);
	}
	return why;
}

struct key_file *
key_file_new(struct span text, char *why, size_t why_size)
{
	struct key_file *f = calloc(1, sizeof(*f));
	const char *error = NULL;
	unsigned number = 0;

	if (f == NULL || text.n > KEY_FILE_BYTES_MAX) {
		free(f);
		(void)snprintf(why, why_size, "too large");
		return NULL;
	}
	arena_init(&f->arena, text.n + 1, text.n * 16 + 65536);
	text = arena_copy(&f->arena, text);
	error = text.p != NULL ? read_lines(f, text, &number) : "out of memory";
	if (error == NULL)
		error = build_index(f, &number);
	if (error == NULL)
		return f;
	(void)snprintf(why, why_size, "line %u: %s", number, error);
	key_file_free(f);
	return NULL;
}

void
key_file_free(struct key_file *f)
{
	if (f == NULL)
		return;
	arena_fini(&f->arena);
	free(f->entries);
	free(f->by_digest);
	free(f->by_id);
	free(f);
}

enum key_file_result
key_file_lookup(
    const struct key_file *f, struct span key, const struct key_entry **entry)
{
	unsigned char digest[SHA256_BYTES];
	size_t mask = f->n_places - 1, at;

	*entry = NULL;
	if (!sign_sha256(key, digest))
		return KEY_FILE_FAULT;
	/*
	 * The place comes from a digest: whoever could learn from the time
	 * how much of it fits would still have to find a key for it.
	 */
	at = digest_hash(digest) & mask;
	for (; f->by_digest[at] != 0; at = (at + 1) & mask) {
		const struct key_entry *e = &f->entries[f->by_digest[at] - 1];

		if (sign_equal(e->sha256, digest, sizeof(digest)))
			*entry = e;
	}
	return *entry != NULL ? KEY_FILE_FOUND : KEY_FILE_NONE;
}

const struct key_entry *
key_file_find(const struct key_file *f, struct span key)
{
	const struct key_entry *entry;

	(void)key_file_lookup(f, key, &entry); /* NULL unless found */
	return entry;
}

const struct key_entry *
key_file_by_id(const struct key_file *f, struct span id)
{
	const struct siphash_key none = { 0, 0 };
	size_t mask = f->n_places - 1, at = siphash_64(&none, id) & mask;

	for (; f->by_id[at] != 0; at = (at + 1) & mask) {
		const struct key_entry *e = &f->entries[f->by_id[at] - 1];

		if (span_eq(e->id, id))
			return e;
	}
	return NULL;
}

const struct key_entry *
key_file_entries(const struct key_file *f, size_t *n)
{
	*n = f->n;
	return f->entries;
}
