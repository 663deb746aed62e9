/*
 * request_id - by which header field the id of a request goes, and whose it
 * is: a new one, or what a trusted proxy has given the request before.
 */
#ifndef MGW_POLICY_REQUEST_ID_H
#define MGW_POLICY_REQUEST_ID_H

#include "policy/bundle.h"
#include "policy/request.h"

/* Longer ones are not believed. */
#define REQUEST_ID_BYTES_MAX 128

struct span request_id_name(const struct bundle *b);

/* "name" is that of the field, once CGI has folded both. */
bool request_id_is(const struct bundle *b, struct span name);

/* Take what a trusted proxy says, where the policy believes it. */
void request_id_take(struct request *r, const struct bundle *b);

#endif
