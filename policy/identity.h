/*
 * identity - what backends are told of the caller in header fields.
 */
#ifndef MGW_POLICY_IDENTITY_H
#define MGW_POLICY_IDENTITY_H

#include "policy/bundle.h"
#include "policy/principal.h"

/* The field that tells backends this; n == 0: none does. */
struct span identity_name(const struct bundle *b, enum identity i);

/*
 * What it tells of "who"; absent or empty: nothing.  Not IDENTITY_GROUPS,
 * of which there may be several.
 */
struct span identity_value(const struct principal *who, enum identity i);

#endif
