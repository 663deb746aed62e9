/*
 * discovery - where an issuer keeps its keys, by its own metadata.
 *
 * RFC 8414 and OpenID Connect Discovery: a document at a place that
 * follows from the issuer's name, whose "issuer" must be that name byte for
 * byte, or anybody who serves one could stand in for another.
 */
#ifndef MGW_FCGI_DISCOVERY_H
#define MGW_FCGI_DISCOVERY_H

#include "base/arena.h"
#include "base/buf.h"

/*
 * The "jwks_uri" of metadata, in "a", NUL-terminated.  p == NULL: "*why"
 * says what is wrong: no JSON object, another issuer, no https URL.
 */
struct span discovery_read(struct span metadata, struct span issuer,
    struct arena *a, const char **why);

/*
 * As fetch_url, what "place" leads to: "URL", or "URL ISSUER", where URL
 * brings metadata of ISSUER and its key set is meant.
 */
bool discovery_fetch(struct span place, size_t max_bytes, unsigned total_ms,
    struct buf *body, int64_t *max_age_s, char *why, size_t why_size);

#endif
