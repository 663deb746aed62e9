/*
 * meter - what one request did, in one line and a few counters.
 *
 * Called exactly once for every request, whatever became of it.
 */
#ifndef MGW_POLICY_METER_H
#define MGW_POLICY_METER_H

#include "policy/decide.h"

/* An event is one write; what would be longer is cut in its values. */
#define EVENT_BYTES_MAX 4096

struct meter {
	int64_t start_us;              /* monotonic */
	int64_t policy_us, backend_us; /* how long each took */
	unsigned status;               /* sent to the client */
	unsigned upstream_status;      /* 0: none */
	struct span backend; /* "host:port" or UNIX path; absent: none */
	uint64_t bytes_in, bytes_out; /* of bodies */
	struct span node;             /* host name */
	struct span label;
};

/*
 * The event as one JSON object with a newline, at most EVENT_BYTES_MAX;
 * absent values are left out, and nothing that is a credential is in it.
 */
void meter_write(const struct policy *p, const struct request *r,
    const struct ruling *v, const struct meter *m, struct buf *to);

#endif
