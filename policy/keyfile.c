/*
 * keyfile - see keyfile.h.
 *
 * Two hash tables lead to the entries: by digest, whose bytes are as good
 * as random already, and by id, to find one that comes twice.
 */
#include "policy/keyfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/siphash.h"
#include "policy/sign.h"

#define WORD_BYTES_MAX 512

struct key_file {
	struct arena arena;
	struct key_entry *entries;
	size_t n, size;
	uint32_t *by_digest; /* index + 1; 0 is free */
	uint32_t *by_id;
	size_t n_places; /* a power of two */
};

/* A line being read; "why" is set by the first thing that is wrong. */
struct line {
	struct span rest;
	struct arena *arena;
	const char *why;
};

static bool
wrong(struct line *l, const char *why)
{
	l->why = why;
	return false;
}

/*
 * Cut the next word, NAME="quoted \" text" included, into "*word"; absent
 * at the end of the line.  Quotes are taken out where the word stands: the
 * text is our own copy, and a word only gets shorter.
 */
static bool
next_word(struct line *l, struct span *word)
{
	bool quoted = false;
	size_t at = 0, n = 0;
	char *to;

	l->rest = span_trim(l->rest);
	*word = (struct span){ NULL, 0 };
	if (l->rest.n == 0)
		return true;
	to = (char *)(uintptr_t)l->rest.p;
	for (; at < l->rest.n; at++) {
		char c = l->rest.p[at];

		if (!quoted && (c == ' ' || c == '\t'))
			break;
		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && c == '\\') {
			if (++at == l->rest.n)
				break;
			c = l->rest.p[at];
			if (c != '"' && c != '\\')
				return wrong(l, "only \\\" and \\\\ are known");
		}
		if (n == WORD_BYTES_MAX)
			return wrong(l, "a word is too long");
		to[n++] = c;
	}
	if (quoted)
		return wrong(l, "a quote is not closed");
	l->rest = span_skip(l->rest, at);
	*word = span_of(to, n);
	return true;
}

static bool
read_digest(struct span hex, unsigned char digest[static 32])
{
	if (hex.n != 64)
		return false;
	for (size_t i = 0; i < 64; i++) {
		char c = hex.p[i];
		int v;

		if (c >= '0' && c <= '9')
			v = c - '0';
		else if (c >= 'a' && c <= 'f')
			v = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			v = c - 'A' + 10;
		else
			return false;
		digest[i / 2] = (unsigned char)(digest[i / 2] << 4 | v);
	}
	return true;
}

/* Two or four digits at "at" of "s" that must be within a range. */
static bool
number_at(struct span s, size_t at, size_t n, int low, int high, int *v)
{
	uint64_t u;

	if (at + n > s.n ||
	    !span_to_u64(span_of(s.p + at, n), (uint64_t)high, &u) ||
	    (int)u < low)
		return false;
	*v = (int)u;
	return true;
}

/* "+HH:MM", "-HH:MM" or "Z", as seconds to be subtracted. */
static bool
read_zone(struct span s, int64_t *seconds)
{
	int hours, minutes;

	*seconds = 0;
	if (span_eq(s, SPAN("Z")) || span_eq(s, SPAN("z")))
		return true;
	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' ||
	    !number_at(s, 1, 2, 0, 23, &hours) ||
	    !number_at(s, 4, 2, 0, 59, &minutes))
		return false;
	*seconds = (hours * 60 + minutes) * 60;
	if (s.p[0] == '-')
		*seconds = -*seconds;
	return true;
}

bool
key_time_parse(struct span s, int64_t *unix_s)
{
	struct tm tm = { 0 };
	int64_t zone = 0;
	int day, month;

	if (s.n < 10 || s.p[4] != '-' || s.p[7] != '-' ||
	    !number_at(s, 0, 4, 1970, 9999, &tm.tm_year) ||
	    !number_at(s, 5, 2, 1, 12, &month) ||
	    !number_at(s, 8, 2, 1, 31, &day))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	if (s.n > 10) {
		if (s.n < 20 || (s.p[10] != 'T' && s.p[10] != 't') ||
		    s.p[13] != ':' || s.p[16] != ':' ||
		    !number_at(s, 11, 2, 0, 23, &tm.tm_hour) ||
		    !number_at(s, 14, 2, 0, 59, &tm.tm_min) ||
		    !number_at(s, 17, 2, 0, 59, &tm.tm_sec) ||
		    !read_zone(span_skip(s, 19), &zone))
			return false;
	}
	*unix_s = (int64_t)timegm(&tm) - zone;
	/* timegm turns 31 April into 1 May, which nobody meant. */
	return tm.tm_mday == day && tm.tm_mon == month - 1 && *unix_s > 0;
}

/* Append to a list of scopes with single spaces. */
static bool
add_scope(struct line *l, struct key_entry *e, struct span scope)
{
	if (scope.n == 0 || span_has(scope, ' '))
		return wrong(l, "a scope is empty or has a blank");
	e->scopes = e->scopes.n == 0
	    ? scope
	    : arena_printf(
		  l->arena, "%.*s %.*s", SPAN_ARG(e->scopes), SPAN_ARG(scope));
	return e->scopes.p != NULL || wrong(l, "out of memory");
}

static bool
add_api(struct line *l, struct key_entry *e, struct span api)
{
	struct span *apis;

	if (api.n == 0)
		return wrong(l, "an api is empty");
	apis = arena_calloc(l->arena, e->n_apis + 1, sizeof(*apis));
	if (apis == NULL)
		return wrong(l, "out of memory");
	for (size_t i = 0; i < e->n_apis; i++)
		apis[i] = e->apis[i];
	apis[e->n_apis++] = api;
	e->apis = apis;
	return true;
}

static bool
set_once(struct line *l, struct span *to, struct span value)
{
	if (to->p != NULL)
		return wrong(l, "a field comes twice");
	*to = value;
	return true;
}

static bool
read_field(struct line *l, struct key_entry *e, struct span word)
{
	struct span value = word, name = span_cut(&value, '=');

	if (value.p == NULL)
		return wrong(l, "a field is not NAME=VALUE");
	if (span_has_control(value) || !span_is_utf8(value))
		return wrong(l, "a value has control bytes or is not UTF-8");
	if (span_eq(name, SPAN("owner")))
		return set_once(l, &e->owner, value);
	if (span_eq(name, SPAN("application")))
		return set_once(l, &e->application, value);
	if (span_eq(name, SPAN("tier")))
		return set_once(l, &e->tier, value);
	if (span_eq(name, SPAN("scope")))
		return add_scope(l, e, value);
	if (span_eq(name, SPAN("api")))
		return add_api(l, e, value);
	if (!span_eq(name, SPAN("expires")))
		return wrong(l, "an unknown field");
	if (e->expires_s != 0)
		return wrong(l, "a field comes twice");
	return key_time_parse(value, &e->expires_s) ||
	    wrong(l, "expires is no time of RFC 3339");
}

bool
key_id_is_valid(struct span id)
{
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_' ||
			c == '.'))
			return false;
	}
	return id.n > 0 && id.n <= KEY_FILE_ID_BYTES_MAX;
}

static bool
read_entry(struct line *l, struct key_entry *e)
{
	struct span state, digest, word;

	if (!next_word(l, &e->id) || !next_word(l, &state) ||
	    !next_word(l, &digest))
		return false;
	if (!key_id_is_valid(e->id))
		return wrong(l, "not an id of letters, digits, '-', '_', '.'");
	if (span_eq(state, SPAN("revoked")))
		e->revoked = true;
	else if (!span_eq(state, SPAN("active")))
		return wrong(l, "the state is not \"active\" or \"revoked\"");
	if (!read_digest(digest, e->sha256))
		return wrong(l, "not a SHA-256 of 64 hexadecimal digits");
	do {
		if (!next_word(l, &word))
			return false;
		if (word.p != NULL && !read_field(l, e, word))
			return false;
	} while (word.p != NULL);
	if (e->owner.n == 0 || e->application.n == 0)
		return wrong(l, "owner or application is missing");
	if (e->tier.p != NULL && e->tier.n == 0)
		return wrong(l, "tier is empty");
	return true;
}

static bool
append(struct key_file *f, const struct key_entry *e)
{
	struct key_entry *more;
	size_t size = f->size > 0 ? f->size * 2 : 64;

	if (f->n == f->size) {
		more = reallocarray(f->entries, size, sizeof(*more));
		if (more == NULL)
			return false;
		f->entries = more;
		f->size = size;
	}
	f->entries[f->n++] = *e;
	return true;
}

/* NULL, or what is wrong with the text; "*number" is the line. */
static const char *
read_lines(struct key_file *f, struct span text, unsigned *number)
{
	while (text.p != NULL && text.n > 0) {
		struct line l = { span_cut(&text, '\n'), &f->arena, NULL };
		struct key_entry e = { .line = ++*number };

		if (span_ends(l.rest, SPAN("\r")))
			l.rest.n--;
		l.rest = span_trim(l.rest);
		if (l.rest.n == 0 || l.rest.p[0] == '#')
			continue;
		if (!read_entry(&l, &e))
			return l.why;
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

static void
write_field(struct buf *b, const char *name, struct span value)
{
	bool quote = value.n == 0;

	for (size_t i = 0; i < value.n; i++)
		quote |= memchr(" \t\"\\", value.p[i], 4) != NULL;
	buf_printf(b, " %s=", name);
	if (!quote) {
		buf_add(b, value);
		return;
	}
	buf_add_char(b, '"');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"' || value.p[i] == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, value.p[i]);
	}
	buf_add_char(b, '"');
}

void
key_entry_write(const struct key_entry *e, struct buf *b)
{
	struct span scopes = e->scopes;
	time_t expires = (time_t)e->expires_s;
	char text[32];
	struct tm tm;

	buf_add(b, e->id);
	buf_add_str(b, e->revoked ? " revoked " : " active ");
	for (size_t i = 0; i < SHA256_BYTES; i++)
		buf_printf(b, "%02x", e->sha256[i]);
	write_field(b, "owner", e->owner);
	write_field(b, "application", e->application);
	for (size_t i = 0; i < e->n_apis; i++)
		write_field(b, "api", e->apis[i]);
	while (scopes.n > 0)
		write_field(b, "scope", span_cut(&scopes, ' '));
	if (e->tier.n > 0)
		write_field(b, "tier", e->tier);
	if (e->expires_s != 0 && gmtime_r(&expires, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		write_field(b, "expires", span_str(text));
	buf_add_char(b, '\n');
}
