/*
 * world - struct outside for tools: sources loaded once, counters that
 * forget, and a trace of what was found.
 */
#ifndef MGW_TOOLS_WORLD_H
#define MGW_TOOLS_WORLD_H

#include "policy/decide.h"
#include "policy/revocation_set.h"
#include "policy/source.h"

/*
 * A file to be used in place of what a URL would serve: a key set, or the
 * answer of an introspection server.
 */
struct world_keys {
	const char *url;
	const char *file;
};

struct world_step {
	const char *stage;
	int alternative; /* -1: none */
	enum reason reason;
	struct span detail;
};

#define WORLD_STEPS_MAX 64

struct world {
	struct outside outside;
	const struct bundle *bundle;
	struct arena *arena;
	const struct world_keys *answers; /* of introspection servers, too */
	size_t n_answers;
	struct source_object *sources; /* one a row; view.generation 0: none */
	struct world_step steps[WORLD_STEPS_MAX];
	unsigned n_steps;
	struct state *state; /* looked at only; NULL: none */
	struct revoked_set revoked;
};

/*
 * Load every source that can be had without a network; what cannot is
 * told on standard error as "NAME: ..." and stays down.  "bundle" and
 * "arena" are borrowed until world_close.  False: out of memory.
 */
bool world_open(struct world *w, const struct bundle *b, struct arena *a,
    const struct world_keys *keys, size_t n_keys, const char *name);
void world_close(struct world *w);

/*
 * Look at what is revoked, in state directory "dir".  False: it cannot be
 * looked at, with "why".
 */
bool world_revocations(
    struct world *w, const char *dir, char *why, size_t why_size);

#endif
