/*
 * granted - what a token server answers to the gate (RFC 6749 section 5.1).
 */
#ifndef MGW_POLICY_GRANTED_H
#define MGW_POLICY_GRANTED_H

#include "base/arena.h"

#define GRANTED_BYTES_MAX (64 * 1024)

/* Longer ones would not fit into a header field anywhere. */
#define GRANTED_TOKEN_MAX 8192

/* When the server does not tell, and the most that it may. */
#define GRANTED_LIFE_S 300
#define GRANTED_LIFE_S_MAX (24 * 3600)

struct granted {
	struct span token; /* for "Authorization: Bearer"; in the arena */
	uint32_t life_s;
};

/*
 * Read a whole answer.  False: "*why" is a static text; a token of another
 * type than Bearer, or one that cannot stand in a header, is none.
 */
bool granted_read(
    struct span answer, struct arena *a, struct granted *g, const char **why);

#endif
