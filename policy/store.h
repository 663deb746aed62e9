/*
 * store - where the counters of several machines are, and their names.
 *
 *	unix:/run/redis/redis.sock[:/DB]	a UNIX socket
 *	redis://HOST[:PORT][/DB]		TCP, port 6379
 *	rediss://HOST[:PORT][/DB]		TLS, the host's name checked
 *
 * The server keeps no name of a caller, an API or a key: a counter is
 * named by a keyed hash.  The key is the same on all machines, and the
 * server does not have it.
 */
#ifndef MGW_POLICY_STORE_H
#define MGW_POLICY_STORE_H

#include "base/buf.h"
#include "base/siphash.h"
#include "policy/outside.h"

struct store_place {
	struct span host; /* p == NULL: a UNIX socket */
	uint32_t port;
	bool tls;
	struct span unix_path;
	uint32_t database;
};

/* Views into "text".  False: "*why" is a static text. */
bool store_place_parse(
    struct span text, struct store_place *p, const char **why);

/* Nobody between us and the server can read a password. */
bool store_place_is_private(const struct store_place *p);

/* A shorter key could be guessed from a name. */
#define STORE_KEY_BYTES_MIN 16

/* The key that "secret" stands for; false: it cannot be made. */
bool store_key_make(struct span secret, struct siphash_key *key);

/* The name of a take's counter behind "prefix:"; 32 hexadecimal digits. */
void store_name_write(
    struct buf *to, const struct siphash_key *key, const struct take *t);

/* A limit that the store can count, exactly. */
bool store_can_hold(const struct row_limit *l);

#endif
