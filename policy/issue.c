/*
 * issue - see issue.h.
 */
#include "policy/issue.h"

#include <stdio.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "base/json.h"
#include "policy/jws.h"
#include "policy/jwt.h"
#include "policy/keyset.h"

#define DEPTH_MAX 8

const struct row_issue *
issue_of(const struct bundle *b, const struct row_api *api)
{
	const struct row_issue *row;

	if (bundle_n(b, SECTION_ISSUE) == 0)
		return NULL;
	row = bundle_issue(b, 0);
	return bundle_api(b, row->api) == api ? row : NULL;
}

bool
issue_is_private(const struct request *r, struct decision *d)
{
	return r->https ||
	    refuse(
		d, REASON_HTTPS_REQUIRED, SPAN("keys are given over TLS only"));
}

static bool
find_key(const struct policy *p, const struct row_issue *row, struct source *s)
{
	const struct outside *world = p->outside;

	*s = (struct source){ 0 };
	return world->source(world->world, row->key, s) == SOURCE_OK &&
	    s->signer != NULL;
}

bool
issue_read_life(struct span body, struct arena *a, uint32_t *life_s)
{
	struct json_scan scan;
	enum json_event e;
	uint64_t wanted;

	if (span_trim(body).n == 0)
		return true;
	json_scan_init(&scan, body, DEPTH_MAX, a);
	if (json_scan_next(&scan) != JSON_OBJECT)
		return false;
	while ((e = json_scan_next(&scan)) == JSON_NAME) {
		if (!span_eq(scan.value, SPAN("validityTime"))) {
			if (!json_scan_skip(&scan))
				return false;
			continue;
		}
		if (json_scan_next(&scan) != JSON_NUMBER ||
		    !span_to_u64(scan.value, INT64_MAX, &wanted) || wanted == 0)
			return false;
		if (wanted < *life_s)
			*life_s = (uint32_t)wanted;
	}
	return e == JSON_OBJECT_END && json_scan_next(&scan) == JSON_END;
}

static void
put_text(struct buf *to, const char *name, struct span text)
{
	if (text.n == 0)
		return;
	buf_printf(to, "%c\"%s\":", to->n == 0 ? '{' : ',', name);
	json_write_string(to, text);
}

static void
put_number(struct buf *to, const char *name, int64_t v)
{
	buf_printf(to, ",\"%s\":%lld", name, (long long)v);
}

/* [{"name":"PetStore","version":"*"}] */
static void
put_apis(struct buf *to, const struct bundle *b, struct range list)
{
	buf_add_str(to, ",\"allowedAPIs\":[");
	for (uint32_t i = 0; i + 1 < list.n; i += 2) {
		buf_add_str(to, i > 0 ? ",{\"name\":" : "{\"name\":");
		json_write_string(to, bundle_string(b, list.first + i));
		buf_add_str(to, ",\"version\":");
		json_write_string(to, bundle_string(b, list.first + i + 1));
		buf_add_char(to, '}');
	}
	buf_add_char(to, ']');
}

static bool
put_claims(struct buf *to, const struct bundle *b, const struct row_issue *row,
    const struct principal *who, int64_t now_s, uint32_t life_s)
{
	const struct row_issuer *issuer = bundle_issuer(b, row->issuer);

	put_text(to, "sub", who->subject);
	put_text(to, "iss", bundle_text(b, issuer->issuer));
	if (issuer->audiences.n > 0)
		put_text(to, "aud", bundle_string(b, issuer->audiences.first));
	buf_add_str(to, ",\"jti\":\"");
	if (!jws_write_id(to))
		return false;
	buf_add_char(to, '"');
	put_number(to, "iat", now_s);
	put_number(to, "exp", now_s + life_s);
	put_text(to, "keytype", SPAN("PRODUCTION"));
	put_text(to, "scope", who->scopes);
	put_apis(to, b, row->apis);
	buf_add_char(to, '}');
	return !to->failed;
}

bool
issue_make(const struct policy *p, const struct request *r,
    const struct ruling *v, struct span body, struct answer *a,
    struct decision *d)
{
	const struct row_issue *row = v->issue;
	uint32_t life_s = row->life_s;
	struct source key;
	struct buf claims;
	struct span text;
	bool ok;

	*a = (struct answer){ .status = 200,
		.headers = SPAN("Content-Type: text/plain\r\n"
				"Cache-Control: no-store\r\n"
				"Pragma: no-cache\r\n"
				"X-Content-Type-Options: nosniff\r\n") };
	if (!issue_read_life(body, r->arena, &life_s))
		return r->arena->full
		    ? refuse(d, REASON_FAULT, SPAN("out of memory"))
		    : refuse(d, REASON_BAD_REQUEST,
			  SPAN("the body is not {\"validityTime\": SECONDS}"));
	if (!find_key(p, row, &key))
		return refuse(d, REASON_FAULT, SPAN("no key to sign with"));
	buf_init(&claims, JWS_BYTES_MAX);
	ok = put_claims(
	    &claims, p->bundle, row, &v->who, r->now_us / US_PER_S, life_s);
	text = buf_span(&claims);
	ok = ok &&
	    jws_sign(key.signer, (enum algorithm)row->algorithm, "JWT", text,
		r->arena, &a->body);
	buf_fini(&claims);
	return ok || refuse(d, REASON_FAULT, SPAN("cannot sign"));
}

/* Some key of the issuer verifies what ours has signed. */
static bool
is_verified(const struct policy *p, const struct row_issue *row,
    const struct sign_key *signer)
{
	const struct outside *world = p->outside;
	const struct row_issuer *issuer = bundle_issuer(p->bundle, row->issuer);
	struct span token, signature;
	bool good = false;
	struct arena a;
	struct jwt t;
	const char *why;

	arena_init(&a, 4096, 256 * 1024);
	if (!jws_sign(signer, (enum algorithm)row->algorithm, "JWT", SPAN("{}"),
		&a, &token) ||
	    !jwt_split(token, &a, &t, &why) ||
	    !base64url_decode(t.signature, &a, &signature)) {
		arena_fini(&a);
		return false;
	}
	for (uint32_t i = 0; i < issuer->sources.n && !good; i++) {
		struct source s = { 0 };

		/* What is not there now may come, and have it. */
		good = world->source(world->world, issuer->sources.first + i,
			   &s) != SOURCE_OK ||
		    (s.keys != NULL &&
			key_set_verify(s.keys, (enum algorithm)row->algorithm,
			    t.header.kid, t.signed_text,
			    signature) == KEY_GOOD);
	}
	arena_fini(&a);
	return good;
}

bool
issue_check(const struct policy *p, char *why, size_t why_size)
{
	const char *problem = "cannot be used";
	const struct row_issue *row;
	struct source s;

	if (bundle_n(p->bundle, SECTION_ISSUE) == 0)
		return true;
	row = bundle_issue(p->bundle, 0);
	if (find_key(p, row, &s)) {
		problem = jws_problem(s.signer, (enum algorithm)row->algorithm);
		if (problem == NULL && !is_verified(p, row, s.signer))
			problem = "is not among the keys of its issuer, by "
				  "the kid that is its thumbprint or by none";
	}
	if (problem != NULL)
		(void)snprintf(why, why_size, "%.*s: the key %s",
		    SPAN_ARG(bundle_text(
			p->bundle, bundle_source(p->bundle, row->key)->origin)),
		    problem);
	return problem == NULL;
}
