/*
 * spec_json - what the files of spec_json share; for them alone.
 */
#ifndef MGW_TOOLS_SPEC_JSON_H
#define MGW_TOOLS_SPEC_JSON_H

#include "tools/spec.h"

/* spec_json_put.c: members.  An absent text or number is left out. */
void spec_put_text(struct json_object *o, const char *name,
    const struct bundle *b, struct text t);
void spec_put_number(struct json_object *o, const char *name, uint64_t v);
void spec_put_flag(struct json_object *o, const char *name, bool on);
void spec_put_word(struct json_object *o, const char *name,
    const char *const *words, uint32_t i);
void spec_put_strings(struct json_object *o, const char *name,
    const struct bundle *b, struct range r);

/* spec_json_endpoint.c */
void spec_put_spike(
    struct json_object *o, const struct bundle *b, struct range r);
struct json_object *spec_endpoints_json(const struct bundle *b, struct range r);

/* spec_json_change.c */
struct json_object *spec_changes_json(const struct bundle *b, struct range r);
void spec_put_error_bodies(
    struct json_object *o, const struct bundle *b, struct range r);

/* spec_json_token.c */
struct json_object *spec_schemes_json(const struct bundle *b, struct range r);
struct json_object *spec_issue_json(
    const struct bundle *b, const struct row_issue *r);
struct json_object *spec_assertion_json(
    const struct bundle *b, const struct row_assertion *r);
struct json_object *spec_applications_json(
    const struct bundle *b, const struct row_applications *r);
struct json_object *spec_introspect_json(
    const struct bundle *b, const struct row_introspect *r);
struct json_object *spec_revocations_json(const struct bundle *b);
struct json_object *spec_dpop_json(
    const struct bundle *b, const struct row_dpop *r);
struct json_object *spec_issuer_json(
    const struct bundle *b, const struct row_issuer *i);

/* spec_json_tier.c: the tier in row "tier", if any, as member "tier". */
void spec_put_tier(
    struct json_object *o, const struct bundle *b, uint32_t tier);
struct json_object *spec_limit_json(
    const struct bundle *b, const struct row_limit *l);
/* Those of API "api", or of all with ROW_NONE. */
struct json_object *spec_levels_json(const struct bundle *b, uint32_t api);
struct json_object *spec_tier_json(
    const struct bundle *b, const struct row_tier *t);

#endif
