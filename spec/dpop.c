/*
 * dpop - see dpop.h.
 */
#include "spec/dpop.h"

#include "base/clock.h"
#include "policy/dpop.h"
#include "policy/keyset.h"
#include "spec/emit_endpoint.h"
#include "spec/fields.h"

#define ALG_BIT(alg) (UINT32_C(1) << (alg))
#define PER_KEY_DEFAULT 8192
#define PER_KEY_MAX 65536

static void
read_algorithms(struct spec_dpop *s, const struct node *n, struct diag *d)
{
	struct spec_word *words = NULL;
	enum algorithm alg;

	field_words(n, "algorithms", &words, d);
	if (words != NULL)
		s->algorithms = 0;
	for (const struct spec_word *w = words; w != NULL; w = w->next) {
		if (algorithm_parse(w->text.text, &alg) && alg < ALG_HS256)
			s->algorithms |= ALG_BIT(alg);
		else
			diag_error(d, w->text.place, "algorithm",
			    "'%.*s' is no algorithm for proofs: RS, PS or ES "
			    "with 256, 384 or 512, or EdDSA",
			    SPAN_ARG(w->text.text));
	}
}

void
dpop_read_settings(struct spec_dpop *s, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "algorithms", "window", "leeway",
		"per-key", NULL };

	*s = (struct spec_dpop){ .algorithms = ALG_BIT(ALG_ES256) |
		    ALG_BIT(ALG_ES384) | ALG_BIT(ALG_EDDSA) |
		    ALG_BIT(ALG_PS256) | ALG_BIT(ALG_RS256),
		.window_us = 60 * US_PER_S,
		.leeway_us = 5 * US_PER_S,
		.per_key = PER_KEY_DEFAULT };
	if (n == NULL || !fields_check(n, "dpop", keys, d))
		return;
	read_algorithms(s, n, d);
	field_duration(n, "window", US_PER_S, DPOP_WINDOW_S_MAX * US_PER_S,
	    &s->window_us, d);
	field_duration(
	    n, "leeway", 0, DPOP_LEEWAY_S_MAX * US_PER_S, &s->leeway_us, d);
	field_number(n, "per-key", 1, PER_KEY_MAX, &s->per_key, d);
}

static uint32_t
flags_of(const struct spec_scheme *s, const struct spec_verifier *v)
{
	if (s->type == SPEC_SCHEME_HTTP_DPOP)
		return SCHEME_DPOP | SCHEME_DPOP_ONLY;
	if (v == NULL || v->dpop == SPEC_DPOP_OFF)
		return 0;
	return v->dpop == SPEC_DPOP_REQUIRED ? SCHEME_DPOP | SCHEME_DPOP_ONLY
					     : SCHEME_DPOP;
}

void
dpop_link(const struct spec_document *doc, struct spec_scheme *s,
    const struct spec_verifier *v, struct diag *d)
{
	struct place at = v != NULL ? v->name.place : s->name.place;
	uint32_t flags = flags_of(s, v);

	if (flags == 0 || s->kind == SCHEME_NO_VERIFIER)
		return;
	s->dpop = flags;
	if (s->type == SPEC_SCHEME_HTTP_DPOP && v != NULL &&
	    v->dpop == SPEC_DPOP_ALLOWED)
		diag_error(d, at, "dpop",
		    "scheme '%.*s' is DPoP in %s: it is required",
		    SPAN_ARG(s->name.text), s->name.place.file);
	if ((s->kind != SCHEME_JWT && s->kind != SCHEME_OPAQUE) ||
	    s->type == SPEC_SCHEME_API_KEY)
		diag_error(d, at, "dpop",
		    "scheme '%.*s': proofs come with tokens in Authorization "
		    "alone, verified by jwt or introspect",
		    SPAN_ARG(s->name.text));
	if (doc->public_url.text.p == NULL)
		diag_error(d, at, "public-url",
		    "scheme '%.*s' takes proofs, which name the URL of the "
		    "request: %s needs public-url in apis",
		    SPAN_ARG(s->name.text), doc->file);
}

static bool
is_needed(const struct spec_document *doc)
{
	for (; doc != NULL; doc = doc->next)
		for (const struct spec_scheme *s = doc->schemes; s; s = s->next)
			if (s->dpop != 0)
				return true;
	return false;
}

void
dpop_emit(struct build *b, struct arena *a, const struct spec_dpop *s,
    const struct spec_document *documents)
{
	struct row_dpop row = { .algorithms = s->algorithms,
		.window_s = (uint32_t)(s->window_us / US_PER_S),
		.leeway_s = (uint32_t)(s->leeway_us / US_PER_S) };
	/* How long a proof is remembered at most. */
	const struct row_limit share = { .algorithm = LIMIT_TOKEN_BUCKET,
		.unit = LIMIT_REQUESTS,
		.count = s->per_key,
		.period_us = s->window_us + s->leeway_us,
		.burst = s->per_key };

	if (!is_needed(documents))
		return;
	row.field = emit_name(b, a, NAME_HEADER, SPAN("DPoP"));
	row.share = (struct range){ BUILD_ROW(b, SECTION_LIMIT, &share), 1 };
	(void)BUILD_ROW(b, SECTION_DPOP, &row);
}
