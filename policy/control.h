/*
 * control - deny rules, tiers of applications and maintenance of APIs that
 * are changed while the gate runs.
 *
 * They live in a file of their own in the state directory, which grows: a
 * line a change, who made it and when.
 *
 *	{"seq":1,"time":1800000000,"author":"ada","change":"deny",
 *	    "subject":"bob","until":0,"note":"..."} SUM
 *
 * SUM is 32 hexadecimal digits over the line and the SUM before it, so
 * that a line that was changed, lost or put in is found.  What is damaged
 * is never read as far as it goes: the gate then refuses every request,
 * since it cannot know whom to refuse.
 *
 * "seq" counts up from 1.  When most lines are of rules that nobody is held
 * to any more, the file is replaced by one that begins with
 *
 *	{"seq":900,"time":...,"change":"compact","author":"ada","of":12} SUM
 *
 * and has the 12 lines that were still of use, with the "seq" that they had,
 * behind it; then follows 901.
 *
 * What the last one was is kept in the shared
 * state too, so that a file that was removed or cut is noticed.  Only a
 * last line without its end that the shared state does not know of is
 * taken as never written: its author was not told that it was.
 */
#ifndef MGW_POLICY_CONTROL_H
#define MGW_POLICY_CONTROL_H

#include "base/buf.h"
#include "base/file.h"
#include "base/siphash.h"
#include "policy/client.h"
#include "policy/principal.h"

#define CONTROL_FILE "throttle.rules"
#define CONTROL_BYTES_MAX (64 * 1024 * 1024)
/* Nine texts of TEXT_MAX, each byte escaped, fit into a line. */
#define CONTROL_TEXT_MAX 1024
#define CONTROL_LINE_MAX 65536

enum control_change {
	CONTROL_DENY,
	CONTROL_ALLOW,       /* takes back rule "of", which denies or closes */
	CONTROL_TIER,        /* of an application; an empty one takes it away */
	CONTROL_MAINTENANCE, /* of an API: all requests are refused */
	CONTROL_COMPACT,     /* the first line: "of" lines are kept behind it */
};

/* Absent (p == NULL) members hold for all; those given must all hold. */
struct control_rule {
	enum control_change change;
	uint64_t seq;
	int64_t time_s;  /* Unix seconds */
	int64_t until_s; /* 0: for ever */
	uint64_t of;     /* of CONTROL_ALLOW, CONTROL_COMPACT */
	struct span author, note;
	struct span issuer, subject, application, key; /* id of an API key */
	struct span api;     /* "TITLE" or "TITLE/VERSION" */
	struct span address; /* or network, as written */
	struct span tier;    /* of CONTROL_TIER */
	struct network network;
	struct control_rule *next; /* private */
	bool gone;                 /* private: taken back or replaced */
};

struct control;

/*
 * NULL: "why" says what is wrong with the file's text.  "last" is the seq
 * that the shared state knows of.
 */
struct control *control_new(
    struct span text, uint64_t last, char *why, size_t why_size);
void control_free(struct control *c);

/*
 * The file of state directory "dir"; none is an empty list when "last" is
 * 0.  "id" (may be NULL) is of what was read, zero for none.
 */
struct control *control_load(const char *dir, uint64_t last,
    struct file_identity *id, char *why, size_t why_size);

uint64_t control_last(const struct control *c);

/* How many bytes of the text are whole lines. */
size_t control_whole_bytes(const struct control *c);

/*
 * Append to "to" the text of a file that says the same from "now_s" on, made
 * by "author".  Rules that have ended are kept for a day, and until a change
 * was made after that, since clocks are set back.  False: no memory.
 */
bool control_compact(
    const struct control *c, struct span author, int64_t now_s, struct buf *to);

/* It is so long, and so much of it of no use, that it should be. */
bool control_wants_compact(const struct control *c, int64_t now_s);

/* How full the file is, in percent; to be told from 75 on. */
#define CONTROL_FULL_PERCENT 75
unsigned control_percent(const struct control *c);

/*
 * The rules in force at "now_s", oldest first: call with "*at" 0 and as it
 * was left until NULL.
 */
const struct control_rule *control_next(
    const struct control *c, int64_t now_s, size_t *at);

/* What a request is held against. */
struct control_query {
	const struct client *client;
	struct span title, version;  /* of the API */
	const struct principal *who; /* NULL: before it is known */
	int64_t now_s;
};

/*
 * The first deny rule that holds.  Without "who" only those that ask for
 * nobody in particular, with "who" only the others.
 */
const struct control_rule *control_deny(
    const struct control *c, const struct control_query *q);

/* The tier that was set for an application; p == NULL: none was. */
struct span control_tier(
    const struct control *c, const struct principal *who, int64_t now_s);

/* The rule by which an API is closed now; NULL: it is open. */
const struct control_rule *control_maintenance(const struct control *c,
    struct span title, struct span version, int64_t now_s);

/* Append the line of "r" to "to", as the one after the last of "c". */
void control_write(
    const struct control *c, const struct control_rule *r, struct buf *to);

/* "deny", "tier" ... */
const char *control_word(enum control_change change);

/*
 * The texts of a rule: "*name" of the i-th, NULL behind the last.  Author
 * and note come first, whom it names from CONTROL_TEXT_WHO on.
 */
#define CONTROL_TEXT_WHO 2
struct span control_text(
    const struct control_rule *r, size_t i, const char **name);

/* NULL, or what is wrong with a rule that somebody wants to add. */
const char *control_check(struct control_rule *r);

#endif
