/*
 * url - where a backend is, from one text.
 *
 *	http://HOST[:PORT][/PATH][?QUERY]	https:// the same
 *	unix:/run/app.sock[:/PATH[?QUERY]]	HTTP over a UNIX socket
 *
 * Strict (RFC 3986): no user name or password, no fragment, no byte that
 * is not allowed in a URL; a host of digits and dots must be a dotted
 * quad, so that no resolver can read an address that was not judged here.
 */
#ifndef MGW_POLICY_URL_H
#define MGW_POLICY_URL_H

#include "base/span.h"

struct url {
	bool tls;
	struct span host; /* without brackets; p == NULL for a UNIX socket */
	uint32_t port;    /* 80 or 443 where none is given */
	struct span unix_path;
	struct span path;  /* "" or "/api", without a slash at the end */
	struct span query; /* without '?'; p == NULL: none */
};

/* Views into "text".  False: "*why" is a static text. */
bool url_parse(struct span text, struct url *u, const char **why);

/*
 * The same for what follows "//" of a scheme that is not HTTP: "tls" and
 * the port that stands for none are set already.
 */
bool url_parse_rest(struct span rest, struct url *u, const char **why);

/*
 * The host is this machine or the link it hangs on, as far as its name
 * tells: localhost, loopback, link-local, unspecified, a UNIX socket.
 * What a name resolves to is judged again when a connection is made.
 */
bool url_is_local(const struct url *u);

#endif
