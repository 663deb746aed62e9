/*
 * systemd - sockets that a service manager passes and keeps.
 *
 * A web server that keeps connections to us sends its next request over
 * one at any moment, also in that in which it is closed, and then answers
 * 503 itself.  So a process that ends closes none of them: it gives them
 * to the service manager, which passes them with the listening sockets to
 * the process that follows (sd_listen_fds(3), and FDSTORE=1 in
 * sd_notify(3)).  Requests that come in between wait in them.
 */
#ifndef MGW_FCGI_SYSTEMD_H
#define MGW_FCGI_SYSTEMD_H

#include <stdbool.h>

/* The first descriptor that is passed. */
#define SYSTEMD_FIRST 3

/* How many were passed to this very process. */
unsigned systemd_n(void);

/* Number "i" of them is a connection that our predecessor kept. */
bool systemd_is_kept(unsigned i);

/* Who started us keeps connections. */
bool systemd_keeps(void);

/*
 * Give connection "fd" away; it is closed here.  Nothing of its next
 * request may have been read.
 */
void systemd_keep(int fd);

/* Wait until all that was given has been taken, for some seconds at most. */
void systemd_settle(void);

/* What was passed to us is ours alone from now on. */
void systemd_release(void);

#endif
