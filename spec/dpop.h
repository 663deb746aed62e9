/*
 * dpop - proofs of possession (RFC 9449), as mgw.yaml has them.
 *
 *	dpop:
 *	  algorithms: [ES256, PS256]   of proofs; these and others by default
 *	  window: 60s                  how old a proof may be
 *	  leeway: 5s                   how far in the future
 *	  per-key: 8192                proofs of one key within the window
 *	schemes:
 *	  NAME: {jwt: [ISSUER], dpop: required}     or allowed
 *
 * An http scheme "DPoP" of a document is required.
 */
#ifndef MGW_SPEC_DPOP_H
#define MGW_SPEC_DPOP_H

#include "policy/build.h"
#include "spec/policyfile.h"

struct spec_dpop {
	uint32_t algorithms; /* bits: 1 << enum algorithm */
	uint64_t window_us, leeway_us, per_key;
};

/* Read the map "n"; with NULL it is as by default. */
void dpop_read_settings(
    struct spec_dpop *s, const struct node *n, struct diag *d);

/*
 * Set s->dpop from its type and from what mgw.yaml says, "v" or NULL, once
 * it is known who verifies it.
 */
void dpop_link(const struct spec_document *doc, struct spec_scheme *s,
    const struct spec_verifier *v, struct diag *d);

/* The row, where some scheme of "documents" takes proofs. */
void dpop_emit(struct build *b, struct arena *a, const struct spec_dpop *s,
    const struct spec_document *documents);

#endif
