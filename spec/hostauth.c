/*
 * hostauth - see hostauth.h.
 */
#include "spec/hostauth.h"

#include "base/ascii.h"
#include "policy/reference.h"
#include "spec/fields.h"

/* What stands for itself in every spelling of a path. */
static bool
is_plain_path(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_alnum(s.p[i]) && !span_has(SPAN("/-._~"), s.p[i]))
			return false;
		if (s.p[i] == '/' && i + 1 < s.n && s.p[i + 1] == '/')
			return false;
	}
	return s.n > 0 && s.p[0] == '/';
}

static void
read_place(struct spec_host *h, const struct node *n, struct diag *d)
{
	static const char *const needed[] = { "name", "hosts", "prefix",
		"types" };
	const struct node *types = tree_get(n, "types");

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (tree_get(n, needed[i]) == NULL)
			diag_error(d, n->place, "missing-key",
			    "host-auth needs %s", needed[i]);
	field_text(n, "name", &h->name, d);
	field_words(n, "hosts", &h->hosts, d);
	for (struct spec_word *w = h->hosts; w != NULL; w = w->next)
		if (span_has(w->text.text, '*') || span_has(w->text.text, '/'))
			diag_error(d, w->text.place, "host-auth",
			    "'%.*s' is no name of a host: each is written out",
			    SPAN_ARG(w->text.text));
	field_text(n, "prefix", &h->prefix, d);
	if (h->prefix.text.p != NULL && !is_plain_path(h->prefix.text))
		diag_error(d, h->prefix.place, "host-auth",
		    "prefix must be a path such as /staff, of letters, "
		    "digits and -._~");
	while (span_ends(h->prefix.text, SPAN("/")))
		h->prefix.text.n--;
	if (types != NULL &&
	    !(types->kind == NODE_STRING && span_eq(types->text, SPAN("any"))))
		field_words(n, "types", &h->types, d);
	field_text(n, "mark", &h->mark, d);
}

static void
read_scopes(struct spec_host *h, const struct node *n, struct diag *d)
{
	struct spec_group **end = &h->scopes;

	if (n == NULL)
		return;
	if (n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind",
		    "group-scopes must be a map from groups to scopes, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		struct spec_group *g = arena_alloc(d->arena, sizeof(*g));

		if (g == NULL) {
			d->failed = true;
			return;
		}
		g->name = (struct spec_text){ m->name, m->name_place };
		node_words(m, "group-scopes", &g->scopes, d);
		for (struct spec_word *w = g->scopes; w != NULL; w = w->next)
			if (span_has(w->text.text, ' ') ||
			    span_has_control(w->text.text))
				diag_error(d, w->text.place, "security-scopes",
				    "'%.*s' cannot be a scope",
				    SPAN_ARG(w->text.text));
		*end = g;
		end = &g->next;
	}
}

static void
read_groups(struct spec_host *h, const struct node *n, struct diag *d)
{
	struct spec_text separator = { SPAN(","), n->place };

	field_text(n, "groups", &h->groups, d);
	field_text(n, "separator", &separator, d);
	if (h->groups.text.p == NULL) {
		if (tree_get(n, "separator") != NULL ||
		    tree_get(n, "group-scopes") != NULL)
			diag_error(d, n->place, "host-auth",
			    "separator and group-scopes need groups");
		return;
	}
	if (!reference_name_ok(h->groups.text))
		diag_error(d, h->groups.place, "host-auth",
		    "groups must name a variable that the web server alone "
		    "sets, never one of HTTP_ or of the request");
	if (span_eq(separator.text, SPAN("space")))
		separator.text = SPAN(" ");
	h->separator = separator.text;
	if (h->separator.n != 1 || span_has_control(h->separator))
		diag_error(d, separator.place, "host-auth",
		    "separator must be one character, or the word space");
	read_scopes(h, tree_get(n, "group-scopes"), d);
}

static void
read_one(struct policyfile *f, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "name", "hosts", "prefix", "types",
		"mark", "groups", "separator", "group-scopes", NULL };
	struct spec_host *h = arena_alloc(d->arena, sizeof(*h));
	struct spec_host **end = &f->hosts;

	if (h == NULL) {
		d->failed = true;
		return;
	}
	if (!fields_check(n, "an entry of host-auth", keys, d))
		return;
	read_place(h, n, d);
	read_groups(h, n, d);
	for (; *end != NULL; end = &(*end)->next)
		if (h->name.text.p != NULL &&
		    span_eq((*end)->name.text, h->name.text))
			diag_error(d, h->name.place, "host-auth",
			    "'%.*s' is there already", SPAN_ARG(h->name.text));
	*end = h;
}

void
hostauth_read(struct policyfile *f, const struct node *n, struct diag *d)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_LIST) {
		diag_error(d, n->place, "kind",
		    "host-auth must be a list, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next)
		read_one(f, m, d);
}

struct spec_host *
hostauth_find(
    const struct policyfile *f, const struct spec_text *name, struct diag *d)
{
	struct diag_guess g = { .word = name->text };
	struct span hint;

	for (struct spec_host *h = f->hosts; h != NULL; h = h->next) {
		if (span_eq(h->name.text, name->text))
			return h;
		diag_guess_try(&g, h->name.text);
	}
	hint = diag_guess_hint(&g, d->arena);
	diag_error(d, name->place, "host-auth",
	    "no entry '%.*s' in host-auth%.*s", SPAN_ARG(name->text),
	    SPAN_ARG(hint));
	return NULL;
}
