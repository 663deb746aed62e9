/*
 * dpop - see dpop.h.
 *
 * What costs nothing is looked at first: a proof whose key, method, URL or
 * time is wrong is not worth a signature.  None of that is believed before
 * the signature holds; a proof is remembered only after it does, so that
 * nobody else's bytes take a place.
 */
#include "policy/dpop.h"

#include "base/ascii.h"
#include "base/base64url.h"
#include "base/clock.h"
#include "policy/change.h"
#include "policy/dpop_key.h"
#include "policy/json.h"
#include "policy/keyset.h"
#include "policy/sign.h"

#define THUMBPRINT_BYTES 43 /* SHA-256 in base64url */

/* The state of one check. */
struct check {
	const struct credential_call *call;
	const struct principal *who;
	const struct row_dpop *row;
	struct span token; /* as it came, to be hashed */
	struct dpop_proof proof;
	const struct sign_key *key;
	enum algorithm alg;
};

bool
dpop_presented(const struct credential_call *c)
{
	struct span value, scheme;

	if ((c->scheme->flags & SCHEME_DPOP) == 0)
		return false;
	value = span_trim(c->request->fields[c->scheme->field].value);
	scheme = span_cut(&value, ' ');
	return value.p != NULL && span_eq_nocase(scheme, SPAN("DPoP"));
}

static bool
invalid(const struct check *k, struct decision *d, const char *why)
{
	if (k->call->request->arena->full)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	return refuse(d, REASON_PROOF_INVALID, span_str(why));
}

/* Section 4.3, items 1 and 2: one field, and one JWT in it. */
static bool
find_proof(struct check *k, struct span *text, struct decision *d)
{
	const struct field *f = &k->call->request->fields[k->row->field];

	*text = span_trim(f->value);
	if (f->n == 0 || (f->n == 1 && text->n == 0))
		return refuse(d, REASON_PROOF_MISSING,
		    SPAN("no DPoP proof was sent with the token"));
	if (f->n > 1 || span_has(*text, ','))
		return invalid(k, d, "more than one DPoP proof");
	return true;
}

/* No member of a private or symmetric key (RFC 7518 section 6). */
static bool
has_secret(const struct json_object *o)
{
	static const char *const members[] = { "d", "p", "q", "dp", "dq", "qi",
		"oth", "k", "priv" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_get(o, members[i]) != NULL)
			return true;
	return false;
}

static bool
same(struct span a, struct span b, size_t n)
{
	return a.n == n && b.n == n && sign_equal(a.p, b.p, n);
}

/*
 * Item 7, and the second half of item 12: it is the key that the token is
 * bound to, and nobody's secret.  Only then is it made.
 */
static bool
read_key(struct check *k, const struct json_object *o, struct decision *d)
{
	struct arena *a = k->call->request->arena;
	struct span thumbprint = jwk_thumbprint_of(o, a);
	const char *why;

	if (has_secret(o))
		return invalid(k, d, "the proof has a private key in it");
	if (thumbprint.p == NULL)
		return invalid(k, d, "the key of the proof cannot be used");
	if (!same(thumbprint, k->who->proof_key, THUMBPRINT_BYTES))
		return refuse(d, REASON_PROOF_MISMATCH,
		    SPAN("the token is bound to another key"));
	k->key = dpop_key(o, thumbprint, a, &why);
	if (k->key == NULL)
		return invalid(k, d, "the key of the proof cannot be used");
	return jwk_may_verify(o, k->key, k->alg) ||
	    invalid(k, d, "the key of the proof does not fit its algorithm");
}

/* Items 3 to 5. */
static bool
read_proof(struct check *k, struct span text, struct decision *d)
{
	struct json_object *o;
	const char *why;
	bool good;

	if (!dpop_read(text, k->call->request->arena, &k->proof, &why))
		return invalid(k, d, why);
	if (!algorithm_parse(k->proof.jwt.header.alg, &k->alg) ||
	    (k->row->algorithms >> k->alg & 1) == 0)
		return invalid(k, d, "the proof is not signed by one of algs");
	o = json_read(k->proof.jwk, &why);
	if (o == NULL)
		return invalid(k, d, "the key of the proof is not JSON");
	good = read_key(k, o, d);
	json_free(o);
	return good;
}

/* The first half of item 12: it was made for this token. */
static bool
token_fits(const struct check *k, struct decision *d)
{
	unsigned char digest[SHA256_BYTES];
	struct span text;
	struct buf b;
	bool fits;

	if (!sign_sha256(k->token, digest))
		return refuse(d, REASON_FAULT, SPAN("no digest"));
	buf_init(&b, 64);
	base64url_encode(&b, span_of(digest, sizeof(digest)));
	text = buf_span(&b);
	fits = same(text, k->proof.token_hash, THUMBPRINT_BYTES);
	if (b.failed)
		(void)refuse(d, REASON_FAULT, SPAN("out of memory"));
	else if (!fits)
		(void)invalid(k, d, "the proof was made for another token");
	buf_fini(&b);
	return fits;
}

/* Items 8, 9 and 11. */
static bool
request_fits(const struct check *k, struct decision *d)
{
	const struct credential_call *c = k->call;
	const struct request *r = c->request;
	int64_t now_s = r->now_us / US_PER_S;
	struct span rest =
	    change_behind(r->path, bundle_text(c->bundle, c->api->base_path));

	if (!span_eq(k->proof.method, r->method))
		return invalid(k, d, "the proof was made for another method");
	if (!dpop_url_fits(k->proof.url,
		bundle_text(c->bundle, c->api->public_url), rest, r->arena))
		return invalid(k, d, "the proof was made for another URL");
	if (k->proof.issued_s > now_s + k->row->leeway_s)
		return invalid(k, d, "the proof was made in the future");
	if (k->proof.issued_s + k->row->window_s < now_s)
		return invalid(k, d, "the proof is too old");
	return true;
}

/* Item 6. */
static bool
signature_holds(struct check *k, struct decision *d)
{
	struct jwt *jwt = &k->proof.jwt;

	if (!base64url_decode(
		jwt->signature, k->call->request->arena, &jwt->signature))
		return invalid(k, d, "the signature is not base64url");
	switch (sign_verify(k->key, k->alg, jwt->signed_text, jwt->signature)) {
	case SIGN_GOOD:
		return true;
	case SIGN_BAD:
		return invalid(k, d, "the signature of the proof is wrong");
	default:
		return refuse(
		    d, REASON_FAULT, SPAN("the proof cannot be verified"));
	}
}

/* So that who makes many proofs does not take the places of all others. */
static bool
share_is_left(const struct check *k, struct decision *d)
{
	const struct outside *world = k->call->world;
	struct take t = { .parts = { SPAN("dpop"), k->who->proof_key },
		.n_parts = 2,
		.limit = bundle_limit(k->call->bundle, k->row->share.first),
		.client = true };

	switch (world->take(world->world, &t, 1, k->call->request->now_us)) {
	case TAKE_ALLOWED:
		return true;
	case TAKE_REFUSED:
		(void)refuse(d, REASON_RATE_EXCEEDED,
		    SPAN("too many proofs of one key"));
		d->level = "dpop";
		d->retry_after_s = (uint32_t)(t.wait_us / US_PER_S) + 1;
		return false;
	default:
		return refuse(
		    d, REASON_FAULT, SPAN("the counters cannot tell"));
	}
}

static bool
replayed(struct decision *d)
{
	return refuse(
	    d, REASON_PROOF_REPLAYED, SPAN("the proof was used before"));
}

/*
 * Section 11.1: a proof is good once.  An operation with alternatives may
 * ask for the same proof of the same request more than once.  One that was
 * overheard takes nothing of its key's share, however often it comes.
 */
static bool
is_new(const struct check *k, struct decision *d)
{
	const struct outside *world = k->call->world;
	const struct span parts[] = { k->who->proof_key, k->proof.id };
	enum replay_result result = REPLAY_FAULT;

	if (k->call->proved != NULL && *k->call->proved)
		return true;
	if (world->replayed != NULL && world->replayed(world->world, parts, 2))
		return replayed(d);
	if (!share_is_left(k, d))
		return false;
	if (world->replay != NULL)
		result = world->replay(world->world, parts, 2,
		    k->proof.issued_s + k->row->window_s);
	switch (result) {
	case REPLAY_NEW:
		if (k->call->proved != NULL)
			*k->call->proved = true;
		return true;
	case REPLAY_SEEN:
		return replayed(d);
	case REPLAY_LATE:
		return invalid(k, d, "the proof is too old");
	case REPLAY_FULL:
		(void)refuse(d, REASON_OVERLOADED,
		    SPAN("there is no place to remember the proof"));
		d->retry_after_s = 1;
		return false;
	default:
		return refuse(
		    d, REASON_FAULT, SPAN("proofs cannot be remembered"));
	}
}

bool
dpop_check(const struct credential_call *c, const struct principal *who,
    struct decision *d)
{
	struct check k = {
		.call = c, .who = who, .row = bundle_dpop(c->bundle, 0)
	};
	struct span text;

	if (who->proof_key.p == NULL)
		return refuse(d, REASON_WRONG_TYPE,
		    SPAN("the token is not bound to a key: it is to be sent as "
			 "Bearer, if at all"));
	return credential_find(c, true, &k.token, d) &&
	    find_proof(&k, &text, d) && read_proof(&k, text, d) &&
	    token_fits(&k, d) && request_fits(&k, d) &&
	    signature_holds(&k, d) && is_new(&k, d);
}
