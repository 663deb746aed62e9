/*
 * cors - pages of other origins, and which of them may read our answers.
 *
 * A browser asks first (preflight: OPTIONS with Origin and
 * Access-Control-Request-Method) and shows an answer to the page only
 * where the answer says so, refusals included.  Nothing is refused here
 * for its Origin: what is not allowed gets an answer without the fields,
 * and the browser keeps it from the page (Fetch standard, section 3.2).
 *
 * The origin "null", which any sandboxed page has, is never allowed.
 */
#ifndef MGW_POLICY_CORS_H
#define MGW_POLICY_CORS_H

#include "policy/decide.h"

/*
 * scheme://host[:port] as browsers write it: lower case, no path, not
 * the scheme's own port.  With "*." before the host, any host below is
 * meant.  Neither "*" nor "null".
 */
bool cors_is_origin(struct span s);

/*
 * A row is as format.h says: any page of the web could act as its visitor
 * where all origins were allowed with credentials.
 */
bool cors_row_ok(const struct bundle *b, const struct row_cors *c);

/* The CORS row of an API; NULL: none, or no API. */
const struct row_cors *cors_of(
    const struct bundle *b, const struct row_api *api);

/* A preflight, which is answered before anything is asked of the client. */
bool cors_is_preflight(const struct request *r);

/*
 * Charge one preflight of this address.  False: rate-exceeded, quota-
 * exceeded or fault, in "d".
 */
bool cors_count_preflight(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct match *m, struct decision *d);

/*
 * Header lines with CRLF for an answer to "r" from the API of "m": Vary,
 * and Access-Control-* where its origin is allowed.  For a preflight that
 * is allowed with "preflight".  Nothing where the API has no CORS.
 */
void cors_write(const struct bundle *b, const struct request *r,
    const struct match *m, bool preflight, struct buf *to);

/* A backend's own field of this name would be a second voice. */
bool cors_is_field(struct span name);

#endif
