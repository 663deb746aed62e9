/*
 * applications - "applications" of mgw.yaml, and the groups that
 * operations ask for.
 *
 *	applications: {file: applications.db}
 *	    subscriptions: optional     required: each caller's application
 *	                                has subscribed to the API
 *	    unknown: allow              refuse: each caller's application is
 *	                                in the file
 *	    wso2:                       in place of file
 *	      url: https://apim.example:9443/internal/data/v1/
 *	      username: admin
 *	      password: ${env:PASSWORD}
 *	      key-managers: {Default: ISSUER}   of the tokens of each
 *	      poll: 5m                  0s: once
 *	      max-age: 24h
 *	      timeout: 10s
 */
#ifndef MGW_SPEC_APPLICATIONS_H
#define MGW_SPEC_APPLICATIONS_H

#include "spec/keysource.h"
#include "spec/link.h"

struct spec_applications {
	struct spec_source *source;
	int subscribed, known; /* 1: needed */
	/* Of a URL: */
	struct spec_text user;
	struct spec_source *password;
	struct spec_word *issuers; /* a key manager, its issuer, ... */
	uint64_t every_us, max_age_us, timeout_us;
};

/* Read the map "n", which may be NULL, into r->f. */
void applications_read(const struct keysource *r, const struct node *n);

/* A list "key" of groups; one that is empty is given, too. */
void applications_read_groups(const struct node *map, const char *key,
    struct spec_groups *groups, struct diag *d);

/* Groups of the document count for operations that have none. */
void applications_link(struct spec_document *doc, struct diag *d);

#endif
