/*
 * token_revoke - what the parts of "mgw-token revoke" share.
 */
#ifndef MGW_TOOLS_TOKEN_REVOKE_H
#define MGW_TOOLS_TOKEN_REVOKE_H

#include "policy/revocation_list.h"
#include "tools/token.h"

/* revoked.list, open and locked. */
struct revoked_open {
	struct revoked_source source;
	int fd;
	struct revoked_list list;
};

/* False after a message; nothing is held then. */
bool revoked_open_locked(
    const struct revoked_source *s, struct revoked_open *f, int64_t now_us);
void revoked_open_close(struct revoked_open *f);

/* Append "e", which gets its number; false after a message. */
bool revoked_open_append(struct revoked_open *f, struct revoked_entry *e);

/*
 * Write the list anew without what has ended or was taken back, once that
 * is more than half of it.  False after a message.
 */
bool revoked_open_tidy(struct revoked_open *f, int64_t now_us);

/*
 * Call "each" with the entries of "text" that are in force, in order.
 * NULL, or what is wrong with line "*line".
 */
const char *revoked_text_live(const struct revoked_keys *keys, struct span text,
    int64_t now_s, revoked_each *each, void *user, unsigned *line);

#endif
