/*
 * application_feed - applications that WSO2's API Manager has.
 *
 * Fetched by its internal data API, put together (application_wso2.h) and
 * kept in a file of the state, with the time and the state's keyed sum;
 * requests know the file alone, as they know one that somebody edits.  Of
 * all processes one fetches, under a lease, and what is not whole never
 * replaces what is.  A process that starts finds what was kept.
 */
#ifndef MGW_FCGI_APPLICATION_FEED_H
#define MGW_FCGI_APPLICATION_FEED_H

#include "base/file.h"
#include "policy/bundle.h"
#include "policy/state.h"

struct application_feed;

struct application_feed_settings {
	const struct bundle *bundle; /* its row of APPLICATIONS; copied */
	const char *folder;          /* the state directory; borrowed */
	struct state *state;
	struct span url;      /* as expanded */
	struct span password; /* copied, and cleared in the end */
};

/* NULL: out of memory. */
struct application_feed *application_feed_new(
    const struct application_feed_settings *s);
/* A fetch that is under way goes on. */
void application_feed_put(struct application_feed *f);

/* The file that holds what was fetched, once something was. */
const char *application_feed_path(const struct application_feed *f);

/* It is kept, and was fetched "*fetched_us"; else false with "why". */
bool application_feed_read(const struct application_feed *f, struct buf *text,
    struct file_identity *id, int64_t *fetched_us, char *why, size_t why_size);

/* What is kept is damaged: let it be fetched anew. */
void application_feed_drop(const struct application_feed *f);

/* What was fetched then counts no longer. */
bool application_feed_is_stale(
    const struct application_feed *f, int64_t fetched_us);

/* Where it is due start a fetch in a thread; blocks for nothing. */
void application_feed_poll(struct application_feed *f);

/* Where it is due fetch it, and wait for that at most so long. */
void application_feed_fetch(struct application_feed *f, unsigned limit_ms);

/* Wait for the threads of all feeds; once no more are started. */
void application_feed_wait(void);

#endif
