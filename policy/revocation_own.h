/*
 * revocation_own - revoked.list, as it is read; for revocation_list.c.
 */
#ifndef MGW_POLICY_REVOCATION_OWN_H
#define MGW_POLICY_REVOCATION_OWN_H

#include "policy/revocation_list.h"

void revoked_own_load(
    const struct revoked_source *s, struct revoked_list *l, int64_t now_us);

#endif
