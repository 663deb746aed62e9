/*
 * state - what all processes of a gate share: counters and verdicts.
 *
 * One file, "shared" in the state directory, mapped by every process.
 * It is found again after a restart and after kill -9 at any instruction:
 * every value is one atomic word or is checked by a keyed sum before use,
 * and the few locks are open-file-description locks, which the kernel
 * frees with their owner.
 *
 *	+-----------------+
 *	| struct header   |  magic, version, random key, sections
 *	+-----------------+
 *	| buckets         |  32 bytes each, in groups with a lock byte
 *	| overflow        |  buckets for those that found no place
 *	| client buckets  |  of keys that a client chooses
 *	| slides          |  1024 bytes each: sliding windows; the same three
 *	| failures        |  buckets of clients that fail
 *	| verdicts        |  fixed slots
 *	| metrics, APIs   |  fixed slots
 *	| processes       |  who is here: pid, workers, busy
 *	+-----------------+
 *
 * Sections are found by tag, so that later ones do not move older ones.
 */
#ifndef MGW_POLICY_STATE_H
#define MGW_POLICY_STATE_H

#include "policy/outside.h"
#include "policy/verdict.h"

struct state;

/*
 * Sizes of a state file that is made anew; 0 takes the default.  They are
 * rounded up to powers of two.  A file that is there is replaced by a larger
 * one, with all that it counts, when nobody serves from it; none is made
 * smaller.
 */
struct state_sizes {
	uint32_t n_buckets;
	uint32_t n_verdicts;
	uint32_t n_client_buckets; /* of keys that a client chooses */
	uint32_t n_slides;         /* sliding windows; a quarter of it more */
	uint32_t n_failures;
};

/*
 * Open the state directory "dir" (made 0700 if it is missing), and the
 * shared file in it (made, and all of it allocated, if it is missing).
 * NULL: "why" says what is wrong: not ours, open to others, on a network
 * file system, disk full, damaged, of a newer version.  What is damaged
 * is never repaired by guessing: remove the file to begin at zero.
 * A forked child must open it for itself: locks go with the descriptor.
 */
struct state *state_open(const char *dir, const struct state_sizes *sizes,
    char *why, size_t why_size);
void state_close(struct state *s);

/* It has less than "sizes" say: somebody serves from it, or no room. */
bool state_is_smaller(const struct state *s, const struct state_sizes *sizes);

/*
 * Have the shared file of "dir" in the folder "memory", which is of a file
 * system in memory, or with NULL on disk again; from the next state_open
 * on, in all processes.  What was counted goes with it.  Nothing happens
 * when it is so already; else no gate may be running.
 */
bool state_set_memory(
    const char *dir, const char *memory, char *why, size_t why_size);

/*
 * Copy a shared file that is in memory to disk, unless a copy is younger
 * than "age_us".  What was counted since the last copy is lost with the
 * memory.  Nothing for one on disk.
 */
bool state_snapshot(
    struct state *s, int64_t age_us, char *why, size_t why_size);

/* The same to look at only: nothing is made and nothing is changed. */
struct state *state_view(const char *dir, char *why, size_t why_size);

/* More takes in one call are a fault. */
#define STATE_TAKES_MAX 16

/*
 * For struct outside; "world" there may wrap these.
 *
 * All takes are looked at first and, when none refuses, charged one after
 * the other, the last (the narrowest) first.  When another caller was
 * faster and one refuses after all, those charged are given back.  So no
 * caller ever passes above a limit; for the moment between charge and
 * return another may be refused one request early, and because narrow
 * levels go first that is nearly always the same caller.
 *
 * When no place is left for a new counter, it shares one with all others
 * that found none: of the same first part (the level) and the same limit.
 * When even that has no place the answer is TAKE_FAULT.  Takes whose key a
 * client can make up ("client") have tables of their own to fill.  That of
 * failures shares nothing: where it is full the counter goes that is
 * nearest to limiting nobody.
 */
enum take_result state_take(
    struct state *s, struct take *takes, unsigned n, int64_t now_us);
/* The same, but nothing is charged and no counter is made. */
enum take_result state_look(
    struct state *s, struct take *takes, unsigned n, int64_t now_us);
void state_give(
    struct state *s, struct take *takes, unsigned n, int64_t now_us);

/*
 * Charge bytes to those of "takes" whose limit counts them, also past the
 * limit: they were sent already.
 */
void state_charge(struct state *s, struct take *takes, unsigned n,
    uint64_t bytes, int64_t now_us);

/*
 * A verdict is copied into "a" and checked by a keyed sum; any doubt, and
 * a full arena, is a miss.
 */
bool state_recall(struct state *s, const struct span *parts, unsigned n,
    struct arena *a, struct verdict *v);
void state_remember(struct state *s, const struct span *parts, unsigned n,
    const struct verdict *v);

/*
 * Remember a proof of these parts, which counts to "until_s"; it is told
 * when it comes again before then, to whatever process.
 */
enum replay_result state_replay(struct state *s, const struct span *parts,
    unsigned n, int64_t until_s, int64_t now_s);

/* Whether it is there; remembers nothing. */
bool state_replayed(
    const struct state *s, const struct span *parts, unsigned n, int64_t now_s);

/* The keyed name of such parts, the same in all processes. */
struct hash128 state_name(
    const struct state *s, const struct span *parts, unsigned n);

/*
 * Be the only process that does "name", until state_lease_end or until
 * this process ends.  False: another one does it, now.  Threads of one
 * process, and names of one spelling, have to tell themselves apart.
 */
bool state_lease(struct state *s, struct span name);
void state_lease_end(struct state *s, struct span name);

/*
 * A password is about to be hashed: true when one of the places for that
 * is ours, as many as there are processors over all processes.  Waits up
 * to "wait_ms", where fewer than "max_waiting" of this process do.
 */
bool state_hash_begin(
    struct state *s, unsigned max_waiting, unsigned wait_ms, int *place);
void state_hash_end(struct state *s, int place);

/*
 * Count one finished request for mgw-status.  "api" is title and version,
 * absent when no API was met.
 */
void state_count(
    struct state *s, struct span api, enum reason reason, uint64_t us);

/* Things worth a number of their own; append only. */
enum state_total {
	STATE_TAKE_SHARED, /* no place: an overflow counter was used */
	STATE_TAKE_FAULT,
	STATE_VERDICT_HIT,
	STATE_VERDICT_MISS,
	STATE_EVENT_LOST,
	STATE_STORE_ASKED,       /* a store of several machines; and then: */
	STATE_STORE_FAILED,      /* it did not answer */
	STATE_STORE_LOCAL,       /* without it: counted on this machine, */
	STATE_STORE_ALLOWED,     /* passed without being counted, */
	STATE_STORE_REFUSED,     /* refused */
	STATE_FAILURE_FORGOTTEN, /* no place: an older one gave way */
	STATE_TOTAL__MAX
};
void state_tally(struct state *s, enum state_total what);

/*
 * A store of several machines does not answer: nobody need ask it until
 * wall time "until_us"; 0: it answers.  For processes of one request, and
 * for mgw-status.
 */
void state_store_down(struct state *s, int64_t until_us);
bool state_store_is_down(const struct state *s, int64_t now_us);

/* This process's line in mgw-status; slots of the dead are taken over. */
void state_process_enter(struct state *s, struct span bundle_path,
    uint64_t policy, unsigned workers_max);
void state_process_update(
    struct state *s, uint64_t policy, unsigned workers, unsigned busy);
void state_process_leave(struct state *s);

/* A keyed sum under the state's key, for files kept beside it. */
struct hash128 state_sum(const struct state *s, struct span bytes);

/*
 * The seq of the last change in CONTROL_FILE (control.h) that anybody has
 * read or written.  It is never set back.
 */
uint64_t state_rules_seq(const struct state *s);
void state_rules_raise(struct state *s, uint64_t seq);

/*
 * Words that processes tell each other of revocation lists; see
 * revocation_list.c.  A list of mgw.yaml has one of each of the last by its
 * number.
 */
#define STATE_REVOKED_LISTS REVOCATIONS_MAX
enum state_revoked {
	STATE_REVOKED_SEQ,     /* of the last line of revoked.list */
	STATE_REVOKED_KNOWN,   /* the state of that file that was read whole, */
	STATE_REVOKED_WRONG,   /* and one that was found damaged */
	STATE_REVOKED_BAD = 8, /* a state of a file that is no list */
	STATE_REVOKED_TRIED = STATE_REVOKED_BAD + STATE_REVOKED_LISTS,
	STATE_REVOKED__MAX = STATE_REVOKED_TRIED + STATE_REVOKED_LISTS,
};
uint64_t state_revoked_get(const struct state *s, unsigned word);
/* Nothing, of a state that is only looked at. */
void state_revoked_set(struct state *s, unsigned word, uint64_t v);
/* Never set back; the same. */
void state_revoked_raise(struct state *s, unsigned word, uint64_t v);
/* True: it was "from", and we were the one who changed it. */
bool state_revoked_swap(
    struct state *s, unsigned word, uint64_t from, uint64_t to);

/*
 * One of the requests of "address" (some may be left out).  True, at most
 * once an hour, when it is to be told that most requests come from it.
 */
bool state_traffic(
    struct state *s, struct span address, bool tell, int64_t now_us);

/*
 * Keep names of what state_take has answered, for people: all that were
 * refused, and some of those that passed.
 */
void state_note(struct state *s, const struct take *takes, unsigned n,
    enum take_result result, int64_t now_us);

/* Where a name is counted. */
enum state_counter {
	STATE_COUNTER_OWN,
	STATE_COUNTER_SHARED, /* with others: the table had no place */
	STATE_COUNTER_HELD,   /* requests in progress: they end */
	STATE_COUNTER_STORE,  /* by several machines */
	STATE_COUNTER__MAX
};

struct state_name {
	struct span level, key;  /* in an arena */
	char limit;              /* which of its tier */
	uint64_t taken, refused; /* since "first_us", about */
	int64_t first_us, last_us;
	int64_t until_us; /* was refused, and is until then; 0: was not */
	enum state_counter counter;
	uint64_t held, most; /* of requests in progress; most == 0: another */
};

/* All names that there are; false: the arena is full. */
bool state_names(const struct state *s, int64_t now_us, struct arena *a,
    struct state_name **list, size_t *n);

/* How many there were, and of which nothing could be done. */
struct state_resets {
	unsigned n;
	unsigned kept[STATE_COUNTER__MAX]; /* of these kinds */
};

/*
 * Let those begin anew whose name this is, at one level or (absent) all.
 */
struct state_resets state_reset(struct state *s, struct span level,
    struct span key, struct arena *a, int64_t now_us);

/* Let everybody begin anew. */
void state_reset_all(struct state *s, int64_t now_us);

/* What mgw-status tells. */
struct state_fill {
	const char *section;
	uint64_t used, count;
};

struct state_api {
	struct span name;
	uint64_t counts[REASON__MAX];
	uint64_t us;
};

struct state_process {
	struct span bundle;
	int64_t pid, started_us;
	uint64_t policy;
	uint32_t workers_max, workers, busy;
};

/* An endpoint that is checked, or that is set aside. */
struct state_endpoint {
	struct span url;
	unsigned verdict; /* enum health_verdict */
	unsigned status;  /* of the last check; 0: no answer */
	int64_t changed_us;
	bool aside; /* requests failed there */
};

struct state_report {
	int64_t made_us;
	struct state_fill fills[16];
	unsigned n_fills;
	struct state_api *apis; /* in the order of their names */
	unsigned n_apis;
	struct state_process *processes; /* those alive */
	unsigned n_processes;
	uint64_t totals[STATE_TOTAL__MAX];
	bool store_down;
	struct state_endpoint *endpoints;
	unsigned n_endpoints;
};

/* A picture of "s" at "now_us", in "a"; false: the arena is full. */
bool state_report(const struct state *s, int64_t now_us, struct arena *a,
    struct state_report *r);

#endif
