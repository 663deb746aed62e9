/*
 * base64url - see base64url.h.
 */
#include "base/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789-_";

#define F 0x80 /* a bit that no letter has: a foreign byte */

/* The six bits of a letter. */
static const unsigned char bits_of[256] = {
	/* clang-format off */
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, 62, F, F,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, F, F, F, F, F, F,
	F, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, F, F, F, F, 63,
	F, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
	/* clang-format on */
};

/*
 * Four letters at "p" as 24 bits; "*seen" takes F if one is foreign.
 */
static inline uint32_t
four(const unsigned char *p, uint32_t *seen)
{
	uint32_t a = bits_of[p[0]], b = bits_of[p[1]];
	uint32_t c = bits_of[p[2]], d = bits_of[p[3]];

	*seen |= a | b | c | d;
	return a << 18 | b << 12 | c << 6 | d;
}

bool
base64url_decode(struct span s, struct arena *a, struct span *bytes)
{
	const unsigned char *from = (const unsigned char *)s.p;
	unsigned char last[4] = "AAAA", *to;
	size_t whole = s.n / 4, rest = s.n % 4, n = 0;
	uint32_t bits, seen = 0;

	if (rest == 1)
		return false;
	to = arena_room(a, whole * 3 + 3);
	if (to == NULL)
		return false;
	for (size_t i = 0; i < whole; i++, n += 3) {
		bits = four(from + 4 * i, &seen);
		to[n] = (unsigned char)(bits >> 16);
		to[n + 1] = (unsigned char)(bits >> 8);
		to[n + 2] = (unsigned char)bits;
	}
	if (rest > 0) {
		memcpy(last, from + 4 * whole, rest);
		bits = four(last, &seen);
		to[n++] = (unsigned char)(bits >> 16);
		if (rest == 3)
			to[n++] = (unsigned char)(bits >> 8);
		/* What is left are the unused bits of the last letter. */
		if ((bits & (rest == 3 ? 0xff : 0xffff)) != 0)
			return false;
	}
	*bytes = span_of(to, n);
	return (seen & F) == 0;
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
