/*
 * upstream - send an allowed request to its backend and stream the answer
 * back.
 *
 * What is sent is what was decided on: the canonical path, the query as
 * it came, headers rebuilt from CONTENT_LENGTH, CONTENT_TYPE and policy.
 * A request goes to another endpoint, or once more to the same, only when
 * no byte of it was sent, or when its method is idempotent and it has no
 * body; never when an answer has begun to reach the client.
 */
#ifndef MGW_FCGI_UPSTREAM_H
#define MGW_FCGI_UPSTREAM_H

#include <stdatomic.h>

#include "fcgi/exchange.h"
#include "policy/decide.h"
#include "policy/meter.h"

struct upstreams; /* connections kept, shared by all workers; kept.c */

struct upstreams *upstreams_new(unsigned max_idle);
void upstreams_free(struct upstreams *u);

/* What changes about a backend while it serves; of this process. */
struct backend_life {
	_Atomic unsigned in_flight;
	struct hash128 breaker; /* its names in the state */
	struct hash128 health;
	_Atomic int64_t check_at_us; /* the next check; see checker.c */
};

/* A backend as it is to be reached: of the bundle, or of mgw.conf. */
struct backend {
	struct span url;  /* for messages, without credentials */
	struct span host; /* without brackets */
	uint32_t port;
	bool tls;
	bool may_be_local;     /* not named by a document */
	struct span unix_path; /* p == NULL: TCP */
	struct span path;      /* put before the rest of the path */
	struct span query;     /* put before the request's */
	struct span ca_file;
	const struct row_security *security; /* or NULL */
	struct span tls_name; /* of its certificate; n == 0: the host */
	/* Of the security, as this machine has them; n == 0: none. */
	struct span user, password, token_url;
	struct span host_name; /* sent as Host; n == 0: by host_rule */
	enum host_rule host_rule;
	enum forward_rule forwarded, x_forwarded;
	enum trace_rule trace;
	bool no_via, prefix;
	enum http2_rule http2;
	const struct row_proxy *proxy; /* to go through; or NULL */
	struct span proxy_url, proxy_user;
	uint32_t connect_ms, first_byte_ms, total_ms; /* 0: no limit */
	uint32_t idle_ms; /* between bytes of an answer; 0: no limit */
	uint32_t weight;  /* among those of its list; 0 is 1 */
	const struct row_breaker *breaker; /* or NULL */
	const struct row_retry *retry;     /* or NULL */
	const struct row_health *health;   /* or NULL: not checked */
	struct backend_life *life;
};

struct pick;   /* fcgi/balance.h */
struct grants; /* fcgi/grant.h */
struct state;

struct upstream_call {
	struct upstreams *upstreams;
	const struct policy *policy;
	const struct request *request;
	const struct ruling *ruling;
	const struct backend *backend; /* or NULL, with "pick" */
	struct pick *pick;             /* through which others are found */
	struct state *state;           /* where breakers are, or NULL */
	struct grants *grants;         /* tokens of our own, or NULL */
	struct span token;             /* the one for this attempt */
	unsigned most_in_flight;       /* at one of several; 0: any */
	struct span pseudonym;         /* ours in Via; n == 0: "mgw" */
	struct exchange *exchange;
	bool proxied;        /* REMOTE_ADDR is a proxy that is trusted */
	struct meter *meter; /* status, bytes and times are filled in */
	uint64_t max_body_bytes;
};

/*
 * True: an answer went out, whole or, after its head, truncated ("*whole"
 * false: end the exchange as incomplete).  False: nothing was sent to the
 * client yet and "d" says what the refusal is (upstream-*, body-too-large,
 * body-timeout, bad-request for a body shorter than said, fault).
 */
bool upstream_run(
    const struct upstream_call *c, bool *whole, struct decision *d);

#endif
