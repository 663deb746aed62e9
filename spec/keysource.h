/*
 * keysource - keys, secrets and files that mgw.yaml names.
 *
 * Part of policyfile.c: what comes from outside the bundle, and may hold
 * secrets, is named here and only named.
 */
#ifndef MGW_SPEC_KEYSOURCE_H
#define MGW_SPEC_KEYSOURCE_H

#include "spec/policyfile.h"

/* What reading a name of something outside takes. */
struct keysource {
	struct policyfile *f;
	const char *folder; /* of mgw.yaml, real path; NULL: stay relative */
	struct diag *d;
};

/*
 * A secret that is one reference, ${env:NAME} or ${file:PATH}; NULL after
 * a message.
 */
struct spec_source *keysource_secret(
    const struct keysource *r, const struct node *n, const char *what);

/*
 * What stands under "keys" of an issuer: {file|url|discovery|inline|pem: ...}.
 * NULL after a message.
 */
struct spec_source *keysource_keys(const struct keysource *r,
    const struct spec_issuer *i, const struct node *n);

/*
 * What stands under "algorithm", RS256 when nothing does: enum algorithm of
 * a key that signs "what", which is for messages.
 */
int keysource_algorithm(
    const struct keysource *r, const struct node *n, const char *what);

/* For "bundle" see policyfile_read. */
struct keysource keysource_of(
    struct policyfile *f, const char *bundle, struct diag *d);

/* A file that mgw.yaml names, as the bundle is to name it. */
struct span keysource_path(const struct keysource *r, struct span path);

/*
 * The file of "kind" that map "n" names, or NULL: it is not there, or
 * wrong.
 */
struct spec_source *keysource_file(const struct keysource *r,
    const struct node *n, const char *what, enum source_kind kind);

/* Read them from "root" into "f"; for "bundle" see policyfile_read. */
void keysource_read(struct policyfile *f, const struct node *root,
    const char *bundle, struct diag *d);

#endif
