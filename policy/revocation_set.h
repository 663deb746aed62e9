/*
 * revocation_set - all lists of a gate: revoked.list, and those of mgw.yaml.
 *
 * Not locked: who loads a list keeps others from asking meanwhile.
 */
#ifndef MGW_POLICY_REVOCATION_SET_H
#define MGW_POLICY_REVOCATION_SET_H

#include "policy/bundle.h"
#include "policy/reference.h"
#include "policy/revocation_list.h"

#define REVOKED_LISTS_MAX (1 + REVOCATIONS_MAX)

struct revoked_set {
	const struct bundle *bundle;
	struct arena arena; /* of paths */
	unsigned n;
	struct revoked_source sources[REVOKED_LISTS_MAX];
	struct revoked_list lists[REVOKED_LISTS_MAX];
	/* The row of lists[i] is i - 1. */
};

/*
 * Name the lists of "b" (which may be NULL: only revoked.list) and of state
 * directory "dir"; nothing is read.  False with "why".  Where "state" is
 * NULL, as before the first start, no list of the set can be loaded.
 */
bool revoked_set_init(struct revoked_set *s, const struct bundle *b,
    const char *dir, struct state *state, bool look_only, reference_env *env,
    void *world, char *why, size_t why_size);
void revoked_set_fini(struct revoked_set *s);

void revoked_set_load(struct revoked_set *s, unsigned i, int64_t now_us);

/*
 * REVOKED_YES with q->kind; REVOKED_UNKNOWN when a list cannot be used that
 * could name q->who.
 */
enum revoked_result revoked_set_check(
    const struct revoked_set *s, struct revoked_query *q);

/* List "i" is of the tokens of this issuer. */
bool revoked_set_concerns(
    const struct revoked_set *s, unsigned i, struct span issuer);

/* The digest of an opaque token, or of what was signed of a JWT. */
bool revoked_digest(const struct principal *who, char digest[static 32]);

#endif
