/*
 * remote - documents behind URLs (key sets), fetched by one thread.
 *
 * A document is fetched when it is first asked for, when its lifetime has
 * passed, and sooner, but not within a minute of the last time, when
 * remote_hurry asks.  The last good one is kept on disk in state/jwks,
 * under the state's keyed sum, and stays in use for a day while its
 * server is down.  Locked inside.
 */
#ifndef MGW_FCGI_REMOTE_H
#define MGW_FCGI_REMOTE_H

#include "base/buf.h"
#include "policy/state.h"

struct remote;

/*
 * "folder" is the state directory.  "direct" makes no thread and fetches
 * in remote_get: for a process of one request.
 */
struct remote *remote_open(
    const char *folder, const struct state *state, bool direct);
void remote_close(struct remote *r);

/*
 * Append what "url" brings to "body".  False: there is nothing, now.
 * "*version" changes whenever the answer would.
 */
bool remote_get(
    struct remote *r, struct span url, struct buf *body, uint64_t *version);
uint64_t remote_version(struct remote *r, struct span url);

/* Something is missing in what "url" brought: fetch it soon. */
void remote_hurry(struct remote *r, struct span url);

#endif
