/*
 * path - from the bytes of a request target to segments to decide on.
 *
 * What is decided on is what is sent: the path is parsed once, refused
 * where two readers could disagree, compared decoded, and sent in the one
 * canonical spelling of what was compared.
 */
#ifndef MGW_POLICY_PATH_H
#define MGW_POLICY_PATH_H

#include "base/arena.h"
#include "base/buf.h"
#include "policy/decision.h"

struct path {
	struct span canonical; /* begins with '/' */
	struct span query;     /* raw; p == NULL: no '?' */
	struct span *segments; /* decoded; "" last if it ends in '/' */
	size_t n_segments;     /* "/" has one segment, "" */
};

/*
 * Read "target" (RFC 9112 section 3.2: origin-form; absolute-form only
 * when its host equals "host").  "strip" is a path prefix, "" or "/gate",
 * compared segment by segment and cut; a target outside it is no-route.
 * Refused as bad-request: bad escapes, control bytes, invalid UTF-8,
 * anything not a path.  As path-ambiguous: %2F, %5C, %00, a backslash, dot
 * segments in any spelling, empty segments inside, '#', ';' after dots.
 */
bool path_parse(struct span target, struct span host, struct span strip,
    struct arena *a, struct path *p, struct decision *d);

/*
 * Decode %XX into "to", which has room for s.n bytes; the length used.
 * False: a '%' without two hexadecimal digits (RFC 3986 section 2.1).
 */
bool path_unescape(struct span s, char *to, size_t *n);

#endif
