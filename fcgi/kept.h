/*
 * kept - connections to backends between requests, and the buffers that a
 * request in progress needs.  Shared by all workers; one mutex.
 *
 * A connection is kept for the origin it leads to: host, port, TLS and
 * all else that decides who is at the other end, compared whole.
 */
#ifndef MGW_FCGI_KEPT_H
#define MGW_FCGI_KEPT_H

#include "fcgi/connect.h"
#include "fcgi/http1.h"

/* A piece of an upload; one FastCGI record holds at most 64 kB. */
#define UPLOAD_BYTES_MAX (16 * 1024)

/* "4000\r\n" before a piece, CRLF behind it. */
#define CHUNK_FRAME_BYTES 16

/* What one request in progress needs; too large for a stack or arena. */
struct lane {
	struct lane *next;
	char in[HTTP1_HEAD_BYTES_MAX];
	char up[UPLOAD_BYTES_MAX + 2 * CHUNK_FRAME_BYTES];
};

struct origin;

/*
 * "certificate" is the generation of the one that we show, 0 for none: who
 * had another before is not taken for who has it now.  NULL: out of
 * memory.  Lives as long as "u".
 */
struct origin *kept_origin(
    struct upstreams *u, const struct backend *b, uint64_t certificate);

/* "host:port" or the path of a UNIX socket, for messages. */
struct span kept_origin_name(const struct origin *o);

/* NULL: out of memory. */
struct lane *kept_lane_get(struct upstreams *u);
void kept_lane_put(struct upstreams *u, struct lane *lane);

/*
 * A connection that is older is not kept, however much it is used: names
 * are to be looked up again, and a server that moved is to be found.
 */
extern int64_t kept_age_us_max;

/*
 * A connection that is open and has nothing to read, or NULL.  The caller
 * owns it; kept_give takes it back, and closes it when there are enough.
 */
struct connection *kept_take(struct upstreams *u, struct origin *o);
void kept_give(struct upstreams *u, struct origin *o, struct connection *c);

#endif
