/*
 * link - documents and mgw.yaml brought together.
 *
 * Names become pointers: schemes, issuers, tiers, backends.  All that does
 * not fit together is reported, so that nothing fails for the first time
 * when a request comes.  What is left without an error can be emitted.
 */
#ifndef MGW_SPEC_LINK_H
#define MGW_SPEC_LINK_H

#include "spec/policyfile.h"

struct spec {
	struct diag *diag;
	struct policyfile *policy;
	struct spec_document *documents;

	/* From the command line; they win over mgw.yaml. */
	struct span base_path; /* p == NULL: not given */
	struct span backend;
};

/* Resolve and check everything; errors and warnings go to s->diag. */
void link_spec(struct spec *s);

/* The issuer of this name, or NULL. */
struct spec_issuer *link_issuer(const struct policyfile *f, struct span name);

/*
 * wso2.c: errors where the document, as it is read here, lets in whom WSO2
 * would refuse; after "checks" of its operations are set.
 */
void link_wso2(const struct spec_document *doc, struct diag *d);

/* A header field that carries the message itself, not a credential. */
bool link_is_framing(struct span name);

/* link_security.c: schemes, and what each operation asks for. */
void link_security(struct spec *s);

/* A scheme whose credential is a token, whoever can read it. */
bool link_takes_tokens(const struct spec_scheme *s);

/* link_guard.c: resolve and set "checks" of all operations of "doc". */
void link_guard(struct spec_document *doc, struct diag *d);

/* Try the names of all schemes of "doc". */
void link_guess_schemes(struct diag_guess *g, const struct spec_document *doc);

#endif
