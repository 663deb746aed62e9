/*
 * base64 - see base64.h.
 */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

static int
bits_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
base64_decode(struct span s, struct arena *a, struct span *bytes)
{
	uint32_t held = 0;
	unsigned n_held = 0;
	size_t n = 0, padding = 0;
	char *to;

	if (s.n % 4 != 0)
		return false;
	while (padding < 2 && s.n > 0 && s.p[s.n - 1] == '=') {
		s.n--;
		padding++;
	}
	to = arena_alloc(a, s.n / 4 * 3 + 3);
	if (to == NULL)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int bits = bits_of(s.p[i]);

		if (bits < 0)
			return false;
		held = held << 6 | (uint32_t)bits;
		n_held += 6;
		if (n_held < 8)
			continue;
		n_held -= 8;
		to[n++] = (char)(held >> n_held & 0xff);
		held &= (UINT32_C(1) << n_held) - 1;
	}
	*bytes = span_of(to, n);
	/* Of two or three letters, four or two bits are left, and are zero. */
	return held == 0 && n_held < 6;
}

void
base64_encode(struct buf *b, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t v = (uint32_t)(unsigned char)bytes.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)(unsigned char)bytes.p[i + 1] << 8;
		if (left > 2)
			v |= (unsigned char)bytes.p[i + 2];
		buf_add_char(b, alphabet[v >> 18]);
		buf_add_char(b, alphabet[v >> 12 & 63]);
		buf_add_char(b, left > 1 ? alphabet[v >> 6 & 63] : '=');
		buf_add_char(b, left > 2 ? alphabet[v & 63] : '=');
	}
}
