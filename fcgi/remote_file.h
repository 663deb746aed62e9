/*
 * remote_file - key sets that were fetched, kept on disk for the next
 * process.  Private to remote.c.
 *
 * A file state/jwks/HASH.json is one line, "SUM FETCHED DUE" (times in
 * Unix microseconds; DUE is that of the next fetch), and the bytes as they
 * came.  SUM is the state's
 * keyed sum over all of it and the URL: what somebody else puts there, or
 * moves there, is not read.
 */
#ifndef MGW_FCGI_REMOTE_FILE_H
#define MGW_FCGI_REMOTE_FILE_H

#include "base/buf.h"
#include "base/file.h"
#include "policy/state.h"

/* What is kept longer than this is not used any more. */
#define REMOTE_STALE_S (24 * 3600)

struct remote_kept {
	int64_t fetched_us; /* wall time */
	int64_t left_us;    /* until it is fetched anew, >= 0 */
};

/* False, with "body" empty: there is none that is usable. */
bool remote_file_read(const char *folder, const struct state *state,
    struct span url, struct buf *body, struct remote_kept *kept);

/* A failure is logged; then the next process fetches it anew. */
void remote_file_write(const char *folder, const struct state *state,
    struct span url, struct span body, int64_t life_us);

/* Which file that is now; false: there is none. */
bool remote_file_identify(
    const char *folder, struct span url, struct file_identity *id);

/*
 * True if no process has tried to fetch "url" within "pause_us", and notes
 * that one does now.
 */
bool remote_file_try(const char *folder, struct span url, int64_t pause_us);

#endif
