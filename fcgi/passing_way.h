/*
 * passing_way - what a backend is told of the way that a request has come,
 * and whether it has come here before; part of passing.h.
 *
 * What a client says of it is dropped; what a trusted proxy says is
 * believed, where mgw.conf says that the proxy writes that very field.
 */
#ifndef MGW_FCGI_PASSING_WAY_H
#define MGW_FCGI_PASSING_WAY_H

#include "fcgi/upstream.h"

/* Its lines: X-Forwarded-*, Forwarded, Via, CDN-Loop, traceparent. */
void passing_way(const struct upstream_call *c, struct buf *b);

/* More than these lines can take beside the client's own fields. */
size_t passing_way_room(const struct upstream_call *c);

/*
 * We stand in its Via (RFC 9110 section 7.6.3) or CDN-Loop (RFC 8586)
 * already.
 */
bool passing_is_loop(const struct upstream_call *c);

#endif
