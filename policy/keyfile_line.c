/*
 * keyfile_line - one line of the key file, read and written.
 */
#include "policy/keyfile_line.h"

#include <time.h>

#include "policy/network.h"
#include "policy/sign.h"
#include "policy/words.h"

/* A line being read. */
struct line {
	struct words words;
	struct arena *arena;
};

static bool
wrong(struct line *l, const char *why)
{
	l->words.why = why;
	return false;
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
add_address(struct line *l, struct key_entry *e, struct span address)
{
	size_t n = e->n_addresses;
	struct span *texts = arena_calloc(l->arena, n + 1, sizeof(*texts));
	struct network *networks =
	    arena_calloc(l->arena, n + 1, sizeof(*networks));

	if (texts == NULL || networks == NULL)
		return wrong(l, "out of memory");
	for (size_t i = 0; i < n; i++) {
		texts[i] = e->addresses[i];
		networks[i] = e->networks[i];
	}
	if (!network_parse(address, &networks[n]))
		return wrong(l, "an address is none, nor a network");
	texts[n] = address;
	e->addresses = texts;
	e->networks = networks;
	e->n_addresses = n + 1;
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
read_field(
    struct line *l, struct key_entry *e, struct span name, struct span value)
{
	if (span_eq(name, SPAN("owner")))
		return set_once(l, &e->owner, value);
	if (span_eq(name, SPAN("application")))
		return set_once(l, &e->application, value);
	if (span_eq(name, SPAN("tier")))
		return set_once(l, &e->tier, value);
	if (span_eq(name, SPAN("scope")))
		return add_scope(l, e, value);
	if (span_eq(name, SPAN("address")))
		return add_address(l, e, value);
	if (span_eq(name, SPAN("api")))
		return add_api(l, e, value);
	if (!span_eq(name, SPAN("expires")))
		return wrong(l, "an unknown field");
	if (e->expires_s != 0)
		return wrong(l, "a field comes twice");
	return key_time_parse(value, &e->expires_s) ||
	    wrong(l, "expires is no time of RFC 3339");
}

static bool
read_words(struct line *l, struct key_entry *e)
{
	struct span state, digest, name, value;

	if (!words_next(&l->words, &e->id) || !words_next(&l->words, &state) ||
	    !words_next(&l->words, &digest))
		return false;
	if (!words_is_id(e->id))
		return wrong(l, "not an id of letters, digits, '-', '_', '.'");
	if (span_eq(state, SPAN("revoked")))
		e->revoked = true;
	else if (!span_eq(state, SPAN("active")))
		return wrong(l, "the state is not \"active\" or \"revoked\"");
	if (!read_digest(digest, e->sha256))
		return wrong(l, "not a SHA-256 of 64 hexadecimal digits");
	do {
		if (!words_field(&l->words, &name, &value))
			return false;
		if (name.p != NULL && !read_field(l, e, name, value))
			return false;
	} while (name.p != NULL);
	if (e->owner.n == 0 || e->application.n == 0)
		return wrong(l, "owner or application is missing");
	if (e->tier.p != NULL && e->tier.n == 0)
		return wrong(l, "tier is empty");
	return true;
}

const char *
key_line_read(struct span text, struct arena *a, struct key_entry *e)
{
	struct line l = { { text, NULL }, a };

	return read_words(&l, e) ? NULL : l.words.why;
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
	words_write(b, "owner", e->owner);
	words_write(b, "application", e->application);
	for (size_t i = 0; i < e->n_apis; i++)
		words_write(b, "api", e->apis[i]);
	for (size_t i = 0; i < e->n_addresses; i++)
		words_write(b, "address", e->addresses[i]);
	while (scopes.n > 0)
		words_write(b, "scope", span_cut(&scopes, ' '));
	if (e->tier.n > 0)
		words_write(b, "tier", e->tier);
	if (e->expires_s != 0 && gmtime_r(&expires, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		words_write(b, "expires", span_str(text));
	buf_add_char(b, '\n');
}
