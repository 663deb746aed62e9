/*
 * json - see json.h.
 *
 * Blanks are the only place where a line can end (a raw line feed inside
 * a string is an error), so lines are counted there alone.
 */
#include "base/json.h"

#include <assert.h>
#include <sys/random.h>

#include "base/siphash.h"

/* What may come next. */
enum {
	STATE_VALUE,
	STATE_FIRST_VALUE, /* or the end of the array */
	STATE_FIRST_NAME,  /* or the end of the object */
	STATE_COLON,
	STATE_AFTER, /* a value is complete */
	STATE_END,
	STATE_ERROR,
};

/* Up to here a new name is compared with each; beyond, by hash table. */
#define NAMES_LINEAR 12

struct json_names {
	struct span *names;
	uint32_t *table; /* index + 1, 0 is free; "size" * 2 places */
	uint32_t n;
	uint32_t size; /* a power of two */
};

static enum json_event
fail_at(struct json_scan *s, size_t at, const char *what)
{
	if (at > s->text.n)
		at = s->text.n;
	s->state = STATE_ERROR;
	s->error = what;
	s->offset = at;
	s->line = s->at_line;
	s->column = (unsigned)(at - s->line_start) + 1;
	s->value = (struct span){ NULL, 0 };
	return JSON_ERROR;
}

static enum json_event
fail(struct json_scan *s, const char *what)
{
	return fail_at(s, s->at, what);
}

/* The byte at the current place, or -1 behind the end. */
static int
peek(const struct json_scan *s)
{
	return s->at < s->text.n ? (unsigned char)s->text.p[s->at] : -1;
}

static void
skip_blanks(struct json_scan *s)
{
	for (int c; (c = peek(s)) == ' ' || c == '\t' || c == '\n' || c == '\r';
	     s->at++) {
		if (c == '\n') {
			s->at_line++;
			s->line_start = s->at + 1;
		}
	}
}

static void
mark(struct json_scan *s)
{
	s->offset = s->at;
	s->line = s->at_line;
	s->column = (unsigned)(s->at - s->line_start) + 1;
}

static void
after_value(struct json_scan *s)
{
	s->state = STATE_AFTER;
}

/*
 * The key of the name tables: names come from outside, so that a fixed
 * hash could be made to collide.  Where the kernel gives no random bytes
 * the addresses of this process must do.
 */
static const struct siphash_key *
names_key(void)
{
	static _Thread_local struct siphash_key key;
	static _Thread_local bool made;

	if (!made) {
		if (getrandom(&key, sizeof(key), GRND_NONBLOCK) !=
		    (ssize_t)sizeof(key)) {
			key.k0 ^= (uint64_t)(uintptr_t)&key;
			key.k1 ^= (uint64_t)(uintptr_t)&names_key;
		}
		made = true;
	}
	return &key;
}

static uint32_t *
find_place(const struct json_names *set, struct span name)
{
	const uint32_t mask = set->size * 2 - 1;
	uint32_t at = (uint32_t)siphash_64(names_key(), name) & mask;

	while (set->table[at] != 0 &&
	    !span_eq(set->names[set->table[at] - 1], name))
		at = (at + 1) & mask;
	return &set->table[at];
}

static bool
grow_names(struct json_scan *s, struct json_names *set)
{
	uint32_t size = set->size > 0 ? set->size * 2 : 16;
	struct span *names = arena_calloc(s->arena, size, sizeof(*names));
	uint32_t *table = arena_calloc(s->arena, size * 2, sizeof(*table));

	if (names == NULL || table == NULL)
		return false;
	if (set->n > 0)
		memcpy(names, set->names, set->n * sizeof(*names));
	set->names = names;
	set->table = table;
	set->size = size;
	if (set->n > NAMES_LINEAR) {
		for (uint32_t i = 0; i < set->n; i++)
			*find_place(set, names[i]) = i + 1;
	}
	return true;
}

/* Add a name to the set of the open object; an error text, or NULL. */
static const char *
add_name(struct json_scan *s, struct span name)
{
	static const char twice[] = "name comes twice in one object";
	struct json_names *set = s->names[s->depth];
	uint32_t *place;

	if (set->n == set->size && !grow_names(s, set))
		return "out of memory";
	if (set->n < NAMES_LINEAR) {
		for (uint32_t i = 0; i < set->n; i++) {
			if (span_eq(set->names[i], name))
				return twice;
		}
		set->names[set->n++] = name;
		return NULL;
	}
	if (set->n == NAMES_LINEAR) {
		memset(set->table, 0, set->size * 2 * sizeof(*set->table));
		for (uint32_t i = 0; i < set->n; i++)
			*find_place(set, set->names[i]) = i + 1;
	}
	place = find_place(set, name);
	if (*place != 0)
		return twice;
	set->names[set->n++] = name;
	*place = set->n;
	return NULL;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits at the start of "s", or -1. */
static int32_t
hex4(struct span s)
{
	int32_t v = 0;

	if (s.n < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

static size_t
put_utf8(char *to, uint32_t c)
{
	unsigned char *u = (unsigned char *)to;

	if (c < 0x80) {
		u[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		u[0] = (unsigned char)(0xc0 | c >> 6);
		u[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		u[0] = (unsigned char)(0xe0 | c >> 12);
		u[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		u[2] = (unsigned char)(0x80 | (c & 0x3f));
		return 3;
	}
	u[0] = (unsigned char)(0xf0 | c >> 18);
	u[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	u[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	u[3] = (unsigned char)(0x80 | (c & 0x3f));
	return 4;
}

/*
 * "\uXXXX" or a surrogate pair at the start of "s" (behind the 'u'): its
 * code point, and in "*used" how many bytes; an error text, or NULL.
 */
static const char *
unicode_escape(struct span s, uint32_t *c, size_t *used)
{
	int32_t high = hex4(s), low;

	*used = 4;
	if (high < 0)
		return "\\u needs four hexadecimal digits";
	if (high == 0)
		return "\\u0000 is not accepted";
	*c = (uint32_t)high;
	if (high < 0xd800 || high > 0xdfff)
		return NULL;
	s = span_skip(s, 4);
	if (high > 0xdbff || !span_starts(s, SPAN("\\u")))
		return "lone surrogate";
	low = hex4(span_skip(s, 2));
	if (low < 0xdc00 || low > 0xdfff)
		return "lone surrogate";
	*c = 0x10000 + (((uint32_t)high & 0x3ff) << 10) +
	    ((uint32_t)low & 0x3ff);
	*used = 10;
	return NULL;
}

/* Unescape "raw", which ends before its quote; false after fail_at. */
static bool
unescape(struct json_scan *s, struct span raw)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	char *to = arena_alloc(s->arena, raw.n);
	size_t n = 0, used = 0;

	if (to == NULL) {
		(void)fail(s, "out of memory");
		return false;
	}
	for (size_t i = 0; i < raw.n; i += used) {
		const char *letter, *what;
		uint32_t c;

		used = 1;
		if (raw.p[i] != '\\') {
			to[n++] = raw.p[i];
			continue;
		}
		/* A backslash is never last: it would escape the quote. */
		i++;
		if (raw.p[i] == 'u') {
			what = unicode_escape(span_skip(raw, i + 1), &c, &used);
			used++;
			if (what != NULL) {
				(void)fail_at(s, s->at + i, what);
				return false;
			}
			n += put_utf8(to + n, c);
			continue;
		}
		letter = memchr(letters, raw.p[i], sizeof(letters) - 1);
		if (letter == NULL) {
			(void)fail_at(s, s->at + i, "unknown escape");
			return false;
		}
		to[n++] = meant[letter - letters];
	}
	s->value = span_of(to, n);
	return true;
}

/*
 * Behind the first bytes that need no look: eight at a time are tried for
 * a quote, a backslash, a control byte or one above 0x7f.
 */
static size_t
skip_plain(struct span text, size_t at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t tops = ones << 7;
	uint64_t x, quote, backslash;

	for (; text.n - at >= sizeof(x); at += sizeof(x)) {
		memcpy(&x, text.p + at, sizeof(x));
		quote = x ^ ones * '"';
		backslash = x ^ ones * '\\';
		/* A borrow may mark a plain byte too, which costs only time. */
		if (((x | (x - ones * 0x20) | (quote - ones) |
			 (backslash - ones)) &
			tops) != 0)
			break;
	}
	return at;
}

/* A string at the current place, which is a quote; false after fail. */
static bool
read_string(struct json_scan *s)
{
	bool escaped = false, high = false;
	size_t start = ++s->at, at = start;
	struct span raw;

	for (at = skip_plain(s->text, at);; at++) {
		unsigned char c;

		if (at >= s->text.n) {
			(void)fail_at(s, at, "string without an end");
			return false;
		}
		c = (unsigned char)s->text.p[at];
		if (c == '"')
			break;
		if (c == '\\') {
			escaped = true;
			at++;
		} else if (c < 0x20) {
			(void)fail_at(s, at, "control byte in a string");
			return false;
		} else if (c >= 0x80) {
			high = true;
		}
	}
	raw = span_of(s->text.p + start, at - start);
	if (high && !span_is_utf8(raw)) {
		(void)fail(s, "not UTF-8");
		return false;
	}
	s->value = raw;
	if (escaped && !unescape(s, raw))
		return false;
	s->at = at + 1;
	return true;
}

static bool
read_digits(struct json_scan *s)
{
	size_t start = s->at;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->at++;
	return s->at > start;
}

/* RFC 8259 section 6. */
static enum json_event
read_number(struct json_scan *s)
{
	size_t start = s->at;

	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0')
		s->at++;
	else if (!read_digits(s))
		return fail(s, "a digit is needed here");
	if (peek(s) == '.') {
		s->at++;
		if (!read_digits(s))
			return fail(s, "a digit is needed here");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (!read_digits(s))
			return fail(s, "a digit is needed here");
	}
	s->value = span_of(s->text.p + start, s->at - start);
	after_value(s);
	return JSON_NUMBER;
}

static enum json_event
read_word(struct json_scan *s, struct span word, enum json_event event)
{
	if (!span_starts(span_skip(s->text, s->at), word))
		return fail(s, "a value is needed here");
	s->value = span_of(s->text.p + s->at, word.n);
	s->at += word.n;
	after_value(s);
	return event;
}

static enum json_event
open_container(struct json_scan *s, bool object)
{
	struct json_names *set;
	uint64_t bit;

	if (s->depth >= s->max_depth)
		return fail(s, "nested too deeply");
	bit = UINT64_C(1) << s->depth;
	s->depth++;
	s->at++;
	s->value = (struct span){ NULL, 0 };
	if (!object) {
		s->in_object &= ~bit;
		s->state = STATE_FIRST_VALUE;
		return JSON_ARRAY;
	}
	set = s->names[s->depth];
	if (set == NULL) {
		set = arena_alloc(s->arena, sizeof(*set));
		if (set == NULL)
			return fail(s, "out of memory");
		s->names[s->depth] = set;
	}
	/* Memory of an earlier object of this depth is used again. */
	set->n = 0;
	s->in_object |= bit;
	s->state = STATE_FIRST_NAME;
	return JSON_OBJECT;
}

static enum json_event
close_container(struct json_scan *s, enum json_event event)
{
	s->at++;
	s->depth--;
	s->value = (struct span){ NULL, 0 };
	after_value(s);
	return event;
}

static enum json_event
read_value(struct json_scan *s)
{
	int c = peek(s);

	switch (c) {
	case '{':
	case '[':
		return open_container(s, c == '{');
	case '"':
		if (!read_string(s))
			return JSON_ERROR;
		after_value(s);
		return JSON_STRING;
	case 't':
		return read_word(s, SPAN("true"), JSON_TRUE);
	case 'f':
		return read_word(s, SPAN("false"), JSON_FALSE);
	case 'n':
		return read_word(s, SPAN("null"), JSON_NULL);
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			return read_number(s);
		return fail(s, "a value is needed here");
	}
}

static enum json_event
read_name(struct json_scan *s)
{
	size_t at = s->at;
	const char *what;

	if (peek(s) != '"')
		return fail(s, "a name in quotes is needed here");
	if (!read_string(s))
		return JSON_ERROR;
	what = add_name(s, s->value);
	if (what != NULL)
		return fail_at(s, at, what);
	s->state = STATE_COLON;
	return JSON_NAME;
}

static bool
inside_object(const struct json_scan *s)
{
	return (s->in_object >> (s->depth - 1) & 1) != 0;
}

/* Behind a complete value: the end of the text or container, or a comma. */
static enum json_event
read_after(struct json_scan *s)
{
	bool object;

	if (s->depth == 0) {
		if (peek(s) != -1)
			return fail(s, "something follows the value");
		s->state = STATE_END;
		s->value = (struct span){ NULL, 0 };
		return JSON_END;
	}
	object = inside_object(s);
	if (peek(s) == (object ? '}' : ']'))
		return close_container(
		    s, object ? JSON_OBJECT_END : JSON_ARRAY_END);
	if (peek(s) != ',')
		return fail(s,
		    object ? "',' or '}' is needed here"
			   : "',' or ']' is needed here");
	s->at++;
	skip_blanks(s);
	mark(s);
	return object ? read_name(s) : read_value(s);
}

void
json_scan_init(struct json_scan *s, struct span text, unsigned max_depth,
    struct arena *arena)
{
	assert(max_depth <= JSON_DEPTH_MAX);
	*s = (struct json_scan){
		.text = text,
		.line = 1,
		.column = 1,
		.at_line = 1,
		.max_depth = max_depth,
		.state = STATE_VALUE,
		.arena = arena,
	};
}

enum json_event
json_scan_next(struct json_scan *s)
{
	if (s->state == STATE_ERROR)
		return JSON_ERROR;
	if (s->state == STATE_END)
		return JSON_END;
	skip_blanks(s);
	if (s->state == STATE_COLON) {
		if (peek(s) != ':')
			return fail(s, "':' is needed here");
		s->at++;
		skip_blanks(s);
		s->state = STATE_VALUE;
	}
	mark(s);
	switch (s->state) {
	case STATE_FIRST_VALUE:
		if (peek(s) == ']')
			return close_container(s, JSON_ARRAY_END);
		return read_value(s);
	case STATE_FIRST_NAME:
		if (peek(s) == '}')
			return close_container(s, JSON_OBJECT_END);
		return read_name(s);
	case STATE_AFTER:
		return read_after(s);
	default:
		return read_value(s);
	}
}

bool
json_scan_skip(struct json_scan *s)
{
	unsigned outer = s->depth;
	enum json_event e;

	if (s->state == STATE_COLON) {
		e = json_scan_next(s);
		if (e == JSON_ERROR)
			return false;
	}
	if (s->state == STATE_FIRST_NAME || s->state == STATE_FIRST_VALUE) {
		if (outer == s->depth)
			outer--;
		while (s->depth > outer) {
			if (json_scan_next(s) == JSON_ERROR)
				return false;
		}
	}
	return s->state != STATE_ERROR;
}

static void
write_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	buf_add_str(b, "\\u00");
	buf_add_char(b, hex[c >> 4]);
	buf_add_char(b, hex[c & 15]);
}

/* Append one byte below 0x80 that does not stand for itself. */
static void
write_ascii(struct buf *b, unsigned char c)
{
	static const char letters[] = "\"\\\b\f\n\r\t";
	static const char escapes[] = "\"\\bfnrt";
	const char *letter = memchr(letters, c, sizeof(letters) - 1);

	if (letter == NULL) {
		write_escape(b, c);
		return;
	}
	buf_add_char(b, '\\');
	buf_add_char(b, escapes[letter - letters]);
}

/* ASCII that stands for itself, here and inside HTML. */
static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' &&
	    c != '>' && c != '&';
}

void
json_write_string(struct buf *b, struct span s)
{
	buf_add_char(b, '"');
	while (s.n > 0) {
		unsigned char c = (unsigned char)s.p[0];
		size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		if (is_plain(c)) {
			while (n < s.n && is_plain((unsigned char)s.p[n]))
				n++;
			buf_add(b, span_of(s.p, n));
		} else if (c < 0x80) {
			write_ascii(b, c);
		} else if (n <= s.n && span_is_utf8(span_of(s.p, n))) {
			/* U+0080 to U+009F, which some terminals obey. */
			if (c == 0xc2 && (unsigned char)s.p[1] < 0xa0) {
				write_escape(b, (unsigned char)s.p[1]);
				s = span_skip(s, n);
				continue;
			}
			buf_add(b, span_of(s.p, n));
		} else {
			buf_add_str(b, "\xef\xbf\xbd");
			n = 1;
		}
		s = span_skip(s, n);
	}
	buf_add_char(b, '"');
}
