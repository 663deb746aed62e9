/*
 * client - whose address a request comes from.
 *
 * That is REMOTE_ADDR, unless it is a proxy that mgw.conf trusts.  Then
 * the proxy's Forwarded (RFC 7239) or X-Forwarded-For is read from the
 * right, each address being what the one behind it saw, until one is not
 * trusted: only what trusted machines wrote is believed.  What cannot be
 * read as an address ends the walk, and the client is the last that could.
 */
#ifndef MGW_POLICY_CLIENT_H
#define MGW_POLICY_CLIENT_H

#include "base/arena.h"
#include "policy/network.h"

enum client_header {
	CLIENT_HEADER_AUTO, /* the one that came; both must agree */
	CLIENT_HEADER_X_FORWARDED_FOR,
	CLIENT_HEADER_FORWARDED,
};

struct client_rules {
	const struct network *trusted; /* proxies */
	unsigned n_trusted;
	enum client_header header;
};

struct client {
	struct span text;  /* without port and brackets; may be no address */
	struct network at; /* all 128 bits count */
	bool known;        /* "at" is filled in */
	bool proxied;      /* REMOTE_ADDR is a trusted proxy */
	bool disagree;     /* two headers name different clients */
};

struct request;

/*
 * From the parameters of "r" alone, so that it serves also for a request
 * that was not read.  Views into them.
 */
void client_find(const struct request *r, const struct client_rules *rules,
    struct client *c);

/* A subscriber may have this many IPv6 addresses; see ipv6-prefix. */
#define CLIENT_V6_BITS 64

/*
 * What limits by address count under: "192.0.2.1", or the network of the
 * first "v6_bits" of an IPv6 address, "2001:db8::/64"; all whose address
 * is not known share "unknown".  p == NULL: the arena is full.
 */
struct span client_key(
    const struct client *c, unsigned v6_bits, struct arena *a);

#endif
