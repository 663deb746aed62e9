/*
 * backends - the endpoints of a bundle as this machine reaches them:
 * ${env:NAME} filled in, and replaced or added to where mgw.conf or the
 * environment says so.
 */
#ifndef MGW_FCGI_BACKENDS_H
#define MGW_FCGI_BACKENDS_H

#include "fcgi/balance.h"
#include "fcgi/config.h"
#include "policy/bundle.h"
#include "policy/route.h"

struct backends {
	const struct bundle *bundle; /* outlives it */
	struct arena arena;
	/* By the first ENDPOINT row of a list; NULL elsewhere. */
	struct balance_set **by_row;
	/* Of each API without rows, production and sandbox: or NULL. */
	struct balance_set **added;
	/* Those with a check, one of each that are checked as one. */
	struct backend **checked;
	unsigned n_checked;
};

/* False: "why"; to be closed all the same. */
bool backends_open(struct backends *l, const struct bundle *bundle,
    const struct config *c, char *why, size_t why_size);
void backends_close(struct backends *l);

/*
 * Part of backends_open: name the lists that are held to a share of the
 * workers, all of them if there are two.
 */
void backends_name_shares(struct backends *l);

/* Where a match goes; NULL: nowhere is named. */
struct balance_set *backends_set(
    const struct backends *l, const struct match *m, bool sandbox);

#endif
