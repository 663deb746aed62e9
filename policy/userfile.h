/*
 * userfile - names and password hashes, as htpasswd(1) writes them.
 *
 *	NAME:HASH[:FIELDS]
 *
 * HASH is of a form of password.h.  FIELDS, which Apache reads over, are
 * words: scope=S and group=G (any number), tier=T, application=A.  '#' begins a
 * comment line.
 */
#ifndef MGW_POLICY_USERFILE_H
#define MGW_POLICY_USERFILE_H

#include "base/span.h"

#define USER_FILE_BYTES_MAX (16 * 1024 * 1024)

struct user_file;

struct user_entry {
	struct span name;
	struct span stored; /* the hash */
	struct span application;
	struct span tier;
	struct span scopes; /* separated by single spaces */
	const struct span *groups;
	size_t n_groups;
	unsigned line;
};

/* NULL: "why" names the line that is wrong; one bad line spoils all. */
struct user_file *user_file_new(struct span text, char *why, size_t why_size);
void user_file_free(struct user_file *f);

/* NULL: there is no such user. */
const struct user_entry *user_file_find(
    const struct user_file *f, struct span name);

/*
 * The entry whose hash is computed in the place of that of a user who is
 * not there, so that he costs as much time as one who is: always the same
 * for one name, and no outsider can tell which.  NULL: the file is empty.
 */
const struct user_entry *user_file_decoy(
    const struct user_file *f, struct span name);

size_t user_file_n(const struct user_file *f);

#endif
