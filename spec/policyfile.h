/*
 * policyfile - mgw.yaml, the policy beside the documents.
 *
 *	issuers:              who signs tokens
 *	  - issuer: https://id.example/     the claim iss, byte for byte
 *	    keys: {file: keys/id.jwks.json} a map or a list of maps of one of
 *	          file  JWK set or PEM
 *	          url   https, or http to loopback
 *	          discovery  openid, oauth or the URL of the metadata
 *	          inline  a JWK set as text or map; ${env:NAME}
 *	          pem   PEM text, or the path of a PEM file
 *	    audiences: [orders]             a list, or the word any
 *	    algorithms: [RS256, ES256]      this is the default
 *	    leeway: 5s                      this is the default; at most 10m
 *	    scope-claim: scope              a dotted path
 *	    type: at+jwt                    required "typ"; any when absent
 *	    trust-claims: false
 *	    validate-subscription: false    subscribedAPIs has the API
 *	    required-claims: {team: [a, b], mail: any}
 *	    claim-map: {roles: scope}       the claim roles goes by scope
 *	    introspect: idp                 ask this server as well
 *	wso2-keys: ...        API keys that are JWTs, see wso2keys.h
 *	introspection:        servers that know opaque tokens
 *	  - name: idp
 *	    url: https://id.example/introspect
 *	    issuer: https://id.example/
 *	    client-id: gate                 not with auth: bearer
 *	    client-secret: ${env:SECRET}
 *	    auth: basic                     or post, bearer
 *	    prefix: idp_                    of its tokens; all when absent
 *	    timeout: 2s, cache: 30s, cache-inactive: 5s
 *	    audiences, leeway, scope-claim, trust-claims,
 *	    validate-subscription, required-claims, claim-map: as for issuers
 *	identity-headers: {subject: X-User, tier: off}
 *	backend-jwt:          see assertion.h
 *	    key: ${file:PATH}               PEM or JWK
 *	    algorithm: RS256
 *	    issuer: https://gate.example/
 *	    header: X-JWT-Assertion
 *	    lifetime: 60s                   at most 5m
 *	    dialect: http://wso2.org/claims
 *	    claims: [email]                 copied from the token
 *	    keys-path: /jwks.json           the public key is served there
 *	api-keys: {file: keys.db}
 *	applications: ...     see applications.h
 *	users: {file: users.htpasswd}
 *	schemes:              which verifies which securityScheme
 *	  NAME: {jwt: [ISSUER...]}, {introspect: [NAME...]}, both of these
 *	        (what has no dot is no JWT), {api-key: true},
 *	        {basic: true} or {host: NAME}
 *	host-auth: ...        see hostauth.h
 *	dpop: ...             see dpop.h
 *	tiers: ...            see tiers.h
 *	tiers-file: policies.yaml
 *	store: ...            see storefile.h
 *	revocation: [...]     see revocation.h
 *	apis:                 by file name as given to import
 *	  petstore.yaml:
 *	    name: Petstore                  instead of the title
 *	    base-path: /pets/v1
 *	    endpoints: [URL...]             see endpoints.h; may hold
 *	    sandbox-endpoints: [URL...]     ${env:NAME}
 *	    backends: ...                   of all of them; see reach.h
 *	    tier: Gold
 *	    spike: Backend                  what its endpoints may get; a tier
 *	    tier-replaces: false            in place of operations' tiers
 *	    security: required | as-documented
 *	    scopes: all | any
 *	    trailing-slash: strict | ignore
 *	    errors: problem | wso2          or a map, see errors.h
 *	    max-body: 10MB                  or none
 *	    public-url: https://api.example/pets/v1
 *	    resource-metadata: false        RFC 9728
 *	    backend-jwt: true               where there is one, see assertion.h
 *	    backend-audience: orders        of it; the endpoint when absent
 *	    keep-credential: false          the backend gets it, too
 *	    maintenance: false              see maintenance.h
 *	    cors: ...                       see cors.h
 *	    certificates: any               or a list, see certificates.h
 *	    levels: ...                     see levels.h
 *	    changes: ...                    see changes.h
 *	    interceptors: refuse | drop     what WSO2 runs
 *	    groups: [a, b]                  instead of the document's
 *	limits: {max-uri: 4096, max-headers: 8192, max-body: none,
 *	    ipv6-prefix: 64}            how many bits make one client
 *	timeouts: {connect: 3s, first-byte: 30s, between-bytes: 0s, total: 60s}
 *	backends: ...         of all APIs; see reach.h
 *	failures: ...         see failures.h
 *	key-manager: ...      see keymanager.h
 *	conditions: ...       see conditions.h
 *	errors: problem       or wso2, or a map, see errors.h
 *	realm: mgw            in WWW-Authenticate
 *	request-id: {header: X-Request-Id, from: gate}   or proxy
 *	certificates: ...     of documents that have none of their own
 *	cors: ...             of documents that say nothing of it
 *	levels: ...           of all APIs; see levels.h
 *	unknown-tier: NAME    for tiers of credentials that nobody knows
 *	rate-headers: ietf    or legacy, both, off
 *
 * limits, timeouts, errors and realm are shown with their defaults; a time
 * limit of 0s is none.  ${env:NAME} and ${file:PATH} may stand in URLs and
 * file paths, and are looked up when the gate starts.
 */
#ifndef MGW_SPEC_POLICYFILE_H
#define MGW_SPEC_POLICYFILE_H

#include "spec/certificates.h"
#include "spec/conditions.h"
#include "spec/cors.h"
#include "spec/failures.h"
#include "spec/keymanager.h"
#include "spec/levels.h"

struct spec_source {
	struct spec_source *next;
	enum source_kind kind;
	enum source_how how;
	struct spec_text value; /* file: as stored in the bundle */
	struct span issuer;     /* of metadata: whose they must be */
};

struct spec_claim {
	struct spec_claim *next;
	enum claim_kind kind;
	struct spec_text path, local;
	struct spec_word *values; /* of CLAIM_REQUIRED; NULL: any */
};

struct spec_issuer {
	struct spec_issuer *next;
	struct spec_text issuer;
	struct spec_source *keys;
	struct spec_word *audiences;
	bool audience_any;
	uint32_t algorithms; /* bits: 1 << enum algorithm */
	uint32_t leeway_s;
	struct spec_text scope_claim, type;
	enum spec_switch trust_claims, subscriptions;
	struct spec_claim *claims;
	struct spec_text introspect; /* name of a server, or absent */
	/* Of API keys: see wso2keys.h. */
	bool of_keys, lasting, of_users;
	struct spec_issue *issue; /* spec/wso2keys.h, or NULL */
	uint32_t row;             /* set by emit */
};

/* An entry of "introspection". */
struct spec_introspect {
	struct spec_introspect *next;
	struct spec_text name, url, issuer, client_id, prefix, scope_claim;
	struct spec_source *secret;
	int auth;                    /* enum introspect_auth */
	struct spec_word *audiences; /* NULL: any */
	enum spec_switch trust_claims, subscriptions;
	struct spec_claim *claims;
	uint64_t leeway_us, timeout_us, keep_us, keep_inactive_us;
	uint32_t row; /* set by emit */
};

/* Whether tokens come with a proof of their key (spec/dpop.h). */
enum spec_proofs {
	SPEC_DPOP_OFF,
	SPEC_DPOP_ALLOWED,
	SPEC_DPOP_REQUIRED,
};

/* An entry of "schemes". */
struct spec_verifier {
	struct spec_verifier *next;
	struct spec_text name;
	enum scheme_kind kind;
	struct spec_word *issuers;     /* of SCHEME_JWT */
	struct spec_word *introspects; /* names of servers */
	struct spec_text host;         /* of SCHEME_HOST */
	enum spec_proofs dpop;
	bool used; /* some document has the scheme */
};

/* An entry of "apis". */
struct spec_api_rule {
	struct spec_api_rule *next;
	struct spec_text file;
	struct spec_text name, base_path, tier, spike, public_url;
	struct spec_text audience;
	enum spec_switch resource_metadata, assertion, keep_credential;
	struct spec_url *endpoints, *sandbox;
	struct spec_reach reach;
	struct spec_cors *cors;
	const struct spec_certificates *certificates; /* or NULL */
	struct spec_level *levels;
	struct spec_changes *changes;
	enum spec_switch interceptors; /* true: dropped */
	struct spec_groups groups;
	enum spec_switch security_required, scopes_any, slash_ignore,
	    tier_replaces;
	int errors; /* enum error_format, or -1 */
	struct spec_error_body *error_bodies;
	uint64_t max_body_bytes;
	bool max_body_given;
	uint32_t maintenance_s; /* 0: it is open */
	bool used;
};

/* "store" */
struct spec_store {
	struct place place;
	struct spec_text url, user, prefix, ca;
	struct spec_source *password, *key; /* or NULL */
	uint32_t timeout_us;
};

struct policyfile {
	const char *file; /* NULL: there is none, all is as it is by default */
	const char *bundle;      /* for keysource_of */
	struct spec_reach reach; /* of all backends */
	struct spec_issuer *issuers;
	unsigned n_issuers, n_key_issuers;
	struct spec_introspect *introspects;
	struct spec_assertion *assertion; /* spec/assertion.h, or NULL */
	struct spec_text identities[IDENTITY__MAX];
	bool identities_given;
	struct spec_source *api_keys;           /* or NULL */
	struct spec_source *users;              /* or NULL */
	struct spec_host *hosts;                /* spec/hostauth.h */
	struct spec_dpop *dpop;                 /* spec/dpop.h; never NULL */
	struct spec_applications *applications; /* spec/applications.h */
	struct spec_verifier *verifiers;
	struct spec_tier *tiers;
	struct spec_store *store;            /* or NULL */
	struct spec_revocation *revocations; /* spec/revocation.h */
	struct spec_api_rule *apis;
	struct row_settings settings; /* all but realm and failures */
	struct spec_failures failures;
	struct spec_key_manager *key_manager; /* or NULL */
	struct spec_rule *conditions;
	struct spec_text realm, request_id; /* the header's name */
	struct spec_cors *cors;             /* of all that have none; or NULL */
	const struct spec_certificates *certificates; /* or NULL */
	struct spec_level *levels; /* of all APIs, and the unknown tier */
	struct spec_error_body *error_bodies; /* of all APIs, and of none */
};

/*
 * Read the file at "path", or take the defaults when it is NULL.
 * "bundle" is the file that will be written: paths in mgw.yaml are
 * relative to mgw.yaml, and stay so where both lie in one folder; else
 * they become absolute.  NULL for "bundle" is as if they did.
 * Errors go to "d"; NULL only without memory.  It lives in d's arena.
 */
struct policyfile *policyfile_read(
    const char *path, const char *bundle, struct diag *d);

/* The same from bytes that are named "path" in messages. */
struct policyfile *policyfile_parse(
    struct span text, const char *path, const char *bundle, struct diag *d);

/* Give each document what "apis" says about it. */
void policyfile_apply(
    struct policyfile *f, struct spec_document *documents, struct diag *d);

#endif
