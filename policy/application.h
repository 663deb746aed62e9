/*
 * application - the file of applications: who may use which API, through
 * which credentials.
 *
 * Text, a line an application, so that blocking one is editing a word:
 *
 *	ID STATE name=N owner=O [uuid=U] [tier=T] [type=SANDBOX]
 *	    [group=G]... [subscription=TITLE[/VERSION][:TIER]]...
 *	    [blocked-api=TITLE[/VERSION]]... [client="ISSUER ID"]...
 *	    [sandbox-client="ISSUER ID"]... [user=NAME]...
 *	    [host-user="HOST-AUTH NAME"]... [certificate=SHA256]...
 *
 * STATE is "active" or "blocked"; values with blanks are in double quotes
 * with \" and \\.  '#' begins a comment line.
 *
 * A client id counts together with the issuer of its tokens: the same id
 * of another issuer is another client; so does a user whom the web server
 * authenticates with where it does.  No id, no pair of owner and name,
 * and no credential comes twice in a file.
 *
 * The file is kept as it is, with a hash table over it; a line is read
 * when it is asked for.  Or, see application_index.h, both stay on disk.
 */
#ifndef MGW_POLICY_APPLICATION_H
#define MGW_POLICY_APPLICATION_H

#include "base/arena.h"
#include "base/buf.h"
#include "policy/format.h"

#define APPLICATIONS_BYTES_MAX (64 * 1024 * 1024)
#define APPLICATION_LINE_MAX (64 * 1024)
/* Reading a line takes some times its length. */
#define APPLICATION_ARENA_MAX (32 * APPLICATION_LINE_MAX)

/* By what an application is found. */
enum application_by {
	APPLICATION_BY_ID,
	APPLICATION_BY_NAME,        /* owner, name */
	APPLICATION_BY_CLIENT,      /* issuer, client id */
	APPLICATION_BY_USER,        /* of the user file */
	APPLICATION_BY_HOST_USER,   /* name of the host-auth, user */
	APPLICATION_BY_CERTIFICATE, /* its SHA-256, in lower case */
	APPLICATION_BY__MAX,
};

struct application_key {
	enum application_by by;
	struct span first, second; /* second: absent where one does */
};

/* The key of one credential, and what it stands for. */
struct application_credential {
	struct application_credential *next;
	struct application_key key;
	bool sandbox; /* whatever the type of the application */
};

struct application_subscription {
	struct application_subscription *next;
	struct span api;  /* "TITLE" or "TITLE/VERSION" */
	struct span tier; /* absent: none */
	bool blocked;
};

struct application {
	struct span id;
	struct span name, owner;
	struct span uuid, tier, key_type; /* absent: not given */
	bool blocked;
	const struct span *groups;
	size_t n_groups;
	struct application_subscription *subscriptions; /* in file order */
	struct application_credential *credentials;
	struct span text; /* of the file: its line without its end */
};

struct applications;

/* NULL: "why" names the line that is wrong; one bad line spoils all. */
struct applications *applications_new(
    struct span text, char *why, size_t why_size);
void applications_free(struct applications *f);

enum applications_result {
	APPLICATIONS_FOUND,
	APPLICATIONS_NONE,
	APPLICATIONS_FAULT, /* out of memory, or the file cannot be read */
};

/* The application of a credential, read into the arena. */
enum applications_result applications_find(const struct applications *f,
    const struct application_key *key, struct arena *a, struct application *to);

/* How many there are, and how many of them are blocked. */
size_t applications_n(const struct applications *f);
size_t applications_n_blocked(const struct applications *f);

/*
 * All of them in file order: call with "*at" 0 and as it was left, until
 * false.  Not where the file stayed on disk, or without memory.
 */
bool applications_next(const struct applications *f, size_t *at,
    struct arena *a, struct application *to);

/* The subscription to an API, or NULL; one with a version goes first. */
const struct application_subscription *application_subscribed(
    const struct application *app, struct span title, struct span version);

/* The credential of "app" that "key" is, or NULL. */
const struct application_credential *application_credential(
    const struct application *app, const struct application_key *key);

/*
 * Read one line; NULL, or what is wrong with it.  The text is changed, and
 * "to" points into it and the arena.
 */
const char *application_read(
    struct span line, struct arena *a, struct application *to);

/* Append the line of an application, with its end. */
void application_write(const struct application *app, struct buf *b);

#endif
