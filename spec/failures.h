/*
 * failures - how often a client may fail, from mgw.yaml.
 *
 *	failures: {limit: 300, per: 1m, per-name: 30}   these are the defaults
 *	failures: off
 *
 * limit is of an address, or of an IPv6 /64; a /56 has four times as many
 * and a /48 sixteen times.  per-name is of the name that a credential
 * claims, together with the address.
 */
#ifndef MGW_SPEC_FAILURES_H
#define MGW_SPEC_FAILURES_H

#include "policy/failure.h"
#include "spec/model.h"

struct spec_failures {
	bool off;
	struct row_limit limits[FAILURE__MAX];
};

/* "n" is what stands under "failures", or NULL. */
void failures_read(
    struct spec_failures *f, const struct node *n, struct diag *d);

#endif
