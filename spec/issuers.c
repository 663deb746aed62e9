/*
 * issuers - see issuers.h.
 */
#include "spec/issuers.h"

#include "base/clock.h"
#include "policy/keyset.h"
#include "spec/claimrules.h"
#include "spec/fields.h"

#define LEEWAY_DEFAULT_S 5
#define LEEWAY_MAX_US (INT64_C(600) * US_PER_S)

#define ALG_BIT(alg) (UINT32_C(1) << (alg))
#define ALG_HMAC (ALG_BIT(ALG_HS256) | ALG_BIT(ALG_HS384) | ALG_BIT(ALG_HS512))

static void
read_key_list(const struct keysource *r, struct spec_issuer *i,
    const struct node *n, struct place at)
{
	struct spec_source **end = &i->keys;

	if (n == NULL) {
		diag_error(r->d, at, "missing-key",
		    "an issuer needs keys: {file|url|discovery|inline|pem: "
		    "...}");
		return;
	}
	if (n->kind != NODE_LIST) {
		i->keys = keysource_keys(r, i, n);
		return;
	}
	if (n->first == NULL)
		diag_error(r->d, n->place, "empty", "keys is empty");
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		*end = keysource_keys(r, i, m);
		if (*end != NULL)
			end = &(*end)->next;
	}
}

void
issuers_read_audiences(
    const struct keysource *r, struct spec_issuer *i, const struct node *n)
{
	const struct node *a = tree_get(n, "audiences");

	if (a == NULL)
		return;
	if (a->kind == NODE_STRING && span_eq(a->text, SPAN("any")))
		i->audience_any = true;
	else if (a->kind == NODE_STRING)
		diag_error(r->d, a->place, "kind",
		    "audiences must be a list, or the word any");
	else
		field_words(n, "audiences", &i->audiences, r->d);
}

static void
read_algorithms(
    const struct keysource *r, struct spec_issuer *i, const struct node *n)
{
	struct spec_word *words = NULL;
	enum algorithm alg;

	field_words(n, "algorithms", &words, r->d);
	for (const struct spec_word *w = words; w != NULL; w = w->next) {
		if (algorithm_parse(w->text.text, &alg))
			i->algorithms |= ALG_BIT(alg);
		else
			diag_error(r->d, w->text.place, "algorithm",
			    "'%.*s' is no algorithm for tokens: RS, PS, ES or "
			    "HS with 256, 384 or 512, or EdDSA",
			    SPAN_ARG(w->text.text));
	}
	if (tree_get(n, "algorithms") == NULL)
		i->algorithms = ALG_BIT(ALG_RS256) | ALG_BIT(ALG_ES256);
	if ((i->algorithms & ALG_HMAC) == 0)
		return;
	/* Who serves a key set could sign tokens; a bundle holds no secret. */
	for (const struct spec_source *s = i->keys; s != NULL; s = s->next)
		if (s->how == SOURCE_URL)
			diag_error(r->d, s->value.place, "algorithm",
			    "HS algorithms need keys from a file or "
			    "${env:NAME}, not from a URL");
}

static void
check_issuer(const struct keysource *r, const struct spec_issuer *i,
    const struct node *n)
{
	unsigned n_keys = 0;

	for (const struct spec_source *s = i->keys; s != NULL; s = s->next)
		n_keys++;
	if (n_keys > ISSUER_SOURCES_MAX)
		diag_error(r->d, n->place, "issuer-keys",
		    "more than %u key sets", ISSUER_SOURCES_MAX);
	if (i->subscriptions == SWITCH_TRUE && i->trust_claims != SWITCH_TRUE &&
	    r->f->applications == NULL)
		diag_error(r->d, n->place, "claim",
		    "validate-subscription needs trust-claims: true, or "
		    "applications");
}

void
issuers_read_common(
    const struct keysource *r, struct spec_issuer *i, const struct node *n)
{
	uint64_t leeway_us = LEEWAY_DEFAULT_S * US_PER_S;

	field_text(n, "issuer", &i->issuer, r->d);
	if (tree_get(n, "issuer") == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "an issuer needs issuer: the claim 'iss' of its tokens");
	read_key_list(r, i, tree_get(n, "keys"), n->place);
	read_algorithms(r, i, n);
	field_duration(n, "leeway", 0, LEEWAY_MAX_US, &leeway_us, r->d);
	i->leeway_s = (uint32_t)(leeway_us / US_PER_S);
	i->scope_claim.text = SPAN("scope");
	field_text(n, "scope-claim", &i->scope_claim, r->d);
	field_switch(n, "trust-claims", &i->trust_claims, r->d);
	claimrules_read(&i->claims, n, r->d);
}

void
issuers_add(const struct keysource *r, struct spec_issuer *i)
{
	struct spec_issuer **end = &r->f->issuers;

	for (; *end != NULL; end = &(*end)->next)
		if (i->issuer.text.p != NULL &&
		    span_eq((*end)->issuer.text, i->issuer.text))
			diag_error(r->d, i->issuer.place, "issuer-duplicate",
			    "issuer '%.*s' is there already",
			    SPAN_ARG(i->issuer.text));
	*end = i;
}

static void
read_issuer(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "issuer", "keys", "audiences",
		"algorithms", "leeway", "scope-claim", "type", "trust-claims",
		"validate-subscription", "required-claims", "claim-map",
		"introspect", NULL };
	struct spec_issuer *i = arena_alloc(r->d->arena, sizeof(*i));

	if (i == NULL) {
		r->d->failed = true;
		return;
	}
	if (!fields_check(n, "an issuer", keys, r->d))
		return;
	issuers_read_common(r, i, n);
	issuers_read_audiences(r, i, n);
	if (tree_get(n, "audiences") == NULL)
		diag_error(r->d, n->place, "issuer-audiences",
		    "an issuer needs audiences: a list, or the word any");
	field_text(n, "type", &i->type, r->d);
	field_switch(n, "validate-subscription", &i->subscriptions, r->d);
	field_text(n, "introspect", &i->introspect, r->d);
	check_issuer(r, i, n);
	issuers_add(r, i);
	r->f->n_issuers++;
}

void
issuers_read(const struct keysource *r, const struct node *n)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_LIST) {
		diag_error(r->d, n->place, "kind",
		    "issuers must be a list, not %s", tree_kind_name(n->kind));
		return;
	}
	for (n = n->first; n != NULL; n = n->next)
		read_issuer(r, n);
}
