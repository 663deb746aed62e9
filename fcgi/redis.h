/*
 * redis - one connection to a Redis or Valkey server.
 *
 * Every call has a deadline, connecting included: sockets never block.
 * hiredis writes and reads the protocol (RESP2) and nothing else; TLS is
 * in redis_tls.c.  What an answer may be is narrow, a number or text, or a
 * list of numbers, and a longer one ends the connection before anything is
 * allocated for it.
 *
 * A connection belongs to one thread at a time.
 */
#ifndef MGW_FCGI_REDIS_H
#define MGW_FCGI_REDIS_H

#include "base/span.h"

struct redis;

/* Where and as whom; texts end with a NUL and outlive the connections. */
struct redis_target {
	const char *host; /* NULL: unix_path */
	uint32_t port;
	const char *unix_path;
	bool tls;
	const char *ca_file; /* NULL: the system's */
	uint32_t database;
	struct span user, password; /* p == NULL: none */
	struct redis_addresses *addresses;
};

/* Numbers in one answer, and bytes of it, at most. */
#define REDIS_NUMBERS_MAX 64
#define REDIS_ANSWER_BYTES_MAX 4096
#define REDIS_TEXT_MAX 120

struct redis_answer {
	int64_t numbers[REDIS_NUMBERS_MAX];
	unsigned n;
	char text[REDIS_TEXT_MAX]; /* cut, clean ASCII; "" if none */
	bool error;                /* "text" is the server's complaint */
};

enum redis_result {
	REDIS_ANSWERED, /* the connection is good for more */
	REDIS_SLOW,     /* the deadline has passed; close it */
	REDIS_LOST,     /* the other side has closed it; close it */
	REDIS_BROKEN,   /* it speaks something else; close it */
};

/* This mgw was built with hiredis, and has loaded it; false with "why". */
bool redis_is_there(char *why, size_t why_size);

/*
 * Find the addresses of "t", which may take as long as the resolver likes;
 * a UNIX socket has nothing to find.  Also after the host has moved.
 * False: "why" says what is wrong, and those found before stay.
 */
bool redis_resolve(struct redis_target *t, char *why, size_t why_size);
void redis_target_fini(struct redis_target *t);

/*
 * Connect, and log in, until monotonic time "until_us".  NULL with "why",
 * which never holds the password.
 */
struct redis *redis_open(
    const struct redis_target *t, int64_t until_us, char *why, size_t why_size);
void redis_close(struct redis *r);

/* The other side has closed it, or says what nobody asked for. */
bool redis_is_stale(const struct redis *r);

/* Send one command and wait for its answer. */
enum redis_result redis_call(struct redis *r, const struct span *words,
    unsigned n, int64_t until_us, struct redis_answer *a);

/* How a server names a script: SHA-1 in hexadecimal digits, and a NUL. */
#define REDIS_SCRIPT_NAME 41
bool redis_script_name(struct span script, char hex[static REDIS_SCRIPT_NAME]);

/* What is the matter, for the log. */
const char *redis_result_text(enum redis_result result);

#endif
