/*
 * events - where event lines go, without ever holding up a request.
 *
 * Lines are put into a queue of bounded size, and one thread writes them
 * out, several at a time, to a file opened for appending.  When the queue
 * is full or the disk is, lines are lost and counted.  A file that was
 * renamed or removed is opened anew.  Locked inside.
 */
#ifndef MGW_FCGI_EVENTS_H
#define MGW_FCGI_EVENTS_H

#include "base/span.h"

struct events;

/*
 * "where" is a path, "syslog", "stderr" or "off".  "direct" writes each
 * line at once and makes no thread: for a process of one request.  NULL:
 * "why" says what is wrong.
 */
struct events *events_open(
    const char *where, bool direct, char *why, size_t why_size);

/* A whole line with its newline; copied. */
void events_put(struct events *e, struct span line);

/* After SIGHUP. */
void events_reopen(struct events *e);

/* How many were lost since the last call. */
uint64_t events_lost(struct events *e);

/* Write what is queued, for a second or two at most, and end. */
void events_close(struct events *e);

#endif
