/*
 * store - counters that several machines share, behind struct outside.
 *
 * Takes of tiers that say so are asked of a server (Redis, Valkey), all of
 * a request in one round trip; the others of the state of this machine,
 * first.  When the server cannot tell, each tier has said what is to be:
 * the local count, no count, or a refusal.
 */
#ifndef MGW_FCGI_STORE_H
#define MGW_FCGI_STORE_H

#include "fcgi/config.h"
#include "fcgi/sources.h"
#include "fcgi/store_set.h"
#include "policy/bundle.h"
#include "policy/state.h"

struct store;

/*
 * What "b" and mgw.conf say, with the secrets from "sources"; all of them
 * outlive it.  NULL: "why" says what is wrong, and where.  A server that
 * is not there is not.
 */
struct store *store_open(const struct bundle *b, const struct config *c,
    struct sources *sources, struct state *state, bool direct, char *why,
    size_t why_size);
void store_close(struct store *s);

/* As state_take. */
enum take_result store_take(
    struct store *s, struct take *takes, unsigned n, int64_t now_us);

/*
 * As state_charge.  Bytes that the server cannot be told of are charged
 * here where the tier falls back to this machine, else lost.
 */
void store_charge(struct store *s, struct take *takes, unsigned n,
    uint64_t bytes, int64_t now_us);

#endif
