/*
 * challenge - see challenge.h.
 */
#include "policy/challenge.h"

#include "policy/keyset.h"
#include "policy/published.h"

/* A quoted-string (RFC 9110 section 5.6.4) of what is printable ASCII. */
static void
write_quoted(struct buf *to, struct span s)
{
	buf_add_char(to, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"' || c == '\\')
			buf_add_char(to, '\\');
		buf_add_char(to, c >= ' ' && c < 0x7f ? c : '?');
	}
	buf_add_char(to, '"');
}

static void
write_realm(const struct bundle *b, const char *scheme, struct buf *to)
{
	struct span realm = bundle_text(b, bundle_settings(b, 0)->realm);

	buf_add_str(to, "WWW-Authenticate: ");
	buf_add_str(to, scheme);
	buf_add_str(to, " realm=");
	write_quoted(to, realm.n > 0 ? realm : SPAN("mgw"));
}

/*
 * Scope tokens are printable without '"' and '\' (RFC 6749 section 3.3);
 * a document that has others gets no "scope".
 */
static void
write_scopes(
    const struct bundle *b, const struct row_requirement *q, struct buf *to)
{
	for (uint32_t i = 0; i < q->scopes.n; i++) {
		struct span s = bundle_string(b, q->scopes.first + i);

		for (size_t k = 0; k < s.n; k++) {
			if (s.p[k] <= ' ' || s.p[k] >= 0x7f || s.p[k] == '"' ||
			    s.p[k] == '\\')
				return;
		}
	}
	for (uint32_t i = 0; i < q->scopes.n; i++) {
		buf_add_str(to, i == 0 ? ", scope=\"" : " ");
		buf_add(to, bundle_string(b, q->scopes.first + i));
	}
	if (q->scopes.n > 0)
		buf_add_char(to, '"');
}

/* The "error" of RFC 6750 section 3.1; NULL where none belongs. */
static const char *
bearer_error(enum reason r)
{
	switch (r) {
	case REASON_CREDENTIAL_MISSING: /* no token came */
	case REASON_CREDENTIAL_MALFORMED:
		return NULL;
	case REASON_CREDENTIAL_DUPLICATE:
		return "invalid_request";
	case REASON_SCOPE_MISSING:
		return "insufficient_scope";
	case REASON_PROOF_MISSING: /* RFC 9449 section 7.1 */
	case REASON_PROOF_INVALID:
	case REASON_PROOF_REPLAYED:
		return "invalid_dpop_proof";
	default:
		return "invalid_token";
	}
}

/* The algorithms of proofs, in a list with blanks. */
static void
write_algorithms(const struct bundle *b, struct buf *to)
{
	uint32_t bits = bundle_dpop(b, 0)->algorithms;
	bool any = false;

	buf_add_str(to, ", algs=\"");
	for (int alg = 0; alg < ALG__MAX; alg++) {
		if ((bits >> alg & 1) == 0)
			continue;
		if (any)
			buf_add_char(to, ' ');
		buf_add_str(to, algorithm_name((enum algorithm)alg));
		any = true;
	}
	buf_add_char(to, '"');
}

/* "Bearer" or "DPoP"; the error stands where the token came by it. */
static void
write_token(const struct bundle *b, const struct row_requirement *q,
    const struct ruling *v, bool dpop, struct buf *to)
{
	const struct decision *d = &v->decision;
	bool failed = d->requirement != NULL &&
	    d->requirement->scheme == q->scheme && d->dpop == dpop;
	const char *error = failed ? bearer_error(d->reason) : NULL;

	write_realm(b, dpop ? "DPoP" : "Bearer", to);
	if (dpop)
		write_algorithms(b, to);
	if (error != NULL) {
		buf_add_str(to, ", error=\"");
		buf_add_str(to, error);
		buf_add_str(to, "\", error_description=");
		write_quoted(to, span_str(reason_title(d->reason)));
	}
	if (error != NULL && d->reason == REASON_SCOPE_MISSING)
		write_scopes(b, q, to);
	if (v->match.api != NULL &&
	    (v->match.api->flags & API_RESOURCE_METADATA) != 0) {
		buf_add_str(to, ", resource_metadata=\"");
		published_metadata_url(b, v->match.api, to);
		buf_add_char(to, '"');
	}
	buf_add_str(to, "\r\n");
}

/* Every way in which the scheme takes tokens (RFC 9449 section 7.2). */
static void
write_bearer(const struct bundle *b, const struct row_requirement *q,
    const struct ruling *v, struct buf *to)
{
	uint32_t flags = bundle_scheme(b, q->scheme)->flags;

	if ((flags & SCHEME_DPOP_ONLY) == 0)
		write_token(b, q, v, false, to);
	if ((flags & SCHEME_DPOP) != 0)
		write_token(b, q, v, true, to);
}

static void
write_api_key(
    const struct bundle *b, const struct row_scheme *scheme, struct buf *to)
{
	static const char *const places[NAME_KIND__MAX] = { "header", "query",
		"cookie" };
	const struct row_name *name = bundle_name(b, scheme->field);

	write_realm(b, "ApiKey", to);
	buf_add_str(to, ", in=\"");
	buf_add_str(to, places[name->kind]);
	buf_add_str(to, "\", name=");
	write_quoted(to, bundle_text(b, name->shown));
	buf_add_str(to, "\r\n");
}

static bool
takes_bearer(const struct row_scheme *scheme)
{
	return scheme->kind == SCHEME_JWT || scheme->kind == SCHEME_OPAQUE;
}

/* No standard has a word for it; a 401 must have a challenge. */
static void
write_word(const struct bundle *b, const char *word, struct buf *to)
{
	write_realm(b, word, to);
	buf_add_str(to, "\r\n");
}

/* RFC 7617 section 2.1: names and passwords are UTF-8. */
static void
write_basic(const struct bundle *b, struct buf *to)
{
	write_realm(b, "Basic", to);
	buf_add_str(to, ", charset=\"UTF-8\"\r\n");
}

/* "want" is the first requirement of its scheme in "op". */
static bool
is_first(const struct bundle *b, const struct row_operation *op,
    const struct row_requirement *want)
{
	for (uint32_t i = 0; i < op->alternatives.n; i++) {
		const struct row_alternative *a =
		    bundle_alternative(b, op->alternatives.first + i);

		for (uint32_t k = 0; k < a->requirements.n; k++) {
			const struct row_requirement *q =
			    bundle_requirement(b, a->requirements.first + k);

			if (q->scheme == want->scheme)
				return q == want;
		}
	}
	return false;
}

static void
write_alternative(const struct bundle *b, const struct ruling *v,
    const struct row_alternative *a, struct buf *to)
{
	for (uint32_t k = 0; k < a->requirements.n; k++) {
		const struct row_requirement *q =
		    bundle_requirement(b, a->requirements.first + k);
		const struct row_scheme *scheme = bundle_scheme(b, q->scheme);

		if (!is_first(b, v->match.operation, q))
			continue;
		if (takes_bearer(scheme))
			write_bearer(b, q, v, to);
		else if (scheme->kind == SCHEME_API_KEY ||
		    scheme->kind == SCHEME_WSO2_KEY)
			write_api_key(b, scheme, to);
		else if (scheme->kind == SCHEME_BASIC)
			write_basic(b, to);
		else if (scheme->kind == SCHEME_MTLS)
			write_word(b, "MutualTLS", to);
		else if (scheme->kind == SCHEME_HOST)
			write_word(b, "WebServer", to);
	}
}

static bool
same_scopes(const struct bundle *b, struct range x, struct range y)
{
	bool same = x.n == y.n;

	for (uint32_t i = 0; same && i < x.n; i++)
		same = span_eq(bundle_string(b, x.first + i),
		    bundle_string(b, y.first + i));
	return same;
}

/* The one requirement of alternative "i", if it is of "scheme"; or NULL. */
static const struct row_requirement *
alone(const struct bundle *b, const struct row_operation *op, uint32_t i,
    uint32_t scheme)
{
	const struct row_alternative *a =
	    bundle_alternative(b, op->alternatives.first + i);
	const struct row_requirement *q;

	if (a->requirements.n != 1)
		return NULL;
	q = bundle_requirement(b, a->requirements.first);
	return q->scheme == scheme ? q : NULL;
}

/*
 * What the token lacks, and then what else it could have had: all the
 * alternatives that this scheme is enough for have failed as well.
 */
static void
write_needed(const struct bundle *b, const struct ruling *v, struct buf *to)
{
	const struct row_operation *op = v->match.operation;
	const struct row_requirement *failed = v->decision.requirement;

	write_token(b, failed, v, v->decision.dpop, to);
	for (uint32_t i = 0; i < op->alternatives.n; i++) {
		const struct row_requirement *q =
		    alone(b, op, i, failed->scheme);
		bool told =
		    q == NULL || same_scopes(b, q->scopes, failed->scopes);

		for (uint32_t k = 0; !told && k < i; k++) {
			const struct row_requirement *before =
			    alone(b, op, k, failed->scheme);

			told = before != NULL &&
			    same_scopes(b, q->scopes, before->scopes);
		}
		if (!told)
			write_token(b, q, v, v->decision.dpop, to);
	}
}

void
challenge_write(const struct bundle *b, const struct ruling *v, struct buf *to)
{
	const struct row_operation *op = v->match.operation;
	const struct row_requirement *q = v->decision.requirement;
	bool bearer = q != NULL && takes_bearer(bundle_scheme(b, q->scheme));

	if (op == NULL)
		return;
	if (v->decision.reason == REASON_SCOPE_MISSING && bearer)
		write_needed(b, v, to);
	if (v->decision.reason == REASON_CREDENTIAL_DUPLICATE && bearer)
		write_bearer(b, q, v, to);
	if (reason_status(v->decision.reason) != 401)
		return;
	for (uint32_t i = 0; i < op->alternatives.n; i++)
		write_alternative(b, v,
		    bundle_alternative(b, op->alternatives.first + i), to);
}
