/*
 * network - see network.h.
 */
#include "fcgi/network.h"

#include <arpa/inet.h>

#define V4_BITS 96 /* in front of an IPv4 address */

static bool
parse_address(struct span s, struct network *n, bool *v4)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text) || span_has(s, '\0'))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	n->bits = 128;
	*v4 = !span_has(s, ':');
	if (!*v4)
		return inet_pton(AF_INET6, text, n->bytes) == 1;
	memcpy(n->bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, n->bytes + sizeof(mapped)) == 1;
}

static bool
same_start(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 &&
	    (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

/* Nothing is set behind the bits that count. */
static bool
ends_clean(const struct network *n)
{
	for (unsigned i = n->bits; i < 128; i++)
		if ((n->bytes[i / 8] >> (7 - i % 8) & 1) != 0)
			return false;
	return true;
}

bool
network_parse(struct span text, struct network *n)
{
	struct span bits = text;
	struct span address = span_cut(&bits, '/');
	uint64_t count;
	bool v4;

	if (!parse_address(address, n, &v4))
		return false;
	if (bits.p == NULL)
		return true;
	if (!span_to_u64(bits, v4 ? 32 : 128, &count))
		return false;
	n->bits = (unsigned)count + (v4 ? V4_BITS : 0);
	return ends_clean(n);
}

bool
network_has(const struct network *list, unsigned count, struct span address)
{
	struct network one;
	bool v4;

	if (count == 0 || !parse_address(address, &one, &v4))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (same_start(one.bytes, list[i].bytes, list[i].bits))
			return true;
	return false;
}
