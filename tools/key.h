/*
 * key - what the parts of mgw-key share; each command is a function.
 */
#ifndef MGW_TOOLS_KEY_H
#define MGW_TOOLS_KEY_H

#include "base/args.h"
#include "tools/keys.h"

#define LIST_MAX 256

enum option {
	OPTION_FILE,
	OPTION_OWNER,
	OPTION_APPLICATION,
	OPTION_API,
	OPTION_TIER,
	OPTION_SCOPE,
	OPTION_EXPIRES,
	OPTION_ADDRESS,
	OPTION_OVERLAP,
	OPTION_JSON,
};

struct call {
	const char *file, *operand;
	struct span owner, application, tier;
	struct span apis[LIST_MAX], scopes[LIST_MAX], addresses[LIST_MAX];
	size_t n_apis, n_scopes, n_addresses;
	int64_t expires_s, overlap_s, now_s; /* points in time */
	bool json;
	unsigned used; /* bits of options given */
	struct keys keys;
	struct arena arena;
};

/* Print a message; returns 2. */
int key_fail(const char *what, const char *why);

extern const struct args_program key_program;

/* "active", "revoked" or "expired". */
const char *key_state(const struct key_entry *e, int64_t now_s);

/* The entry of the id that is the operand; NULL after a message. */
const struct key_entry *key_find(const struct call *c);

/* Write what the options name over "e"; false without memory. */
bool key_apply(struct call *c, struct key_entry *e);

/* An id that no key of the file has. */
bool key_make_id(struct call *c, struct span *id);

/* The commands that have files of their own; each returns its exit code. */
int key_list(struct call *c);
int key_show(struct call *c);
int key_import(struct call *c);

#endif
