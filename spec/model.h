/*
 * model - OpenAPI documents and mgw.yaml as mgw understands them.
 *
 * The reader of each dialect (openapi.c) fills it and reports what breaks
 * the standard; policyfile.c adds mgw.yaml; link.c resolves names and
 * reports what does not fit together; emit.c writes rows from it.  All of
 * it lives in one arena and keeps places for messages.  Lists are in
 * document order.
 */
#ifndef MGW_SPEC_MODEL_H
#define MGW_SPEC_MODEL_H

#include "policy/format.h"
#include "spec/ref.h"

/* A text and where it stands; text.p == NULL: not given. */
struct spec_text {
	struct span text;
	struct place place;
};

enum spec_dialect {
	DIALECT_2_0,
	DIALECT_3_0,
	DIALECT_3_1
};

enum spec_switch {
	SWITCH_UNSET,
	SWITCH_FALSE,
	SWITCH_TRUE
};

#define SPEC_STATUSES_MAX 32

struct spec_statuses {
	uint32_t list[SPEC_STATUSES_MAX];
	uint32_t n;
};

struct spec_tier; /* spec/tiers.h */

struct spec_breaker {
	uint64_t window_us, volume, ratio_ppm, reset_us;
	struct spec_statuses statuses;
};

struct spec_retry {
	uint64_t count, interval_us, factor_milli, max_interval_us;
	uint64_t budget_percent;
	struct spec_statuses statuses;
};

struct spec_health {
	struct spec_text path;
	uint64_t period_us, timeout_us, healthy, unhealthy;
	struct spec_statuses statuses;
};

struct spec_tls;   /* spec/reach.h */
struct spec_login; /* the same */
struct spec_proxy; /* the same */

/* How endpoints are reached: each as it is said, or NULL. */
struct spec_reach {
	struct spec_tls *tls;
	struct spec_login *login;
	struct spec_proxy *proxy;
	struct spec_text host; /* endpoint, client, or a name */
	/* Plus one, so that 0 is what was not said. */
	int forwarded, x_forwarded, prefix, via, trace, http2;
};

/* What a list of endpoints says beside its URLs. */
struct spec_set {
	struct span name; /* by which it was referred to; or absent */
	enum balance balance;
	enum hash_by hash_by;
	enum name_kind hash_in; /* header or cookie, of HASH_BY_FIELD */
	struct span hash_field;
	struct spec_breaker *breaker; /* or NULL */
	struct spec_retry *retry;     /* or NULL */
	struct spec_text spike;       /* name of a tier */
	struct spec_tier *limits;     /* set by link, or NULL */
	struct spec_health *health;   /* or NULL */
	struct spec_reach reach;
	/* UINT64_MAX: as for all; 0: no limit */
	uint64_t connect_us, first_byte_us, idle_us, total_us;
};

struct spec_url {
	struct spec_url *next;
	struct spec_set *set;    /* of its list; NULL: it says nothing */
	uint32_t weight;         /* 0 is 1 */
	struct spec_text url;    /* absolute, server variables filled in */
	bool from_document;      /* documents may not name local backends */
	struct spec_reach reach; /* its own, before that of the set */
};

enum spec_scheme_type {
	SPEC_SCHEME_API_KEY,
	SPEC_SCHEME_HTTP_BEARER,
	SPEC_SCHEME_HTTP_BASIC,
	SPEC_SCHEME_HTTP_DPOP,
	SPEC_SCHEME_HTTP_OTHER,
	SPEC_SCHEME_OAUTH2,
	SPEC_SCHEME_OPENID,
	SPEC_SCHEME_MTLS,
};

struct spec_certificates; /* spec/certificates.h */
struct spec_host;         /* spec/hostauth.h */

struct spec_scheme {
	struct spec_scheme *next;
	struct spec_text name;
	enum spec_scheme_type type;
	enum name_kind in;       /* apiKey: header, query or cookie */
	struct span field;       /* apiKey: its name as written */
	struct span http_scheme; /* HTTP_OTHER: for messages */

	/* Set by link. */
	enum scheme_kind kind;
	struct spec_word *issuers; /* of SCHEME_JWT */
	struct spec_word *introspects;
	const struct spec_certificates *certificates; /* of SCHEME_MTLS */
	const struct spec_host *host;                 /* of SCHEME_HOST */
	uint32_t dpop; /* SCHEME_DPOP and SCHEME_DPOP_ONLY */
	bool used;     /* some operation requires it */

	uint32_t row; /* set by emit */
};

struct spec_word { /* an element of a list of names */
	struct spec_word *next;
	struct spec_text text;
};

/* x-mgw-groups; given as [], it asks for none. */
struct spec_groups {
	bool given;
	struct place place;
	struct spec_word *words;
};

struct spec_requirement {
	struct spec_requirement *next;
	struct spec_text scheme;
	struct spec_word *scopes;
	struct spec_scheme *resolved; /* NULL: not declared, link says so */
};

struct spec_alternative {
	struct spec_alternative *next;
	struct place place;
	struct spec_requirement *requirements; /* NULL: {} */
};

struct spec_security {
	bool given; /* the keyword is there, perhaps as [] */
	struct place place;
	struct spec_alternative *alternatives; /* NULL: [] */
};

/* x-wso2-application-security: a bit for each type in its list. */
enum spec_app_type {
	SPEC_APP_TOKEN = 1,
	SPEC_APP_BASIC = 2,
	SPEC_APP_KEY = 4
};

struct spec_app_security {
	bool given;
	struct place place;
	unsigned types;
};

struct spec_cors;        /* spec/cors.h */
struct spec_level;       /* spec/levels.h */
struct spec_key_manager; /* spec/keymanager.h */
struct spec_issuer;      /* spec/policyfile.h */
struct spec_changes;     /* spec/changes.h */
struct spec_changed;
struct spec_error_body; /* spec/errors.h */

/* x-wso2-request-interceptor and -response-interceptor. */
enum spec_interceptor {
	INTERCEPTOR_REQUEST,
	INTERCEPTOR_RESPONSE,
	INTERCEPTOR__MAX
};

struct spec_operation {
	struct spec_operation *next;
	struct spec_text method; /* upper case */
	struct spec_text operation_id;
	struct spec_security security;
	struct spec_text tier; /* x-mgw-tier, x-wso2-throttling-tier */
	enum spec_switch disable_security;
	struct spec_app_security app_security;
	struct spec_groups groups;
	struct spec_url *endpoints;   /* of its own, or NULL */
	struct spec_url *sandbox;     /* the same for sandbox keys */
	uint64_t max_body_bytes;      /* x-mgw-max-body; UINT64_MAX: none */
	const struct spec_set *times; /* x-mgw-timeouts; or NULL */
	bool deprecated;
	struct spec_changes *changes; /* or NULL */
	struct spec_text interceptors[INTERCEPTOR__MAX];

	/* Set by link. */
	struct spec_alternative *checks; /* in force; NULL: public */
	struct spec_tier *limits;        /* or NULL */
	const struct spec_changed *changed;
};

struct spec_path {
	struct spec_path *next;
	struct spec_text template; /* as written, begins with '/' */
	bool wildcard;             /* its last segment is "*": any rest */
	struct spec_operation *operations;
	struct spec_word *variables; /* in order of appearance */
};

struct spec_document {
	struct spec_document *next;
	const char *file; /* as the user named it */
	struct ref_set refs;
	struct node *root;
	enum spec_dialect dialect;
	struct spec_text title, version;

	/* From servers, or host, basePath and schemes, or x-*-basePath. */
	struct spec_text base_path; /* without slash at the end */
	struct spec_url *servers;   /* absolute ones; path is kept */

	struct spec_scheme *schemes;
	struct spec_security security;
	struct spec_path *paths;

	/* x-mgw-* and x-wso2-* at the root. */
	bool wso2; /* some x-wso2-* at the root, a path item, an operation */
	struct spec_text tier, spike;
	enum spec_switch disable_security;
	struct spec_app_security app_security;
	bool wants_certificate; /* x-wso2-mutual-ssl, unless optional */
	struct place certificate_place;
	struct spec_url *endpoints; /* x-*-production-endpoints, x-mgw- */
	struct spec_url *sandbox;
	struct spec_text owner;
	struct spec_cors *cors;                       /* or NULL */
	const struct spec_certificates *certificates; /* or NULL */
	struct spec_level *levels;    /* of this API; those of all are behind */
	struct spec_changes *changes; /* or NULL */
	struct spec_text interceptors[INTERCEPTOR__MAX];
	struct spec_groups groups; /* of operations that have none */

	/* From mgw.yaml's "apis" and the command line, by policyfile.c. */
	struct spec_reach reach;
	struct spec_text public_url, audience;
	struct spec_changes *own_changes; /* or NULL */
	bool interceptors_dropped;
	enum spec_switch resource_metadata, assertion, keep_credential;
	enum spec_switch security_required;
	enum spec_switch scopes_any;
	enum spec_switch slash_ignore;
	enum spec_switch tier_replaces;
	int errors; /* enum error_format, or -1 */
	const struct spec_error_body *error_bodies;
	uint64_t max_body_bytes;                    /* UINT64_MAX: no limit */
	bool max_body_given;                        /* else that of all APIs */
	uint32_t maintenance_s;                     /* 0: it is open */
	const struct spec_key_manager *key_manager; /* its API; or NULL */
	const struct spec_issuer *issuer;           /* of keys made here */
	bool built_in; /* of single paths, beside which others may lie */

	/* Set by link. */
	struct spec_url *backends;      /* those in use */
	struct spec_tier *limits;       /* of the API, or NULL */
	struct spec_tier *spike_limits; /* the same of its backends */
	unsigned n_operations, n_public;
};

/*
 * Read one document of any dialect.  NULL when nothing could be made of
 * it; otherwise the model of what is right, with errors in "d" for what
 * is not.  It lives in the arena of "d".
 */
struct spec_document *openapi_read(const char *path, struct diag *d);

/* The same from bytes, which may not refer to other files. */
struct spec_document *openapi_parse(
    struct span text, const char *shown, struct diag *d);

#endif
