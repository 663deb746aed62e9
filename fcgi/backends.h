/*
 * backends - the endpoints of a bundle as this machine reaches them:
 * ${env:NAME} filled in, and replaced where mgw.conf says so.
 */
#ifndef MGW_FCGI_BACKENDS_H
#define MGW_FCGI_BACKENDS_H

#include "fcgi/config.h"
#include "policy/bundle.h"

struct backends {
	const struct bundle *bundle; /* outlives it */
	struct arena arena;
	struct backend *list;   /* one for each ENDPOINT row */
	struct backend **extra; /* of each API: of mgw.conf alone, or NULL */
};

/* False: "why"; to be closed all the same. */
bool backends_open(struct backends *l, const struct bundle *bundle,
    const struct config *c, char *why, size_t why_size);
void backends_close(struct backends *l);

#endif
