/*
 * records - a second pair of eyes on the FastCGI records of a request.
 *
 * libfcgi reads records leniently and can be crashed by some (GET_VALUES
 * overruns its stack, a length of two gigabytes is allocated).  Every byte
 * it is given is walked here first.  What passes is exactly what a web
 * server sends for one request: BEGIN_REQUEST, PARAMS up to an empty
 * record, STDIN up to an empty record, all of one id that is not 0, and
 * nothing behind.  FastCGI specification 1.0, sections 3.3 to 5.3.
 */
#ifndef MGW_FCGI_RECORDS_H
#define MGW_FCGI_RECORDS_H

#include "base/span.h"

/* Names, values and their lengths, of all PARAMS records of a request. */
#define RECORDS_PARAMS_MAX (64 * 1024)

enum records_state {
	RECORDS_BEGIN, /* waiting for BEGIN_REQUEST */
	RECORDS_PARAMS,
	RECORDS_STDIN,
	RECORDS_END, /* the empty STDIN record was seen */
	RECORDS_BAD, /* stays so */
};

struct records {
	enum records_state state;
	unsigned char head[8]; /* of a record, as far as it came */
	unsigned n_head;
	unsigned type; /* of the record at hand */
	unsigned id;   /* of the request */
	unsigned content_left;
	unsigned padding_left;
	size_t params_bytes;
	uint64_t stdin_bytes; /* content of STDIN records so far */
	/* The name-value pair at hand, which may cross records. */
	unsigned pair_state;
	unsigned length_left; /* bytes of a length still to come */
	uint32_t name_left;
	uint32_t value_left;
	const char *why; /* of RECORDS_BAD */
};

/* At the first byte of a request. */
void records_init(struct records *w);

/* Walk the next bytes; false when the state is RECORDS_BAD. */
bool records_walk(struct records *w, struct span bytes);

/* The request was told completely: nothing more is to come. */
static inline bool
records_done(const struct records *w)
{
	return w->state == RECORDS_END && w->padding_left == 0;
}

/* Bytes of STDIN that have come, whoever holds them now. */
static inline uint64_t
records_stdin_come(const struct records *w)
{
	return w->state == RECORDS_STDIN && w->stdin_bytes > 0
	    ? w->stdin_bytes - w->content_left
	    : w->stdin_bytes;
}

#endif
