/*
 * field - the grammar of single fields of a request: header names and
 * values, hosts, query pairs, cookies.
 */
#ifndef MGW_POLICY_FIELD_H
#define MGW_POLICY_FIELD_H

#include "policy/request.h"

/* RFC 9110 section 5.6.2; not empty. */
bool field_is_token(struct span s);

/* A header's name behind HTTP_: letters, digits, '_', '-' and '.'. */
bool field_is_name(struct span s);

/* No control byte but a tab (RFC 9110 section 5.5). */
bool field_is_value(struct span s);

/* "name:port" or "[v6]:port" by its letters; an empty one passes. */
bool field_is_host(struct span s);

/* No comma outside quotes: one value, not two that were joined. */
bool field_is_single(struct span s);

/*
 * Fill r->fields for NAME rows of kind NAME_QUERY: application/x-www-form-
 * urlencoded pairs, decoded.  False: bad-request for a bad escape in a
 * value that a rule reads, or fault.
 */
bool field_read_query(
    struct request *r, const struct bundle *b, struct decision *d);

/*
 * The same for NAME_COOKIE (RFC 6265 section 4.2).  Commas separate too:
 * Apache joins two Cookie fields with one.
 */
void field_read_cookies(struct request *r, const struct bundle *b);

#endif
