/*
 * sources_part - what the files of sources share; for sources*.c alone.
 */
#ifndef MGW_FCGI_SOURCES_PART_H
#define MGW_FCGI_SOURCES_PART_H

#include <pthread.h>
#include <stdatomic.h>

#include "fcgi/application_feed.h"
#include "fcgi/sources.h"
#include "policy/source.h"

/* One version of one source; counted, as two sets may share it. */
struct object {
	atomic_uint n_users;
	struct source_object source;
};

/* Versions that a set has had; requests may still look at each. */
struct held {
	struct held *older;
	struct object *object; /* NULL: cannot be used */
};

struct entry {
	const struct row_source *row;
	const char *place; /* of SOURCE_FILE and SOURCE_URL */
	bool unread;       /* until it is asked for */
	bool moves;        /* it may change while the set is in use */
	/* Under lock where it moves, else immutable: */
	struct file_identity identity;
	struct held *held;
	bool broken;      /* what it held counts no longer */
	uint64_t version; /* of remote.h */
	bool down;        /* nothing is there now */
	/* Of applications behind a URL; place is the file that it keeps. */
	struct application_feed *feed;
	int64_t fetched_us;
};

struct sources {
	const struct bundle *bundle;
	const struct config *config;
	struct state *state;
	struct remote *remote;
	bool lazy;
	struct arena arena;
	pthread_mutex_t lock;
	struct entry *entries;
	uint32_t n;
};

void sources_object_put(struct object *o);

/* Takes "o"; false: out of memory, and nothing counts any longer. */
bool sources_hold(struct entry *e, struct object *o);
struct object *sources_newest(const struct entry *e);

/* What remote.h knows. */
bool sources_is_remote(const struct entry *e);

/* What reading takes; "notes" may be NULL. */
struct source_reader sources_reader(struct sources *s, struct buf *notes);

/*
 * Read entry "e": "text" as what its URL brought, or, where that is
 * absent, from where it is.
 */
bool sources_read_object(struct sources *s, struct entry *e, struct span text,
    char *why, size_t why_size);

/* Nothing there is no mistake: its server may come back. */
bool sources_read_url(
    struct sources *s, struct entry *e, char *why, size_t why_size);

/* What the feed has kept; where that is nothing, it may come. */
bool sources_read_feed(
    struct sources *s, struct entry *e, char *why, size_t why_size);

/* The feed of the URL "e->place", whose file takes that place. */
bool sources_make_feed(
    struct sources *s, struct entry *e, char *why, size_t why_size);

/* First reading of a source. */
bool sources_open_entry(
    struct sources *s, struct entry *e, char *why, size_t why_size);

#endif
