/*
 * store_call - takes as one command for the server, and its answer read.
 *
 * All counters of a request are looked at and charged, or none is, by one
 * script, which the server runs alone: one round trip, and exact whoever
 * else asks.  The server's clock is the only one: machines whose own
 * clocks differ see the same windows.
 *
 * A counter is one text, kept as long as it limits anybody:
 *
 *	token bucket	"US TICKS": when it is full again
 *	window		"START COUNT"
 *	sliding		"SLOT:COUNT SLOT:COUNT ...", oldest first
 */
#ifndef MGW_FCGI_STORE_CALL_H
#define MGW_FCGI_STORE_CALL_H

#include "fcgi/redis.h"
#include "policy/store.h"

#define STORE_TAKES_MAX 16
#define STORE_PREFIX_MAX 40

struct store_call {
	struct span words[3 + 6 * STORE_TAKES_MAX];
	unsigned n;
	char room[STORE_TAKES_MAX * 180];
};

/* How the server names the script; false: it cannot be told. */
bool store_call_script(char name[static REDIS_SCRIPT_NAME]);

/* What counters and the script are called. */
struct store_names {
	struct siphash_key key;
	struct span prefix;
	char script[REDIS_SCRIPT_NAME];
};

/*
 * EVALSHA for "takes"; "c" must not be moved.  Limits on bytes are only
 * asked whether any are left.  False: more than STORE_TAKES_MAX, or
 * something that the store cannot count.
 */
bool store_call_take(struct store_call *c, const struct store_names *names,
    const struct take *takes, unsigned n);

/* The same, to charge so many bytes to "takes", which all count them. */
bool store_call_charge(struct store_call *c, const struct store_names *names,
    const struct take *takes, unsigned n, uint64_t bytes);

/* The same as EVAL, for a server that does not know the script yet. */
void store_call_spell_out(struct store_call *c);

/*
 * Fill the answers of "takes" from the server's.  False: it says what
 * cannot be, and nothing of it counts.
 */
bool store_call_read(const struct redis_answer *a, struct take *takes,
    unsigned n, bool *refused);

/* Bytes were charged to "n" counters. */
bool store_call_charged(const struct redis_answer *a, unsigned n);

#endif
