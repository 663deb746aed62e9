/*
 * wire - bytes between the web server and one exchange, with patience.
 *
 * Every wait has a bound: a deadline while the parameters come, and a
 * least rate for bodies and answers.  What comes over FastCGI is walked
 * by records.h before anybody else sees it; what goes out is put into
 * STDOUT records here, so that large bodies are sent from where they lie.
 */
#ifndef MGW_FCGI_WIRE_H
#define MGW_FCGI_WIRE_H

#include <sys/types.h>

#include "base/buf.h"
#include "fcgi/records.h"

/* Time spent waiting for the other side, and what came of it. */
struct pace {
	int64_t waited_us;
	uint64_t n_bytes;
};

struct wire {
	int fd; /* connection, or standard input of CGI */
	bool cgi;
	unsigned id; /* of the FastCGI request */
	struct records walk;
	int64_t until_us; /* monotonic deadline of waiting; 0: by pace */
	struct pace in, out;
	bool slow;       /* a wait was given up */
	bool gone;       /* writing failed */
	struct buf held; /* content; goes out with what is written next */
};

/* How long the other side may take; for the whole process. */
struct wire_limits {
	unsigned head_ms;  /* for the parameters, once some came ... */
	unsigned busy_ms;  /* ... and when no worker is idle */
	unsigned grace_ms; /* waiting for body or client is free so long */
	unsigned rate;     /* then at least this many bytes a second */
};
extern struct wire_limits wire_limits;

/*
 * No worker is idle, or one is again: half a head may then hold no worker
 * for longer than busy_ms.
 */
void wire_set_busy(bool busy);

/* Begin anew on "fd", keeping only the memory of "held". */
void wire_reset(struct wire *w, int fd, bool cgi);

/* As read(2), for at most wire_limits; errno EPROTO for a bad record. */
ssize_t wire_read(struct wire *w, void *to, size_t room);

/* What is held; false: gone. */
bool wire_flush(struct wire *w);

/*
 * All of "s" as the content of STDOUT records (bare under CGI).  "hold"
 * keeps it for the next write when there is room.  False: gone.
 */
bool wire_write(struct wire *w, struct span s, bool hold);

/*
 * What is held and END_REQUEST, in one write: an answer that was held
 * whole is two records.  The empty STDOUT record that could stand between
 * them says nothing more, and costs Apache a poll and a read.
 */
bool wire_end(struct wire *w);

/*
 * Somebody else has waited for the other side that long; false when that
 * was more than the least rate allows.
 */
bool wire_waited(struct wire *w, int64_t us);

/* A read would find something without waiting. */
bool wire_readable(const struct wire *w);

/*
 * Wait, a second at most, until the other side has read what was sent and
 * had a moment to pass it on.  lighttpd that meets data and the end of the
 * connection at once takes a truncated answer for a whole one.
 */
void wire_wait_taken(const struct wire *w);

#endif
