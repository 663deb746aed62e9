/*
 * passing - what of a request may reach the backend, and what of an answer
 * may reach the client.
 *
 * Heads are built anew in both directions.  Toward the backend, what
 * frames the request comes from CONTENT_LENGTH, CONTENT_TYPE and policy
 * alone; every field by which a client could pose as the gate is dropped,
 * in any spelling that CGI folds onto it.  Toward the web server, fields
 * that a CGI program commands it with are dropped.
 *
 * A field that the client's Connection names is dropped (RFC 9110 section
 * 7.6.1), since whoever sits behind us might drop it as well.  Naming
 * Host, Content-*, Cookie, Forwarded, X-Forwarded-*, Via, X-Mgw-* or what
 * carries a credential is bad-request: no honest client does (the same
 * section forbids it), and with these gone the rest of the request would
 * mean something else than what was decided on: another coding of the
 * body, another session, another origin.
 */
#ifndef MGW_FCGI_PASSING_H
#define MGW_FCGI_PASSING_H

#include "fcgi/http1.h"
#include "fcgi/upstream.h"

/*
 * The request's head for the backend, in the request's arena.
 * False: bad-request or fault.
 */
bool passing_request_head(
    const struct upstream_call *c, struct span *head, struct decision *d);

/*
 * Part of it: what passing_way.h has, the request's id, and X-Mgw-*, or what
 * the policy names instead, for what came out of the credential.
 */
void passing_own_fields(const struct upstream_call *c, struct buf *b);

/* A header line with its CRLF. */
void passing_add_line(struct buf *b, struct span name, struct span value);

/* "Host: " of "b", or "other" where that is not absent. */
void passing_add_host(
    struct buf *to, const struct backend *b, struct span other);

/* A buffer that cannot grow, in "a"; false: the arena is full. */
bool passing_begin(struct buf *b, struct arena *a, size_t bytes);

/* What is in it; the rest goes back to "a". */
struct span passing_end(const struct buf *b, struct arena *a);

/*
 * The header lines for exchange_head, in the request's arena, for an
 * answer whose body is framed as "body" says.  False: the arena is full.
 */
bool passing_answer_lines(const struct upstream_call *c,
    const struct http1_head *head, const struct http1_body *body,
    struct span *lines);

#endif
