/*
 * claims_part - the steps that header and claims are read by; for claims*.c
 * alone.
 */
#ifndef MGW_POLICY_CLAIMS_PART_H
#define MGW_POLICY_CLAIMS_PART_H

#include "base/json.h"
#include "policy/claims.h"

/* No token needs more. */
#define CLAIMS_DEPTH_MAX 32

struct reading {
	struct json_scan scan;
	struct arena *arena;
	const char *why;
	const struct claims_rules *rules;
	bool scopes_exact; /* found under its whole name, not by a path */
};

/* Each false of these has said why. */
bool claims_fail(struct reading *r, const char *why);
bool claims_next_is(struct reading *r, enum json_event wanted, const char *why);
bool claims_skip(struct reading *r);

/*
 * Control bytes are refused in every text that leaves for a header, a log
 * or a counter's name.
 */
bool claims_read_text(struct reading *r, struct span *to);

#endif
