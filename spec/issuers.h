/*
 * issuers - "issuers" of mgw.yaml, and what "wso2-keys" have in common
 * with them.
 */
#ifndef MGW_SPEC_ISSUERS_H
#define MGW_SPEC_ISSUERS_H

#include "spec/keysource.h"

/* Read the list "n", which may be NULL, into r->f. */
void issuers_read(const struct keysource *r, const struct node *n);

/*
 * Name, keys, algorithms, leeway and claims, from the map "n"; and, where
 * they are given, the audiences.
 */
void issuers_read_common(
    const struct keysource *r, struct spec_issuer *i, const struct node *n);
void issuers_read_audiences(
    const struct keysource *r, struct spec_issuer *i, const struct node *n);

/* Add one to r->f; that no other has its name is seen to here. */
void issuers_add(const struct keysource *r, struct spec_issuer *i);

#endif
