/*
 * rules - what mgw-throttle has set, as it is at this moment.
 *
 * Each request borrows the rules in force from begin to end.  A change is
 * seen in the shared state by every process with its next request, and
 * the file is then read again by whoever comes first.
 */
#ifndef MGW_FCGI_RULES_H
#define MGW_FCGI_RULES_H

#include "policy/control.h"
#include "policy/state.h"

struct rules;

/* "dir" and "state" outlive it.  NULL: out of memory. */
struct rules *rules_open(const char *dir, struct state *state);
void rules_close(struct rules *r);

/*
 * The rules, to be given back; NULL: they cannot be had, which the error
 * log tells once.
 */
const struct control *rules_get(struct rules *r);
void rules_put(struct rules *r, const struct control *c);

/* Look whether the file was changed by somebody else.  Now and then. */
void rules_refresh(struct rules *r);

#endif
