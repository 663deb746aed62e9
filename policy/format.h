/*
 * format - what lies in a bundle, byte for byte.
 *
 * A bundle is one file, written by mgw-spec and never changed.  Its rows
 * are C structures used in place; they refer to each other by row number
 * and to text by place, never by pointer.
 *
 *	+--------------------------+
 *	| struct bundle_header     |  magic, version, size, checksum
 *	+--------------------------+
 *	| struct bundle_section    |  one for each SECTION_*, in order:
 *	|   x n_sections           |  where its rows are, how many, how long
 *	+--------------------------+
 *	| SETTINGS  (one row)      |
 *	| API       one a document |---- operations, endpoints, tier
 *	| NODE      the path tree  |
 *	| EDGE      (hash table)   |      "pets" + "{id}" -> node -> ITEM
 *	| PATTERN   {id}, {n}.json |
 *	| ITEM      one a path     |---- its operations, by method
 *	| OPERATION one a method   |---- alternatives, tier, endpoints
 *	| ALTERNATIVE   OR         |
 *	| REQUIREMENT   AND        |---- SCHEME, scopes
 *	| SCHEME                   |---- ISSUER, SOURCE, NAME
 *	| ...                      |
 *	| STRING    lists of text  |
 *	| INDEX     lists of rows  |
 *	| TEXT      bytes          |
 *	+--------------------------+
 *
 * Numbers are little-endian; every section starts at a multiple of 8.
 *
 * A row grows only at its end.  A reader whose structure is longer than
 * the section's row_bytes copies the rows out and fills the rest with
 * zeros, and one whose structure is shorter skips what it does not know;
 * so zero always means "as it was before this field".  A change that this
 * does not cover raises BUNDLE_VERSION; BUNDLE_VERSION_OLDEST and up are
 * read.
 */
#ifndef MGW_POLICY_FORMAT_H
#define MGW_POLICY_FORMAT_H

#include <stdint.h>

#define BUNDLE_MAGIC "MGW\r\n\x1a\0" /* 8 bytes with its last NUL */
#define BUNDLE_VERSION 1
#define BUNDLE_VERSION_OLDEST 1 /* later: BUNDLE_VERSION - 2 */
#define BUNDLE_BYTES_MAX (UINT32_C(256) << 20)

struct bundle_header {
	char magic[8];
	uint32_t version;
	uint32_t n_sections;
	uint64_t size;      /* of the whole file, in bytes */
	uint64_t sum_lo;    /* SipHash-2-4-128 under the key {0, 0} of all */
	uint64_t sum_hi;    /* bytes, with these two fields zero */
	uint64_t policy_lo; /* the same over all sections: names the policy */
};

struct bundle_section {
	uint32_t tag; /* enum section */
	uint32_t row_bytes;
	uint64_t offset; /* from the start of the file */
	uint64_t n_rows;
};

/*
 * Those from 32 on belong to features that came later, or are to come:
 * their numbers are taken so that no two features ever share one.  A
 * bundle without any of their rows does not have them at all, so that an
 * older mgw reads it.
 */
enum section {
	SECTION_SETTINGS = 1,
	SECTION_API,
	SECTION_NODE,
	SECTION_EDGE,
	SECTION_PATTERN,
	SECTION_ITEM,
	SECTION_OPERATION,
	SECTION_ALTERNATIVE,
	SECTION_REQUIREMENT,
	SECTION_SCHEME,
	SECTION_ISSUER,
	SECTION_SOURCE,
	SECTION_TIER,
	SECTION_LIMIT,
	SECTION_ENDPOINT,
	SECTION_NAME,
	SECTION_STRING,
	SECTION_INDEX,
	SECTION_TEXT,
	SECTION_BREAKER = 32, /* of an endpoint: window, ratio, reset */
	SECTION_RETRY = 33,   /* of an endpoint: count, back-off, budget */
	SECTION_CORS = 34,    /* of an API: origins, headers, methods */
	SECTION_CHANGE = 35,  /* of an operation: what is sent instead */
	SECTION_CONDITION = 36,
	SECTION_CLAIM = 42,       /* of an ISSUER: wanted, or renamed */
	SECTION_CERTIFICATE = 43, /* allow-lists of mutual TLS */
	SECTION_INTROSPECT = 44,  /* servers that know opaque tokens */
	SECTION_STORE = 45,       /* of counters of several machines */
	SECTION_LEVEL = 46,
	SECTION_KEY_PART = 47,
	SECTION_ZONE = 48,
	SECTION_SHIFT = 49,
	SECTION_ASSERTION = 50, /* the token for backends */
	SECTION_HOST_AUTH = 51, /* what the web server verifies */
	SECTION_APPLICATIONS = 52,
	SECTION_REVOCATION = 53, /* lists beside revoked.list */
	SECTION_DPOP = 54,
	SECTION_ISSUE = 56,      /* API keys that are made here */
	SECTION_ERROR_BODY = 57, /* what refusals say */
	SECTION_SECURITY = 58,   /* of an endpoint: TLS, credential */
	SECTION_PROXY = 59,      /* by which endpoints are reached */
	SECTION_HEALTH = 60,     /* of an endpoint: path, period, statuses */
	SECTION_SPIKE = 62, /* of endpoints, or an API: what they may get */
	SECTION__MAX = 64,
	/* Later, row by row as their features land:
	 * 37 PARAMETER  of an operation: place, name, style, schema
	 * 38 SCHEMA     compiled JSON Schema
	 * 39 BODY       of an operation: media types and their schemas
	 * 40 CACHE      rules for stored answers
	 * 41 HOST       virtual hosts and the APIs they show
	 */
};

#define ROW_NONE UINT32_MAX /* a reference to no row */

/* Bytes in TEXT, which has a NUL behind each.  {0, 0} is "absent". */
struct text {
	uint32_t at;
	uint32_t n;
};

/* Rows first .. first + n - 1 of the section that the field names. */
struct range {
	uint32_t first;
	uint32_t n;
};

enum error_format {
	ERRORS_PROBLEM, /* RFC 9457 */
	ERRORS_WSO2,
};

/* What answers tell of the limits that are the caller's own. */
enum rate_headers {
	RATE_HEADERS_IETF,   /* RateLimit-Policy and RateLimit */
	RATE_HEADERS_LEGACY, /* X-RateLimit-Limit, -Remaining, -Reset */
	RATE_HEADERS_BOTH,
	RATE_HEADERS_OFF,
	RATE_HEADERS__MAX,
};

struct row_settings {
	uint32_t max_uri_bytes;
	uint32_t max_header_bytes; /* names and values of all HTTP_* */
	uint64_t max_body_bytes;   /* UINT64_MAX: no limit */
	uint32_t errors;           /* enum error_format */
	uint32_t connect_ms;       /* defaults for endpoints */
	uint32_t first_byte_ms;
	uint32_t total_ms; /* 0: no limit */
	struct text realm;
	uint32_t client_v6_bits; /* IPv6 clients are one by; 0: 64 */
	uint32_t rate_headers;   /* enum rate_headers */
	uint32_t idle_ms;        /* of endpoints, as total_ms */
	uint32_t pad;
	struct range failures; /* LIMIT by enum failure_limit; n == 0: off */
	/*
	 * STRING by enum identity; n == 0: as passing_own.c names them.
	 * Those that are not there, because they came later, are not told.
	 */
	struct range identities;
	struct range deny; /* CONDITION: what holds for one is blocked */
	struct range error_bodies; /* ERROR_BODY, for APIs without, and none */
	struct text request_id;    /* header of it; absent: X-Request-Id */
	uint32_t request_id_from;  /* enum request_id_from */
	uint32_t pad2;
};

enum request_id_from {
	REQUEST_ID_OWN,   /* always a new one */
	REQUEST_ID_PROXY, /* what a trusted proxy has given it, if it did */
	REQUEST_ID_FROM__MAX,
};

/* What backends are told of the caller in header fields; "" is not told. */
enum identity {
	IDENTITY_SUBJECT,
	IDENTITY_APPLICATION,
	IDENTITY_ISSUER,
	IDENTITY_SCOPES,
	IDENTITY_KEY_ID,
	IDENTITY_TIER,
	IDENTITY_CLIENT_ID,
	IDENTITY_KEY_TYPE,
	IDENTITY_APPLICATION_ID,
	IDENTITY_APPLICATION_OWNER,
	IDENTITY_GROUPS,
	IDENTITY__MAX,
};

#define API_WSO2 UINT32_C(1)          /* carries x-wso2-*: read as WSO2 does */
#define API_SLASH_IGNORE UINT32_C(2)  /* trailing-slash: ignore */
#define API_TIER_REPLACES UINT32_C(4) /* API tier in place of operations' */
#define API_RESOURCE_METADATA UINT32_C(8) /* RFC 9728, at public_url */
#define API_ASSERTION UINT32_C(16)        /* its backend gets a signed JWT */
#define API_KEEP_CREDENTIAL UINT32_C(32)  /* so does the client's credential */

/* A week. */
#define API_MAINTENANCE_S_MAX 604800

struct row_api {
	struct text title;
	struct text version;
	struct text base_path; /* without a slash at the end; "" is the root */
	struct text document;  /* file name as given to import */
	struct text owner;
	struct range operations; /* OPERATION */
	struct range endpoints;  /* ENDPOINT; n == 0: mgw.conf must name one */
	struct range schemes;    /* SCHEME */
	uint32_t tier;           /* TIER or ROW_NONE */
	uint32_t flags;
	uint32_t errors; /* enum error_format */
	uint32_t pad;
	uint64_t max_body_bytes; /* UINT64_MAX: no limit */
	struct range cors;       /* CORS, one at most; n == 0: none */
	struct text public_url; /* base path as clients see it; may be absent */
	struct range sandbox;   /* ENDPOINT, for keys of that type */
	struct text audience;   /* of assertions; absent: the endpoint */
	uint32_t maintenance_s; /* closed, and to be asked again then; or 0 */
	uint32_t pad2;
	struct range attempts; /* LIMIT, see attempts.h; n == 0: none */
	struct range spike; /* SPIKE, one, of all its requests; n == 0: none */
	struct range error_bodies; /* ERROR_BODY; the settings' stand behind */
	/*
	 * ENDPOINT, one, without a URL: what holds for those that a machine
	 * adds where the bundle has none.  n == 0: as in the settings.
	 */
	struct range pattern;
};

/*
 * The path tree has a node for each distinct run of segments from the
 * root; base paths and templates of all APIs share it.  For the templates
 * /pets, /pets/{id} and /pets/{id}.json:
 *
 *	(root) --edge "pets"--> [item /pets]
 *	                          |--pattern "" ".json"--> [item {id}.json]
 *	                          `--pattern "" ""-------> [item {id}]
 *
 * Row 0 is the root.  Literal segments are edges, kept in one open
 * addressing hash table; patterns are tried in row order, the more
 * specific (longer literal text) first; a wildcard takes all the rest,
 * nothing included.  Segments are compared decoded.
 */
struct row_node {
	struct range patterns; /* PATTERN */
	uint32_t item;         /* ITEM when the path ends here, or ROW_NONE */
	uint32_t wildcard;     /* ITEM for this and any rest, or ROW_NONE */
	uint32_t api;          /* whose base path ends here, or ROW_NONE */
	uint32_t n_edges;      /* 0: no lookup needed */
};

/*
 * n_rows is a power of two, at least twice the edges.  An edge sits at
 * (edge_hash(parent, segment) & (n_rows - 1)) or behind it without a gap;
 * child == 0 marks a free place (the root is nobody's child).
 */
struct row_edge {
	uint32_t parent; /* NODE */
	uint32_t child;  /* NODE */
	struct text segment;
};

/*
 * A segment with variables: literal parts around them, so {id}.json is
 * ("", ".json") and {a}-{b} is ("", "-", "").  A variable takes at least
 * one byte; the shortest run up to the next part is taken, and the last
 * part is anchored at the end.
 */
struct row_pattern {
	struct range parts; /* STRING, one more than variables */
	uint32_t child;     /* NODE */
	uint32_t pad;
};

struct row_item {
	uint32_t api;
	uint32_t pad;
	struct text path;        /* full template: base path and path */
	struct text allow;       /* value of Allow: "GET, HEAD, OPTIONS" */
	struct range operations; /* OPERATION, sorted by method */
	struct range variables;  /* STRING: names in order of appearance */
};

#define OPERATION_SECURED UINT32_C(1) /* alternatives decide */
#define OPERATION_DEPRECATED UINT32_C(2)

struct row_operation {
	uint32_t item;
	uint32_t api;
	struct text method;
	struct text operation_id;
	struct range alternatives; /* ALTERNATIVE; n == 0: public */
	struct range endpoints;    /* ENDPOINT; n == 0: those of the API */
	uint32_t tier;             /* TIER or ROW_NONE */
	uint32_t flags;
	uint64_t max_body_bytes; /* UINT64_MAX: no limit */
	struct range sandbox;    /* ENDPOINT; n == 0: those of the API */
	struct range changes;    /* CHANGE; those of the API are among them */
	struct range groups;     /* STRING; of one the caller has to be */
	/* In place of its endpoints': 0: as they say; ROW_NONE: no limit. */
	uint32_t connect_ms, first_byte_ms, idle_ms, total_ms;
};

enum change_kind {
	CHANGE_PATH, /* of the request, behind that of the endpoint */
	CHANGE_QUERY,
	CHANGE_HEADER, /* of the request */
	CHANGE_ANSWER, /* header of the backend's answer */
	CHANGE_PLACES, /* how many places there are; no kind itself */
	CHANGE_TEXT,   /* parts of a value: as it stands, */
	CHANGE_VALUE,  /* and what differs from request to request */
	CHANGE_KIND__MAX,
};

enum change_how {
	CHANGE_SET, /* in place of what came */
	CHANGE_ADD, /* beside it */
	CHANGE_REMOVE,
	CHANGE_HOW__MAX,
};

/* Below these stands what enum identity names. */
enum change_value {
	VALUE_CLAIM = 32, /* "text", a path as of CONDITION */
	VALUE_VARIABLE,   /* "text", of the path template */
	VALUE_FIELD,      /* "name", a header or parameter */
	VALUE_METHOD,
	VALUE_REQUEST_ID,
	VALUE_PATH, /* behind the base path, begins with '/' */
	VALUE_REST, /* what a wildcard took, without '/' before it */
	/* Of a refusal, as are REQUEST_ID and METHOD. */
	VALUE_REASON,
	VALUE_STATUS,
	VALUE_TITLE,
	VALUE_DETAIL,
	VALUE_CODE, /* of WSO2 */
	VALUE__MAX,
};

/*
 * A value is made of its parts, in their order.  One with a part that is
 * absent or empty is left out, and what it was to replace is gone; in a
 * path it refuses the request.
 */
struct row_change {
	uint32_t kind;      /* enum change_kind */
	uint32_t how;       /* enum change_how; of VALUE: enum change_value */
	struct text text;   /* name of a field or parameter, or as above */
	struct range parts; /* CHANGE, behind this row; none to remove */
	uint32_t name;      /* NAME, of VALUE_FIELD; else ROW_NONE */
	uint32_t pad;
};

/* One object of an OpenAPI "security" list; n == 0 is {}: anonymous. */
struct row_alternative {
	struct range requirements; /* REQUIREMENT, all needed */
};

#define REQUIREMENT_SCOPES_ANY UINT32_C(1) /* WSO2: one scope is enough */

struct row_requirement {
	uint32_t scheme;
	uint32_t flags;
	struct range scopes; /* STRING */
};

enum scheme_kind {
	SCHEME_NO_VERIFIER, /* nothing configured can verify it */
	SCHEME_JWT,
	SCHEME_API_KEY,
	SCHEME_BASIC,
	SCHEME_OPAQUE,
	SCHEME_MTLS,
	SCHEME_HOST,     /* verified by the web server */
	SCHEME_WSO2_KEY, /* API keys that are JWTs, in the way of WSO2 */
	SCHEME_KIND__MAX,
};

#define SCHEME_CERTIFICATE_ANY UINT32_C(1)
#define SCHEME_DPOP UINT32_C(2)      /* tokens may come with a proof */
#define SCHEME_DPOP_ONLY UINT32_C(4) /* and with nothing else */

struct row_scheme {
	struct text name;     /* of the securityScheme */
	uint32_t kind;        /* enum scheme_kind */
	uint32_t field;       /* NAME that carries the credential */
	struct range issuers; /* INDEX of ISSUER, for JWT and WSO2_KEY */
	uint32_t source;      /* SOURCE: key file, user file */
	uint32_t flags;
	/*
	 * INDEX of INTROSPECT, for SCHEME_OPAQUE; for SCHEME_JWT they take
	 * the tokens without a dot.
	 */
	struct range introspects;
	struct range certificates; /* CERTIFICATE, for SCHEME_MTLS */
	uint32_t host;             /* HOST_AUTH + 1, for SCHEME_HOST; or 0 */
	uint32_t pad;
};

#define HOST_AUTH_TYPE_ANY UINT32_C(1)

/* Where the web server authenticates, and whose word that is. */
struct row_host_auth {
	struct text name;
	struct range hosts;        /* STRING: SERVER_NAME is one of these */
	struct range types;        /* STRING: AUTH_TYPE is one of these */
	struct text prefix;        /* of the path; "" is all */
	struct text mark;          /* value of MGW_HOST_AUTH; absent: any */
	struct text groups;        /* variable that lists them; or absent */
	struct text separator;     /* one byte between them */
	struct range group_scopes; /* STRING: a group, its scopes, ... */
	uint32_t flags;
	uint32_t pad;
};

enum certificate_rule {
	CERTIFICATE_SHA256,  /* 64 hexadecimal digits, lower case */
	CERTIFICATE_SERIAL,  /* the same, without leading zeros; with issuer */
	CERTIFICATE_SUBJECT, /* as RFC 2253 writes it */
	CERTIFICATE_NAME,    /* "dns:A", "uri:A", "email:A" */
	CERTIFICATE_RULE__MAX,
};

/* A client certificate that may be used, and whose it is. */
struct row_certificate {
	uint32_t rule; /* enum certificate_rule, of "value" */
	uint32_t pad;
	struct text value;
	struct text issuer; /* must be its issuer; absent: any */
	struct text application;
	struct text tier;
	struct range scopes; /* STRING */
};

/* Bits of row_issuer.algorithms; "none" has no bit. */
enum algorithm {
	ALG_RS256,
	ALG_RS384,
	ALG_RS512,
	ALG_PS256,
	ALG_PS384,
	ALG_PS512,
	ALG_ES256,
	ALG_ES384,
	ALG_ES512,
	ALG_EDDSA,
	ALG_HS256,
	ALG_HS384,
	ALG_HS512,
	ALG__MAX,
};

#define ISSUER_AUDIENCE_ANY UINT32_C(1)
#define ISSUER_TRUST_CLAIMS UINT32_C(2)
#define ISSUER_SUBSCRIPTIONS UINT32_C(4) /* the API must be subscribed to */

/*
 * Of API keys and never of tokens, by which both say what they are; where
 * they have no audiences, keys that name one are not for us.
 */
#define ISSUER_OF_KEYS UINT32_C(8)
#define ISSUER_LASTING UINT32_C(16) /* ISSUER_OF_KEYS: may have no expiry */

#define ISSUER_SOURCES_MAX 8

struct row_issuer {
	struct text issuer;
	struct range audiences; /* STRING; one of them is needed */
	uint32_t algorithms;    /* bits: 1 << enum algorithm */
	uint32_t leeway_s;
	struct text scope_claim; /* default "scope" */
	struct text type;        /* required "typ" without "application/" */
	struct range sources;    /* SOURCE of kind SOURCE_KEY_SET */
	uint32_t flags;
	/* SOURCE + 1 of the users who alone may be its subjects; 0: any. */
	uint32_t users;
	struct range claims;      /* CLAIM */
	struct range introspects; /* INTROSPECT; n <= 1: asked as well */
};

enum claim_kind {
	CLAIM_REQUIRED, /* path has one of values; without, is there */
	CLAIM_MAPPED,   /* the claim named by path goes by the name local */
	CLAIM_KIND__MAX,
};

struct row_claim {
	uint32_t kind;
	uint32_t pad;
	struct text path;
	struct text local;
	struct range values; /* STRING */
};

enum introspect_auth {
	INTROSPECT_BASIC, /* client_secret_basic */
	INTROSPECT_POST,  /* client_secret_post */
	INTROSPECT_BEARER,
	INTROSPECT_AUTH__MAX,
};

#define INTROSPECT_AUDIENCE_ANY UINT32_C(1)
#define INTROSPECT_TRUST_CLAIMS UINT32_C(2)
#define INTROSPECT_SUBSCRIPTIONS UINT32_C(4)

/* A server that knows opaque tokens (RFC 7662). */
struct row_introspect {
	struct text url;         /* may hold references */
	struct text issuer;      /* of the tokens; "iss", where it is told */
	struct text client_id;   /* but for INTROSPECT_BEARER */
	struct text prefix;      /* of the tokens; absent: all */
	struct text scope_claim; /* default "scope" */
	struct text origin;      /* FILE:LINE that names it */
	struct range audiences;  /* STRING; one of them is needed */
	struct range claims;     /* CLAIM */
	uint32_t auth;           /* enum introspect_auth */
	uint32_t secret;         /* SOURCE of kind SOURCE_SECRET */
	uint32_t flags;
	uint32_t leeway_s;
	uint32_t timeout_ms;
	uint32_t keep_s;          /* what was active */
	uint32_t keep_inactive_s; /* what was not */
	uint32_t pad;
};

/* What proofs of DPoP are held to; one row where a scheme takes them. */
struct row_dpop {
	uint32_t algorithms; /* bits: 1 << enum algorithm, asymmetric ones */
	uint32_t window_s;   /* how old one may be */
	uint32_t leeway_s;   /* and how far in the future */
	uint32_t field;      /* NAME: the header DPoP */
	struct range share;  /* LIMIT, one: proofs of one key */
};

#define ASSERTION_LIFE_S_MAX 300

/* How backends are told who asks, in a signed JWT; at most one row. */
struct row_assertion {
	struct text header;    /* field name, "X-JWT-Assertion" */
	struct text issuer;    /* "iss"; that of no ISSUER */
	struct text dialect;   /* before the names of WSO2's claims */
	struct text keys_path; /* public keys are served here; or absent */
	struct range claims;   /* STRING: copied from the token */
	uint32_t key;          /* SOURCE of kind SOURCE_SIGNING_KEY */
	uint32_t algorithm;    /* enum algorithm, an asymmetric one */
	uint32_t life_s;
	uint32_t flags;
};

#define APPLICATIONS_SUBSCRIBED UINT32_C(1) /* each API must be */
#define APPLICATIONS_KNOWN UINT32_C(2)      /* each caller must have one */

#define APPLICATIONS_MAX_AGE_S_MAX (7 * 24 * 3600)

/*
 * The applications; at most one row.  Where the source is a URL, it is
 * that of WSO2's internal data API, and what follows counts.
 */
struct row_applications {
	uint32_t source; /* SOURCE of kind SOURCE_APPLICATIONS */
	uint32_t flags;
	struct text user;     /* for HTTP Basic */
	struct range issuers; /* STRING: a key manager and its issuer, ... */
	uint32_t password;    /* SOURCE of kind SOURCE_SECRET + 1; 0: none */
	uint32_t every_s;     /* 0: once */
	uint32_t max_age_s;
	uint32_t timeout_ms;
};

#define ISSUE_LIFE_S_MAX (90 * 86400)

/*
 * API keys that the gate makes for users, at the one operation of an API
 * that has no backend; at most one row.
 */
struct row_issue {
	uint32_t issuer; /* ISSUER_OF_KEYS, with users */
	uint32_t api;
	uint32_t key;       /* SOURCE of kind SOURCE_SIGNING_KEY */
	uint32_t algorithm; /* enum algorithm, an asymmetric one */
	uint32_t life_s;    /* at most, and if no shorter is asked for */
	uint32_t pad;
	struct range apis; /* STRING: title, version or "*", title ... */
};

enum source_kind {
	SOURCE_SECRET,
	SOURCE_KEY_SET,     /* JWK set, or PEM public keys and certificates */
	SOURCE_KEY_FILE,    /* API keys */
	SOURCE_HTPASSWD,    /* names and password hashes */
	SOURCE_DENY_LIST,   /* later */
	SOURCE_SIGNING_KEY, /* private, PEM or JWK */
	SOURCE_APPLICATIONS,
	SOURCE_KIND__MAX,
};

enum source_how {
	SOURCE_FILE,   /* value: path; relative to the bundle's folder */
	SOURCE_ENV,    /* value: name */
	SOURCE_URL,    /* value: https URL, or http to loopback */
	SOURCE_INLINE, /* value: the text itself; never a secret */
	SOURCE_HOW__MAX,
};

struct row_source {
	uint32_t kind;
	uint32_t how;
	struct text value;  /* of FILE and URL: may hold references, see */
			    /* policy/reference.h, expanded at start */
	struct text origin; /* FILE:LINE that names it, for messages */
	/* Of a URL that brings metadata: whose they must be; absent: keys. */
	struct text issuer;
};

/*
 * The sections of WSO2's policies.yaml may share names.  A tier with none
 * of the OF bits serves every level; no two tiers of one name serve the
 * same level.  The tier of an API or an operation is referred to by row;
 * one that a credential names is the first row of its name that is not of
 * RESOURCE alone.
 */
#define TIER_UNLIMITED UINT32_C(1)
#define TIER_PASS_OVER_QUOTA UINT32_C(2) /* stopOnQuota: false */
#define TIER_OF_RESOURCE UINT32_C(4)
#define TIER_OF_APPLICATION UINT32_C(8)
#define TIER_OF_SUBSCRIPTION UINT32_C(16)
/* Counted in the store of several machines; and, when it is gone, ... */
#define TIER_STORE (UINT32_C(1) << 16)
#define TIER_STORE_ALLOW (UINT32_C(1) << 17)  /* not at all, */
#define TIER_STORE_REFUSE (UINT32_C(1) << 18) /* refused; else locally */

struct row_tier {
	struct text name;
	struct range limits; /* LIMIT; all must hold */
	uint32_t flags;
	uint32_t pad;
	struct range key;        /* KEY_PART; n == 0: that of the level */
	struct range conditions; /* CONDITION: the first that holds says */
				 /* which tier counts instead */
};

enum condition_kind {
	CONDITION_ALL, /* of "parts" */
	CONDITION_ANY,
	CONDITION_ADDRESS, /* the client's is of a network */
	CONDITION_FIELD,   /* "name" is there, and is one of "values" if any */
	CONDITION_CLAIM,   /* the same of "path" in a token's claims */
	CONDITION_ISSUER,  /* one of "values" */
	CONDITION_METHOD,
	CONDITION_TIME, /* of the day, and of the week */
	CONDITION_KIND__MAX,
};

#define CONDITION_NOT UINT32_C(1)

struct row_condition {
	uint32_t kind;       /* enum condition_kind */
	uint32_t flags;      /* CONDITION_NOT: it must not hold */
	uint32_t tier;       /* of a tier's rule: TIER that counts instead */
	uint32_t name;       /* NAME, of FIELD; else ROW_NONE */
	struct text path;    /* of CLAIM */
	struct range values; /* STRING */
	struct range parts;  /* CONDITION, behind this row */
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint32_t bits;       /* of it that count */
	uint32_t days;       /* bits, Monday is 1 */
	uint32_t from_s;     /* of the day; later than until_s: overnight */
	uint32_t until_s;
	uint32_t zone; /* ZONE + 1; 0: UTC */
	uint32_t pad;
};

enum limit_algorithm {
	LIMIT_TOKEN_BUCKET, /* GCRA */
	LIMIT_WINDOW,       /* aligned to the clock, UTC */
	LIMIT_SLIDING,      /* any time of this length, at any moment */
	LIMIT_ALGORITHM__MAX,
};

enum limit_unit {
	LIMIT_REQUESTS,
	LIMIT_BYTES,      /* of bodies, both ways; charged at the end */
	LIMIT_CONCURRENT, /* requests in progress; LIMIT_WINDOW, period 0 */
	LIMIT_UNIT__MAX,
};

/*
 * A window from midnight to midnight, by the calendar of "zone".  Its
 * period_us is the longest that it can be.
 */
enum limit_calendar {
	CALENDAR_NONE, /* a window starts at a multiple of period_us */
	CALENDAR_DAY,
	CALENDAR_WEEK, /* from Monday */
	CALENDAR_MONTH,
	CALENDAR_YEAR,
	CALENDAR__MAX,
};

struct row_limit {
	uint32_t algorithm;
	uint32_t unit;
	uint64_t count;     /* per period, > 0 */
	uint64_t period_us; /* a window starts at a multiple of it */
	uint64_t burst;     /* token bucket: most at once, >= 1 */
	uint32_t calendar;  /* enum limit_calendar */
	uint32_t zone;      /* ZONE + 1; 0: UTC */
};

/* A time zone as it was known when the bundle was made. */
struct row_zone {
	struct text name;    /* "Europe/Berlin" */
	struct range shifts; /* SHIFT in the order of time, at least one */
};

/* From then on local time is UTC and this; the first counts before, too. */
struct row_shift {
	int64_t from_s; /* Unix seconds */
	int32_t offset_s;
	uint32_t pad;
};

/* Where requests are counted, in this order. */
enum level {
	LEVEL_API,
	LEVEL_OPERATION,
	LEVEL_SUBSCRIPTION, /* an application's use of one API */
	LEVEL_APPLICATION,
	LEVEL_SUBJECT,
	LEVEL_ADDRESS, /* of callers without a credential */
	LEVEL_UNKNOWN, /* none: what a credential's unknown tier means */
	LEVEL__MAX,
};

/*
 * What holds at a level where neither the API nor the credential names a
 * tier, and what it counts by.  A row of an API goes before one of all.
 */
struct row_level {
	uint32_t level; /* SUBSCRIPTION and up */
	uint32_t api;   /* API or ROW_NONE: all */
	uint32_t tier;  /* TIER or ROW_NONE: only what is named */
	uint32_t pad;
	struct range key; /* KEY_PART; n == 0: as the level has it */
};

/* What a counter is for; each stands with all that it needs to be unique. */
enum key_by {
	KEY_BY_API,       /* title and version */
	KEY_BY_OPERATION, /* with those, method and template */
	KEY_BY_SUBJECT,   /* with its issuer, as all of a credential */
	KEY_BY_APPLICATION,
	KEY_BY_OWNER,      /* of the application */
	KEY_BY_CREDENTIAL, /* key id */
	KEY_BY_ADDRESS,
	KEY_BY_HEADER, /* "name" */
	KEY_BY_QUERY,  /* "name" */
	KEY_BY_CLAIM,  /* "path", with dots through objects */
	KEY_BY__MAX,
};

struct row_key_part {
	uint32_t kind; /* enum key_by */
	uint32_t name; /* NAME or ROW_NONE */
	struct text path;
};

/*
 * Without host and unix_path the url holds ${env:NAME} or ${file:PATH}:
 * it is expanded at start (policy/reference.h), then read by url_parse.
 */
enum balance {
	BALANCE_ROUND_ROBIN, /* in turn, by weight */
	BALANCE_LEAST,       /* who has the fewest requests in progress */
	BALANCE_HASH,        /* the same one for the same client */
	BALANCE_FAILOVER,    /* the first that is there */
	BALANCE__MAX,
};

enum hash_by {
	HASH_BY_ADDRESS,
	HASH_BY_SUBJECT, /* of the credential; by address without one */
	HASH_BY_FIELD,   /* a header or cookie; by address without it */
	HASH_BY__MAX,
};

/* One request may try this many, and so many can be counted in a word. */
#define ENDPOINTS_MAX 64

#define ENDPOINT_TLS UINT32_C(1)
#define ENDPOINT_FROM_DOCUMENT UINT32_C(2) /* may not be local */
#define ENDPOINT_NO_VIA UINT32_C(4)        /* CDN-Loop in its place */
#define ENDPOINT_PREFIX UINT32_C(8)        /* gets X-Forwarded-Prefix */

struct row_endpoint {
	struct text url;   /* as written, for messages */
	struct text host;  /* name or address without brackets */
	struct text path;  /* joined before the rest; "" or "/api" */
	struct text query; /* of the endpoint itself, put first; or absent */
	struct text unix_path; /* instead of host and port */
	struct text ca_file;   /* for TLS; absent: the system's */
	uint32_t port;
	uint32_t flags;
	uint32_t weight;
	uint32_t connect_ms;
	uint32_t first_byte_ms;
	uint32_t total_ms; /* 0: no limit */
	struct text set;   /* by which its list was referred to, or absent */
	uint32_t balance;  /* enum balance, of its whole list */
	uint32_t hash_by;  /* enum hash_by, of its whole list */
	struct range hash_name; /* NAME, one, for HASH_BY_FIELD */
	uint32_t idle_ms;       /* between bytes of an answer; 0: no limit */
	uint32_t pad;
	struct range breaker;  /* BREAKER, one; n == 0: none */
	struct range retry;    /* RETRY, one; n == 0: once to each other */
	struct range spike;    /* SPIKE, one, of its whole list; n == 0: none */
	struct range health;   /* HEALTH, one; n == 0: it is not checked */
	struct range security; /* SECURITY, one; n == 0: none */
	struct text host_name; /* sent as Host, for HOST_NAME */
	uint32_t host_rule;    /* enum host_rule */
	uint32_t forwarded;    /* enum forward_rule, of RFC 7239 */
	uint32_t x_forwarded;  /* enum forward_rule, of X-Forwarded-* */
	uint32_t trace;        /* enum trace_rule */
	struct range proxy;    /* PROXY, one; n == 0: none */
	uint32_t http2;        /* enum http2_rule */
	uint32_t pad2;
};

/* Whether HTTP/2 is spoken; never by an upgrade of HTTP/1.1. */
enum http2_rule {
	HTTP2_OFF,
	HTTP2_AUTO,            /* when the backend chooses it, in TLS */
	HTTP2_PRIOR_KNOWLEDGE, /* always, TLS or not */
	HTTP2_RULE__MAX,
};

/* A proxy that connects us with endpoints (CONNECT, RFC 9110 9.3.6). */
struct row_proxy {
	struct text url; /* http; may hold references */
	struct text user;
	struct text origin;  /* FILE:LINE that names it */
	struct range except; /* STRING: a host, or ".suffix" */
	uint32_t password;   /* SOURCE of kind SOURCE_SECRET, or ROW_NONE */
	uint32_t pad;
};

/* What Host a backend gets. */
enum host_rule {
	HOST_ENDPOINT,
	HOST_CLIENT, /* as the client has it */
	HOST_NAME,   /* host_name */
	HOST_RULE__MAX,
};

/* What a backend is told of who came before, by one kind of field. */
enum forward_rule {
	FORWARD_USUAL,  /* X-Forwarded-*: appended; Forwarded: off */
	FORWARD_SET,    /* who came to the gate */
	FORWARD_APPEND, /* behind what trusted proxies say */
	FORWARD_PASS,   /* what trusted proxies say */
	FORWARD_OFF,
	FORWARD_RULE__MAX,
};

/* traceparent and tracestate (W3C Trace Context). */
enum trace_rule {
	TRACE_PASS, /* what is well formed */
	TRACE_MAKE, /* that of a trusted proxy, else a new one */
	TRACE_OFF,
	TRACE_RULE__MAX,
};

enum backend_auth {
	BACKEND_AUTH_NONE,
	BACKEND_AUTH_BASIC,  /* RFC 7617: user and secret */
	BACKEND_AUTH_HEADER, /* secret is the value of "header" */
	BACKEND_AUTH_OAUTH2, /* RFC 6749 section 4.4: for user and secret */
	BACKEND_AUTH__MAX,
};

enum token_auth {
	TOKEN_AUTH_BASIC, /* client_secret_basic */
	TOKEN_AUTH_POST,  /* client_secret_post */
	TOKEN_AUTH__MAX,
};

#define SECURITY_OF_ONE UINT32_C(1) /* of its endpoint, not of the list */

/*
 * By what an endpoint is told apart from others, and we from others.
 * Without a secret, BASIC takes user and password from the environment, by
 * the names of policy/override.h.
 */
struct row_security {
	struct text tls_name;  /* of its certificate; absent: the host */
	uint32_t certificate;  /* SOURCE, PEM; or ROW_NONE */
	uint32_t key;          /* SOURCE, of the certificate; or ROW_NONE */
	uint32_t auth;         /* enum backend_auth */
	uint32_t secret;       /* SOURCE, or ROW_NONE */
	struct text user;      /* or client id; may hold references */
	struct text header;    /* field of BACKEND_AUTH_HEADER */
	struct text token_url; /* may hold references */
	struct text scopes;    /* "orders:read orders:write"; or absent */
	struct text resource;  /* that it is for (RFC 8707); or absent */
	struct text origin;    /* FILE:LINE that names it */
	uint32_t token_auth;   /* enum token_auth */
	uint32_t timeout_ms;   /* of the token server */
	uint32_t flags;
	uint32_t pad;
};

/*
 * What backends may be sent by all callers together.  Lists of equal names
 * count together; without a name it is of an API and counts under that.
 */
struct row_spike {
	struct text name;
	uint32_t tier; /* TIER; its key means nothing here */
	uint32_t pad;
};

/*
 * When as many as "volume" requests within "window_ms" are known, and
 * "ratio_ppm" of a million of them failed, none is sent for "reset_ms";
 * then one, and what becomes of it decides.  What fails is a connection,
 * a time limit, a broken answer, or one of these statuses.
 */
struct row_breaker {
	uint32_t window_ms;
	uint32_t volume;
	uint32_t ratio_ppm;
	uint32_t reset_ms;
	struct range statuses; /* INDEX, of statuses; n == 0: 502 to 504 */
};

#define HEALTH_PERIOD_MS_MIN 1000
#define HEALTH_PERIOD_MS_MAX 3600000
#define HEALTH_TIMEOUT_MS_MAX 30000
#define HEALTH_COUNT_MAX 100

/*
 * Every "period_ms" it is asked for "path"; as many answers in a row,
 * within "timeout_ms" each, make it healthy or unhealthy.
 */
struct row_health {
	struct text path; /* with a query perhaps; not below the endpoint's */
	uint32_t period_ms;
	uint32_t timeout_ms;
	uint32_t healthy;
	uint32_t unhealthy;
	struct range statuses; /* INDEX, of statuses; n == 0: 200 to 399 */
};

/* What can be sent again is sent again so often, and so much later. */
struct row_retry {
	uint32_t count;
	uint32_t interval_ms;  /* before the second time on one endpoint */
	uint32_t factor_milli; /* by which it grows; 1000 is not at all */
	uint32_t max_interval_ms;
	struct range statuses;   /* INDEX, that are tried again; may be empty */
	uint32_t budget_percent; /* of all requests, that may be repeats */
	uint32_t pad;
};

enum name_kind {
	NAME_HEADER,
	NAME_QUERY,
	NAME_COOKIE,
	NAME_KIND__MAX,
};

/* A request field that some rule reads; its row number is its slot. */
struct row_name {
	uint32_t kind;
	uint32_t pad;
	struct text name;  /* header: CGI form, "HTTP_X_API_KEY" */
	struct text shown; /* as documents spell it */
};

#define CORS_ANY_ORIGIN UINT32_C(1)
#define CORS_CREDENTIALS UINT32_C(2) /* not with CORS_ANY_ORIGIN */
#define CORS_ANY_HEADER UINT32_C(4)  /* what a preflight asks for */

/*
 * Who may read the answers of an API from a page of another origin (Fetch
 * standard).  An origin is scheme://host[:port] in lower case, without the
 * port that its scheme has anyway.  With "*." before its host it stands
 * for any host below that.
 */
struct row_cors {
	struct range origins; /* STRING */
	struct text methods;  /* "GET, POST"; absent: those of the path */
	struct text headers;  /* "Authorization, Content-Type" */
	struct text exposed;  /* of answers, for the page to read */
	struct range limits;  /* LIMIT, of preflights from one address */
	uint32_t flags;
	uint32_t max_age_s; /* that a preflight may be remembered */
};

/*
 * Where counters of several machines are: one row, or none.  Without a url
 * mgw.conf must name one where a tier is TIER_STORE.
 */
struct row_store {
	struct text url;    /* may hold references; see policy/store.h */
	struct text user;   /* absent: the default user */
	struct text prefix; /* of the names of counters */
	struct text ca_file;
	uint32_t password; /* SOURCE of kind SOURCE_SECRET, or ROW_NONE */
	uint32_t key;      /* the same; of the names of counters */
	uint32_t timeout_us;
	uint32_t pad;
};

enum error_escape {
	ERROR_ESCAPE_NONE, /* plain text */
	ERROR_ESCAPE_JSON,
	ERROR_ESCAPE_MARKUP, /* HTML and XML */
	ERROR_ESCAPE__MAX,
};

/* The body of refusals, in place of that of enum error_format. */
struct row_error_body {
	struct text reason; /* its word; absent: any */
	uint32_t status;    /* 0: any */
	uint32_t escape;    /* enum error_escape, of values */
	struct text type;   /* its media type */
	struct range parts; /* CHANGE: TEXT and VALUE */
};

#define REVOCATIONS_MAX 16

/* A list of what is revoked: a file of another program, or a feed. */
struct row_revocation {
	struct text file;     /* may hold references */
	struct text feed;     /* a URL, which may, too; one of both */
	struct text user;     /* of the feed, for HTTP Basic; absent: none */
	struct text origin;   /* FILE:LINE that names it */
	struct range issuers; /* STRING: whose tokens a feed is about */
	uint32_t password;    /* SOURCE of kind SOURCE_SECRET, or ROW_NONE */
	uint32_t every_s;     /* how often a feed is fetched */
	uint32_t max_age_s;   /* older ones are of no use; 0: any is */
	uint32_t timeout_ms;
};

/* Row of SECTION_STRING is struct text; of SECTION_INDEX, uint32_t. */

#endif
