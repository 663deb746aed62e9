/*
 * http2_part - what the files of http2 share; for them alone.
 */
#ifndef MGW_FCGI_HTTP2_PART_H
#define MGW_FCGI_HTTP2_PART_H

#include "base/buf.h"
#include "fcgi/http1.h"
#include "fcgi/http2.h"

/* What libcurl gives us at once, and the frame of a chunk around it. */
#define PIECE_BYTES_MAX CURL_MAX_WRITE_SIZE
#define FRAME_BYTES_MAX 24
#define IN_BYTES_MAX (HTTP1_HEAD_BYTES_MAX + 4 * PIECE_BYTES_MAX)

enum upload {
	UPLOAD_NONE,
	UPLOAD_LENGTH,
	UPLOAD_CHUNKED, /* with frames around it, which we take off */
};

struct http2 {
	bool prior; /* knowledge */
	bool sent;  /* it has gone out, as far as libcurl is concerned */
	bool begun; /* the head in "in" is whole: more lines are trailers */
	bool coded, sized; /* as the answer says */
	bool chunked;      /* our own frames stand around the body */
	bool head_only;
	bool done, broken;
	bool read_paused, write_paused;
	bool wants_write;
	unsigned interims, status;
	CURLcode result;
	struct curl_slist *lines;
	struct buf head; /* of the answer, being read */
	struct buf in;   /* for connection_read */
	size_t in_at;
	enum upload upload;
	struct http1_body frames; /* of UPLOAD_CHUNKED */
	struct span pending;      /* of the body, borrowed during a write */
};

/* http2_answer.c: called with what libcurl has read, for struct http2. */
size_t http2_take_line(char *p, size_t size, size_t n, void *user);
size_t http2_take_body(char *p, size_t size, size_t n, void *user);

#endif
