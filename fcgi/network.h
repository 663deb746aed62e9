/*
 * network - an address, or all addresses with the same first bits.
 *
 * IPv4 addresses mapped into IPv6 are the IPv4 addresses they stand for.
 */
#ifndef MGW_FCGI_NETWORK_H
#define MGW_FCGI_NETWORK_H

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

/* "address" is one, and lies in one of the "count" networks at "list". */
bool network_has(
    const struct network *list, unsigned count, struct span address);

#endif
