/*
 * fcgi_client - the web server's side of FastCGI, for tests.
 *
 * Records are put together in a buffer, right ones and wrong ones alike,
 * and sent as the test likes.
 */
#ifndef MGW_TESTS_FCGI_CLIENT_H
#define MGW_TESTS_FCGI_CLIENT_H

#include "base/buf.h"

enum fcgi_type {
	FCGI_BEGIN = 1,
	FCGI_ABORT = 2,
	FCGI_END = 3,
	FCGI_PARAMS = 4,
	FCGI_STDIN = 5,
	FCGI_STDOUT = 6,
	FCGI_STDERR = 7,
	FCGI_DATA = 8,
	FCGI_GET_VALUES = 9,
};

/* One record; "content" up to 65535 bytes, padded to a multiple of 8. */
void fcgi_record(
    struct buf *b, unsigned type, unsigned id, struct span content);
void fcgi_begin(struct buf *b, unsigned id, unsigned role, bool keep);
/* One name-value pair, to be put into PARAMS records. */
void fcgi_pair(struct buf *b, struct span name, struct span value);
/* The PARAMS records of all pairs in "pairs", with the empty one. */
void fcgi_params(struct buf *b, unsigned id, struct span pairs);
/* The STDIN records of "body", with the empty one. */
void fcgi_stdin(struct buf *b, unsigned id, struct span body);

/*
 * A whole request; "lines" are NAME=VALUE lines.  CONTENT_LENGTH is added
 * when body.p is set.
 */
void fcgi_request(
    struct buf *b, bool keep, const char *lines, struct span body);

struct fcgi_reply {
	struct buf out;        /* content of STDOUT */
	size_t first_n;        /* content of the first STDOUT record */
	bool ended;            /* END_REQUEST came */
	bool closed;           /* the connection ended */
	unsigned n_unexpected; /* other records */
};

/* Send all; false when the other side has gone. */
bool fcgi_send(int fd, struct span bytes);
/* Read one answer, up to END_REQUEST or the connection's end. */
void fcgi_receive(int fd, struct fcgi_reply *r);
void fcgi_reply_fini(struct fcgi_reply *r);

int fcgi_connect(const char *unix_path);

#endif
