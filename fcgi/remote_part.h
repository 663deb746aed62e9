/*
 * remote_part - what the files of remote share; for remote*.c alone.
 *
 * Times within the process are monotonic; only when a document was
 * fetched, which outlives it, is wall time.  A document is a place in an
 * array that never moves; one that is being fetched is not given away.
 */
#ifndef MGW_FCGI_REMOTE_PART_H
#define MGW_FCGI_REMOTE_PART_H

#include <pthread.h>

#include "base/file.h"
#include "fcgi/remote.h"

#define REMOTE_MAX 64
#define WAIT_MS 2000
/* A document that nobody has asked for is not fetched any longer. */
#define FORGOTTEN_US (600 * US_PER_S)

/* Keys that were sought in vain, and for how long that counts. */
#define UNKNOWN_MAX 32
#define UNKNOWN_US (300 * US_PER_S)

struct unknown {
	uint64_t kid; /* its hash */
	int64_t until_us;
};

struct document {
	char *place; /* as for discovery_fetch */
	struct buf body;
	bool there;
	bool fetching;
	uint64_t version;
	int64_t fetched_us; /* wall time of the last success */
	int64_t tried_us;   /* of the last attempt; INT64_MIN: none yet */
	int64_t due_us;     /* of the next */
	int64_t asked_us;   /* when somebody last wanted it */
	unsigned n_failed;  /* in a row */
	struct file_identity kept; /* as last read from disk */
	struct unknown unknown[UNKNOWN_MAX];
	unsigned next_unknown;
};

struct remote {
	struct remote_settings set;
	struct siphash_key secret; /* of hashes of key names */
	bool running;
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed, fetched;
	bool closing;
	unsigned n_fetching, n_waiting;
	struct document documents[REMOTE_MAX];
	unsigned n;
};

int64_t remote_cool_down_us(const struct remote *r);

/*
 * With the lock held: take what another process, or an earlier one, kept
 * on disk, where it is newer than what "d" has.
 */
bool remote_adopt(const struct remote *r, struct document *d);

/* With the lock held: the same, if the file is not the one seen last. */
void remote_notice(const struct remote *r, struct document *d);

/*
 * With the lock held, which is given up meanwhile: fetch "d", unless
 * another process does or did.  "d" is marked as being fetched.
 */
void remote_fetch(struct remote *r, struct document *d);

#endif
