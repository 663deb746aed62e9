/*
 * applications - see applications.h.
 */
#include "spec/applications.h"

#include "spec/fields.h"

void
applications_read(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "file", "subscriptions", "unknown",
		NULL };
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
	a->source = keysource_file(r, n, "applications", SOURCE_APPLICATIONS);
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
