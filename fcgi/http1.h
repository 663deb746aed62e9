/*
 * http1 - HTTP/1.1 as spoken to backends (RFC 9112), strictly.
 *
 * A pull parser over bytes that the caller reads: no sockets, no memory.
 * What two readers could understand differently is an error, because the
 * next answer on a kept connection belongs to somebody else:
 * Content-Length with Transfer-Encoding, two lengths, a length that is
 * not digits, a coding that is not exactly "chunked", bare LF, folded
 * lines, blanks before a colon, NUL, an overflowing chunk size, more than
 * 8 interim answers.
 */
#ifndef MGW_FCGI_HTTP1_H
#define MGW_FCGI_HTTP1_H

#include "base/arena.h"
#include "base/span.h"

#define HTTP1_HEAD_BYTES_MAX (64 * 1024)
#define HTTP1_FIELDS_MAX 200
#define HTTP1_INTERIM_MAX 8

struct http1_field {
	struct span name;
	struct span value; /* without blanks at both ends */
};

struct http1_head {
	unsigned version_minor; /* HTTP/1.x */
	unsigned status;
	struct http1_field *fields; /* in the arena */
	size_t n_fields;
};

enum http1_framing {
	HTTP1_NO_BODY, /* HEAD, 204, 304 */
	HTTP1_LENGTH,
	HTTP1_CHUNKED,
	HTTP1_UNTIL_CLOSE,
};

struct http1_body {
	enum http1_framing framing;
	uint64_t left_bytes; /* of the length, or of the current chunk */
	unsigned state;
	bool done;
	bool reusable; /* the connection may carry another request after */
};

#define HTTP1_MORE 0 /* need more bytes */
#define HTTP1_BAD -1

/*
 * Parse a head from the start of "bytes".  Returns its length in bytes,
 * HTTP1_MORE, or HTTP1_BAD with a static "*why".  Spans point into
 * "bytes".  Interim answers are returned like others; the caller skips
 * and counts them (101 is HTTP1_BAD: we never ask to upgrade).
 */
long http1_parse_head(struct span bytes, struct arena *a,
    struct http1_head *head, const char **why);

/* How the body of this answer ends (RFC 9112 section 6.3); false: bad. */
bool http1_body_begin(const struct http1_head *head, bool head_request,
    struct http1_body *b, const char **why);

/*
 * Take body bytes from the start of "bytes": "*piece" is what may be
 * passed on (a view), the result how many bytes were used, HTTP1_MORE
 * when none can be, or HTTP1_BAD.  b->done is set at the exact end;
 * trailers are read over.
 */
long http1_body_take(struct http1_body *b, struct span bytes,
    struct span *piece, const char **why);

/* The other side closed: true if that is the body's proper end. */
bool http1_body_close(struct http1_body *b);

/* "word" is one of the comma-separated words of a field value. */
bool http1_list_has(struct span list, struct span word);

#endif
