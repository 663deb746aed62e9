/*
 * changes - what is changed of requests and answers, by declaration.
 *
 * An entry of "apis" in mgw.yaml, and x-mgw-changes in a document and in
 * its operations:
 *
 *	changes:
 *	  request:
 *	    path: /v2${path}                behind the endpoint's
 *	    headers:
 *	      set: {X-Tenant: "${claim.tenant}"}
 *	      add: {X-Seen: [gate, "${method}"]}
 *	      remove: [X-Debug]
 *	    query: {set: ..., add: ..., remove: ...}
 *	  response:
 *	    headers: {set: ..., add: ..., remove: ...}
 *	  operations:                       in mgw.yaml
 *	    GET /pets/{id}: {request: ..., response: ...}
 *	    addPet: ...                     an operationId
 *	  document-claims: [team]           that the document may use, too
 *
 * Those of a document come first, then those of its operation, of the
 * entry in mgw.yaml, and of the operation there; of one name the last say
 * counts.  Values: see mgw.yaml(5).
 *
 * A document may use of a caller only what its backend is told anyway, by
 * identity-headers or a signed JWT, and claims that mgw.yaml lists; nor may
 * it set headers of an answer that speak for a whole origin.
 */
#ifndef MGW_SPEC_CHANGES_H
#define MGW_SPEC_CHANGES_H

#include "policy/build.h"
#include "spec/policyfile.h"
#include "spec/template.h"

/* On one request. */
#define CHANGES_MAX 64

struct spec_change {
	struct spec_change *next;
	enum change_kind kind;
	enum change_how how;
	struct spec_text name;
	struct place place; /* of the value */
	struct spec_part *parts;
	bool document; /* not from mgw.yaml */
};

/* "operations" of mgw.yaml. */
struct spec_change_rule {
	struct spec_change_rule *next;
	struct spec_text operation;
	struct spec_change *list;
	bool used;
};

struct spec_changes {
	struct spec_change *list;
	struct spec_change_rule *rules;
	struct spec_word *claims; /* that the document may use */
};

/* What is in force, in order; shared by operations that say nothing. */
struct spec_changed {
	struct spec_changed *next;
	const struct spec_change *change;
};

/* NULL after an error. */
struct spec_changes *changes_read(
    const struct node *n, bool document, struct diag *d);

/*
 * Set what is in force for each operation of "doc", and report what cannot
 * be; after its schemes are resolved.  Interceptors of WSO2 are judged by
 * what takes their place.
 */
void changes_link(
    struct spec_document *doc, const struct policyfile *f, struct diag *d);

#endif
