/*
 * exchange - one request and its answer, as FastCGI or CGI carry them.
 *
 * The only file that knows libfcgi.  Everything behind it is the same
 * under FastCGI on a socket, FastCGI on descriptor 0 and plain CGI.
 *
 * OS_Read and OS_Write, through which libfcgi touches its descriptors,
 * are defined here and replace the library's own: they walk the record
 * headers and fail on any record that a web server does not send, since
 * libfcgi itself can be crashed by some (a GET_VALUES record overruns its
 * stack); and they keep the connection's deadline.
 */
#ifndef MGW_FCGI_EXCHANGE_H
#define MGW_FCGI_EXCHANGE_H

#include "policy/request.h"

enum exchange_role {
	ROLE_RESPONDER,
	ROLE_AUTHORIZER,
	ROLE_OTHER
};

struct exchange; /* owned by a worker, used again for each request */

/*
 * Once per process, before any thread and before signal handlers are set
 * (libfcgi sets its own, which are taken away again).  False: libfcgi does
 * its own reading, and nothing may be given to it.
 */
bool exchange_global_init(void);

struct exchange *exchange_new(void);
void exchange_free(struct exchange *x);

/*
 * From now on each step (parameters, answer, what is read over at the end)
 * may wait for so long at most: for a thread that must not be held.
 */
void exchange_hurry(struct exchange *x, unsigned ms);

/*
 * Take the next request from connection "fd" (FastCGI), which is readable.
 * False: the connection broke or misbehaved, and was closed.
 */
bool exchange_begin(struct exchange *x, int fd);

/* Take the one request of a CGI process, from environment and stdin. */
bool exchange_begin_cgi(struct exchange *x, char *const *environment);

enum exchange_role exchange_role(const struct exchange *x);

/* All parameters in order, duplicates kept; valid until exchange_end. */
const struct param *exchange_params(const struct exchange *x, size_t *n);

/* Memory of the request: empty at its begin, given back at its end. */
struct arena *exchange_arena(struct exchange *x);

#define EXCHANGE_END 0
#define EXCHANGE_BROKEN -1 /* the client or the web server has gone */
#define EXCHANGE_SLOW -2   /* below the least rate: body-timeout */
#define EXCHANGE_SHORT -3  /* ended before its Content-Length */

/*
 * Up to "room" bytes of the body: the number, EXCHANGE_END at its proper
 * end (Content-Length reached, or EOF of a chunked one), or another of
 * the above.  Blocks.
 */
long exchange_read(struct exchange *x, void *to, size_t room);

/* For poll: readable or hung up when the web server is; -1 under CGI. */
int exchange_fd(const struct exchange *x);

/* Body bytes can be read without blocking, or its end is known. */
bool exchange_readable(const struct exchange *x);

/*
 * The body was waited for so long with poll.  False: it comes slower than
 * the least rate, as EXCHANGE_SLOW says of a read.
 */
bool exchange_waited(struct exchange *x, int64_t us);

/*
 * Begin the answer: "Status: N", then "headers" (lines with CRLF), then
 * the empty line.  Once per request.  It is sent together with what comes
 * next; an empty exchange_write sends it now.  False: the client has gone.
 */
bool exchange_head(struct exchange *x, unsigned status, struct span headers);

/*
 * A piece of the body, sent at once; left out when the method is HEAD.
 * False: the client has gone.
 */
bool exchange_write(struct exchange *x, struct span bytes);

/* The last piece: as exchange_write, but may be sent with the end. */
bool exchange_write_last(struct exchange *x, struct span bytes);

/* The answer that began has a body: not one to HEAD, no 204, no 304. */
bool exchange_has_body(const struct exchange *x);

/*
 * End the request.  "complete" false cuts the connection so that the web
 * server sees a truncated answer.  True: "*fd" is kept and may bring the
 * next request; false: it is closed, or given to the linger thread to
 * read over an upload that nobody wants.
 */
bool exchange_end(struct exchange *x, bool complete, int *fd);

#endif
