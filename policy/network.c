/*
 * network - see network.h.
 */
#include "policy/network.h"

#include <arpa/inet.h>
#include <stdio.h>

#define V4_BITS 96 /* in front of an IPv4 address */

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
parse_address(struct span s, struct network *n, bool *v4)
{
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
network_parse_address(struct span text, struct network *n)
{
	bool v4;

	return parse_address(text, n, &v4);
}

bool
network_covers(
    const struct network *list, unsigned count, const struct network *one)
{
	for (unsigned i = 0; i < count; i++)
		if (same_start(one->bytes, list[i].bytes, list[i].bits))
			return true;
	return false;
}

bool
network_has(const struct network *list, unsigned count, struct span address)
{
	struct network one;

	return count > 0 && network_parse_address(address, &one) &&
	    network_covers(list, count, &one);
}

bool
network_is_v4(const struct network *n)
{
	return memcmp(n->bytes, mapped, sizeof(mapped)) == 0;
}

bool
network_is_private(const struct network *one)
{
	static const struct network list[] = {
		{ { [10] = 0xff, [11] = 0xff, [12] = 10 }, V4_BITS + 8 },
		{ { [10] = 0xff, [11] = 0xff, [12] = 100, [13] = 64 },
		    V4_BITS + 10 },
		{ { [10] = 0xff, [11] = 0xff, [12] = 127 }, V4_BITS + 8 },
		{ { [10] = 0xff, [11] = 0xff, [12] = 169, [13] = 254 },
		    V4_BITS + 16 },
		{ { [10] = 0xff, [11] = 0xff, [12] = 172, [13] = 16 },
		    V4_BITS + 12 },
		{ { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 168 },
		    V4_BITS + 16 },
		{ { [15] = 1 }, 128 },
		{ { [0] = 0xfc }, 7 },
		{ { [0] = 0xfe, [1] = 0x80 }, 10 },
	};

	return network_covers(list, sizeof(list) / sizeof(list[0]), one);
}

size_t
network_write(const struct network *n, char room[NETWORK_TEXT_MAX])
{
	struct network cut = *n;
	bool v4 = network_is_v4(n) && n->bits >= V4_BITS;
	size_t length;

	for (unsigned i = n->bits; i < 128; i++)
		cut.bytes[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	/* It fits: a full address is shorter than the room. */
	(void)inet_ntop(v4 ? AF_INET : AF_INET6,
	    v4 ? cut.bytes + sizeof(mapped) : cut.bytes, room,
	    NETWORK_TEXT_MAX);
	length = strlen(room);
	if (n->bits < 128)
		length +=
		    (size_t)snprintf(room + length, NETWORK_TEXT_MAX - length,
			"/%u", v4 ? n->bits - V4_BITS : n->bits);
	return length;
}
