/*
 * share - that no one address, API or backend takes all workers.
 *
 * Each worker that serves a request notes whom it works for.  When three
 * eighths of the workers already work for one address (an IPv6 /64 counts
 * as one), or half of them for one API or one backend, its next request
 * waits until one of them has ended.  A list of endpoints is one backend
 * here.  A gate that has a single API or backend does not hold it to a
 * share.
 *
 * The caller locks; notes of a running request are atomic.
 */
#ifndef MGW_FCGI_SHARE_H
#define MGW_FCGI_SHARE_H

#include <stdatomic.h>

#include "base/siphash.h"

enum share_of {
	SHARE_ADDRESS,
	SHARE_API,
	SHARE_BACKEND,
	SHARE__MAX,
};

/* Whom a request is for; 0: held to no share. */
struct share_keys {
	uint64_t key[SHARE__MAX];
};

/* What one worker is busy with. */
struct share_slot {
	_Atomic uint64_t key[SHARE__MAX];
};

/* A key for a name; never 0.  Equal names have equal keys. */
uint64_t share_key(struct span name);

/* The same for REMOTE_ADDR. */
uint64_t share_key_address(struct span address);

void share_note(struct share_slot *s, const struct share_keys *k);

/* May another of the "n" workers, "n_busy" at work, begin with "k"? */
bool share_free(const struct share_slot *slots, unsigned n, unsigned n_busy,
    const struct share_keys *k);

#endif
