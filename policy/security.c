/*
 * security - see security.h.
 *
 * In an alternative of several requirements the first one names the
 * principal; the others must hold, each with the scopes of its own
 * credential, and add nothing to it: what one issuer says of a caller is
 * not mixed with what another says.
 */
#include "policy/security.h"

#include "policy/application_check.h"
#include "policy/certificate.h"
#include "policy/credential.h"
#include "policy/dpop.h"
#include "policy/revocation.h"

typedef bool verifier(
    const struct credential_call *c, struct principal *who, struct decision *d);

/* A kind without a function is refused: nothing here can verify it. */
static verifier *const verifiers[SCHEME_KIND__MAX] = {
	[SCHEME_JWT] = jwt_check,
	[SCHEME_OPAQUE] = opaque_check,
	[SCHEME_API_KEY] = api_key_check,
	[SCHEME_BASIC] = basic_check,
	[SCHEME_MTLS] = mtls_check,
	[SCHEME_HOST] = host_check,
	[SCHEME_WSO2_KEY] = wso2_key_check,
};

/*
 * How far an alternative got; the furthest is the answer when all fail.
 * That we could not tell goes before everything: who is refused for our
 * own reasons should not be told to change his credential.
 */
static int
how_far(enum reason r)
{
	switch (r) {
	case REASON_NO_VERIFIER:
		return 0;
	case REASON_CREDENTIAL_MISSING:
	case REASON_CERTIFICATE_MISSING:
		return 1;
	case REASON_CREDENTIAL_MALFORMED:
	case REASON_CREDENTIAL_DUPLICATE:
	case REASON_TOKEN_MALFORMED:
		return 2;
	case REASON_SCOPE_MISSING:
	case REASON_CLAIM_REFUSED:
	case REASON_ADDRESS_REFUSED:
		return 4;
	case REASON_VERIFIER_DOWN:
	case REASON_OVERLOADED:
	case REASON_RATE_EXCEEDED: /* not looked at, see failure.h */
		return 5;
	case REASON_FAULT:
		return 6;
	default:
		return 3; /* invalid */
	}
}

static bool
check_scopes(const struct bundle *b, const struct row_requirement *q,
    const struct principal *who, struct decision *d)
{
	bool any = (q->flags & REQUIREMENT_SCOPES_ANY) != 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < q->scopes.n; i++)
		n += principal_has_scope(
		    who, bundle_string(b, q->scopes.first + i));
	if (q->scopes.n == 0 || (any ? n > 0 : n == q->scopes.n))
		return true;
	return refuse(d, REASON_SCOPE_MISSING,
	    any ? SPAN("the credential has none of the scopes")
		: SPAN("the credential lacks a scope"));
}

struct trial {
	const struct outside *world;
	const struct bundle *b;
	const struct request *r;
	const struct match *m;
	int alternative; /* its number, for the trace */
	bool *proved;    /* see struct credential_call */
};

static void
note(const struct trial *t, const char *stage, const struct decision *d)
{
	if (t->world->note != NULL)
		t->world->note(t->world->world, stage, t->alternative,
		    d->reason, d->detail);
}

/*
 * A token that is bound to something is good only together with it; to a
 * key and a certificate, with both (RFC 8705 section 3, RFC 9449 section
 * 7.2: a token that is bound to a key is no bearer token).
 */
static bool
check_binding(const struct credential_call *c, const struct principal *who,
    struct decision *d)
{
	bool by_key = who->proof_key.p != NULL;

	if (dpop_presented(c)) {
		if (!dpop_check(c, who, d))
			return false;
	} else if (by_key) {
		return refuse(d, REASON_WRONG_TYPE,
		    (c->scheme->flags & SCHEME_DPOP) != 0
			? SPAN("the token is bound to a key: it is to be sent "
			       "as DPoP, with a proof")
			: SPAN("the token is bound to a key of which mgw takes "
			       "no proof here"));
	}
	return (by_key && who->certificate.p == NULL) ||
	    certificate_binding(c->world, c->request, who, d);
}

/* Where there are no lists nothing is to be told of them. */
static bool
check_revoked(
    const struct trial *t, const struct principal *who, struct decision *d)
{
	bool ok;

	if (t->world->revoked == NULL)
		return true;
	ok = revocation_check(t->world, who, t->r->now_us, t->r->arena, d);
	note(t, "revocation", d);
	return ok;
}

/* By the name that it has here it may be revoked as well. */
static bool
check_application(const struct trial *t, const struct credential_call *c,
    struct principal *who, struct decision *d)
{
	struct span before = who->application;

	return application_recognise(c, t->alternative, who, d) &&
	    (span_eq(before, who->application) || check_revoked(t, who, d));
}

/* One scheme and its scopes, with a principal of its own. */
static bool
check_requirement(const struct trial *t, const struct row_requirement *q,
    bool first, struct principal *who, struct decision *d)
{
	struct credential_call c = { .world = t->world,
		.bundle = t->b,
		.request = t->r,
		.scheme = bundle_scheme(t->b, q->scheme),
		.api = t->m->api,
		.proved = t->proved };
	verifier *verify = verifiers[c.scheme->kind];
	bool ok;

	*who = (struct principal){ 0 };
	*d = (struct decision){ .reason = REASON_NONE };
	if (verify == NULL)
		ok = refuse(d, REASON_NO_VERIFIER,
		    SPAN("nothing is configured to verify this scheme"));
	else
		ok = verify(&c, who, d);
	if (!ok && d->reason == REASON_NONE) /* no reason: we cannot tell */
		(void)refuse(d, REASON_FAULT, SPAN("refused without reason"));
	note(t, "authenticate", d);
	if (ok && (who->bound || dpop_presented(&c))) {
		ok = check_binding(&c, who, d);
		note(t, "binding", d);
	}
	if (ok)
		ok = check_revoked(t, who, d);
	if (ok && q->scopes.n > 0) {
		ok = check_scopes(t->b, q, who, d);
		note(t, "authorize", d);
	}
	/* The first one says who it is, and so which application. */
	if (ok && first)
		ok = check_application(t, &c, who, d);
	if (!ok) {
		d->requirement = q;
		d->dpop = dpop_presented(&c);
	}
	return ok;
}

static bool
check_alternative(const struct trial *t, const struct row_alternative *a,
    struct principal *who, struct decision *d)
{
	struct principal other;

	for (uint32_t i = 0; i < a->requirements.n; i++) {
		const struct row_requirement *q =
		    bundle_requirement(t->b, a->requirements.first + i);

		if (!check_requirement(t, q, i == 0, i == 0 ? who : &other, d))
			return false;
		/* The first one says who it is; a limit may be another's. */
		if (i > 0 && who->tier.n == 0)
			who->tier = other.tier;
	}
	return true;
}

bool
security_check(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct match *m, struct principal *who,
    struct decision *d)
{
	struct range range = m->operation->alternatives;
	bool proved = false;
	struct trial t = { world, b, r, m, 0, &proved };
	bool anonymous = (m->operation->flags & OPERATION_SECURED) == 0;
	int furthest = -1;

	*d = (struct decision){ .reason = REASON_NONE };
	for (uint32_t i = 0; i < range.n; i++) {
		const struct row_alternative *a =
		    bundle_alternative(b, range.first + i);
		struct decision found;

		t.alternative = (int)i;
		if (a->requirements.n == 0) {
			/* Last of all, so that who brings a credential is
			 * known by it. */
			anonymous = true;
			continue;
		}
		if (check_alternative(&t, a, who, &found))
			return true;
		if (how_far(found.reason) > furthest) {
			furthest = how_far(found.reason);
			*d = found;
		}
	}
	*who = (struct principal){ 0 };
	if (anonymous)
		*d = (struct decision){ .reason = REASON_NONE };
	return anonymous;
}
