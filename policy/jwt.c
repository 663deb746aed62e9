/*
 * jwt - see jwt.h and credential.h.
 *
 * The order is part of the protection: the shape of the token, then the
 * issuer's list of algorithms, and only then a key; nothing that a claim
 * says is acted on before the signature holds, except that "iss" chooses
 * among issuers, each with keys of its own.
 */
#include "policy/jwt.h"

#include "base/base64url.h"
#include "base/clock.h"
#include "policy/claim_path.h"
#include "policy/credential.h"
#include "policy/failure.h"
#include "policy/keyset.h"
#include "policy/sign.h"
#include "policy/token.h"
#include "policy/verdict.h"
#include "policy/wso2key.h"

/* A signature without an end is looked at again after so long. */
#define LASTING_KNOWN_S 86400

bool
jwt_split(struct span token, struct arena *a, struct jwt *t, const char **why)
{
	struct span rest = token, header, payload, signature;

	*t = (struct jwt){ 0 };
	*why = "too long";
	if (token.n > TOKEN_BYTES_MAX)
		return false;
	header = span_cut(&rest, '.');
	payload = span_cut(&rest, '.');
	signature = rest;
	*why = "not three parts";
	if (signature.p == NULL || span_has(signature, '.') || header.n == 0 ||
	    payload.n == 0 || signature.n == 0)
		return false;
	t->signed_text = span_of(token.p, header.n + 1 + payload.n);
	*why = "not base64url";
	t->signature = signature;
	if (!base64url_decode(header, a, &header) ||
	    !base64url_decode(payload, a, &t->payload))
		return false;
	t->header_json = header;
	return jose_header_read(header, a, &t->header, why);
}

/*
 * RFC 8725 section 3.11: a token made for another purpose says so in its
 * type.  Where none is required, those of plain access tokens pass.
 */
static bool
type_fits(struct span type, struct span wanted)
{
	if (wanted.n > 0)
		return type.p != NULL && span_eq_nocase(type, wanted);
	return type.p == NULL || span_eq_nocase(type, SPAN("JWT")) ||
	    span_eq_nocase(type, SPAN("at+jwt"));
}

static bool
audience_fits(const struct claims *c, const struct jwt_rules *rules)
{
	if (rules->any_audience)
		return true;
	if (rules->no_audience)
		return c->audiences == NULL;
	for (const struct claim_word *w = c->audiences; w != NULL;
	     w = w->next) {
		for (size_t i = 0; i < rules->n_audiences; i++) {
			if (span_eq(w->text, rules->audiences[i]))
				return true;
		}
	}
	return false;
}

bool
jwt_claims_check(const struct jwt *t, const struct claims *c,
    const struct jwt_rules *rules, struct decision *d)
{
	if (!rules->any_issuer &&
	    (rules->issuer.n == 0 || !span_eq(c->issuer, rules->issuer)))
		return refuse(d, REASON_WRONG_ISSUER,
		    SPAN("the token is of another issuer"));
	if (!type_fits(t->header.type, rules->type) || c->id_token)
		return refuse(d, REASON_WRONG_TYPE,
		    SPAN("the token is not an access token of this type"));
	if (!audience_fits(c, rules))
		return refuse(d, REASON_WRONG_AUDIENCE,
		    SPAN("the token is for another audience"));
	if (!c->has_expiry && !rules->lasting)
		return refuse(
		    d, REASON_TOKEN_MALFORMED, SPAN("the token has no expiry"));
	if (c->has_expiry && rules->now_s >= c->expires_s + rules->leeway_s)
		return refuse(d, REASON_EXPIRED, SPAN("the token has expired"));
	if (c->has_not_before &&
	    rules->now_s < c->not_before_s - rules->leeway_s)
		return refuse(d, REASON_NOT_YET_VALID,
		    SPAN("the token is not yet valid"));
	return true;
}

struct check {
	const struct credential_call *call;
	const struct row_issuer *issuer;
	struct span token;
	struct jwt jwt;
	struct claims claims;
	struct token_subscription subscription;
	const struct user_entry *user; /* of an API key; NULL: none */
	enum algorithm alg;
	struct span key_id; /* of the key that verified it, where it has one */
	struct span digest; /* of what was signed */
};

/* What could not be read for want of memory is not the token's fault. */
static bool
malformed(const struct check *k, struct decision *d, const char *why)
{
	if (k->call->request->arena->full)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	return refuse(d, REASON_TOKEN_MALFORMED, span_str(why));
}

static struct span
scope_claim_of(const struct bundle *b, const struct row_issuer *i)
{
	struct span name = bundle_text(b, i->scope_claim);

	return name.n > 0 ? name : SPAN("scope");
}

static const struct row_issuer *
nth_issuer(const struct credential_call *call, uint32_t i)
{
	return bundle_issuer(call->bundle,
	    bundle_index(call->bundle, call->scheme->issuers.first + i));
}

/*
 * Choose the issuer.  Among several the unverified "iss" decides; its keys
 * are then the only ones that can verify it.
 */
static bool
choose_issuer(struct check *k, struct decision *d)
{
	const struct bundle *b = k->call->bundle;
	uint32_t n = k->call->scheme->issuers.n;
	struct span issuer;
	const char *why = "";

	if (n == 0)
		return refuse(
		    d, REASON_NO_VERIFIER, SPAN("no issuer is configured"));
	k->issuer = nth_issuer(k->call, 0);
	if (n == 1)
		return true;
	issuer =
	    claim_text(k->jwt.payload, SPAN("iss"), k->call->request->arena);
	for (uint32_t i = 0; i < n; i++) {
		k->issuer = nth_issuer(k->call, i);
		if (issuer.n > 0 &&
		    span_eq(issuer, bundle_text(b, k->issuer->issuer)))
			return true;
	}
	return claims_read(k->jwt.payload, (struct span){ NULL, 0 },
		   k->call->request->arena, &k->claims, &why)
	    ? refuse(d, REASON_WRONG_ISSUER,
		  SPAN("no configured issuer has made the token"))
	    : malformed(k, d, why);
}

static bool
read_claims(struct check *k, struct decision *d)
{
	const char *why = "";

	return token_claims_read(k->call, k->issuer->claims,
		   scope_claim_of(k->call->bundle, k->issuer), k->jwt.payload,
		   &k->claims, &why) ||
	    malformed(k, d, why);
}

static bool
algorithm_allowed(struct check *k, struct decision *d)
{
	/* Names are compared with their case, "none" is no algorithm. */
	if (algorithm_parse(k->jwt.header.alg, &k->alg) &&
	    (k->issuer->algorithms >> k->alg & 1) != 0)
		return true;
	return refuse(d, REASON_ALG_NOT_ALLOWED,
	    SPAN("the issuer does not sign with this algorithm"));
}

/* What stands behind the issuer's SOURCE rows now. */
struct sources {
	unsigned n;
	struct source rows[ISSUER_SOURCES_MAX];
	enum source_result results[ISSUER_SOURCES_MAX];
	uint64_t generations[ISSUER_SOURCES_MAX];
};

static void
look_up(const struct check *k, struct sources *s)
{
	const struct outside *world = k->call->world;

	*s = (struct sources){ 0 };
	s->n = k->issuer->sources.n < ISSUER_SOURCES_MAX ? k->issuer->sources.n
							 : ISSUER_SOURCES_MAX;
	for (unsigned i = 0; i < s->n; i++) {
		s->results[i] = world->source(
		    world->world, k->issuer->sources.first + i, &s->rows[i]);
		if (s->results[i] == SOURCE_OK && s->rows[i].keys == NULL)
			s->results[i] = SOURCE_FAULT;
		if (s->results[i] == SOURCE_OK)
			s->generations[i] = s->rows[i].generation;
	}
}

static enum key_result
try_sources(struct check *k, const struct sources *s)
{
	enum key_result result = KEY_UNKNOWN;

	for (unsigned i = 0; i < s->n; i++) {
		enum key_result one;

		if (s->results[i] != SOURCE_OK)
			continue;
		one = key_set_verify_by(s->rows[i].keys, k->alg,
		    k->jwt.header.kid, k->jwt.signed_text, k->jwt.signature,
		    &k->key_id);
		if (one == KEY_GOOD || one == KEY_FAULT)
			return one;
		if (one == KEY_BAD_SIGNATURE)
			result = one;
	}
	return result;
}

/* No key of this name: the issuer may have a new one. */
static bool
refreshed(const struct check *k, bool *down)
{
	const struct outside *world = k->call->world;
	bool changed = false;

	if (world->refresh == NULL)
		return false;
	for (uint32_t i = 0; i < k->issuer->sources.n && i < ISSUER_SOURCES_MAX;
	     i++) {
		enum refresh_result one = world->refresh(world->world,
		    k->issuer->sources.first + i, k->jwt.header.kid);

		changed |= one == REFRESH_CHANGED;
		*down |= one == REFRESH_DOWN;
	}
	return changed;
}

static bool
verify(struct check *k, struct sources *s, struct decision *d)
{
	enum key_result result = try_sources(k, s);
	bool down = false, broken = false;

	if (result == KEY_UNKNOWN && refreshed(k, &down)) {
		look_up(k, s);
		result = try_sources(k, s);
	}
	for (unsigned i = 0; i < s->n; i++) {
		down |= s->results[i] == SOURCE_DOWN;
		broken |= s->results[i] == SOURCE_FAULT;
	}
	if (result == KEY_GOOD)
		return true;
	if (result == KEY_FAULT || (broken && result == KEY_UNKNOWN))
		return refuse(d, REASON_FAULT, SPAN("keys cannot be used"));
	if (down && result == KEY_UNKNOWN)
		return refuse(d, REASON_VERIFIER_DOWN,
		    SPAN("the issuer's keys cannot be had now"));
	if (result == KEY_UNKNOWN)
		return refuse(
		    d, REASON_KEY_UNKNOWN, SPAN("the issuer has no such key"));
	return refuse(d, REASON_BAD_SIGNATURE, SPAN("the signature is wrong"));
}

/* What a verdict hangs on: the token, and all that verified it. */
#define VERDICT_PARTS 5

struct verdict_name {
	uint64_t numbers[3];
	struct span parts[VERDICT_PARTS];
};

static void
name_verdict(
    const struct check *k, const struct sources *s, struct verdict_name *v)
{
	const struct bundle *b = k->call->bundle;

	v->numbers[0] = k->issuer->algorithms;
	v->numbers[1] = k->issuer->flags;
	v->numbers[2] = k->issuer->leeway_s;
	v->parts[0] = k->token;
	v->parts[1] = bundle_text(b, k->issuer->issuer);
	v->parts[2] = bundle_text(b, k->issuer->type);
	v->parts[3] = span_of(v->numbers, sizeof(v->numbers));
	v->parts[4] = span_of(s->generations, s->n * sizeof(s->generations[0]));
}

/*
 * What is kept besides: who signed it, and the digest that a list of those
 * revoked has it by.  The claims are read from the token itself, which is
 * in the name.
 */
static bool
remember(struct check *k, const struct sources *s)
{
	const struct outside *world = k->call->world;
	char *digest = arena_alloc(k->call->request->arena, SHA256_BYTES);
	struct verdict v = { .payload = span_of(digest, SHA256_BYTES) };
	struct verdict_name name;

	if (digest == NULL ||
	    !sign_sha256(k->jwt.signed_text, (unsigned char *)digest))
		return false;
	k->digest = v.payload;
	v.key_id = k->key_id.p != NULL ? k->key_id : (struct span){ "", 0 };
	v.expires_s = k->claims.has_expiry
	    ? k->claims.expires_s + k->issuer->leeway_s
	    : k->call->request->now_us / US_PER_S + LASTING_KNOWN_S;
	name_verdict(k, s, &name);
	world->remember(world->world, name.parts, VERDICT_PARTS, &v);
	return true;
}

static bool
is_remembered(struct check *k, const struct sources *s)
{
	const struct outside *world = k->call->world;
	struct verdict v = { .payload = { "", 0 } };
	struct verdict_name name;

	name_verdict(k, s, &name);
	if (world->recall == NULL ||
	    !world->recall(world->world, name.parts, VERDICT_PARTS,
		k->call->request->arena, &v))
		return false;
	k->digest = v.payload;
	if (v.key_id.n > 0)
		k->key_id = v.key_id;
	return true;
}

static bool
signature_holds(struct check *k, struct decision *d)
{
	const struct outside *world = k->call->world;
	struct sources sources;

	look_up(k, &sources);
	if (is_remembered(k, &sources))
		return true;
	if (!failure_guard(k->call, k->claims.subject, d))
		return false;
	if (!base64url_decode(
		k->jwt.signature, k->call->request->arena, &k->jwt.signature))
		return malformed(k, d, "signature is not base64url");
	if (!verify(k, &sources, d))
		return false;
	if (world->remember == NULL ||
	    (!k->claims.has_expiry && (k->issuer->flags & ISSUER_LASTING) == 0))
		return true;
	return remember(k, &sources) ||
	    refuse(d, REASON_FAULT, SPAN("no digest can be made"));
}

static bool
claims_hold(const struct check *k, struct decision *d)
{
	const struct bundle *b = k->call->bundle;
	const struct row_issuer *i = k->issuer;
	struct span *audiences = arena_calloc(k->call->request->arena,
	    (size_t)i->audiences.n + 1, sizeof(*audiences));
	struct jwt_rules rules = {
		.issuer = bundle_text(b, i->issuer),
		.audiences = audiences,
		.n_audiences = i->audiences.n,
		.any_audience = (i->flags & ISSUER_AUDIENCE_ANY) != 0,
		.no_audience =
		    (i->flags & ISSUER_OF_KEYS) != 0 && i->audiences.n == 0,
		.lasting = (i->flags & ISSUER_LASTING) != 0,
		.type = bundle_text(b, i->type),
		.leeway_s = i->leeway_s,
		.now_s = k->call->request->now_us / 1000000,
	};

	if (audiences == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	for (uint32_t n = 0; n < i->audiences.n; n++)
		audiences[n] = bundle_string(b, i->audiences.first + n);
	return jwt_claims_check(&k->jwt, &k->claims, &rules, d);
}

/* What the issuer's tokens must have besides. */
static bool
rules_hold(struct check *k, struct decision *d)
{
	if (!token_claims_hold(k->call, k->issuer->claims, k->jwt.payload, d))
		return false;
	if ((k->issuer->flags & ISSUER_OF_KEYS) != 0) {
		k->subscription.found = wso2_key_holds(k->call, k->issuer,
		    &k->claims, &k->subscription.tier, &k->user, d);
		return k->subscription.found;
	}
	k->subscription.needed = (k->issuer->flags & ISSUER_SUBSCRIPTIONS) != 0;
	return token_subscribed(k->call,
	    (k->issuer->flags & ISSUER_TRUST_CLAIMS) != 0
		? k->claims.subscriptions
		: (struct span){ NULL, 0 },
	    &k->subscription, d);
}

/* Where asked for, its issuer has the last word: it may have ended it. */
static bool
is_active(const struct check *k, struct decision *d)
{
	struct span answer;

	return k->issuer->introspects.n == 0 ||
	    token_introspect(
		k->call, k->issuer->introspects.first, k->token, &answer, d);
}

static void
fill_principal(const struct check *k, struct principal *who)
{
	token_principal(k->call, &k->claims,
	    (k->issuer->flags & ISSUER_TRUST_CLAIMS) != 0, who);
	who->issuer = bundle_text(k->call->bundle, k->issuer->issuer);
	/* A token that names no key is of one all the same. */
	who->key_id = k->key_id.p != NULL ? k->key_id : k->jwt.header.kid;
	who->user = k->user;
	who->digest = k->digest;
	who->signature = span_skip(k->token, k->jwt.signed_text.n + 1);
	who->claims = k->jwt.payload;
	who->signed_text = k->jwt.signed_text;
	if ((k->issuer->flags & ISSUER_TRUST_CLAIMS) != 0)
		who->subscription_tier = k->subscription.tier;
	who->subscribed = k->subscription.found;
	who->subscription_needed = k->subscription.needed;
}

/* "k" has the token. */
static bool
check_token(struct check *k, struct principal *who, struct decision *d)
{
	const char *why;

	if (!jwt_split(k->token, k->call->request->arena, &k->jwt, &why))
		return malformed(k, d, why);
	if (!choose_issuer(k, d) || !read_claims(k, d) ||
	    !algorithm_allowed(k, d) || !signature_holds(k, d) ||
	    !claims_hold(k, d) || !rules_hold(k, d) || !is_active(k, d)) {
		d->claimed = k->claims.subject;
		return false;
	}
	fill_principal(k, who);
	return true;
}

bool
jwt_check(const struct credential_call *call, struct principal *who,
    struct decision *d)
{
	struct check k = { .call = call };

	if (!credential_find(call, true, &k.token, d))
		return false;
	if (call->scheme->introspects.n > 0 && !span_has(k.token, '.'))
		return opaque_check_token(call, k.token, who, d);
	return check_token(&k, who, d);
}

bool
wso2_key_check(const struct credential_call *call, struct principal *who,
    struct decision *d)
{
	struct check k = { .call = call };

	return credential_find(call, false, &k.token, d) &&
	    check_token(&k, who, d);
}
