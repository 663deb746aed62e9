/*
 * base64url - see base64url.h.
 */
#include "base/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789-_";

/* The six bits of a letter, or 64 for a foreign one. */
static unsigned
bits_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : 64;
}

bool
base64url_decode(struct span s, struct arena *a, struct span *bytes)
{
	unsigned char *to;
	uint32_t held = 0;
	unsigned n_held = 0;
	size_t n = 0;

	if (s.n % 4 == 1)
		return false;
	to = arena_alloc(a, s.n / 4 * 3 + 3);
	if (to == NULL)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned bits = bits_of(s.p[i]);

		if (bits > 63)
			return false;
		held = held << 6 | bits;
		n_held += 6;
		if (n_held >= 8) {
			n_held -= 8;
			to[n++] = (unsigned char)(held >> n_held);
			held &= (UINT32_C(1) << n_held) - 1;
		}
	}
	/* What is left are the unused bits of the last letter. */
	if (held != 0)
		return false;
	*bytes = span_of(to, n);
	return true;
}

void
base64url_encode(struct buf *b, struct span bytes)
{
	uint32_t held = 0;
	unsigned n_held = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		held = held << 8 | (unsigned char)bytes.p[i];
		n_held += 8;
		while (n_held >= 6) {
			n_held -= 6;
			buf_add_char(b, alphabet[held >> n_held & 63]);
		}
		held &= (UINT32_C(1) << n_held) - 1;
	}
	if (n_held > 0)
		buf_add_char(b, alphabet[held << (6 - n_held) & 63]);
}
