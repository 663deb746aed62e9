/*
 * reach - how endpoints are reached and what is shown to them.
 *
 *	tls:
 *	  ca-file: ca.pem            the system's when absent
 *	  name: orders.internal      the URL's host when absent
 *	  certificate: client.pem    ours
 *	  key: ${file:client.key}    of it
 *	credential:                  one of
 *	  basic: {user: gate, password: ${env:PASSWORD}}
 *	  header: {name: X-Api-Key, value: ${env:KEY}}
 *	  oauth2:                    RFC 6749 section 4.4
 *	    token-url: https://id.example/token
 *	    client-id: gate
 *	    client-secret: ${env:SECRET}
 *	    scopes: [orders]
 *	    resource: https://orders.example/
 *	    auth: basic              or post
 *	    timeout: 2s
 *	host: endpoint               or client, or a name
 *	forwarded: off               or set, append, pass
 *	x-forwarded: append          or set, pass, off
 *	x-forwarded-prefix: false
 *	via: true
 *	http2: off                   or auto, prior-knowledge
 *	proxy: off                   or its URL, or
 *	  url: http://proxy.example:3128
 *	  user: gate, password: ${env:PASSWORD}
 *	  except: [internal.example, .local]
 *	traceparent: pass            or make, off
 *
 * These stand beside "urls", or beside one "url", which wins.  "backends",
 * of an API or of all, takes what is no secret: an endpoint may have been
 * named by a document, and what is for one backend goes to no other.
 */
#ifndef MGW_SPEC_REACH_H
#define MGW_SPEC_REACH_H

#include "spec/keysource.h"

struct spec_tls {
	struct spec_text ca_file, name;
	struct spec_source *certificate, *key; /* or NULL */
	uint32_t certificate_row, key_row;     /* + 1, set by emit */
};

struct spec_login {
	struct place place;
	enum backend_auth auth;
	struct spec_source *secret; /* NULL: from the environment */
	struct spec_text user, header, token_url, resource;
	struct spec_word *scopes;
	int token_auth; /* enum token_auth */
	uint64_t timeout_us;
	uint32_t secret_row; /* + 1, set by emit */
};

struct spec_proxy {
	struct place place;
	bool off;
	struct spec_text url, user;
	struct spec_source *password; /* or NULL */
	struct spec_word *except;
	uint32_t row; /* + 1, set by emit */
};

/* The keys: as such, and for lists that end with NULL. */
#define REACH_KEYS                                               \
	"tls", "credential", "host", "forwarded", "x-forwarded", \
	    "x-forwarded-prefix", "via", "traceparent", "proxy", "http2"
extern const char *const reach_keys[];

/* Read these keys of "n"; no error: "n" may have others. */
void reach_read(
    const struct keysource *r, const struct node *n, struct spec_reach *to);

/* "backends" of "map", if it is there: all of it that is no secret. */
void reach_read_shared(
    const struct keysource *r, const struct node *map, struct spec_reach *to);

/* securityConfig of WSO2's endpoints; the password is the environment's. */
struct spec_login *reach_read_wso2(const struct node *n, struct diag *d);

/* A field that is neither the message's nor only the gate's to write. */
bool reach_may_carry(struct span name);

/* What holds for an endpoint: its own, its list's, its API's, or of all. */
struct spec_reach reach_of(const struct spec_url *url,
    const struct spec_document *doc, const struct policyfile *f);

/* Errors of what would be sent to "url" in the clear. */
void reach_check(const struct spec_url *url, struct diag *d);

#endif
