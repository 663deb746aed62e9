/*
 * claim_path - one value somewhere in verified claims.
 *
 * A path is the name of a claim, or names with dots between them that lead
 * through objects; where both mean something, either will do.
 */
#ifndef MGW_POLICY_CLAIM_PATH_H
#define MGW_POLICY_CLAIM_PATH_H

#include "base/arena.h"

/*
 * The claim at "path" has one of "values": a text, a number or a boolean
 * spelt so, or a list with such an element.  Without values it must be
 * there and not null.  "json" has passed claims_read.  False also when the
 * arena is full.
 */
bool claim_path_fits(struct span json, struct span path,
    const struct span *values, size_t n_values, struct arena *a);

/*
 * The same claim's value, or the values of a list, into "values": as many
 * as there are, of which only "max" are told.  Of two claims that the path
 * means the first counts; objects and null are no value.
 */
size_t claim_path_values(struct span json, struct span path, struct arena *a,
    struct span *values, size_t max);

/* The text of a claim at the top; absent unless it is a string. */
struct span claim_text(struct span json, struct span name, struct arena *a);

/* The JSON text of a claim at the top, of any type; or absent. */
struct span claim_json(struct span json, struct span name, struct arena *a);

#endif
