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
 *	| struct header   |  magic, version, random key, boot, sections
 *	+-----------------+
 *	| buckets         |  32 bytes each, in groups with a lock byte
 *	| verdicts        |  fixed slots
 *	| metrics         |  fixed slots
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

/* Sizes of a state file that is made anew; 0 takes the default. */
struct state_sizes {
	uint32_t n_buckets;
	uint32_t n_verdicts;
};

/*
 * Open the state directory "dir" (made 0700 if it is missing), and the
 * shared file in it (made, and all of it allocated, if it is missing).
 * NULL: "why" says what is wrong: not ours, writable by others, on NFS,
 * disk full, damaged, of a newer version.
 */
struct state *state_open(const char *dir, const struct state_sizes *sizes,
    char *why, size_t why_size);
void state_close(struct state *s);

/* Functions for struct outside; "world" there may wrap these. */
enum take_result state_take(
    struct state *s, struct take *takes, unsigned n, int64_t now_us);
void state_give(
    struct state *s, struct take *takes, unsigned n, int64_t now_us);
bool state_recall(struct state *s, const struct span *parts, unsigned n,
    struct arena *a, struct verdict *v);
void state_remember(struct state *s, const struct span *parts, unsigned n,
    const struct verdict *v);

/*
 * Count one finished request for mgw-status.  "api" is title and version.
 */
void state_count(
    struct state *s, struct span api, enum reason reason, uint64_t us);

/* This process's line in mgw-status; slots of the dead are taken over. */
void state_process_enter(struct state *s, struct span bundle_path,
    uint64_t policy, unsigned workers_max);
void state_process_update(
    struct state *s, uint64_t policy, unsigned workers, unsigned busy);
void state_process_leave(struct state *s);

/* A keyed sum under the state's key, for files kept beside it. */
struct hash128 state_sum(const struct state *s, struct span bytes);

#endif
