/*
 * assertion - see assertion.h.
 */
#include "policy/assertion.h"

#include <stdio.h>

#include "base/json.h"
#include "policy/claim_path.h"
#include "policy/json.h"
#include "policy/jwk.h"
#include "policy/jws.h"
#include "policy/keyset.h"
#include "policy/verdict.h"

#define PARTS 17

/* One assertion under way. */
struct making {
	const struct policy *p;
	const struct request *r;
	const struct ruling *v;
	const struct row_assertion *row;
	struct source key;
	struct span audience;
	int64_t now_s;
	struct buf claims;
};

bool
assertion_is_own(struct span claim, struct span dialect)
{
	static const char *const registered[] = { "iss", "sub", "aud", "exp",
		"nbf", "iat", "jti", "cnf", "scope", "active", NULL };

	return span_is_one_of(claim, registered) ||
	    (dialect.n > 0 && span_starts(claim, dialect));
}

static bool
find_key(const struct policy *p, struct source *s)
{
	const struct row_assertion *row = bundle_assertion(p->bundle, 0);
	const struct outside *world = p->outside;

	return world->source(world->world, row->key, s) == SOURCE_OK &&
	    s->signer != NULL;
}

static void
name_member(struct making *m, struct span prefix, const char *name)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%.*s%s", SPAN_ARG(prefix), name);

	buf_add_char(&m->claims, m->claims.n == 0 ? '{' : ',');
	json_write_string(&m->claims,
	    span_of(text, n > 0 && (size_t)n < sizeof(text) ? (size_t)n : 0));
	buf_add_char(&m->claims, ':');
}

static void
put_text(struct making *m, const char *name, struct span s)
{
	if (s.p == NULL || s.n == 0)
		return;
	name_member(m, SPAN(""), name);
	json_write_string(&m->claims, s);
}

static void
put_number(struct making *m, const char *name, int64_t v)
{
	name_member(m, SPAN(""), name);
	buf_add_u64(&m->claims, v > 0 ? (uint64_t)v : 0);
}

/* "http://wso2.org/claims/enduser" */
static void
put_dialect(struct making *m, const char *name, struct span s)
{
	struct span dialect = bundle_text(m->p->bundle, m->row->dialect);

	if (s.p == NULL || s.n == 0 || dialect.n == 0)
		return;
	name_member(m, dialect, name);
	json_write_string(&m->claims, s);
}

static void
put_wso2(struct making *m)
{
	const struct bundle *b = m->p->bundle;
	const struct principal *who = &m->v->who;
	const struct row_api *api = m->v->match.api;

	put_dialect(m, "/enduser", who->subject);
	put_dialect(m, "/applicationname", who->application);
	put_dialect(m, "/applicationid", who->application_id);
	put_dialect(m, "/applicationUUId", who->application_uuid);
	put_dialect(m, "/applicationtier", who->application_tier);
	put_dialect(m, "/subscriber", who->application_owner);
	put_dialect(m, "/tier", who->subscription_tier);
	put_dialect(m, "/keytype", who->key_type);
	put_dialect(m, "/apiname", bundle_text(b, api->title));
	put_dialect(m, "/apicontext", bundle_text(b, api->base_path));
	put_dialect(m, "/version", bundle_text(b, api->version));
}

static void
copy_claims(struct making *m)
{
	const struct bundle *b = m->p->bundle;
	struct span dialect = bundle_text(b, m->row->dialect);

	for (uint32_t i = 0; i < m->row->claims.n; i++) {
		struct span name = bundle_string(b, m->row->claims.first + i);
		struct span value;

		if (assertion_is_own(name, dialect))
			continue;
		value = claim_json(m->v->who.claims, name, m->r->arena);
		if (value.p == NULL)
			continue;
		buf_add_char(&m->claims, ',');
		json_write_string(&m->claims, name);
		buf_add_char(&m->claims, ':');
		buf_add(&m->claims, value);
	}
}

static bool
put_claims(struct making *m)
{
	const struct principal *who = &m->v->who;
	struct buf id;

	buf_init(&id, 4 * JWS_ID_BYTES);
	if (!jws_write_id(&id))
		return false;
	put_text(m, "iss", bundle_text(m->p->bundle, m->row->issuer));
	put_text(m, "aud", m->audience);
	put_number(m, "iat", m->now_s);
	put_number(m, "exp", m->now_s + m->row->life_s);
	put_text(m, "jti", buf_span(&id));
	put_text(m, "sub", who->subject);
	put_text(m, "scope", who->scopes);
	put_wso2(m);
	if (who->claims.n > 0)
		copy_claims(m);
	buf_add_char(&m->claims, '}');
	buf_fini(&id);
	return !m->claims.failed;
}

static bool
sign(struct making *m, struct span *token)
{
	bool ok;

	buf_init(&m->claims, JWS_BYTES_MAX);
	ok = put_claims(m) &&
	    jws_sign(m->key.signer, (enum algorithm)m->row->algorithm,
		ASSERTION_TYPE, buf_span(&m->claims), m->r->arena, token);
	buf_fini(&m->claims);
	return ok;
}

/* Everything that an assertion says but its times. */
static void
name_parts(struct making *m, uint64_t numbers[static 2],
    struct span parts[static PARTS])
{
	const struct principal *who = &m->v->who;
	const struct row_api *api = m->v->match.api;
	const struct bundle *b = m->p->bundle;
	const struct span all[PARTS] = { SPAN("assertion"), m->audience,
		bundle_text(b, api->title), bundle_text(b, api->version),
		who->issuer, who->subject, who->application, who->scopes,
		who->key_type, who->application_owner, who->subscription_tier,
		who->key_id, who->claims, who->application_id,
		who->application_uuid, who->application_tier,
		span_of(numbers, 2 * sizeof(*numbers)) };

	numbers[0] = m->key.generation;
	numbers[1] = b->policy;
	memcpy(parts, all, sizeof(all));
}

bool
assertion_make(const struct policy *p, const struct request *r,
    const struct ruling *v, struct span audience, struct span *token,
    struct decision *d)
{
	const struct outside *world = p->outside;
	struct making m = { .p = p, .r = r, .v = v, .audience = audience };
	struct verdict verdict = { .key_id = { "", 0 } };
	struct span parts[PARTS];
	uint64_t numbers[2];

	*token = (struct span){ NULL, 0 };
	if (v->match.api == NULL ||
	    (v->match.api->flags & API_ASSERTION) == 0 ||
	    v->who.scheme.p == NULL)
		return true;
	m.row = bundle_assertion(p->bundle, 0);
	m.now_s = r->now_us / 1000000;
	if (v->match.api->audience.n > 0)
		m.audience = bundle_text(p->bundle, v->match.api->audience);
	if (!find_key(p, &m.key))
		return refuse(d, REASON_FAULT, SPAN("no key to sign with"));
	name_parts(&m, numbers, parts);
	if (world->recall != NULL &&
	    world->recall(world->world, parts, PARTS, r->arena, &verdict) &&
	    verdict.expires_s > m.now_s + (m.row->life_s + 2) / 3 &&
	    verdict.expires_s <= m.now_s + m.row->life_s) {
		*token = verdict.payload;
		return true;
	}
	if (!sign(&m, token))
		return refuse(d, REASON_FAULT, SPAN("cannot sign"));
	verdict.key_id = (struct span){ "", 0 };
	verdict.payload = *token;
	verdict.expires_s = m.now_s + m.row->life_s;
	if (world->remember != NULL)
		world->remember(world->world, parts, PARTS, &verdict);
	return true;
}

bool
assertion_keys(const struct policy *p, struct arena *a, struct buf *to)
{
	struct span none = { NULL, 0 };
	struct json_object *key;
	struct source s;

	if (!find_key(p, &s))
		return false;
	key = jwk_public(s.signer, none, a);
	if (key == NULL)
		return false;
	buf_add_str(to, "{\"keys\":[");
	json_write(key, false, to);
	buf_add_str(to, "]}\n");
	json_free(key);
	return true;
}

bool
assertion_check(const struct policy *p, char *why, size_t why_size)
{
	const struct row_assertion *row;
	const char *problem = "cannot be used";
	struct source s;

	if (bundle_n(p->bundle, SECTION_ASSERTION) == 0)
		return true;
	row = bundle_assertion(p->bundle, 0);
	if (find_key(p, &s))
		problem = jws_problem(s.signer, (enum algorithm)row->algorithm);
	if (problem != NULL)
		(void)snprintf(why, why_size, "%.*s: the key %s",
		    SPAN_ARG(bundle_text(
			p->bundle, bundle_source(p->bundle, row->key)->origin)),
		    problem);
	return problem == NULL;
}
