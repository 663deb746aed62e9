/*
 * connect - connections to backends, made and kept by libcurl.
 *
 * libcurl resolves names, connects over TCP or UNIX sockets and does TLS
 * (CURLOPT_CONNECT_ONLY); what is said over the connection is http1.c's.
 * libcurl is loaded when the first connection is made, because loading it
 * costs more than all else that a CGI process does.
 */
#ifndef MGW_FCGI_CONNECT_H
#define MGW_FCGI_CONNECT_H

#include "base/span.h"
#include "fcgi/upstream.h"

struct connection;

enum connect_result {
	CONNECT_OK,
	CONNECT_FAILED,  /* upstream-connect */
	CONNECT_TIMEOUT, /* upstream-timeout */
	CONNECT_LEFT,    /* the client has gone meanwhile */
	CONNECT_FAULT,   /* libcurl is missing or out of memory */
};

struct outside;

/* What a connection takes. */
struct connect_call {
	const struct backend *backend;
	const struct outside *outside; /* has its secrets; NULL: no secrets */
	int64_t until_us;              /* monotonic; INT64_MAX: for ever */
	int client_fd;                 /* the web server's; -1: none */
	struct span head;              /* of the request, to begin with it */
};

/* Why there is none. */
struct connect_problem {
	char why[160];    /* short and clean, for the log */
	struct span type; /* an error type of RFC 9209, or n == 0 */
};

/*
 * Waits for at most connect_ms of the backend, TLS included, not beyond
 * "until_us", and only as long as the web server is there.
 */
enum connect_result connection_open(const struct connect_call *q,
    struct connection **c, struct connect_problem *p);
void connection_close(struct connection *c);

int connection_fd(const struct connection *c);

/* Another request may follow once its answer was read to the end. */
bool connection_may_be_kept(const struct connection *c);

/* It may have bytes to read that poll does not tell of. */
bool connection_holds(const struct connection *c);

/* A read would find something there already. */
bool connection_has_more(const struct connection *c);

/* It has bytes of its own to write. */
bool connection_wants_write(const struct connection *c);

/* When it was made, by the monotonic clock. */
int64_t connection_made_us(const struct connection *c);

#define CONNECTION_BROKEN -1
#define CONNECTION_LATER -2 /* it would block */

/*
 * Neither blocks.  Bytes, 0 at the end (reading), or one of these.  A
 * write takes from "head" first and then from "body", and
 * may take less than both.  Over TLS, bytes may be decrypted and waiting
 * that poll does not tell of: read until
 * CONNECTION_LATER before polling.
 */
long connection_read(struct connection *c, void *to, size_t room);
long connection_write(struct connection *c, struct span head, struct span body);

#endif
