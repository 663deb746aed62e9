/*
 * openapi_security - security schemes, and what operations require.
 *
 * A mistake here would open the gate, so everything that the standard
 * does not allow is an error.  Names of schemes that are not declared are
 * left to the linker.
 */
#include "policy/field.h"
#include "spec/openapi_in.h"

struct scheme_type {
	const char *word;
	enum spec_scheme_type type;
};

static const struct scheme_type types_2[] = {
	{ "basic", SPEC_SCHEME_HTTP_BASIC },
	{ "apiKey", SPEC_SCHEME_API_KEY },
	{ "oauth2", SPEC_SCHEME_OAUTH2 },
	{ NULL, 0 },
};
static const struct scheme_type types_3[] = {
	{ "apiKey", SPEC_SCHEME_API_KEY },
	{ "http", SPEC_SCHEME_HTTP_OTHER },
	{ "oauth2", SPEC_SCHEME_OAUTH2 },
	{ "openIdConnect", SPEC_SCHEME_OPENID },
	{ "mutualTLS", SPEC_SCHEME_MTLS },
	{ NULL, 0 },
};

static const struct node *
needed(struct reader *r, const struct node *n, const char *key)
{
	const struct node *v = tree_get(n, key);

	if (v == NULL)
		diag_error(r->d, n->place, "security-scheme",
		    "'%s' is missing in the security scheme", key);
	else if (reader_is(r, v, key, NODE_STRING))
		return v;
	return NULL;
}

static void
read_api_key(struct reader *r, const struct node *n, struct spec_scheme *s)
{
	const struct node *in = needed(r, n, "in");
	const struct node *name = needed(r, n, "name");
	bool cookies = r->doc->dialect != DIALECT_2_0;

	if (in != NULL && span_eq(in->text, SPAN("header")))
		s->in = NAME_HEADER;
	else if (in != NULL && span_eq(in->text, SPAN("query")))
		s->in = NAME_QUERY;
	else if (in != NULL && cookies && span_eq(in->text, SPAN("cookie")))
		s->in = NAME_COOKIE;
	else if (in != NULL)
		diag_error(r->d, in->place, "security-scheme",
		    "an API key is in 'header'%s 'query'%s, not in "
		    "'%.*s'",
		    cookies ? "," : " or", cookies ? " or 'cookie'" : "",
		    SPAN_ARG(in->text));
	if (name == NULL)
		return;
	s->field = name->text;
	if (s->in == NAME_QUERY ? name->text.n == 0
				: !field_is_token(name->text))
		diag_error(r->d, name->place, "security-scheme",
		    "'%.*s' cannot be the name of a header, parameter or "
		    "cookie",
		    SPAN_ARG(name->text));
}

static void
read_http(struct reader *r, const struct node *n, struct spec_scheme *s)
{
	const struct node *scheme = needed(r, n, "scheme");

	if (scheme == NULL)
		return;
	s->http_scheme = scheme->text;
	if (span_eq_nocase(scheme->text, SPAN("bearer")))
		s->type = SPEC_SCHEME_HTTP_BEARER;
	else if (span_eq_nocase(scheme->text, SPAN("basic")))
		s->type = SPEC_SCHEME_HTTP_BASIC;
	else if (span_eq_nocase(scheme->text, SPAN("dpop")))
		s->type = SPEC_SCHEME_HTTP_DPOP;
	else if (!field_is_token(scheme->text))
		diag_error(r->d, scheme->place, "security-scheme",
		    "'%.*s' is no HTTP authentication scheme",
		    SPAN_ARG(scheme->text));
}

static void
read_type(struct reader *r, const struct node *n, struct spec_scheme *s)
{
	bool v2 = r->doc->dialect == DIALECT_2_0;
	const struct scheme_type *types = v2 ? types_2 : types_3;
	const struct scheme_type *t = types;
	const struct node *type = needed(r, n, "type");

	if (type == NULL)
		return;
	while (t->word != NULL && !span_eq(type->text, span_str(t->word)))
		t++;
	if (t->word == NULL) {
		struct diag_guess g = { .word = type->text };
		struct span hint;

		for (t = types; t->word != NULL; t++)
			diag_guess_try(&g, span_str(t->word));
		hint = diag_guess_hint(&g, r->d->arena);
		diag_error(r->d, type->place, "security-scheme",
		    "'%.*s' is no type of security scheme in OpenAPI %s%.*s",
		    SPAN_ARG(type->text), v2 ? "2.0" : "3", SPAN_ARG(hint));
		return;
	}
	s->type = t->type;
	if (s->type == SPEC_SCHEME_MTLS && r->doc->dialect == DIALECT_3_0)
		diag_warning(r->d, type->place, "security-scheme",
		    "mutualTLS came with OpenAPI 3.1");
	if (s->type == SPEC_SCHEME_API_KEY)
		read_api_key(r, n, s);
	if (s->type == SPEC_SCHEME_HTTP_OTHER)
		read_http(r, n, s);
}

/* One with errors is kept, so that what requires it is no error as well. */
static void
read_scheme(struct reader *r, struct node *m, struct spec_scheme ***tail)
{
	struct node *n = ref_resolve(&r->doc->refs, m);
	struct spec_scheme *s = reader_alloc(r, sizeof(*s));

	if (s == NULL)
		return;
	s->name = (struct spec_text){ m->name, m->name_place };
	s->type = SPEC_SCHEME_HTTP_OTHER;
	if (n != NULL && reader_is(r, n, "a security scheme", NODE_MAP))
		read_type(r, n, s);
	if (m->name.n == 0 || span_has_control(m->name))
		diag_error(r->d, m->name_place, "security-scheme",
		    "the name of the scheme is empty or has control "
		    "characters");
	if (!table_put(&r->schemes, s->name.text, s))
		r->d->failed = true;
	**tail = s;
	*tail = &s->next;
}

void
read_schemes(struct reader *r)
{
	const struct node *all = tree_get(r->root, "securityDefinitions");
	const struct node *components = tree_get(r->root, "components");
	struct spec_scheme **tail = &r->doc->schemes;

	if (r->doc->dialect != DIALECT_2_0) {
		if (components != NULL &&
		    !reader_is(r, components, "components", NODE_MAP))
			return;
		all = tree_get(components, "securitySchemes");
	}
	if (all == NULL || !reader_is(r, all, "security schemes", NODE_MAP))
		return;
	for (struct node *m = all->first; m != NULL; m = m->next)
		if (!span_starts(m->name, SPAN("x-")) ||
		    r->doc->dialect != DIALECT_2_0)
			read_scheme(r, m, &tail);
}

static void
read_scopes(
    struct reader *r, const struct node *list, struct spec_requirement *q)
{
	struct spec_word **tail = &q->scopes;
	bool oauth = q->resolved != NULL &&
	    (q->resolved->type == SPEC_SCHEME_OAUTH2 ||
		q->resolved->type == SPEC_SCHEME_OPENID);

	if (!reader_is(r, list, "scopes of a requirement", NODE_LIST))
		return;
	if (list->first != NULL && q->resolved != NULL && !oauth &&
	    r->doc->dialect != DIALECT_3_1)
		diag_error(r->d, list->place, "security-scopes",
		    "'%.*s' is neither oauth2 nor openIdConnect: before "
		    "OpenAPI 3.1 its list must be empty",
		    SPAN_ARG(q->scheme.text));
	for (const struct node *e = list->first; e != NULL; e = e->next) {
		struct spec_word *w;

		if (!reader_is(r, e, "a scope", NODE_STRING))
			continue;
		if (e->text.n == 0 || span_has(e->text, ' ') ||
		    span_has_control(e->text))
			diag_error(r->d, e->place, "security-scopes",
			    "'%.*s' cannot be a scope", SPAN_ARG(e->text));
		w = reader_alloc(r, sizeof(*w));
		if (w == NULL)
			return;
		w->text = (struct spec_text){ e->text, e->place };
		*tail = w;
		tail = &w->next;
	}
}

static void
read_alternative(
    struct reader *r, const struct node *map, struct spec_alternative *a)
{
	struct spec_requirement **tail = &a->requirements;

	for (const struct node *m = map->first; m != NULL; m = m->next) {
		struct spec_requirement *q = reader_alloc(r, sizeof(*q));

		if (q == NULL)
			return;
		q->scheme = (struct spec_text){ m->name, m->name_place };
		q->resolved = table_get(&r->schemes, m->name);
		read_scopes(r, m, q);
		*tail = q;
		tail = &q->next;
	}
}

void
read_security(struct reader *r, const struct node *n, struct spec_security *s)
{
	struct spec_alternative **tail = &s->alternatives;

	s->given = true;
	s->place = n->place;
	if (n->kind != NODE_LIST) {
		diag_error(r->d, n->place, "security-kind",
		    "security must be a list ([] makes it public), not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (const struct node *e = n->first; e != NULL; e = e->next) {
		struct spec_alternative *a;

		if (e->kind != NODE_MAP) {
			diag_error(r->d, e->place, "security-kind",
			    "a security requirement must be a map of scheme "
			    "to scopes, not %s",
			    tree_kind_name(e->kind));
			continue;
		}
		a = reader_alloc(r, sizeof(*a));
		if (a == NULL)
			return;
		a->place = e->place;
		read_alternative(r, e, a);
		*tail = a;
		tail = &a->next;
	}
}
