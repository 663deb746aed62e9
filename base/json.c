/*
 * json - see json.h.
 *
 * Blanks are the only place where a line can end (a raw line feed inside
 * a string is an error), so lines are counted there alone.
 */
#include "base/json.h"

#include <assert.h>

#include "base/json_part.h"

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
	size_t start = ++s->at, at = start, at_escape;
	const char *what;
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
	if (escaped) {
		what = json_unescape(raw, s->arena, &s->value, &at_escape);
		if (what != NULL) {
			(void)fail_at(s, start + at_escape, what);
			return false;
		}
	}
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
	what = json_names_add(s->names[s->depth], s->value, s->arena);
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
