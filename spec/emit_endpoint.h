/*
 * emit_endpoint - rows of endpoints and of the fields that rules read.
 */
#ifndef MGW_SPEC_EMIT_ENDPOINT_H
#define MGW_SPEC_EMIT_ENDPOINT_H

#include "policy/build.h"
#include "spec/model.h"

/* The row of a field, which every rule that reads it shares. */
uint32_t emit_name(
    struct build *b, struct arena *a, enum name_kind kind, struct span shown);

/* What backends of this name may get; none without a tier. */
struct range emit_spike(
    struct build *b, const struct spec_tier *t, struct span name);

struct emit; /* spec/emit_part.h */

/* What holds for endpoints that are added where "doc" has none. */
struct range emit_pattern(struct emit *e, const struct spec_document *doc);

/* The time limits of an operation, of which "s" (or NULL) has some. */
void emit_times(const struct spec_set *s, struct row_operation *row);

/* The rows of a list, with what "doc" or all have where it is silent. */
struct range emit_endpoints(struct emit *e, const struct spec_document *doc,
    const struct spec_url *list);

#endif
