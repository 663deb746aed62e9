/*
 * explain - what mgw-spec explain found, as text or JSON.
 */
#ifndef MGW_TOOLS_EXPLAIN_H
#define MGW_TOOLS_EXPLAIN_H

#include "policy/answer.h"
#include "tools/world.h"

/* Step number "i", a line. */
void explain_step(struct arena *a, const struct world *w, unsigned i,
    const struct request *r, const struct ruling *v);

/* What a client would get; status 0: the backend's answer. */
void explain_answer(const struct ruling *v, const struct answer *answer);

struct json_object; /* policy/json.h */

/* What changes make of a request that passes, and of its answer. */
void explain_sent(
    const struct bundle *b, const struct request *r, const struct ruling *v);
void explain_sent_json(struct json_object *o, const struct bundle *b,
    const struct request *r, const struct ruling *v);

/* All of it; false: it could not be written. */
bool explain_json(struct arena *a, const struct world *w,
    const struct request *r, const struct ruling *v,
    const struct answer *answer);

#endif
