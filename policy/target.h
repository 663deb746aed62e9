/*
 * target - what stands in the request line to a backend.
 *
 * The endpoint's path before the request's, and its query before the
 * request's: without the credentials that stop here, and with what is
 * changed by declaration.
 */
#ifndef MGW_POLICY_TARGET_H
#define MGW_POLICY_TARGET_H

#include "policy/change.h"

struct target {
	const struct bundle *bundle;
	const struct row_api *api;
	const struct request *request;
	const struct change *change;
	struct span path;  /* of the endpoint; "" or "/api" */
	struct span query; /* of the endpoint; p == NULL: none */
};

/* So many bytes are enough for what target_write appends. */
size_t target_bytes_max(const struct target *t);

/* Append "/path?query"; false: the request's arena is full. */
bool target_write(const struct target *t, struct buf *to);

#endif
