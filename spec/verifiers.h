/*
 * verifiers - "schemes" of mgw.yaml: which verifies which securityScheme.
 */
#ifndef MGW_SPEC_VERIFIERS_H
#define MGW_SPEC_VERIFIERS_H

#include "spec/policyfile.h"

/* Read the map "n", which may be NULL, into "f". */
void verifiers_read(struct policyfile *f, const struct node *n, struct diag *d);

#endif
