/*
 * introspection - see introspection.h.
 */
#include "spec/introspection.h"

#include "base/clock.h"
#include "policy/reference.h"
#include "policy/url.h"
#include "spec/claimrules.h"
#include "spec/fields.h"

#define LEEWAY_MAX_US (INT64_C(600) * US_PER_S)
#define TIMEOUT_MAX_US (INT64_C(10) * US_PER_S)
/* What is revoked is let in for as long. */
#define KEEP_MAX_US (INT64_C(3600) * US_PER_S)
#define KEEP_INACTIVE_MAX_US (INT64_C(60) * US_PER_S)

static void
read_url(
    const struct keysource *r, const struct node *n, struct spec_introspect *s)
{
	const char *why;
	struct url u;

	if (!node_text(n, "url", true, &s->url, r->d) ||
	    reference_in(s->url.text))
		return;
	if (!url_parse(s->url.text, &u, &why))
		diag_error(r->d, n->place, "key-url", "url: %s", why);
	else if (u.unix_path.p != NULL || (!u.tls && !url_is_local(&u)))
		diag_error(r->d, n->place, "key-url",
		    "tokens must be asked about over https, or http on this "
		    "machine");
}

static void
read_times(
    const struct keysource *r, const struct node *n, struct spec_introspect *s)
{
	s->leeway_us = 5 * US_PER_S;
	s->timeout_us = 2 * US_PER_S;
	s->keep_us = 30 * US_PER_S;
	s->keep_inactive_us = 5 * US_PER_S;
	field_duration(n, "leeway", 0, LEEWAY_MAX_US, &s->leeway_us, r->d);
	field_duration(n, "timeout", 100 * US_PER_MS, TIMEOUT_MAX_US,
	    &s->timeout_us, r->d);
	field_duration(n, "cache", US_PER_S, KEEP_MAX_US, &s->keep_us, r->d);
	field_duration(n, "cache-inactive", US_PER_S, KEEP_INACTIVE_MAX_US,
	    &s->keep_inactive_us, r->d);
}

static void
read_client(
    const struct keysource *r, const struct node *n, struct spec_introspect *s)
{
	static const char *const words[] = { "basic", "post", "bearer", NULL };
	const struct node *secret = tree_get(n, "client-secret");

	field_choice(n, "auth", words, &s->auth, r->d);
	field_text(n, "client-id", &s->client_id, r->d);
	if (secret != NULL)
		s->secret = keysource_secret(r, secret, "client-secret");
	else
		diag_error(r->d, n->place, "missing-key",
		    "introspection needs client-secret: ${env:NAME}");
	if ((s->auth == INTROSPECT_BEARER) !=
	    (tree_get(n, "client-id") == NULL))
		diag_error(r->d, n->place, "introspection",
		    s->auth == INTROSPECT_BEARER
			? "auth: bearer has no client-id"
			: "introspection needs client-id");
}

static void
read_audiences(
    const struct keysource *r, const struct node *n, struct spec_introspect *s)
{
	const struct node *a = tree_get(n, "audiences");

	if (a == NULL ||
	    (a->kind == NODE_STRING && span_eq(a->text, SPAN("any"))))
		return;
	field_words(n, "audiences", &s->audiences, r->d);
}

static void
read_names(
    const struct keysource *r, const struct node *n, struct spec_introspect *s)
{
	static const char *const needed[] = { "name", "url", "issuer" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (tree_get(n, needed[i]) == NULL)
			diag_error(r->d, n->place, "missing-key",
			    "introspection needs %s", needed[i]);
	field_text(n, "name", &s->name, r->d);
	field_text(n, "issuer", &s->issuer, r->d);
	if (tree_get(n, "url") != NULL)
		read_url(r, tree_get(n, "url"), s);
	field_text(n, "prefix", &s->prefix, r->d);
	s->scope_claim.text = SPAN("scope");
	field_text(n, "scope-claim", &s->scope_claim, r->d);
	if (s->name.text.p != NULL &&
	    introspection_find(r->f, s->name.text) != NULL)
		diag_error(r->d, s->name.place, "introspection",
		    "'%.*s' is there already", SPAN_ARG(s->name.text));
}

static void
read_one(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "name", "url", "issuer",
		"client-id", "client-secret", "auth", "prefix", "audiences",
		"leeway", "scope-claim", "trust-claims",
		"validate-subscription", "required-claims", "claim-map",
		"timeout", "cache", "cache-inactive", NULL };
	struct spec_introspect *s = arena_alloc(r->d->arena, sizeof(*s));
	struct spec_introspect **end = &r->f->introspects;

	if (s == NULL) {
		r->d->failed = true;
		return;
	}
	if (!fields_check(n, "an entry of introspection", keys, r->d))
		return;
	read_names(r, n, s);
	read_client(r, n, s);
	read_audiences(r, n, s);
	read_times(r, n, s);
	field_switch(n, "trust-claims", &s->trust_claims, r->d);
	field_switch(n, "validate-subscription", &s->subscriptions, r->d);
	if (s->subscriptions == SWITCH_TRUE && s->trust_claims != SWITCH_TRUE &&
	    r->f->applications == NULL)
		diag_error(r->d, n->place, "claim",
		    "validate-subscription needs trust-claims: true, or "
		    "applications");
	claimrules_read(&s->claims, n, r->d);
	while (*end != NULL)
		end = &(*end)->next;
	*end = s;
}

void
introspection_read_all(const struct keysource *r, const struct node *n)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_LIST) {
		diag_error(r->d, n->place, "kind",
		    "introspection must be a list, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next)
		read_one(r, m);
}

struct spec_introspect *
introspection_find(const struct policyfile *f, struct span name)
{
	for (struct spec_introspect *s = f->introspects; s; s = s->next)
		if (span_eq(s->name.text, name))
			return s;
	return NULL;
}

static void
report_unknown(
    const struct policyfile *f, const struct spec_text *name, struct diag *d)
{
	struct diag_guess g = { .word = name->text };
	struct span hint;

	for (struct spec_introspect *s = f->introspects; s; s = s->next)
		diag_guess_try(&g, s->name.text);
	hint = diag_guess_hint(&g, d->arena);
	diag_error(d, name->place, "introspection",
	    "no server '%.*s' in introspection%.*s", SPAN_ARG(name->text),
	    SPAN_ARG(hint));
}

/* Tokens of one could be meant for the other. */
static bool
overlap(const struct spec_introspect *a, const struct spec_introspect *b)
{
	return a->prefix.text.n == 0 || b->prefix.text.n == 0 ||
	    span_eq(a->prefix.text, b->prefix.text);
}

void
introspection_check(
    const struct policyfile *f, const struct spec_word *names, struct diag *d)
{
	for (const struct spec_word *w = names; w != NULL; w = w->next) {
		struct spec_introspect *s = introspection_find(f, w->text.text);

		if (s == NULL) {
			report_unknown(f, &w->text, d);
			continue;
		}
		for (const struct spec_word *o = names; o != w; o = o->next) {
			struct spec_introspect *other =
			    introspection_find(f, o->text.text);

			if (other != NULL && overlap(s, other))
				diag_error(d, w->text.place, "introspection",
				    "tokens could be shown to both '%.*s' and "
				    "'%.*s': give each a prefix of its own",
				    SPAN_ARG(other->name.text),
				    SPAN_ARG(s->name.text));
		}
	}
}
