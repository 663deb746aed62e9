/*
 * changes_link - which changes are in force for an operation; see
 * changes.h.
 */
#include "spec/changes.h"

#include "policy/change.h"
#include "policy/credential_fields.h"
#include "spec/assertion.h"
#include "spec/link.h"
#include "spec/reach.h"

struct linking {
	struct spec_document *doc;
	const struct policyfile *policy;
	struct diag *d;
	struct spec_word *logins; /* headers with credentials of ours */
};

static bool
same_name(const struct spec_change *a, const struct spec_change *b)
{
	struct span x = a->name.text, y = b->name.text;

	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case CHANGE_HEADER:
		return credential_name_eq(x, y);
	case CHANGE_ANSWER:
		return span_eq_nocase(x, y);
	default:
		return span_eq(x, y);
	}
}

/* A later word on a name replaces earlier ones; what is added, does not. */
static bool
add_list(struct spec_changed **list, const struct spec_change *c,
    const struct linking *l)
{
	for (; c != NULL; c = c->next) {
		struct spec_changed *n = arena_alloc(l->d->arena, sizeof(*n));
		struct spec_changed **end = list;
		unsigned count = 0;

		if (n == NULL) {
			l->d->failed = true;
			return false;
		}
		while (*end != NULL) {
			if (c->how != CHANGE_ADD &&
			    same_name((*end)->change, c)) {
				*end = (*end)->next;
				continue;
			}
			end = &(*end)->next;
			count++;
		}
		if (count == CHANGES_MAX) {
			diag_error(l->d, c->name.place, "changes-name",
			    "more than %d changes of one request", CHANGES_MAX);
			return false;
		}
		n->change = c;
		*end = n;
	}
	return true;
}

static bool
names_operation(struct span rule, const struct spec_path *p,
    const struct spec_operation *op)
{
	struct span rest = rule, method = span_cut(&rest, ' ');

	if (op->operation_id.text.n > 0 && span_eq(rule, op->operation_id.text))
		return true;
	return rest.p != NULL && span_eq(method, op->method.text) &&
	    span_eq(span_trim(rest), p->template.text);
}

/* Fresh nodes, as lists are cut and joined. */
static const struct spec_changed *
merge(const struct linking *l, const struct spec_path *p,
    const struct spec_operation *op)
{
	const struct spec_changes *own = l->doc->own_changes;
	const struct spec_changes *all = l->doc->changes;
	struct spec_changed *list = NULL;
	bool ok = all == NULL || add_list(&list, all->list, l);

	if (op != NULL && op->changes != NULL)
		ok = ok && add_list(&list, op->changes->list, l);
	if (own == NULL)
		return list;
	ok = ok && add_list(&list, own->list, l);
	for (struct spec_change_rule *r = own->rules; ok && op && r;
	     r = r->next) {
		if (!names_operation(r->operation.text, p, op))
			continue;
		r->used = true;
		ok = add_list(&list, r->list, l);
	}
	return list;
}

static bool
has_own(const struct linking *l, const struct spec_path *p,
    const struct spec_operation *op)
{
	const struct spec_changes *own = l->doc->own_changes;

	if (op->changes != NULL)
		return true;
	for (const struct spec_change_rule *r = own != NULL ? own->rules : NULL;
	     r != NULL; r = r->next)
		if (names_operation(r->operation.text, p, op))
			return true;
	return false;
}

/* The credential of some scheme of the document. */
static bool
is_credential(const struct linking *l, enum name_kind in, struct span name)
{
	for (const struct spec_scheme *s = l->doc->schemes; s; s = s->next)
		if (s->type == SPEC_SCHEME_API_KEY && s->in == in &&
		    (in == NAME_HEADER ? credential_name_eq(s->field, name)
				       : span_eq(s->field, name)))
			return true;
	return false;
}

/* The field by which backends are told this; n == 0: they are not. */
static struct span
identity(const struct policyfile *f, unsigned i)
{
	if (f->identities_given)
		return f->identities[i].text;
	/* Those by default are X-Mgw-*, which nothing may change. */
	return i <= IDENTITY_TIER ? SPAN("X-Mgw") : SPAN("");
}

/* A header by which we are known to a backend, once. */
static void
note_login(struct linking *l, const struct spec_reach *r)
{
	struct spec_word **end = &l->logins;
	struct spec_word *w;

	if (r->login == NULL || r->login->auth != BACKEND_AUTH_HEADER)
		return;
	for (; *end != NULL; end = &(*end)->next)
		if (credential_name_eq(
			(*end)->text.text, r->login->header.text))
			return;
	w = arena_alloc(l->d->arena, sizeof(*w));
	if (w == NULL) {
		l->d->failed = true;
		return;
	}
	w->text = r->login->header;
	*end = w;
}

static void
note_logins(struct linking *l, const struct spec_url *list)
{
	for (; list != NULL; list = list->next) {
		const struct spec_reach r = reach_of(list, l->doc, l->policy);

		note_login(l, &r);
	}
}

/* Of all backends of the API, those that mgw.conf will name among them. */
static void
find_logins(struct linking *l)
{
	const struct spec_document *doc = l->doc;

	note_login(l, &doc->reach);
	note_login(l, &l->policy->reach);
	note_logins(l, doc->backends);
	note_logins(l, doc->sandbox);
	for (const struct spec_path *p = doc->paths; p != NULL; p = p->next)
		for (const struct spec_operation *op = p->operations; op;
		     op = op->next) {
			note_logins(l, op->endpoints);
			note_logins(l, op->sandbox);
		}
}

/* What policy/change_name.h cannot know. */
static void
check_name(const struct linking *l, const struct spec_change *c)
{
	const struct spec_assertion *jwt = l->policy->assertion;
	struct span name = c->name.text;
	const char *why = NULL;

	if (name.n == 0)
		return;
	if (c->kind == CHANGE_HEADER) {
		if (is_credential(l, NAME_HEADER, name))
			why = "carries a credential";
		for (const struct spec_word *w = l->logins; w; w = w->next)
			if (credential_name_eq(w->text.text, name))
				why = "carries the backend's credential";
		for (unsigned i = 0; i < IDENTITY__MAX; i++)
			if (credential_name_eq(identity(l->policy, i), name))
				why = "tells backends who asks";
		if (jwt != NULL && credential_name_eq(jwt->header.text, name))
			why = "tells backends who asks";
	} else if (c->kind == CHANGE_QUERY &&
	    is_credential(l, NAME_QUERY, name)) {
		why = "carries a credential";
	}
	if (why != NULL)
		diag_error(l->d, c->name.place, "changes-name", "'%.*s' %s",
		    SPAN_ARG(name), why);
}

/* Bytes that a change takes of CHANGE_BYTES_MAX, its values apart. */
static size_t
size_of(const struct spec_change *c)
{
	size_t n = c->name.text.n + 4;

	for (const struct spec_part *p = c->parts; p != NULL; p = p->next)
		n += p->word == NULL ? p->text.n : 0;
	/* In a query any byte may become three. */
	return c->kind == CHANGE_QUERY ? 3 * n : n;
}

static void
check_names(const struct linking *l, const struct spec_changed *list)
{
	size_t sizes[CHANGE_PLACES] = { 0 };

	for (; list != NULL; list = list->next) {
		const struct spec_change *c = list->change;

		check_name(l, c);
		if (c->how == CHANGE_REMOVE)
			continue;
		sizes[c->kind] += size_of(c);
		/* The other half is for the values. */
		if (sizes[c->kind] > CHANGE_BYTES_MAX / 2) {
			diag_error(l->d, c->place, "changes-name",
			    "the changes of one request are longer than %d "
			    "bytes without their values",
			    CHANGE_BYTES_MAX / 2);
			return;
		}
	}
}

static void
check_variable(const struct linking *l, const struct spec_change *c,
    const struct spec_part *part, const struct spec_path *p)
{
	const struct spec_word *v = p->variables;

	while (v != NULL && !span_eq(v->text.text, part->text))
		v = v->next;
	if (v == NULL)
		diag_error(l->d, c->place, "template",
		    "'%.*s' has no variable {%.*s}", SPAN_ARG(p->template.text),
		    SPAN_ARG(part->text));
}

static bool
has_word(const struct spec_word *w, struct span text)
{
	while (w != NULL && !span_eq(w->text.text, text))
		w = w->next;
	return w != NULL;
}

/* Of the caller a document uses what its backend is told, or may be. */
static bool
may_use(const struct linking *l, const struct spec_part *part)
{
	const struct spec_assertion *jwt = l->policy->assertion;
	const struct spec_changes *own = l->doc->own_changes;

	if (part->word->value < IDENTITY__MAX)
		return identity(l->policy, part->word->value).n > 0;
	return part->word->value != VALUE_CLAIM ||
	    (own != NULL && has_word(own->claims, part->text)) ||
	    (jwt != NULL && l->doc->assertion != SWITCH_FALSE &&
		has_word(jwt->claims, part->text));
}

static void
check_part(const struct linking *l, const struct spec_change *c,
    const struct spec_part *part, const struct spec_path *p)
{
	const struct template_word *w = part->word;

	if (w->value == VALUE_VARIABLE)
		check_variable(l, c, part, p);
	else if (w->value == VALUE_REST && !p->wildcard)
		diag_error(l->d, c->place, "template",
		    "'%.*s' has no '*' that ${rest} could be",
		    SPAN_ARG(p->template.text));
	else if (w->value == VALUE_FIELD &&
	    is_credential(l, w->field, part->text))
		diag_error(l->d, c->place, "template",
		    "'%.*s' carries a credential: no value is taken from it",
		    SPAN_ARG(part->text));
	else if (c->document && !may_use(l, part))
		diag_error(l->d, c->place, "changes-document",
		    "'${%s}' is not told to backends, unless mgw.yaml says "
		    "so: write the change there",
		    w->name);
}

static void
check_values(const struct linking *l, const struct spec_changed *list,
    const struct spec_path *p)
{
	for (; list != NULL; list = list->next) {
		const struct spec_change *c = list->change;

		for (const struct spec_part *part = c->parts; part != NULL;
		     part = part->next)
			if (part->word != NULL)
				check_part(l, c, part, p);
	}
}

/* mgw.yaml says what is done in the place of this. */
static bool
is_replaced(const struct spec_changed *list, enum spec_interceptor which)
{
	for (; list != NULL; list = list->next)
		if (!list->change->document &&
		    (list->change->kind == CHANGE_ANSWER) ==
			(which == INTERCEPTOR_RESPONSE))
			return true;
	return false;
}

static void
check_interceptor(const struct linking *l, const struct spec_path *p,
    const struct spec_operation *op, enum spec_interceptor which)
{
	static const char *const keys[] = { "request", "response" };
	const struct spec_text *code = &op->interceptors[which];
	struct span whose = SPAN("");

	if (code->text.p != NULL)
		whose = arena_printf(l->d->arena, " to '%.*s %.*s'",
		    SPAN_ARG(op->method.text), SPAN_ARG(p->template.text));
	else
		code = &l->doc->interceptors[which];
	if (code->text.p == NULL)
		return;
	if (l->doc->interceptors_dropped)
		diag_warning(l->d, code->place, "interceptor",
		    "'%.*s' has no effect", SPAN_ARG(code->text));
	else if (!is_replaced(op->changed, which))
		diag_error(l->d, code->place, "interceptor",
		    "'%.*s' names code, which is not run: say in mgw.yaml "
		    "what it does%.*s, with 'changes: {%s: ...}', or "
		    "'interceptors: drop'",
		    SPAN_ARG(code->text), SPAN_ARG(whose), keys[which]);
}

static void
report_unused(const struct linking *l)
{
	const struct spec_changes *own = l->doc->own_changes;

	for (const struct spec_change_rule *r = own != NULL ? own->rules : NULL;
	     r != NULL; r = r->next)
		if (!r->used)
			diag_error(l->d, r->operation.place,
			    "changes-operation",
			    "'%s' has no operation '%.*s': name it as in "
			    "'GET /pets/{id}', or by its operationId",
			    l->doc->file, SPAN_ARG(r->operation.text));
}

void
changes_link(
    struct spec_document *doc, const struct policyfile *f, struct diag *d)
{
	struct linking l = { .doc = doc, .policy = f, .d = d };
	const struct spec_changed *all = merge(&l, NULL, NULL);

	find_logins(&l);
	check_names(&l, all);
	for (struct spec_path *p = doc->paths; p != NULL; p = p->next)
		for (struct spec_operation *op = p->operations; op;
		     op = op->next) {
			bool own = has_own(&l, p, op);

			op->changed = own ? merge(&l, p, op) : all;
			if (own)
				check_names(&l, op->changed);
			check_values(&l, op->changed, p);
			check_interceptor(&l, p, op, INTERCEPTOR_REQUEST);
			check_interceptor(&l, p, op, INTERCEPTOR_RESPONSE);
		}
	report_unused(&l);
}
