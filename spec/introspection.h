/*
 * introspection - "introspection" of mgw.yaml: who knows opaque tokens.
 */
#ifndef MGW_SPEC_INTROSPECTION_H
#define MGW_SPEC_INTROSPECTION_H

#include "spec/keysource.h"

/* Read the list "n", which may be NULL, into r->f. */
void introspection_read_all(const struct keysource *r, const struct node *n);

/* The server of this name, or NULL. */
struct spec_introspect *introspection_find(
    const struct policyfile *f, struct span name);

/*
 * The servers of scheme or issuer "of" exist, and of several each has a
 * prefix of its own, so that a token is shown to one alone.
 */
void introspection_check(
    const struct policyfile *f, const struct spec_word *names, struct diag *d);

#endif
