/*
 * check_part - what the files of check share; for check*.c alone.
 */
#ifndef MGW_FCGI_CHECK_PART_H
#define MGW_FCGI_CHECK_PART_H

#include "fcgi/config.h"
#include "policy/bundle.h"
#include "policy/state.h"

#define WHY_MAX 1024

struct report {
	const struct config *config;
	struct buf out;
	struct state *state; /* looked at only; NULL: there is none */
	bool wrong;
	bool first;
};

/* One line: what it is, its name, and whether it is as it has to be. */
void check_item(struct report *r, const char *kind, struct span name, bool ok,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* check_source.c: a SOURCE row. */
void check_source(struct report *r, const struct bundle *b, uint32_t row);

/* check_access.c: by whose word callers are let in. */
void check_access(struct report *r, const struct bundle *b);

/*
 * check_revocation.c: the lists of what is revoked; "b" is NULL where no
 * bundle can be used.
 */
void check_revocation(struct report *r, const struct bundle *b);

#endif
