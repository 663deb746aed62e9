/*
 * outside - the one seam between policy and the world.
 *
 * policy/ decides; what it must ask for (keys, counters) it asks through
 * this struct.  fcgi/ fills it for real, tools with files, tests with
 * tables, so that mgw-spec explain runs the very code of production.
 */
#ifndef MGW_POLICY_OUTSIDE_H
#define MGW_POLICY_OUTSIDE_H

#include "base/arena.h"
#include "base/siphash.h"
#include "policy/decision.h"
#include "policy/format.h"

/* What a counter's name may be made of; more is an import error. */
#define TAKE_PARTS_MAX 12

/* One counter to be charged; see throttle.h for how it is filled. */
struct take {
	struct hash128 id;                 /* made by the store from "parts" */
	struct span parts[TAKE_PARTS_MAX]; /* stable names: level, API ... */
	unsigned n_parts;
	const struct row_limit *limit;
	/*
	 * Of a limit by the calendar: its window at the time of the take,
	 * in Unix microseconds.  0: as the limit itself tells.
	 */
	int64_t from_us, until_us;
	bool pass_over; /* stopOnQuota: false: counted, never refused */
	bool client;    /* a client can make up as many keys as it likes */
	bool failure;   /* of failure.h: shares no counter with others */
	uint32_t store; /* TIER_STORE and what else of its flags is set */

	/* Answer. */
	bool refused;
	bool over;          /* passed only because of pass_over */
	bool untold;        /* its counter was not asked */
	uint64_t remaining; /* after this take */
	uint64_t reset_us;  /* until the limit is whole again */
	uint64_t wait_us;   /* refused: until a retry could pass */
	uint64_t undo;      /* private to the store; 0: nothing charged */
	uint64_t charged;   /* private to the store */
};

enum take_result {
	TAKE_ALLOWED, /* all were charged */
	TAKE_REFUSED, /* none was charged; at least one has "refused" */
	TAKE_FAULT,   /* none was charged; the counters cannot tell */
	TAKE_DOWN,    /* none was charged; a store that counts is gone */
};

enum replay_result {
	REPLAY_NEW,  /* and remembered from now on */
	REPLAY_SEEN, /* it was there */
	REPLAY_LATE, /* it does not count any more */
	REPLAY_FULL, /* there is no place to remember it */
	REPLAY_FAULT,
};

enum source_result {
	SOURCE_OK,
	SOURCE_DOWN,  /* not there now: verifier-down */
	SOURCE_FAULT, /* there, and unusable: fault */
};

enum refresh_result {
	REFRESH_SAME,    /* there is nothing newer than source() gave */
	REFRESH_CHANGED, /* source() may answer differently now */
	REFRESH_DOWN,    /* it could not be found out: verifier-down */
};

enum introspect_result {
	INTROSPECT_TOLD,
	INTROSPECT_BUSY,  /* too many ask already: overloaded */
	INTROSPECT_DOWN,  /* the server cannot be asked: verifier-down */
	INTROSPECT_FAULT, /* we cannot ask: fault */
};

/* One opaque token to ask about. */
struct introspection {
	uint32_t row; /* INTROSPECT */
	struct span token;
	struct span address;      /* of the client, which has a share */
	const struct span *parts; /* the name of the verdict to be made */
	unsigned n_parts;
	struct arena *arena;
	int64_t now_s;
};

enum revoked_result {
	REVOKED_NO,
	REVOKED_YES,
	REVOKED_UNKNOWN, /* it cannot be found out: verifier-down */
};

struct key_set;      /* policy/keyset.h */
struct key_file;     /* policy/keyfile.h */
struct sign_key;     /* policy/sign.h */
struct user_file;    /* policy/userfile.h */
struct applications; /* policy/application.h */

/* What stands behind a SOURCE row at this moment. */
struct source {
	uint64_t generation;        /* changes when the content does; never 0 */
	const struct key_set *keys; /* SOURCE_KEY_SET */
	const struct key_file *key_file;         /* SOURCE_KEY_FILE */
	struct span secret;                      /* SOURCE_SECRET */
	const struct sign_key *signer;           /* SOURCE_SIGNING_KEY */
	const struct user_file *users;           /* SOURCE_HTPASSWD */
	const struct applications *applications; /* SOURCE_APPLICATIONS */
};

struct verdict;       /* policy/verdict.h */
struct match;         /* policy/route.h */
struct revoked_query; /* policy/revocation.h */

struct outside {
	void *world; /* passed to each call */

	/*
	 * The object behind SOURCE row "row", borrowed until the request
	 * ends.
	 */
	enum source_result (*source)(
	    void *world, uint32_t row, struct source *s);

	/*
	 * A token names key "kid", which source "row" lacks: look again,
	 * within its bounds.  May block up to the row's time limit.
	 */
	enum refresh_result (*refresh)(
	    void *world, uint32_t row, struct span kid);

	/*
	 * Ask the server of an INTROSPECT row about a token; what it says
	 * becomes a verdict by introspection_read, in the arena, and is
	 * remembered.  NULL: never.  May block up to the row's time limit.
	 */
	enum introspect_result (*introspect)(
	    void *world, const struct introspection *i, struct verdict *v);

	/*
	 * Whether a verified caller is on a list of those revoked.  NULL:
	 * there is no list.
	 */
	enum revoked_result (*revoked)(void *world, struct revoked_query *q);

	/* Charge all of "takes" at wall time "now_us", or none. */
	enum take_result (*take)(
	    void *world, struct take *takes, unsigned n, int64_t now_us);

	/*
	 * As take(), but charge nothing, and make no counter that is not
	 * there.  NULL: failures limit nobody.
	 */
	enum take_result (*look)(
	    void *world, struct take *takes, unsigned n, int64_t now_us);

	/* Give back what take() charged; for requests that did not count. */
	void (*give)(
	    void *world, struct take *takes, unsigned n, int64_t now_us);

	/*
	 * Charge so many bytes to those of "takes" whose limit counts them;
	 * take() has only asked whether any are left.  May be NULL.
	 */
	void (*charge)(void *world, struct take *takes, unsigned n,
	    uint64_t bytes, int64_t now_us);

	/*
	 * Verdicts on tokens, see verdict.h: look one up (false: a miss),
	 * and keep one.  "parts" are the token and everything that verified
	 * it.  Both may be NULL: nothing is remembered.
	 */
	bool (*recall)(void *world, const struct span *parts, unsigned n,
	    struct arena *a, struct verdict *v);
	void (*remember)(void *world, const struct span *parts, unsigned n,
	    const struct verdict *v);

	/*
	 * Has the proof of these parts come before?  It counts, and is
	 * remembered, to "until_s"; the time is that of the call, since a
	 * request may have waited.  NULL: it cannot be found out, and none
	 * is taken.
	 */
	enum replay_result (*replay)(
	    void *world, const struct span *parts, unsigned n, int64_t until_s);

	/*
	 * Whether that proof has come before; remembers nothing, and where
	 * it tells false replay() may still say that it has.  May be NULL.
	 */
	bool (*replayed)(void *world, const struct span *parts, unsigned n);

	/*
	 * The configuration of this machine names endpoints for "m" where
	 * the bundle has none.  NULL: it names none.
	 */
	bool (*has_endpoints)(void *world, const struct match *m, bool sandbox);

	/*
	 * A password is about to be hashed, which takes long on purpose.
	 * False: too many are being hashed already, here and in other
	 * processes.  Each true is ended by hash_end.  Both may be NULL.
	 */
	bool (*hash_begin)(void *world, int *place);
	void (*hash_end)(void *world, int place);

	/*
	 * Random, known to this process alone and never stored; NULL: what
	 * would have to be named with it is not remembered.
	 */
	const struct siphash_key *secret;

	/*
	 * Tell a trace what a stage found; NULL in the gate.  "stage" is a
	 * word ("route", "authenticate"), "alternative" the number of the
	 * security alternative or -1, "reason" REASON_NONE when it passed.
	 */
	void (*note)(void *world, const char *stage, int alternative,
	    enum reason reason, struct span detail);
};

#endif
