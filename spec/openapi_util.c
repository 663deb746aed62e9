/*
 * openapi_util - checks that every part of the reader needs.
 */
#include "spec/openapi_in.h"

void *
reader_alloc(struct reader *r, size_t bytes)
{
	void *p = arena_alloc(r->d->arena, bytes);

	if (p == NULL)
		diag_error(r->d, (struct place){ r->doc->file, 0, 0 }, "memory",
		    "out of memory");
	return p;
}

bool
reader_is(
    struct reader *r, const struct node *n, const char *what, enum node_kind k)
{
	if (n->kind == k)
		return true;
	diag_error(r->d, n->place, "kind", "%s must be %s, not %s", what,
	    tree_kind_name(k), tree_kind_name(n->kind));
	return false;
}

bool
reader_text(struct reader *r, const struct node *n, const char *what,
    bool loose, struct spec_text *t)
{
	bool scalar = n->kind == NODE_NUMBER || n->kind == NODE_BOOL;

	if (!(loose && scalar) && !reader_is(r, n, what, NODE_STRING))
		return false;
	*t = (struct spec_text){ n->text, n->place };
	return true;
}

bool
reader_switch(struct reader *r, const struct node *n, const char *what,
    enum spec_switch *s)
{
	if (n->kind != NODE_BOOL) {
		diag_error(r->d, n->place, "kind",
		    "%s must be exactly true or false", what);
		return false;
	}
	*s = span_eq(n->text, SPAN("true")) ? SWITCH_TRUE : SWITCH_FALSE;
	return true;
}

/* Some spelling of the keywords that close the gate. */
static bool
may_mean_security(struct span name)
{
	struct diag_guess g = { .word = name };

	diag_guess_try(&g, SPAN("security"));
	diag_guess_try(&g, SPAN("securityDefinitions"));
	return g.best.p != NULL;
}

static void
unknown_key(struct reader *r, const struct node *m, const char *what,
    const char *const *known)
{
	struct span hint = diag_hint(m->name, known, r->d->arena);

	if (may_mean_security(m->name))
		diag_error(r->d, m->name_place, "unknown-key",
		    "'%.*s' is no key of %s%.*s", SPAN_ARG(m->name), what,
		    SPAN_ARG(hint));
	else
		diag_warning(r->d, m->name_place, "unknown-key",
		    "'%.*s' is no key of %s and is ignored%.*s",
		    SPAN_ARG(m->name), what, SPAN_ARG(hint));
}

void
reader_keys(struct reader *r, const struct node *map, const char *what,
    const char *const *known)
{
	for (const struct node *m = map->first; m != NULL; m = m->next) {
		if (!span_starts(m->name, SPAN("x-")) &&
		    !span_is_one_of(m->name, known))
			unknown_key(r, m, what, known);
	}
}
