/*
 * remote - key sets behind URLs.
 *
 * One thread sees what is due and starts a thread for each fetch, so that
 * a server that hangs keeps none waiting but its own.  A document is
 * fetched when it is first asked for, when its lifetime has passed, and
 * when a token names a key that it lacks: then not within a minute of the
 * last time, and not for a key that was sought in vain lately.  What is no
 * usable key set never replaces one.  The last good one is kept on disk in
 * state/jwks, under the state's keyed sum, and stays in use for a day while
 * its server is down.  Of all processes one fetches; the others take what
 * it kept, as does one that starts.
 *
 * A document is named by a place: its URL, or "URL ISSUER" for the keys
 * that the metadata of ISSUER at URL lead to.
 *
 * Locked inside.
 */
#ifndef MGW_FCGI_REMOTE_H
#define MGW_FCGI_REMOTE_H

#include "base/buf.h"
#include "policy/outside.h"
#include "policy/state.h"

struct remote;

struct remote_settings {
	const char *folder; /* the state directory */
	struct state *state;
	/* No threads, fetch in remote_get: for a process of one request. */
	bool direct;
	unsigned max_waiting;  /* requests in remote_refresh at once, >= 1 */
	unsigned cool_down_ms; /* 0: a minute */
	unsigned wait_ms;      /* in remote_refresh; 0: two seconds */
};

/* NULL: out of memory. */
struct remote *remote_open(const struct remote_settings *s);
void remote_close(struct remote *r);

/*
 * Append what "place" brings to "body".  False: there is nothing, now.
 * "*version" changes whenever the answer would.
 */
bool remote_get(
    struct remote *r, struct span place, struct buf *body, uint64_t *version);
uint64_t remote_version(struct remote *r, struct span place);

/*
 * Key "kid" is missing in version "seen" of "place": fetch it, or wait for
 * the fetch in progress, within the bounds.  REFRESH_CHANGED: there is
 * another version now.
 */
enum refresh_result remote_refresh(
    struct remote *r, struct span place, struct span kid, uint64_t seen);

#endif
