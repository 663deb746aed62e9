/*
 * claimrules - see claimrules.h.
 */
#include "spec/claimrules.h"

#include "policy/claims.h"
#include "spec/fields.h"

static struct spec_claim *
new_claim(struct spec_claim **list, enum claim_kind kind, const struct node *n,
    struct diag *d)
{
	struct spec_claim *c = arena_alloc(d->arena, sizeof(*c));
	struct spec_claim **end = list;

	if (c == NULL) {
		d->failed = true;
		return NULL;
	}
	*c = (struct spec_claim){ .kind = kind,
		.path = { n->name, n->name_place } };
	while (*end != NULL)
		end = &(*end)->next;
	*end = c;
	if (n->name.n == 0)
		diag_error(d, n->name_place, "claim", "a claim has a name");
	return c;
}

/* A value as tokens spell it: texts, numbers and booleans. */
static void
read_values(struct spec_claim *c, const struct node *n, struct diag *d)
{
	bool list = n->kind == NODE_LIST;
	struct spec_word **end = &c->values;

	if (list && n->first == NULL)
		diag_error(d, n->place, "empty", "required-claims: no value");
	for (const struct node *m = list ? n->first : n; m != NULL;
	     m = list ? m->next : NULL) {
		struct spec_word *w;

		if (m->kind != NODE_STRING && m->kind != NODE_NUMBER &&
		    m->kind != NODE_BOOL) {
			diag_error(d, m->place, "kind",
			    "required-claims: a value or a list of values, or "
			    "the word any");
			continue;
		}
		w = arena_alloc(d->arena, sizeof(*w));
		if (w == NULL) {
			d->failed = true;
			return;
		}
		*w = (struct spec_word){ .text = { m->text, m->place } };
		*end = w;
		end = &w->next;
	}
}

static void
read_required(struct spec_claim **list, const struct node *n, struct diag *d)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind",
		    "required-claims must be a map from claims to values");
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		struct spec_claim *c = new_claim(list, CLAIM_REQUIRED, m, d);

		if (c != NULL &&
		    !(m->kind == NODE_STRING && span_eq(m->text, SPAN("any"))))
			read_values(c, m, d);
	}
}

static void
check_mapping(
    struct spec_claim **list, const struct spec_claim *c, struct diag *d)
{
	if (claims_is_fixed(c->path.text) || claims_is_fixed(c->local.text))
		diag_error(d, c->path.place, "claim",
		    "claim-map may not touch iss, aud, exp, nbf, iat, jti and "
		    "cnf");
	for (const struct spec_claim *o = *list; o != c; o = o->next)
		if (o->kind == CLAIM_MAPPED &&
		    span_eq(o->local.text, c->local.text))
			diag_error(d, c->local.place, "claim",
			    "two claims would be '%.*s'",
			    SPAN_ARG(c->local.text));
}

static void
read_mappings(struct spec_claim **list, const struct node *n, struct diag *d)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind",
		    "claim-map must be a map from claims of the token to names "
		    "here");
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		struct spec_claim *c = new_claim(list, CLAIM_MAPPED, m, d);

		if (c != NULL && node_text(m, "claim-map", false, &c->local, d))
			check_mapping(list, c, d);
	}
}

void
claimrules_read(struct spec_claim **list, const struct node *n, struct diag *d)
{
	read_required(list, tree_get(n, "required-claims"), d);
	read_mappings(list, tree_get(n, "claim-map"), d);
}
