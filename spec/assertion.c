/*
 * assertion - see assertion.h.
 */
#include "spec/assertion.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "policy/assertion.h"
#include "spec/fields.h"
#include "spec/link.h"

static void
check_header(const struct keysource *r, const struct spec_text *t)
{
	bool good = t->text.n > 0 && !link_is_framing(t->text) &&
	    !span_eq_nocase(t->text, SPAN("Cookie")) &&
	    !span_eq_nocase(t->text, SPAN("Authorization")) &&
	    !span_eq_nocase(t->text, SPAN("Via"));

	for (size_t i = 0; i < t->text.n; i++)
		good = good &&
		    (ascii_is_alnum(t->text.p[i]) || t->text.p[i] == '-');
	if (!good)
		diag_error(r->d, t->place, "backend-jwt",
		    "header '%.*s' cannot carry it", SPAN_ARG(t->text));
}

/* No gate may take it for a client's token. */
static void
check_issuers(const struct keysource *r, const struct spec_assertion *s)
{
	for (const struct spec_issuer *i = r->f->issuers; i; i = i->next) {
		if (span_eq(i->issuer.text, s->issuer.text))
			diag_error(r->d, s->issuer.place, "backend-jwt",
			    "backend-jwt has the name of an issuer of tokens");
		if (i->type.text.p != NULL &&
		    span_eq_nocase(i->type.text, SPAN(ASSERTION_TYPE)))
			diag_error(r->d, i->type.place, "backend-jwt",
			    "type " ASSERTION_TYPE
			    " is that of the gate's own tokens");
	}
}

static void
check_claims(const struct keysource *r, const struct spec_assertion *s)
{
	for (const struct spec_word *w = s->claims; w != NULL; w = w->next)
		if (assertion_is_own(w->text.text, s->dialect.text))
			diag_error(r->d, w->text.place, "backend-jwt",
			    "claim '%.*s' is the gate's own and not copied",
			    SPAN_ARG(w->text.text));
}

static void
read_names(
    const struct keysource *r, const struct node *n, struct spec_assertion *s)
{
	s->header.text = SPAN("X-JWT-Assertion");
	s->dialect.text = SPAN("http://wso2.org/claims");
	field_text(n, "header", &s->header, r->d);
	field_text(n, "issuer", &s->issuer, r->d);
	field_text(n, "dialect", &s->dialect, r->d);
	field_text(n, "keys-path", &s->keys_path, r->d);
	if (tree_get(n, "claims") != NULL)
		field_words(n, "claims", &s->claims, r->d);
	if (tree_get(n, "issuer") == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "backend-jwt needs issuer: who the gate says it is");
	if (s->keys_path.text.p != NULL &&
	    (s->keys_path.text.p[0] != '/' || span_has(s->keys_path.text, '?')))
		diag_error(r->d, s->keys_path.place, "backend-jwt",
		    "keys-path begins with a slash and has no query");
	check_header(r, &s->header);
	check_claims(r, s);
	check_issuers(r, s);
}

void
assertion_read(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "key", "algorithm", "header",
		"issuer", "lifetime", "dialect", "claims", "keys-path", NULL };
	struct spec_assertion *s;
	const struct node *key;

	if (n == NULL || !fields_check(n, "backend-jwt", keys, r->d))
		return;
	s = arena_alloc(r->d->arena, sizeof(*s));
	if (s == NULL) {
		r->d->failed = true;
		return;
	}
	r->f->assertion = s;
	s->place = n->place;
	s->life_us = 60 * US_PER_S;
	key = tree_get(n, "key");
	if (key != NULL)
		s->key = keysource_secret(r, key, "key");
	else
		diag_error(r->d, n->place, "missing-key",
		    "backend-jwt needs key: ${file:PATH}");
	if (s->key != NULL)
		s->key->kind = SOURCE_SIGNING_KEY;
	s->algorithm = keysource_algorithm(r, n, "for backend-jwt");
	read_names(r, n, s);
	field_duration(n, "lifetime", 5 * US_PER_S,
	    ASSERTION_LIFE_S_MAX * US_PER_S, &s->life_us, r->d);
}

void
assertion_read_identities(const struct keysource *r, const struct node *n)
{
	static const char *const keys[IDENTITY__MAX + 1] = {
		[IDENTITY_SUBJECT] = "subject",
		[IDENTITY_APPLICATION] = "application",
		[IDENTITY_ISSUER] = "issuer",
		[IDENTITY_SCOPES] = "scopes",
		[IDENTITY_KEY_ID] = "key-id",
		[IDENTITY_TIER] = "tier",
		[IDENTITY_CLIENT_ID] = "client-id",
		[IDENTITY_KEY_TYPE] = "key-type",
		[IDENTITY_APPLICATION_ID] = "application-id",
		[IDENTITY_APPLICATION_OWNER] = "application-owner",
		[IDENTITY_GROUPS] = "groups",
	};
	static const char *const names[IDENTITY__MAX] = { "X-Mgw-Subject",
		"X-Mgw-Application", "X-Mgw-Issuer", "X-Mgw-Scopes",
		"X-Mgw-Key-Id", "X-Mgw-Tier", "", "", "", "", "" };

	if (n == NULL || !fields_check(n, "identity-headers", keys, r->d))
		return;
	r->f->identities_given = true;
	for (unsigned i = 0; i < IDENTITY__MAX; i++) {
		struct spec_text *t = &r->f->identities[i];

		t->text = span_str(names[i]);
		if (tree_get(n, keys[i]) == NULL)
			continue;
		field_text(n, keys[i], t, r->d);
		if (span_eq(t->text, SPAN("off")))
			t->text = SPAN("");
		else
			check_header(r, t);
	}
}
