/*
 * applications - see applications.h.
 */
#include "spec/applications.h"

#include "base/clock.h"
#include "policy/reference.h"
#include "policy/url.h"
#include "spec/fields.h"

#define TIMEOUT_MAX_US (INT64_C(60) * US_PER_S)
#define AGE_MAX_US (APPLICATIONS_MAX_AGE_S_MAX * US_PER_S)

static void
add_word(
    struct spec_word ***end, struct span text, struct place at, struct diag *d)
{
	struct spec_word *w = arena_alloc(d->arena, sizeof(*w));

	if (w == NULL) {
		d->failed = true;
		return;
	}
	w->text = (struct spec_text){ text, at };
	**end = w;
	*end = &w->next;
}

/* Which issuer's tokens the clients of each are in. */
static void
read_managers(const struct keysource *r, const struct node *n,
    struct spec_applications *a)
{
	struct spec_word **end = &a->issuers;
	struct spec_text issuer;

	if (n == NULL)
		return;
	if (n->kind != NODE_MAP || n->first == NULL) {
		diag_error(r->d, n->place, "kind",
		    "key-managers must be a map from names to issuers");
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		if (!node_text(m, "an issuer", false, &issuer, r->d))
			continue;
		if (issuer.text.n == 0 || span_has(issuer.text, ' ')) {
			diag_error(r->d, m->place, "value",
			    "an issuer is empty or has a blank");
			continue;
		}
		add_word(&end, m->name, m->name_place, r->d);
		add_word(&end, issuer.text, m->place, r->d);
	}
}

static void
read_url(const struct keysource *r, const struct node *n,
    struct spec_applications *a)
{
	const struct node *url = tree_get(n, "url");
	const char *why;
	struct url u;

	if (url == NULL ||
	    !node_text(url, "url", true, &a->source->value, r->d))
		return;
	if (reference_in(url->text))
		return;
	if (!url_parse(url->text, &u, &why))
		diag_error(r->d, url->place, "key-url", "url: %s", why);
	else if (u.unix_path.p != NULL || (!u.tls && !url_is_local(&u)) ||
	    u.query.p != NULL)
		diag_error(r->d, url->place, "key-url",
		    "applications must come over https, or http from this "
		    "machine, and have no query");
}

static void
read_wso2(const struct keysource *r, const struct node *n,
    struct spec_applications *a)
{
	static const char *const keys[] = { "url", "username", "password",
		"key-managers", "poll", "max-age", "timeout", NULL };
	const struct node *password = tree_get(n, "password");

	if (!fields_check(n, "wso2", keys, r->d))
		return;
	a->source = arena_alloc(r->d->arena, sizeof(*a->source));
	if (a->source == NULL) {
		r->d->failed = true;
		return;
	}
	a->source->kind = SOURCE_APPLICATIONS;
	a->source->how = SOURCE_URL;
	read_url(r, n, a);
	field_text(n, "username", &a->user, r->d);
	if (password != NULL)
		a->password = keysource_secret(r, password, "password");
	read_managers(r, tree_get(n, "key-managers"), a);
	for (size_t i = 0; i < 4; i++)
		if (tree_get(n, keys[i]) == NULL)
			diag_error(r->d, n->place, "missing-key",
			    "wso2 needs %s", keys[i]);
	a->every_us = 300 * US_PER_S;
	a->max_age_us = 24 * 3600 * US_PER_S;
	a->timeout_us = 10 * US_PER_S;
	field_duration(n, "poll", 0, AGE_MAX_US, &a->every_us, r->d);
	field_duration(
	    n, "max-age", US_PER_S, AGE_MAX_US, &a->max_age_us, r->d);
	field_duration(n, "timeout", 100 * US_PER_MS, TIMEOUT_MAX_US,
	    &a->timeout_us, r->d);
	if (a->every_us > 0 && a->every_us < US_PER_S)
		diag_error(
		    r->d, n->place, "value", "poll must be 0s, or at least 1s");
	if (a->every_us > a->max_age_us)
		diag_error(r->d, n->place, "value",
		    "max-age is shorter than the time from poll to poll");
}

void
applications_read(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "file", "wso2", "subscriptions",
		"unknown", NULL };
	const struct node *wso2 = tree_get(n, "wso2");
	static const char *const subscriptions[] = { "optional", "required",
		NULL };
	static const char *const unknown[] = { "allow", "refuse", NULL };
	struct spec_applications *a;

	if (n == NULL || !fields_check(n, "applications", keys, r->d))
		return;
	a = arena_alloc(r->d->arena, sizeof(*a));
	if (a == NULL) {
		r->d->failed = true;
		return;
	}
	field_choice(n, "subscriptions", subscriptions, &a->subscribed, r->d);
	field_choice(n, "unknown", unknown, &a->known, r->d);
	if (wso2 != NULL && tree_get(n, "file") != NULL)
		diag_error(r->d, n->place, "value",
		    "applications come from a file, or from wso2");
	if (wso2 != NULL)
		read_wso2(r, wso2, a);
	else if (tree_get(n, "file") == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "applications needs file or wso2");
	else
		a->source =
		    keysource_file(r, n, "applications", SOURCE_APPLICATIONS);
	if (a->source != NULL)
		r->f->applications = a;
}

void
applications_read_groups(const struct node *map, const char *key,
    struct spec_groups *groups, struct diag *d)
{
	const struct node *n = tree_get(map, key);

	if (n == NULL)
		return;
	groups->given = true;
	groups->place = n->place;
	groups->words = NULL;
	if (n->kind != NODE_LIST || n->first != NULL)
		field_words(map, key, &groups->words, d);
}

/* Nobody has to bring a credential, so that nobody is of a group. */
static bool
asks_for_nothing(const struct spec_operation *op)
{
	for (const struct spec_alternative *a = op->checks; a; a = a->next)
		if (a->requirements != NULL)
			return false;
	return true;
}

void
applications_link(struct spec_document *doc, struct diag *d)
{
	for (struct spec_path *p = doc->paths; p != NULL; p = p->next)
		for (struct spec_operation *op = p->operations; op;
		     op = op->next) {
			if (!op->groups.given)
				op->groups = doc->groups;
			if (op->groups.words != NULL && asks_for_nothing(op))
				diag_error(d, op->method.place, "groups-public",
				    "%.*s %.*s asks for groups and for no "
				    "credential: nobody could have one; "
				    "x-mgw-groups: [] asks for none",
				    SPAN_ARG(op->method.text),
				    SPAN_ARG(p->template.text));
		}
}
