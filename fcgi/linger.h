/*
 * linger - connections whose answer is out and whose upload is not wanted.
 *
 * Closing such a connection at once makes the web server see a broken one
 * and turn our answer into its own 503; reading the upload in a worker
 * would hold the worker.  One thread reads and forgets what still comes,
 * for a bounded time, bytes and number of connections.  Locked inside.
 */
#ifndef MGW_FCGI_LINGER_H
#define MGW_FCGI_LINGER_H

/* Take "fd"; it is closed when the other side does, or at a bound. */
void linger_take(int fd);

/* Close what is left and end the thread; when the process ends. */
void linger_stop(void);

#endif
