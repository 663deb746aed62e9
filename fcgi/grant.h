/*
 * grant - access tokens that the gate itself needs for backends, by the
 * client credentials of OAuth 2 (RFC 6749 section 4.4).
 *
 * One token for each client, scope and token server, for all workers.  It
 * is fetched by the request that needs it first, the others wait; and
 * fetched anew in the background before its time is over.  What fails is
 * not tried again at once.  A process of one request keeps the token in
 * the state, beside the key sets, for the next.
 *
 * Locked inside.
 */
#ifndef MGW_FCGI_GRANT_H
#define MGW_FCGI_GRANT_H

#include "fcgi/upstream.h"
#include "policy/outside.h"
#include "policy/state.h"

struct grants;

struct grants_settings {
	const char *folder; /* the state's */
	const struct state *state;
	bool direct;          /* a process of one request */
	unsigned max_waiting; /* requests that wait for a token */
};

/* NULL: out of memory. */
struct grants *grants_new(const struct grants_settings *s);

/* Waits for what is being fetched; fetch_stop makes that short. */
void grants_free(struct grants *g);

enum grant_result {
	GRANT_OK,
	GRANT_DOWN,  /* the server does not give one */
	GRANT_BUSY,  /* too many wait already */
	GRANT_FAULT, /* we cannot ask */
};

/*
 * The token for "b", whose security is BACKEND_AUTH_OAUTH2, in "a".
 * "refused" is one that the backend did not take, or absent: another is
 * fetched in its place, but not when it came a moment ago.  Blocks for at
 * most the row's time limit.
 */
enum grant_result grant_get(struct grants *g, const struct outside *w,
    const struct bundle *bundle, const struct backend *b, struct span refused,
    struct arena *a, struct span *token);

#endif
