/*
 * cors - which pages of other origins may use an API.
 *
 * mgw.yaml, and x-mgw-cors in a document:
 *
 *	cors:
 *	  origins: [https://app.example]  or "*"; "*." before a host stands
 *	                             for those below it
 *	  methods: [GET, POST]       those of the path when absent
 *	  headers: [Content-Type]    or "*": what the page asks for
 *	  expose: [X-Total]
 *	  credentials: false
 *	  max-age: 10m
 *	  preflight-tier: NAME       of one address; 1000 a minute
 *
 * or the word off.  x-wso2-cors is read in all its three spellings.
 */
#ifndef MGW_SPEC_CORS_H
#define MGW_SPEC_CORS_H

#include "policy/build.h"
#include "spec/tiers.h"

struct spec_cors {
	bool off, wso2; /* wso2: read from x-wso2-cors */
	bool any_origin, any_header, credentials;
	struct spec_word *origins; /* as policy/cors.h wants them */
	struct spec_word *methods, *headers, *exposed;
	bool headers_given;
	uint64_t max_age_us;
	struct spec_text tier;
	struct spec_tier *limits; /* set by link; NULL: the usual ones */
};

/* NULL after an error. */
struct spec_cors *cors_read(const struct node *n, struct diag *d);
struct spec_cors *cors_read_wso2(const struct node *n, struct diag *d);

/*
 * The CORS row of a document as a range, empty for none; "schemes" are
 * those whose fields a page must be able to send.
 */
struct range cors_emit(struct build *b, const struct spec_cors *c,
    const struct spec_scheme *schemes);

#endif
