/*
 * throttle - what the parts of mgw-throttle share; each command is a
 * function that returns its exit code.
 */
#ifndef MGW_TOOLS_THROTTLE_H
#define MGW_TOOLS_THROTTLE_H

#include "base/args.h"
#include "policy/control.h"
#include "policy/state.h"

struct call {
	const char *dir, *operand;
	struct control_rule rule; /* as the options name it */
	int64_t now_s;
	bool json, limited, all;
	struct span level; /* p == NULL: every one */
	unsigned used;     /* bits of options given */
	struct state *state;
	struct control *control;
	struct arena arena;
};

extern const struct args_program throttle_program;

/* Print a message; returns 2. */
int throttle_fail(const char *what, const char *why);

/*
 * Append rules to the file, all of "n" or none, under a lock; "make" is
 * asked for them while it is held.  Its result is the number, or -1 after a
 * message.  0 done, 1 nothing to do, 2 after a message.
 */
#define THROTTLE_RULES_MAX 64
int throttle_append(struct call *c,
    int (*make)(struct call *c, struct control_rule rules[THROTTLE_RULES_MAX]));

/*
 * Replace the file by one without what is of no use any more; 0 done, 2
 * after a message.  throttle_append does so by itself when much is.
 */
int throttle_compact(struct call *c);

int throttle_show(struct call *c);

/* 0: some running gate knows the tier, or none runs; 2 after a message. */
int throttle_check_tier(struct call *c);

#endif
