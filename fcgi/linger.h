/*
 * linger - connections whose answer is out and whose upload is not wanted.
 *
 * Closing such a connection at once makes the web server see a broken one
 * and turn our answer into its own 503; reading the upload in a worker
 * would hold the worker.  One thread reads and forgets what still comes,
 * for a bounded time, bytes and number of connections.  Locked inside.
 *
 * A web server that keeps connections uses this one again as soon as it
 * has read the answer: Apache sends the next request where the upload
 * broke off, and answers 503 itself when it meets a closed connection
 * there.  So the upload is read over record by record, and where a record
 * begins a request the connection is given back.  What a record holds is
 * the client's and is never looked at.
 */
#ifndef MGW_FCGI_LINGER_H
#define MGW_FCGI_LINGER_H

#include "fcgi/records.h"

/* Where connections go that bring another request; NULL: they are closed. */
void linger_give_to(void (*back)(void *arg, int fd), void *arg);

/*
 * Take "fd", whose request has come as far as "walk" says; it is given
 * back at the next request, or closed when the other side does or at a
 * bound.  With "walk" NULL nothing more is wanted of it.
 */
void linger_take(int fd, const struct records *walk);

/* Close what is left and end the thread; when the process ends. */
void linger_stop(void);

#endif
