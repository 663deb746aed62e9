/*
 * network - an address, or all addresses with the same first bits.
 *
 * IPv4 addresses mapped into IPv6 are the IPv4 addresses they stand for.
 */
#ifndef MGW_POLICY_NETWORK_H
#define MGW_POLICY_NETWORK_H

#include "base/span.h"

struct network {
	unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;           /* of these that count, 0 to 128 */
};

/*
 * "192.0.2.1", "10.0.0.0/8", "2001:db8::/32".  False: not one, or bits
 * behind the prefix are set, which is a slip more often than a wish.
 */
bool network_parse(struct span text, struct network *n);

/* An address alone, without a port, brackets or a zone. */
bool network_parse_address(struct span text, struct network *n);

/* The address of "one" (all its bits count) lies in one of these. */
bool network_covers(
    const struct network *list, unsigned count, const struct network *one);

bool network_is_v4(const struct network *n);

/*
 * Of no public network: loopback, RFC 1918, RFC 6598, link-local, unique
 * local.
 */
bool network_is_private(const struct network *one);

/*
 * Write the first bits of the address that "bits" leaves: "192.0.2.1",
 * "2001:db8::/64"; the count is left out where all bits are there.  The
 * length.
 */
#define NETWORK_TEXT_MAX 52
size_t network_write(const struct network *n, char room[NETWORK_TEXT_MAX]);

/* "address" is one, and lies in one of the "count" networks at "list". */
bool network_has(
    const struct network *list, unsigned count, struct span address);

#endif
