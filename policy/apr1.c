/*
 * apr1 - Apache's variant of the MD5-based crypt, as htpasswd -m makes it.
 *
 * Poul-Henning Kamp's algorithm of 1994 with "$apr1$" in the place of
 * "$1$"; a thousand rounds, so weak by today's measure, and still what
 * many files hold.
 */
#include "policy/password.h"
#include "policy/sign.h"

#define ROUNDS 1000
#define MD5_BYTES 16

/* Three password or salt parts, the stretched digest, a byte for each bit. */
#define PARTS_MAX (3 + PASSWORD_BYTES_MAX / MD5_BYTES + 1 + 10)

static bool
first_digest(struct span password, struct span salt, unsigned char *to)
{
	const struct span mixed[3] = { password, salt, password };
	struct span parts[PARTS_MAX];
	size_t n = 0;

	if (!sign_digest(DIGEST_MD5, mixed, 3, to))
		return false;
	parts[n++] = password;
	parts[n++] = SPAN("$apr1$");
	parts[n++] = salt;
	for (size_t left = password.n; left > 0;) {
		size_t some = left < MD5_BYTES ? left : MD5_BYTES;

		parts[n++] = span_of(to, some);
		left -= some;
	}
	for (size_t i = password.n; i > 0; i >>= 1)
		parts[n++] = (i & 1) != 0 ? SPAN("\0") : span_of(password.p, 1);
	return sign_digest(DIGEST_MD5, parts, n, to);
}

static bool
stretch(struct span password, struct span salt, unsigned char *digest)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct span last = span_of(digest, MD5_BYTES), parts[4];
		size_t n = 0;

		parts[n++] = (i & 1) != 0 ? password : last;
		if (i % 3 != 0)
			parts[n++] = salt;
		if (i % 7 != 0)
			parts[n++] = password;
		parts[n++] = (i & 1) != 0 ? last : password;
		if (!sign_digest(DIGEST_MD5, parts, n, digest))
			return false;
	}
	return true;
}

static void
write_letters(uint32_t v, int n, char *to)
{
	static const char letters[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";

	for (int i = 0; i < n; i++, v >>= 6)
		to[i] = letters[v & 63];
}

bool
apr1_make(struct span password, struct span salt, char letters[static 22])
{
	static const unsigned char order[5][3] = { { 0, 6, 12 }, { 1, 7, 13 },
		{ 2, 8, 14 }, { 3, 9, 15 }, { 4, 10, 5 } };
	unsigned char d[DIGEST_BYTES_MAX];
	bool good = password.n <= PASSWORD_BYTES_MAX &&
	    first_digest(password, salt, d) && stretch(password, salt, d);

	for (int i = 0; good && i < 5; i++)
		write_letters((uint32_t)d[order[i][0]] << 16 |
			(uint32_t)d[order[i][1]] << 8 | d[order[i][2]],
		    4, letters + 4 * (size_t)i);
	if (good)
		write_letters(d[11], 2, letters + 20);
	sign_wipe(d, sizeof(d));
	return good;
}
