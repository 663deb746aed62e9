/*
 * error_body - bodies of refusals that the policy has of its own.
 *
 * Only the body and its media type are the policy's: status, and all
 * headers that a refusal has, stay.  What is told of a refusal is what the
 * usual bodies tell.
 */
#ifndef MGW_POLICY_ERROR_BODY_H
#define MGW_POLICY_ERROR_BODY_H

#include "base/buf.h"
#include "policy/request.h"

/*
 * That of the API for this reason, for its status, or for any; else that of
 * all.  NULL: the usual one.  "api" is NULL where none was found.
 */
const struct row_error_body *error_body_find(
    const struct bundle *b, const struct row_api *api, enum reason reason);

void error_body_write(const struct bundle *b, const struct row_error_body *row,
    const struct request *r, const struct decision *d, struct buf *to);

/* The ERROR_BODY rows are as format.h says. */
bool error_body_check(const struct bundle *b, char *why, size_t why_size);

#endif
