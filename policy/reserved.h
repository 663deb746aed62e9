/*
 * reserved - fields that are the gate's own to write, or that nobody may.
 *
 * Toward the backend they are dropped from what the client sends, toward
 * the client from what the backend sends; and no policy sets them.
 */
#ifndef MGW_POLICY_RESERVED_H
#define MGW_POLICY_RESERVED_H

#include "base/span.h"

/* One of "rules", of which a '*' at the end stands for any rest. */
bool reserved_fits(struct span name, const struct span *rules, size_t n);

/*
 * "name" in CGI spelling, without HTTP_: what frames the request or
 * concerns one connection; what poses as us, as the client's address,
 * certificate (RFC 9440 section 4) or login, or as another method or URL.
 */
bool reserved_in_request(struct span name);

/*
 * "name" in any case: commands to the web server, by which a backend could
 * make it serve a file; what concerns one connection only; and what we
 * write ourselves.
 */
bool reserved_in_answer(struct span name);

#endif
