/*
 * claimrules - required-claims and claim-map of mgw.yaml.
 */
#ifndef MGW_SPEC_CLAIMRULES_H
#define MGW_SPEC_CLAIMRULES_H

#include "spec/policyfile.h"

/* Append what map "n" says of claims to "*list". */
void claimrules_read(
    struct spec_claim **list, const struct node *n, struct diag *d);

#endif
