/*
 * keyfile - the file of API keys.
 *
 * Text, a line a key, so that revoking is editing a word:
 *
 *	ID STATE SHA256 owner=O application=A [api=TITLE/VERSION]...
 *	    [scope=S]... [tier=T] [address=10.0.0.0/8]...
 *[expires=2027-01-31T00:00:00Z]
 *
 * STATE is "active" or "revoked"; SHA256 is of the whole key, in
 * hexadecimal; values with blanks are in double quotes with \" and \\.
 * '#' begins a comment line.  A key is "mgw_", 8 characters of id, "_",
 * 43 random characters (base64url of 32 bytes).
 */
#ifndef MGW_POLICY_KEYFILE_H
#define MGW_POLICY_KEYFILE_H

#include "base/arena.h"
#include "base/buf.h"

#define KEY_FILE_BYTES_MAX (64 * 1024 * 1024)

struct key_file;
struct network; /* policy/network.h */

struct key_entry {
	struct span id;
	struct span owner;
	struct span application;
	struct span tier;
	struct span scopes; /* separated by single spaces */
	const struct span *apis;
	size_t n_apis;                  /* 0: every API */
	const struct span *addresses;   /* as written: "10.0.0.0/8" */
	const struct network *networks; /* the same, parsed */
	size_t n_addresses;             /* 0: from everywhere */
	int64_t expires_s;              /* 0: never */
	bool revoked;
	unsigned char sha256[32];
	unsigned line;
};

/* NULL: "why" names the line that is wrong; one bad line spoils all. */
struct key_file *key_file_new(struct span text, char *why, size_t why_size);
void key_file_free(struct key_file *f);

enum key_file_result {
	KEY_FILE_FOUND,
	KEY_FILE_NONE,
	KEY_FILE_FAULT, /* no digest could be made */
};

/*
 * The entry of the key that was brought, found by its SHA-256 and compared
 * in constant time; NULL unless found.
 */
enum key_file_result key_file_lookup(
    const struct key_file *f, struct span key, const struct key_entry **entry);

/* The same where a fault need not be told from a stranger. */
const struct key_entry *key_file_find(
    const struct key_file *f, struct span key);

/* All entries in file order, for mgw-key. */
const struct key_entry *key_file_entries(const struct key_file *f, size_t *n);
const struct key_entry *key_file_by_id(
    const struct key_file *f, struct span id);

/* Append the line of an entry, with its end. */
void key_entry_write(const struct key_entry *e, struct buf *b);

/* RFC 3339, or a date alone, which is its midnight in UTC. */
bool key_time_parse(struct span s, int64_t *unix_s);

#endif
