/*
 * changes - see changes.h; what is in force where: changes_link.c.
 */
#include "spec/changes.h"

#include "policy/change_name.h"
#include "policy/field.h"
#include "policy/path.h"
#include "spec/fields.h"

static const struct template_word words[] = {
	{ "subject", IDENTITY_SUBJECT, false, NAME_HEADER },
	{ "application", IDENTITY_APPLICATION, false, NAME_HEADER },
	{ "issuer", IDENTITY_ISSUER, false, NAME_HEADER },
	{ "scopes", IDENTITY_SCOPES, false, NAME_HEADER },
	{ "key-id", IDENTITY_KEY_ID, false, NAME_HEADER },
	{ "tier", IDENTITY_TIER, false, NAME_HEADER },
	{ "client-id", IDENTITY_CLIENT_ID, false, NAME_HEADER },
	{ "key-type", IDENTITY_KEY_TYPE, false, NAME_HEADER },
	{ "claim", VALUE_CLAIM, true, NAME_HEADER },
	{ "path", VALUE_VARIABLE, true, NAME_HEADER },
	{ "query", VALUE_FIELD, true, NAME_QUERY },
	{ "header", VALUE_FIELD, true, NAME_HEADER },
	{ "method", VALUE_METHOD, false, NAME_HEADER },
	{ "request-id", VALUE_REQUEST_ID, false, NAME_HEADER },
	{ "path", VALUE_PATH, false, NAME_HEADER },
	{ "rest", VALUE_REST, false, NAME_HEADER },
	{ NULL, 0, false, NAME_HEADER },
};

/* One map of headers or parameters. */
struct reading {
	enum change_kind kind;
	bool document;
	struct spec_change **list;
	struct diag *d;
};

static void
check_name(const struct reading *r, const struct spec_change *c)
{
	struct span name = c->name.text;
	const char *why = change_name_wrong(c->kind, c->how, name);

	if (why != NULL)
		diag_error(r->d, c->name.place, "changes-name", "'%.*s' %s",
		    SPAN_ARG(name), why);
	else if (r->document && c->kind == CHANGE_ANSWER &&
	    change_name_is_wide(name) && c->how != CHANGE_REMOVE)
		diag_error(r->d, c->name.place, "changes-document",
		    "'%.*s' speaks for the whole origin: say it in mgw.yaml",
		    SPAN_ARG(name));
}

/* Said twice in one map, nobody knows in which order. */
static void
check_once(const struct reading *r, const struct spec_change *c)
{
	for (const struct spec_change *o = *r->list; o != c; o = o->next) {
		bool same = c->kind == CHANGE_QUERY
		    ? span_eq(o->name.text, c->name.text)
		    : span_eq_nocase(o->name.text, c->name.text);

		if (o->kind != c->kind || !same ||
		    (o->how == CHANGE_ADD && c->how == CHANGE_ADD))
			continue;
		diag_error(r->d, c->name.place, "changes-name",
		    "'%.*s' is changed twice: line %u", SPAN_ARG(c->name.text),
		    o->name.place.line);
		return;
	}
}

static struct spec_change *
append(const struct reading *r, enum change_how how, struct spec_text name)
{
	struct spec_change **end = r->list;
	struct spec_change *c = arena_alloc(r->d->arena, sizeof(*c));

	if (c == NULL) {
		r->d->failed = true;
		return NULL;
	}
	*c = (struct spec_change){ .kind = r->kind,
		.how = how,
		.name = name,
		.place = name.place,
		.document = r->document };
	while (*end != NULL)
		end = &(*end)->next;
	*end = c;
	check_name(r, c);
	check_once(r, c);
	return c;
}

/* A string, or what is written like a number or a truth. */
static bool
value_text(const struct node *n, struct spec_text *t, struct diag *d)
{
	*t = (struct spec_text){ n->text, n->place };
	if (n->kind == NODE_LIST || n->kind == NODE_MAP ||
	    n->kind == NODE_NULL) {
		diag_error(d, n->place, "kind",
		    "a value must be a string, not %s",
		    tree_kind_name(n->kind));
		return false;
	}
	if (n->text.n > 0)
		return true;
	diag_error(d, n->place, "empty", "a value is empty: use remove");
	return false;
}

/* Values that are asked for exist, and may be told. */
static void
check_parts(const struct spec_change *c, struct diag *d)
{
	for (const struct spec_part *p = c->parts; p != NULL; p = p->next) {
		const struct template_word *w = p->word;

		if (w == NULL || w->value != VALUE_FIELD)
			continue;
		if (w->field == NAME_HEADER &&
		    (!field_is_name(p->text) || change_name_is_hidden(p->text)))
			diag_error(d, c->place, "template",
			    "no value is taken from the header '%.*s'",
			    SPAN_ARG(p->text));
	}
}

static void
read_value(const struct reading *r, const struct node *name,
    enum change_how how, const struct node *n)
{
	struct spec_change *c =
	    append(r, how, (struct spec_text){ name->name, name->name_place });
	struct spec_text t;

	if (c == NULL || !value_text(n, &t, r->d))
		return;
	c->place = n->place;
	if (!template_read(&t, "a value", words, &c->parts, r->d))
		return;
	check_parts(c, r->d);
	if (span_has_control(t.text) || !span_is_utf8(t.text))
		diag_error(r->d, n->place, "template",
		    "a value has control characters");
}

static void
read_map(const struct reading *r, const struct node *n, enum change_how how)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_MAP) {
		diag_error(r->d, n->place, "kind", "%.*s must be a map, not %s",
		    SPAN_ARG(n->name), tree_kind_name(n->kind));
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		if (how != CHANGE_ADD || m->kind != NODE_LIST) {
			read_value(r, m, how, m);
			continue;
		}
		for (const struct node *e = m->first; e != NULL; e = e->next)
			read_value(r, m, how, e);
	}
}

static void
read_removed(const struct reading *r, const struct node *map)
{
	struct spec_word *names = NULL;

	field_words(map, "remove", &names, r->d);
	for (; names != NULL; names = names->next)
		(void)append(r, CHANGE_REMOVE, names->text); /* has reported */
}

static void
read_fields(const struct reading *r, const struct node *n)
{
	static const char *const keys[] = { "set", "add", "remove", NULL };

	if (n == NULL ||
	    !fields_check(n,
		r->kind == CHANGE_QUERY ? "query of changes"
					: "headers of changes",
		keys, r->d))
		return;
	read_map(r, tree_get(n, "set"), CHANGE_SET);
	read_map(r, tree_get(n, "add"), CHANGE_ADD);
	read_removed(r, n);
}

/* A whole path stands where a segment begins, and ends one. */
static bool
whole_paths_fit(const struct spec_part *parts)
{
	char before = '\0';

	for (; parts != NULL; parts = parts->next) {
		uint32_t v = parts->word != NULL ? parts->word->value : 0;
		const struct spec_part *next = parts->next;
		bool ends = next == NULL ||
		    (next->word == NULL && next->text.p[0] == '/');

		if (parts->word == NULL) {
			before = parts->text.p[parts->text.n - 1];
			continue;
		}
		if (v == VALUE_PATH && (before == '/' || !ends))
			return false;
		if (v == VALUE_REST && (before != '/' || next != NULL))
			return false;
		before = 'x';
	}
	return true;
}

/* What a path of this form would be, held to what requests are held to. */
static void
check_path(const struct spec_change *c, struct spec_text t, struct diag *d)
{
	struct span sample;
	struct decision decision = { .reason = REASON_NONE };
	struct path p;

	if (!whole_paths_fit(c->parts)) {
		diag_error(d, t.place, "template",
		    "${path} begins with '/' and stands for whole segments; "
		    "${rest} stands behind a '/' at the end");
		return;
	}
	if (c->parts->word != NULL && c->parts->word->value == VALUE_PATH)
		sample = template_sample(c->parts, SPAN("/x"), d->arena);
	else
		sample = template_sample(c->parts, SPAN("x"), d->arena);
	if (sample.n == 0 || sample.p[0] != '/' || span_has(sample, '?'))
		diag_error(d, t.place, "template",
		    "'%.*s' is no path, which begins with '/' and has no "
		    "query",
		    SPAN_ARG(t.text));
	else if (!path_parse(
		     sample, SPAN(""), SPAN(""), d->arena, &p, &decision))
		diag_error(d, t.place, "template", "'%.*s' is no path: %.*s",
		    SPAN_ARG(t.text), SPAN_ARG(decision.detail));
}

static void
read_path(const struct reading *r, const struct node *n)
{
	struct spec_text t;
	struct spec_change *c;

	if (n == NULL || !value_text(n, &t, r->d))
		return;
	c = append(r, CHANGE_SET, (struct spec_text){ SPAN(""), n->place });
	if (c == NULL || !template_read(&t, "path", words, &c->parts, r->d))
		return;
	check_parts(c, r->d);
	check_path(c, t, r->d);
}

static void
read_request(struct reading r, const struct node *n)
{
	static const char *const keys[] = { "path", "query", "headers", NULL };

	if (n == NULL || !fields_check(n, "request of changes", keys, r.d))
		return;
	r.kind = CHANGE_PATH;
	read_path(&r, tree_get(n, "path"));
	r.kind = CHANGE_QUERY;
	read_fields(&r, tree_get(n, "query"));
	r.kind = CHANGE_HEADER;
	read_fields(&r, tree_get(n, "headers"));
}

static void
read_response(struct reading r, const struct node *n)
{
	static const char *const keys[] = { "headers", NULL };

	if (n == NULL || !fields_check(n, "response of changes", keys, r.d))
		return;
	r.kind = CHANGE_ANSWER;
	read_fields(&r, tree_get(n, "headers"));
}

static void
read_rules(struct spec_changes *c, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "request", "response", NULL };
	struct spec_change_rule **end = &c->rules;

	if (n == NULL)
		return;
	if (n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind",
		    "operations must be a map, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		struct spec_change_rule *rule =
		    arena_alloc(d->arena, sizeof(*rule));
		const struct reading r = { .list = &rule->list, .d = d };

		if (rule == NULL) {
			d->failed = true;
			return;
		}
		*end = rule;
		end = &rule->next;
		rule->operation = (struct spec_text){ m->name, m->name_place };
		if (!fields_check(m, "changes of an operation", keys, d))
			continue;
		read_request(r, tree_get(m, "request"));
		read_response(r, tree_get(m, "response"));
	}
}

struct spec_changes *
changes_read(const struct node *n, bool document, struct diag *d)
{
	static const char *const document_keys[] = { "request", "response",
		NULL };
	static const char *const keys[] = { "request", "response", "operations",
		"document-claims", NULL };
	struct spec_changes *c = arena_alloc(d->arena, sizeof(*c));
	const struct reading r = {
		.document = document, .list = &c->list, .d = d
	};

	if (c == NULL) {
		d->failed = true;
		return NULL;
	}
	if (!fields_check(n, "changes", document ? document_keys : keys, d))
		return NULL;
	read_request(r, tree_get(n, "request"));
	read_response(r, tree_get(n, "response"));
	if (document)
		return c;
	read_rules(c, tree_get(n, "operations"), d);
	field_words(n, "document-claims", &c->claims, d);
	return c;
}
