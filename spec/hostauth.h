/*
 * hostauth - "host-auth" of mgw.yaml: what the web server verifies.
 *
 *	host-auth:
 *	  - name: staff
 *	    hosts: [api.example]     SERVER_NAME is one of these
 *	    prefix: /staff           and the path is below; / is all
 *	    types: [Basic]           AUTH_TYPE is one of these, or the word any
 *	    mark: staff              and MGW_HOST_AUTH is this, where given
 *	    groups: REMOTE_GROUPS    variable that lists them
 *	    separator: ","           between them; or the word space
 *	    group-scopes: {admins: [read, write]}
 */
#ifndef MGW_SPEC_HOSTAUTH_H
#define MGW_SPEC_HOSTAUTH_H

#include "spec/policyfile.h"

struct spec_group {
	struct spec_group *next;
	struct spec_text name;
	struct spec_word *scopes;
};

struct spec_host {
	struct spec_host *next;
	struct spec_text name, prefix, mark, groups;
	struct spec_word *hosts, *types; /* types NULL: any */
	struct span separator;
	struct spec_group *scopes;
	uint32_t row; /* set by emit */
};

/* Read the list "n", which may be NULL, into "f". */
void hostauth_read(struct policyfile *f, const struct node *n, struct diag *d);

/* The entry of this name; NULL after a message. */
struct spec_host *hostauth_find(
    const struct policyfile *f, const struct spec_text *name, struct diag *d);

#endif
