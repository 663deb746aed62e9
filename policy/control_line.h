/*
 * control_line - one line of the file in control.h, and what a file of them
 * is in memory; for control*.c alone.
 */
#ifndef MGW_POLICY_CONTROL_LINE_H
#define MGW_POLICY_CONTROL_LINE_H

#include "policy/control.h"

struct control {
	struct arena arena;
	struct control_rule **rules; /* by seq, each greater than the last */
	size_t n, size;
	uint64_t last;      /* seq */
	uint64_t n_kept;    /* lines to come that CONTROL_COMPACT kept */
	uint64_t kept_last; /* seq of the last of them so far */
	struct hash128 sum; /* of the last line */
	int64_t time_s;     /* of the last change */
	size_t whole_bytes;
	struct control_rule **table; /* of deny rules: lists by "next" */
	struct control_rule **tiers; /* the same, by application */
	size_t n_places;             /* of both, a power of two */
	struct control_rule *rest;   /* deny rules that no table has */
	struct control_rule *closed; /* by CONTROL_MAINTENANCE */
	unsigned has;                /* bits: 1 << enum found_by */
};

/* Where the list of an application's tiers begins, the newest first. */
struct control_rule **control_tiers_of(
    const struct control *c, struct span application);

/*
 * Read a line without its end.  "*sum" is that of the line before and
 * becomes this one's.  NULL, or what is wrong.
 */
const char *control_line_read(struct span line, struct hash128 *sum,
    struct arena *a, struct control_rule *r);

/* The sum of a line whose JSON text this is. */
struct hash128 control_line_sum(struct span json, struct hash128 before);

/* Append the line with its end; returns its sum. */
struct hash128 control_line_write(
    const struct control_rule *r, struct hash128 before, struct buf *to);

#endif
