/*
 * maintenance - an API that is closed, from mgw.yaml.
 *
 *	maintenance: true	clients are told to come back in a minute
 *	maintenance: 2h		or in two hours
 *	maintenance: false	this is the default
 */
#ifndef MGW_SPEC_MAINTENANCE_H
#define MGW_SPEC_MAINTENANCE_H

#include "spec/model.h"

/* What stands under "maintenance" in "map", in seconds; 0: it is open. */
void maintenance_read(const struct node *map, uint32_t *s, struct diag *d);

#endif
