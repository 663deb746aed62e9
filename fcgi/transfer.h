/*
 * transfer - one request over one connection, and its answer back.
 *
 * One loop moves bytes in both directions and waits on both sides at
 * once, so that an early answer stops an upload and a client that leaves
 * ends the backend's work.  Writing to the client blocks: a slow client
 * holds back a fast backend, and memory stays constant.
 */
#ifndef MGW_FCGI_TRANSFER_H
#define MGW_FCGI_TRANSFER_H

#include "fcgi/kept.h"

enum progress {
	GOES_ON,
	ANSWERED, /* to its exact end */
	CUT,      /* the answer's head went out, its end never will */
	DIED,     /* a kept connection, before any byte of an answer */
	REFUSED,  /* nothing went out; the decision is filled */
	REJECTED, /* a status that may be asked for again; the same */
	STALE,    /* our token was refused, and there is another now */
};

struct transfer {
	const struct upstream_call *call;
	struct decision *decision;
	const struct row_retry *again;     /* its statuses are not passed on */
	bool (*renew)(struct transfer *t); /* our token; NULL: it is not ours */
	struct span origin;                /* name, for the log */
	struct connection *connection;
	bool kept; /* the connection was used before */
	struct lane *lane;

	/* Toward the backend. */
	struct span head;    /* not yet written */
	struct span piece;   /* of the body, in lane->up, not yet written */
	uint64_t left_bytes; /* of a known length, not yet read */
	bool body_read;      /* its end was seen */
	bool stopped;        /* nothing more is sent */
	bool written;        /* some byte was, over this connection */
	bool sent;           /* some byte was, over any */
	bool failed;         /* the backend's fault */
	int64_t moved_us;    /* when a byte last came or went */

	/* Toward the client. */
	size_t n_in; /* bytes in lane->in */
	bool received;
	bool answering;
	bool surplus; /* bytes behind the end of the answer */
	unsigned interims;
	struct http1_body body;

	int64_t total_until_us; /* INT64_MAX: never */
};

/* Until the answer is complete, or cannot be. */
enum progress transfer_run(struct transfer *t);

/* "status" is in this list of INDEX. */
bool transfer_has_status(
    const struct bundle *b, struct range list, unsigned status);

/* Everything of the request was written. */
bool transfer_sent(const struct transfer *t);

/* REFUSED with this reason; CUT when an answer has begun. */
enum progress transfer_fail(
    struct transfer *t, enum reason reason, const char *why);

#endif
