/*
 * json_text - the strings of JSON: escapes read, strings written.
 */
#include "base/json.h"
#include "base/json_part.h"

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

const char *
json_unescape(struct span raw, struct arena *a, struct span *value, size_t *at)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	char *to = arena_room(a, raw.n);
	size_t n = 0, used = 0;

	*at = 0;
	if (to == NULL)
		return "out of memory";
	for (size_t i = 0; i < raw.n; i += used) {
		const char *letter, *what;
		uint32_t c;

		used = 1;
		if (raw.p[i] != '\\') {
			to[n++] = raw.p[i];
			continue;
		}
		/* A backslash is never last: it would escape the quote. */
		*at = ++i;
		if (raw.p[i] == 'u') {
			what = unicode_escape(span_skip(raw, i + 1), &c, &used);
			used++;
			if (what != NULL)
				return what;
			n += put_utf8(to + n, c);
			continue;
		}
		letter = memchr(letters, raw.p[i], sizeof(letters) - 1);
		if (letter == NULL)
			return "unknown escape";
		to[n++] = meant[letter - letters];
	}
	*value = span_of(to, n);
	return NULL;
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
