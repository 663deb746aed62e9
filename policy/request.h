/*
 * request - what the web server told us about one request, as a view.
 *
 * Built once by request_read from the list of CGI or FastCGI parameters.
 * The list keeps duplicates: a name that comes twice is seen, not hidden
 * by whichever copy a map would keep.  Nothing is copied; everything
 * lives as long as the exchange that the parameters came with, or the
 * request's arena.
 */
#ifndef MGW_POLICY_REQUEST_H
#define MGW_POLICY_REQUEST_H

#include "base/arena.h"
#include "policy/bundle.h"
#include "policy/certificate_field.h"
#include "policy/client.h"
#include "policy/decision.h"

struct control; /* policy/control.h */

struct param {
	struct span name;
	struct span value;
};

/* A header, query parameter or cookie that some rule reads. */
struct field {
	struct span value; /* of the first; query and cookie values decoded */
	unsigned n;        /* how often it came */
};

#define BODY_LENGTH_UNKNOWN INT64_C(-1) /* chunked: read to its end */

struct request {
	const struct param *params; /* all, in order */
	size_t n_params;
	struct arena *arena; /* of this request */
	int64_t now_us;      /* wall time, read once */
	struct span id;      /* random, 32 hexadecimal digits */
	/* What mgw-throttle has set; NULL: nothing. */
	const struct control *control;
	bool control_lost; /* it cannot be had: nobody may pass */

	struct span method;
	struct span target; /* REQUEST_URI as it came */
	struct span path;   /* canonical, RFC 3986 section 6.2.2, prefix cut */
	struct span mount;  /* the prefix that was cut; "" or "/gate" */
	struct span query;  /* raw, without '?'; p == NULL: there was no '?' */
	struct span *segments; /* of path, decoded; "" last if it ends in / */
	size_t n_segments;     /* 0: "OPTIONS *", whose path is "*" */

	struct span protocol;     /* SERVER_PROTOCOL */
	struct span host;         /* HTTP_HOST, as the client sent it */
	struct span address;      /* REMOTE_ADDR */
	struct client client;     /* whose address limits and events go by */
	struct span content_type; /* p == NULL: none */
	int64_t body_length;      /* 0: no body; or BODY_LENGTH_UNKNOWN */
	bool https;

	/*
	 * A trusted proxy showed its secret: what it says of its client's
	 * certificate counts, and nothing else does.
	 */
	bool proxy_proved;
	struct certificate_rules certificate;

	struct field *fields; /* one for each NAME row of the bundle */
};

/* What differs per machine and is needed to read a request. */
struct request_rules {
	struct span strip_prefix; /* cut from the path; "" for none */
	struct client_rules client;
	struct certificate_rules certificate;
};

/*
 * Shape: read the parameters, the target, the framing fields and the
 * fields that "b" asks for; refuse what is malformed, ambiguous, too long
 * or comes twice where it may not.
 * The caller has set params, n_params, arena, now_us, id and control; else of
 * "r" is filled here, as far as it could be read even when refused.
 * False: "d" says why.
 */
bool request_read(struct request *r, const struct bundle *b,
    const struct request_rules *rules, struct decision *d);

/*
 * What limits by the client's address count it under, see client.h; in the
 * request's arena, and p == NULL when that is full.
 */
struct span request_client_key(const struct request *r, const struct bundle *b);

/* The first parameter of this name (not a header); p == NULL if absent. */
struct span request_param(const struct request *r, struct span name);

/* The same, trimmed, of one that came once: two of them say nothing. */
struct span request_param_single(const struct request *r, struct span name);

/*
 * The value of a parameter that the web server sets once, or repeats alike;
 * p == NULL if absent.  False: it comes twice with different values.
 */
bool request_param_once(
    const struct request *r, struct span name, struct span *value);

#endif
