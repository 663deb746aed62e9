/*
 * revocation_list - one list: its text, and the table that is made of it.
 *
 * revoked.list grows by a line for each change.  Most of it is in a table;
 * the lines that came since are read by each process.  Once they are many,
 * whoever finds them makes a new table.  That the file is as it was when
 * it was last read whole is told by its state in a word that all processes
 * share; any other change than mgw-token's makes the next one read it
 * whole and check all its sums.  How far it goes is such a word, too, so
 * that a file that was removed, cut or put back is noticed.
 *
 * The file of another program is read whole when it has changed, once for
 * all processes, and a feed when it was fetched.
 */
#ifndef MGW_POLICY_REVOCATION_LIST_H
#define MGW_POLICY_REVOCATION_LIST_H

#include "policy/revocation_line.h"
#include "policy/revocation_table.h"

#define REVOKED_FILE "revoked.list"
#define REVOKED_TABLE "revoked.table"
#define REVOKED_BYTES_MAX (512 * 1024 * 1024)

/*
 * Of revoked.list: behind so many lines mgw-token makes a new table, so that
 * no request has to; one that finds twice as many does.
 */
#define REVOKED_LINES_MAX 256

enum revoked_how {
	REVOKED_OWN, /* revoked.list */
	REVOKED_FILE_OF_OTHERS,
	REVOKED_FEED,
};

/* Where a list is, borrowed. */
struct revoked_source {
	enum revoked_how how;
	const char *dir; /* the state directory */
	struct state *state;
	struct revoked_keys keys;
	const char *path;   /* of the text; or the URL of a feed */
	unsigned number;    /* among those of mgw.yaml */
	int64_t max_age_us; /* 0: none */
	bool look_only;     /* write nothing */
	bool writer;        /* it is mgw-token */
};

struct revoked_list {
	struct revoked_table base, newer;   /* what is in "newer" goes first */
	struct buf base_bytes, newer_bytes; /* of those that are not mapped */
	struct file_identity id;            /* of what was read */
	struct revoked_origin end;          /* how far revoked.list was read */
	int64_t written_us;                 /* 0: its age does not count */
	uint64_t seq;       /* of revoked.list, that the state knew of */
	bool lost, damaged; /* damaged: of no use until it changes */
	char why[256];      /* of one that is lost */
};

/* Read the list anew; one that is "lost" knows nobody. */
void revoked_list_load(
    const struct revoked_source *s, struct revoked_list *l, int64_t now_us);
void revoked_list_fini(struct revoked_list *l);

/* Its file is not the one that was loaded. */
bool revoked_list_changed(
    const struct revoked_source *s, const struct revoked_list *l);

/* NULL, or why it cannot be used now. */
const char *revoked_list_trouble(const struct revoked_source *s,
    const struct revoked_list *l, int64_t now_us);

uint64_t revoked_list_entries(const struct revoked_list *l);
bool revoked_list_has(const struct revoked_list *l, enum revoked_kind kind);
void revoked_list_prefetch(
    const struct revoked_list *l, enum revoked_kind kind, struct hash128 id);
enum revoked_found revoked_list_find(const struct revoked_list *l,
    enum revoked_kind kind, struct hash128 id, int64_t now_s);

/*
 * Walk over the text of revoked.list: "each" gets every entry in order.
 * NULL, or what is wrong, with the line's number.  "end" is where the last
 * whole line ends.
 */
typedef void revoked_each(void *user, const struct revoked_entry *e);
const char *revoked_text_walk(struct span text, revoked_each *each, void *user,
    struct revoked_origin *end, unsigned *line);

/* The text of another program's file; the same. */
const char *revoked_file_walk(
    struct span text, revoked_each *each, void *user, unsigned *line);

/* What was appended to or put in place of revoked.list is right. */
void revoked_own_changed(const struct revoked_source *s, uint64_t seq,
    const struct file_identity *id);

/* Entries for a table. */
struct revoked_making {
	const struct revoked_keys *keys;
	struct revoked_build build;
};
revoked_each revoked_making_add;

/*
 * Make the table of "m" the list's, kept at its place where that can be;
 * "m" is released.  False with l->why.
 */
bool revoked_list_make(const struct revoked_source *s, struct revoked_list *l,
    struct revoked_making *m, struct revoked_origin *origin, int64_t now_us);

/*
 * Make "m" what a feed told at "fetched_us", in a body of this sum.  False
 * with "why".
 */
bool revoked_feed_keep(const struct revoked_source *s, struct revoked_making *m,
    struct hash128 content, int64_t fetched_us, char *why, size_t why_size);

/* The same when it told nothing new; false: it must be kept again. */
bool revoked_feed_renew(
    const struct revoked_source *s, struct hash128 content, int64_t fetched_us);

/* Where the table is kept, and the name of the list. */
bool revoked_table_place(const struct revoked_source *s, char *to, size_t size);
uint64_t revoked_list_name(const struct revoked_source *s);

#endif
