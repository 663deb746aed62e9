/*
 * revocation - see revocation.h.
 */
#include "spec/revocation.h"

#include "base/clock.h"
#include "policy/reference.h"
#include "policy/url.h"
#include "spec/fields.h"
#include "spec/introspection.h"
#include "spec/keysource.h"

#define DAY_US (INT64_C(86400) * US_PER_S)
#define TIMEOUT_MAX_US (INT64_C(60) * US_PER_S)

static void
check_feed(const struct spec_revocation *s, struct diag *d)
{
	const char *why;
	struct url u;

	if (s->feed.text.p == NULL || reference_in(s->feed.text))
		return;
	if (!url_parse(s->feed.text, &u, &why))
		diag_error(d, s->feed.place, "key-url", "feed: %s", why);
	else if (u.unix_path.p != NULL || (!u.tls && !url_is_local(&u)))
		diag_error(d, s->feed.place, "key-url",
		    "a feed must come over https, or http on this machine");
}

static bool
is_issuer(const struct policyfile *f, struct span name)
{
	for (const struct spec_issuer *i = f->issuers; i != NULL; i = i->next)
		if (span_eq(i->issuer.text, name))
			return true;
	for (const struct spec_introspect *i = f->introspects; i != NULL;
	     i = i->next)
		if (span_eq(i->issuer.text, name))
			return true;
	return false;
}

static void
read_feed(
    const struct keysource *r, const struct node *n, struct spec_revocation *s)
{
	const struct node *password = tree_get(n, "password");

	field_reference(n, "feed", &s->feed, r->d);
	check_feed(s, r->d);
	field_words(n, "issuers", &s->issuers, r->d);
	if (s->issuers == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "a feed needs issuers: whose tokens it tells");
	for (const struct spec_word *w = s->issuers; w != NULL; w = w->next)
		if (!is_issuer(r->f, w->text.text))
			diag_error(r->d, w->text.place, "issuer-unknown",
			    "no issuer '%.*s' is configured",
			    SPAN_ARG(w->text.text));
	field_text(n, "user", &s->user, r->d);
	if (password != NULL)
		s->password = keysource_secret(r, password, "password");
	if ((s->user.text.p != NULL) != (password != NULL))
		diag_error(r->d, n->place, "missing-key",
		    "user and password go together");
	s->every_us = 60 * US_PER_S;
	s->max_age_us = 3600 * US_PER_S;
	s->timeout_us = 5 * US_PER_S;
	field_duration(n, "every", US_PER_S, DAY_US, &s->every_us, r->d);
	field_duration(n, "timeout", 100 * US_PER_MS, TIMEOUT_MAX_US,
	    &s->timeout_us, r->d);
	field_duration(
	    n, "max-age", US_PER_S, 30 * DAY_US, &s->max_age_us, r->d);
	if (s->max_age_us < s->every_us)
		diag_error(
		    r->d, n->place, "value", "max-age is shorter than every");
}

static void
read_file(
    const struct keysource *r, const struct node *n, struct spec_revocation *s)
{
	static const char *const of_feeds[] = { "issuers", "user", "password",
		"every", "timeout" };

	field_reference(n, "file", &s->file, r->d);
	if (s->file.text.p != NULL)
		s->file.text = keysource_path(r, s->file.text);
	field_duration(
	    n, "max-age", US_PER_S, 365 * DAY_US, &s->max_age_us, r->d);
	for (size_t i = 0; i < sizeof(of_feeds) / sizeof(*of_feeds); i++)
		if (tree_get(n, of_feeds[i]) != NULL)
			diag_error(r->d, n->place, "value", "a file has no %s",
			    of_feeds[i]);
}

/* Both would have one place, where they are kept. */
static bool
is_there(const struct spec_revocation *list, const struct spec_revocation *s)
{
	for (; list != NULL; list = list->next)
		if (list != s && span_eq(list->file.text, s->file.text) &&
		    span_eq(list->feed.text, s->feed.text))
			return true;
	return false;
}

static struct spec_revocation *
read_one(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "file", "feed", "issuers", "user",
		"password", "every", "max-age", "timeout", NULL };
	struct spec_revocation *s = arena_alloc(r->d->arena, sizeof(*s));

	if (s == NULL) {
		r->d->failed = true;
		return NULL;
	}
	s->place = n->place;
	if (!fields_check(n, "an entry of revocation", keys, r->d))
		return NULL;
	if ((tree_get(n, "file") != NULL) == (tree_get(n, "feed") != NULL)) {
		diag_error(r->d, n->place, "missing-key",
		    "an entry of revocation has a file or a feed");
		return NULL;
	}
	if (tree_get(n, "file") != NULL)
		read_file(r, n, s);
	else
		read_feed(r, n, s);
	return s;
}

void
revocation_read(struct policyfile *f, const struct node *root,
    const char *bundle, struct diag *d)
{
	const struct keysource r = keysource_of(f, bundle, d);
	const struct node *list = tree_get(root, "revocation");
	struct spec_revocation **end = &f->revocations;
	unsigned n = 0;

	if (list == NULL)
		return;
	if (list->kind != NODE_LIST) {
		diag_error(d, list->place, "kind",
		    "revocation must be a list, not %s",
		    tree_kind_name(list->kind));
		return;
	}
	for (const struct node *m = list->first; m != NULL; m = m->next) {
		struct spec_revocation *s = read_one(&r, m);

		if (++n > REVOCATIONS_MAX)
			diag_error(d, m->place, "value", "more than %d lists",
			    REVOCATIONS_MAX);
		if (s == NULL)
			continue;
		if (is_there(f->revocations, s))
			diag_error(d, m->place, "value", "it is there already");
		*end = s;
		end = &s->next;
	}
}
