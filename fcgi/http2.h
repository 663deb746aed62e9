/*
 * http2 - requests over connections that libcurl speaks HTTP/2 on, as if
 * they were bytes of HTTP/1.1; part of connect.
 *
 * The head that connect.h is given becomes a request of libcurl's multi
 * interface, and what libcurl reads becomes a head and a body again, which
 * http1.c judges as it judges all others.  A connection carries one stream
 * and is closed: no two requests ever share one, so that none can get
 * another's answer.
 *
 * libcurl would repeat a request on a connection that has died; it is
 * kept from that, since upstream.c decides what is sent again.
 */
#ifndef MGW_FCGI_HTTP2_H
#define MGW_FCGI_HTTP2_H

#include "fcgi/connect_part.h"

/* Its connections are of this kind. */
bool http2_is_for(const struct backend *b);

/* NULL: out of memory. */
struct http2 *http2_new(struct connection *c, const struct backend *b);
void http2_free(struct connection *c);

/* Begin the request of this head; false: out of memory. */
bool http2_start(struct connection *c, struct span head);

/* Until it is connected, and the request goes out, or cannot. */
CURLcode http2_connect(struct connection *c, int client_fd);

/* As connection_read and connection_write, and the others of connect.h. */
long http2_read(struct connection *c, void *to, size_t room);
long http2_write(struct connection *c, struct span head, struct span body);
bool http2_has_more(const struct connection *c);
bool http2_wants_write(const struct connection *c);

#endif
