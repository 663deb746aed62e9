/*
 * revocation - credentials that end before their time.
 *
 * A list names tokens by issuer and "jti" or by the digest of what was
 * signed, and whole groups of credentials by subject, client, application,
 * signing key or certificate.  A name counts only together with its issuer.
 * There are three kinds of lists:
 *
 *	STATE/revoked.list	what mgw-token revoke writes; it only grows
 *	a file			what another program writes, as a whole
 *	a feed			what a server tells, see revocation_feed.h
 *
 * Each is looked up in a mapped table that is made from its text once for
 * all processes (revocation_table.h), so that neither its length nor a
 * start costs anything.  A list that is damaged, gone or too old is never
 * an empty one: nobody may pass whom it could name.
 */
#ifndef MGW_POLICY_REVOCATION_H
#define MGW_POLICY_REVOCATION_H

#include "base/buf.h"
#include "base/siphash.h"
#include "policy/outside.h"
#include "policy/principal.h"

/* Numbers stand in tables: append only. */
enum revoked_kind {
	REVOKED_JTI,
	REVOKED_TOKEN, /* SHA-256 of "header.payload", or an opaque token */
	REVOKED_SUBJECT,
	REVOKED_CLIENT, /* "azp", "client_id" */
	REVOKED_APPLICATION,
	REVOKED_KEY,         /* "kid" that signed; without issuer: an API key */
	REVOKED_CERTIFICATE, /* SHA-256 of a client's */
	REVOKED_SIGNATURE,   /* of a JWT; in feeds alone */
	REVOKED_KIND__MAX,
};

#define REVOKED_TEXT_MAX 480 /* with its name a word of words.h */

struct revoked_entry {
	enum revoked_kind kind;
	struct span issuer; /* "" where the kind has none */
	struct span value;  /* a digest as its 32 bytes */
	int64_t expires_s;  /* Unix seconds; 0: never */
	bool restored;      /* it is taken back */
	/* Of revoked.list: */
	uint64_t seq;
	int64_t time_s;
	struct span author;
};

/* Whether "who" is named by some list, at "now_us". */
struct revoked_query {
	const struct principal *who;
	int64_t now_us;
	/* Answer: */
	enum revoked_kind kind; /* what names it */
	int damaged;            /* a list whose table is; or -1 */
};

/* "jti", "token" and so on. */
const char *revoked_kind_word(enum revoked_kind kind);

/* Refuse a verified "who" that is revoked, or when that cannot be told. */
bool revocation_check(const struct outside *world, const struct principal *who,
    int64_t now_us, struct arena *a, struct decision *d);

#endif
