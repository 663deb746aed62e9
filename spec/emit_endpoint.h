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

/* The rows of a list, with what "s" says where the list is silent. */
/* What backends of this name may get; none without a tier. */
struct range emit_spike(
    struct build *b, const struct spec_tier *t, struct span name);

struct range emit_endpoints(struct build *b, struct arena *a,
    const struct row_settings *s, const struct spec_url *list);

#endif
