/*
 * revocation_line - lists as text.
 *
 * An entry is words, as words.h has them:
 *
 *	jti id=ID issuer=ISSUER [expires=WHEN]
 *	token sha256=DIGEST [expires=WHEN]
 *	subject|client|application|kid id=ID issuer=ISSUER [expires=WHEN]
 *	key id=ID [expires=WHEN]
 *	certificate sha256=DIGEST [expires=WHEN]
 *
 * WHEN is RFC 3339 or Unix seconds.  A file that another program writes
 * has an entry a line and ends with "end N", N their number: one that was
 * cut is no list.  In revoked.list a line is
 *
 *	SEQ revoke|restore ENTRY [time=UNIX] [by=NAME] SUM
 *
 * where SEQ counts up from the first line's and SUM is 32 hexadecimal
 * digits over the line and the SUM before it, so that a line that was
 * changed, lost or put in is found.
 */
#ifndef MGW_POLICY_REVOCATION_LINE_H
#define MGW_POLICY_REVOCATION_LINE_H

#include "policy/revocation.h"

#define REVOKED_SUM_DIGITS 32

/*
 * Read an entry; "line" is changed in place, "room" takes a digest.  NULL,
 * or what is wrong.
 */
const char *revoked_entry_read(
    struct span line, char room[static 32], struct revoked_entry *e);
void revoked_entry_write(const struct revoked_entry *e, struct buf *to);

/*
 * Check the SUM of a line of revoked.list, cut it off, and move "*sum" on;
 * and read the SEQ before it.  NULL, or what is wrong.
 */
const char *revoked_line_sum(
    struct span *line, struct hash128 *sum, uint64_t *seq);

/* Read such a line, once its SUM is cut off. */
const char *revoked_line_read(
    struct span line, char room[static 32], struct revoked_entry *e);

/* Append the line of "e" with its end; "*sum" is moved on. */
void revoked_line_write(
    const struct revoked_entry *e, struct hash128 *sum, struct buf *to);

/* The same of the text of a line, SEQ and all. */
void revoked_line_seal(struct span text, struct hash128 *sum, struct buf *to);

/* What is wrong with an entry that somebody wants to add; or NULL. */
const char *revoked_entry_check(const struct revoked_entry *e);

/* 64 hexadecimal digits in either case as bytes. */
bool revoked_digest_parse(struct span hex, char bytes[static 32]);

#endif
