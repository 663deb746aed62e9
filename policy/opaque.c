/*
 * opaque - tokens that only their server can read (RFC 7662).
 *
 * Exactly one server is asked: the scheme's own, or, of several, the one
 * whose prefix the token has.  A token is never shown to another one.
 * What was answered is remembered for a short time, and its times, issuer,
 * audience and scopes are checked at every use, as if it had just come.
 */
#include "policy/claim_path.h"
#include "policy/failure.h"
#include "policy/jwt.h"
#include "policy/token.h"
#include "policy/verdict.h"

#define VERDICT_PARTS 7

struct check {
	const struct credential_call *call;
	const struct row_introspect *row;
	struct span answer;
	struct claims claims;
	struct token_subscription subscription;
};

/* The row whose prefix is the longest that fits, or ROW_NONE. */
static uint32_t
choose_server(const struct credential_call *call, struct span token)
{
	struct range r = call->scheme->introspects;
	uint32_t best = ROW_NONE;
	size_t longest = 0;

	for (uint32_t i = 0; i < r.n; i++) {
		uint32_t row = bundle_index(call->bundle, r.first + i);
		struct span prefix = bundle_text(
		    call->bundle, bundle_introspect(call->bundle, row)->prefix);

		if (span_starts(token, prefix) &&
		    (best == ROW_NONE || prefix.n > longest)) {
			best = row;
			longest = prefix.n;
		}
	}
	return best;
}

static bool
ask(const struct credential_call *call, const struct introspection *i,
    struct verdict *v, struct decision *d)
{
	enum introspect_result result = INTROSPECT_DOWN;

	if (call->world->introspect != NULL)
		result = call->world->introspect(call->world->world, i, v);
	switch (result) {
	case INTROSPECT_TOLD:
		return true;
	case INTROSPECT_BUSY:
		return refuse(d, REASON_OVERLOADED,
		    SPAN("too many tokens are being asked about"));
	case INTROSPECT_DOWN:
		return refuse(d, REASON_VERIFIER_DOWN,
		    SPAN("the token's server cannot be asked now"));
	default:
		return refuse(d, REASON_FAULT, SPAN("cannot ask"));
	}
}

bool
token_introspect(const struct credential_call *call, uint32_t row,
    struct span token, struct span *answer, struct decision *d)
{
	const struct bundle *b = call->bundle;
	const struct outside *world = call->world;
	const struct row_introspect *r = bundle_introspect(b, row);
	struct verdict v = { .payload = { "", 0 } };
	struct source secret = { 0 };
	int64_t now_s = call->request->now_us / 1000000;
	uint64_t numbers[3];
	struct span parts[VERDICT_PARTS] = { SPAN("introspect"), token,
		bundle_text(b, r->url), bundle_text(b, r->client_id),
		bundle_text(b, r->issuer), bundle_text(b, r->scope_claim),
		span_of(numbers, sizeof(numbers)) };
	struct introspection i = { .row = row,
		.token = token,
		.address = call->request->address,
		.parts = parts,
		.n_parts = VERDICT_PARTS,
		.arena = call->request->arena,
		.now_s = now_s };

	if (world->source(world->world, r->secret, &secret) != SOURCE_OK ||
	    secret.secret.n == 0)
		return refuse(
		    d, REASON_FAULT, SPAN("the client's secret is missing"));
	numbers[0] = secret.generation;
	numbers[1] = b->policy; /* what is kept of an answer hangs on it */
	numbers[2] = row;
	if (world->recall == NULL ||
	    !world->recall(
		world->world, parts, VERDICT_PARTS, call->request->arena, &v) ||
	    v.expires_s <= now_s) {
		if (!failure_guard(call, (struct span){ NULL, 0 }, d) ||
		    !ask(call, &i, &v, d))
			return false;
	}
	*answer = v.payload;
	return v.payload.n > 0 ||
	    refuse(d, REASON_INACTIVE, SPAN("the token is not active"));
}

static bool
malformed(const struct check *k, struct decision *d, const char *why)
{
	if (k->call->request->arena->full)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	return refuse(d, REASON_TOKEN_MALFORMED, span_str(why));
}

static bool
read_claims(struct check *k, struct decision *d)
{
	struct span scope = bundle_text(k->call->bundle, k->row->scope_claim);
	const char *why = "";

	return token_claims_read(k->call, k->row->claims,
		   scope.n > 0 ? scope : SPAN("scope"), k->answer, &k->claims,
		   &why) ||
	    malformed(k, d, why);
}

static bool
audience_fits(const struct check *k)
{
	const struct bundle *b = k->call->bundle;

	if ((k->row->flags & INTROSPECT_AUDIENCE_ANY) != 0)
		return true;
	for (const struct claim_word *w = k->claims.audiences; w != NULL;
	     w = w->next)
		for (uint32_t i = 0; i < k->row->audiences.n; i++)
			if (span_eq(w->text,
				bundle_string(b, k->row->audiences.first + i)))
				return true;
	return false;
}

/* All of these may be absent but an audience that is needed. */
static bool
claims_hold(const struct check *k, struct decision *d)
{
	const struct claims *c = &k->claims;
	int64_t now_s = k->call->request->now_us / 1000000;

	if (c->issuer.p != NULL &&
	    !span_eq(c->issuer, bundle_text(k->call->bundle, k->row->issuer)))
		return refuse(d, REASON_WRONG_ISSUER,
		    SPAN("the token is of another issuer"));
	if (!audience_fits(k))
		return refuse(d, REASON_WRONG_AUDIENCE,
		    SPAN("the token is for another audience"));
	if (c->has_expiry && now_s >= c->expires_s + k->row->leeway_s)
		return refuse(d, REASON_EXPIRED, SPAN("the token has expired"));
	if (c->has_not_before && now_s < c->not_before_s - k->row->leeway_s)
		return refuse(d, REASON_NOT_YET_VALID,
		    SPAN("the token is not yet valid"));
	return true;
}

static bool
rules_hold(struct check *k, struct decision *d)
{
	if (!token_claims_hold(k->call, k->row->claims, k->answer, d))
		return false;
	k->subscription.needed =
	    (k->row->flags & INTROSPECT_SUBSCRIPTIONS) != 0;
	return token_subscribed(k->call,
	    (k->row->flags & INTROSPECT_TRUST_CLAIMS) != 0
		? k->claims.subscriptions
		: (struct span){ NULL, 0 },
	    &k->subscription, d);
}

/* Servers that know users by name alone say "username". */
static struct span
subject_of(const struct check *k)
{
	struct span name;

	if (k->claims.subject.n > 0)
		return k->claims.subject;
	name = claim_text(k->answer, SPAN("username"), k->call->request->arena);
	return span_has_control(name) ? k->claims.subject : name;
}

bool
opaque_check_token(const struct credential_call *call, struct span token,
    struct principal *who, struct decision *d)
{
	struct check k = { .call = call };
	uint32_t row = choose_server(call, token);

	if (token.n > TOKEN_BYTES_MAX)
		return refuse(d, REASON_TOKEN_MALFORMED, SPAN("too long"));
	if (row == ROW_NONE)
		return refuse(d, REASON_WRONG_ISSUER,
		    SPAN("no configured server has made the token"));
	k.row = bundle_introspect(call->bundle, row);
	if (!token_introspect(call, row, token, &k.answer, d) ||
	    !read_claims(&k, d) || !claims_hold(&k, d) || !rules_hold(&k, d))
		return false;
	token_principal(call, &k.claims,
	    (k.row->flags & INTROSPECT_TRUST_CLAIMS) != 0, who);
	who->issuer = bundle_text(call->bundle, k.row->issuer);
	who->subject = subject_of(&k);
	who->claims = k.answer;
	who->opaque = token;
	who->subscription_tier = k.subscription.tier;
	who->subscribed = k.subscription.found;
	who->subscription_needed = k.subscription.needed;
	return true;
}

bool
opaque_check(const struct credential_call *call, struct principal *who,
    struct decision *d)
{
	struct span token;

	return credential_find(call, true, &token, d) &&
	    opaque_check_token(call, token, who, d);
}
