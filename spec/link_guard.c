/*
 * link_guard - what guards each operation.
 *
 * OpenAPI: a list of the operation replaces that of the root; [] and a
 * document that declares nothing are public.  WSO2: what declares nothing
 * is protected by a JWT, unless security is disabled by its extension.
 */
#include "spec/link.h"

static struct spec_scheme *
find_scheme(const struct spec_document *doc, struct span name)
{
	for (struct spec_scheme *s = doc->schemes; s != NULL; s = s->next)
		if (span_eq(s->name.text, name))
			return s;
	return NULL;
}

void
link_guess_schemes(struct diag_guess *g, const struct spec_document *doc)
{
	for (struct spec_scheme *s = doc->schemes; s != NULL; s = s->next)
		diag_guess_try(g, s->name.text);
}

static void
report_unknown_scheme(const struct spec_document *doc,
    const struct spec_text *name, struct diag *d)
{
	struct diag_guess g = { .word = name->text };
	struct span hint;

	link_guess_schemes(&g, doc);
	hint = diag_guess_hint(&g, d->arena);
	diag_error(d, name->place, "scheme-unknown",
	    "security scheme '%.*s' is not defined%.*s", SPAN_ARG(name->text),
	    SPAN_ARG(hint));
}

static void
resolve(const struct spec_document *doc, struct spec_alternative *list,
    struct diag *d)
{
	for (; list != NULL; list = list->next)
		for (struct spec_requirement *r = list->requirements; r;
		     r = r->next) {
			r->resolved = find_scheme(doc, r->scheme.text);
			if (r->resolved == NULL)
				report_unknown_scheme(doc, &r->scheme, d);
			else
				r->resolved->used = true;
		}
}

/* What WSO2 asks for where a document asks for nothing. */
static struct spec_alternative *
default_checks(struct spec_document *doc, struct diag *d)
{
	struct spec_alternative *a = arena_alloc(d->arena, sizeof(*a));
	struct spec_requirement *r = arena_alloc(d->arena, sizeof(*r));
	struct spec_scheme *s = find_scheme(doc, SPAN("default"));
	struct spec_scheme **end = &doc->schemes;

	if (s == NULL || !link_takes_tokens(s)) {
		s = arena_alloc(d->arena, sizeof(*s));
		if (s != NULL) {
			while (*end != NULL)
				end = &(*end)->next;
			*end = s;
			s->name.text = SPAN("default");
			s->name.place.file = doc->file;
			s->type = SPEC_SCHEME_HTTP_BEARER;
		}
	}
	if (a == NULL || r == NULL || s == NULL) {
		d->failed = true;
		return NULL;
	}
	s->used = true;
	r->scheme = s->name;
	r->resolved = s;
	a->requirements = r;
	return a;
}

static bool
is_public(const struct spec_operation *op)
{
	if (op->checks == NULL)
		return true;
	for (const struct spec_alternative *a = op->checks; a; a = a->next)
		if (a->requirements == NULL)
			return true;
	return false;
}

/* Nothing in the document speaks of security. */
static bool
declares_nothing(const struct spec_document *doc)
{
	if (doc->security.given || doc->disable_security != SWITCH_UNSET)
		return false;
	for (const struct spec_path *p = doc->paths; p != NULL; p = p->next)
		for (const struct spec_operation *op = p->operations; op;
		     op = op->next)
			if (op->security.given ||
			    op->disable_security != SWITCH_UNSET)
				return false;
	return true;
}

/* Somebody wrote down what guards it, be it nothing. */
static bool
is_declared(const struct spec_document *doc, const struct spec_operation *op)
{
	return op->security.given || doc->security.given ||
	    op->disable_security == SWITCH_TRUE ||
	    (op->disable_security == SWITCH_UNSET &&
		doc->disable_security == SWITCH_TRUE);
}

static void
report_public(const struct spec_document *doc, const struct spec_path *path,
    const struct spec_operation *op, bool undeclared, struct diag *d)
{
	bool required = doc->security_required == SWITCH_TRUE;

	if (required && is_declared(doc, op))
		diag_warning(d, op->method.place, "open-api",
		    "%.*s %.*s is public, as the document says",
		    SPAN_ARG(op->method.text), SPAN_ARG(path->template.text));
	else if (required)
		diag_error(d, op->method.place, "open-api",
		    "%.*s %.*s declares no security, and mgw.yaml says "
		    "security: required",
		    SPAN_ARG(op->method.text), SPAN_ARG(path->template.text));
	else if (undeclared)
		diag_warning(d, op->method.place, "open-api",
		    "%.*s %.*s is public: the document declares no security",
		    SPAN_ARG(op->method.text), SPAN_ARG(path->template.text));
}

/* Some operation is left to what WSO2 does by default. */
static bool
leaves_open(const struct spec_document *doc)
{
	if (doc->security.given)
		return false;
	for (const struct spec_path *p = doc->paths; p != NULL; p = p->next)
		for (const struct spec_operation *op = p->operations; op;
		     op = op->next)
			if (!op->security.given)
				return true;
	return false;
}

static void
guard_operation(struct spec_document *doc, struct spec_operation *op,
    struct spec_alternative *fallback)
{
	enum spec_switch off = op->disable_security != SWITCH_UNSET
	    ? op->disable_security
	    : doc->disable_security;

	if (off == SWITCH_TRUE)
		op->checks = NULL;
	else if (op->security.given)
		op->checks = op->security.alternatives;
	else if (doc->security.given)
		op->checks = doc->security.alternatives;
	else
		op->checks = fallback;
}

/* x-wso2-mutual-ssl: mandatory, and what mgw.yaml needs for it. */
static bool
wants_certificate(const struct spec_document *doc)
{
	return doc->wants_certificate && doc->certificates != NULL &&
	    doc->security_required != SWITCH_FALSE;
}

/* The scheme of client certificates, made where the document has none. */
static struct spec_scheme *
certificate_scheme(struct spec_document *doc, struct diag *d)
{
	struct spec_scheme **end = &doc->schemes;

	for (; *end != NULL; end = &(*end)->next)
		if ((*end)->type == SPEC_SCHEME_MTLS)
			return *end;
	*end = arena_alloc(d->arena, sizeof(**end));
	if (*end == NULL) {
		d->failed = true;
		return NULL;
	}
	(*end)->name.text = SPAN("mutual-ssl");
	(*end)->name.place = doc->certificate_place;
	(*end)->type = SPEC_SCHEME_MTLS;
	return *end;
}

/* A copy of "a" (NULL: {}) that wants "s" in the end. */
static struct spec_alternative *
and_certificate(
    const struct spec_alternative *a, struct spec_scheme *s, struct diag *d)
{
	struct spec_alternative *copy = arena_alloc(d->arena, sizeof(*copy));
	const struct spec_requirement *from =
	    a != NULL ? a->requirements : NULL;
	struct spec_requirement **end;

	if (copy == NULL) {
		d->failed = true;
		return NULL;
	}
	copy->place = a != NULL ? a->place : s->name.place;
	for (end = &copy->requirements;; end = &(*end)->next) {
		*end = arena_alloc(d->arena, sizeof(**end));
		if (*end == NULL) {
			d->failed = true;
			return NULL;
		}
		if (from == NULL)
			break;
		**end = *from;
		(*end)->next = NULL;
		from = from->next;
	}
	(*end)->scheme = s->name;
	(*end)->resolved = s;
	s->used = true;
	return copy;
}

/* WSO2: a certificate and what else is asked for; also where nothing is. */
static struct spec_alternative *
with_certificate(struct spec_document *doc, const struct spec_alternative *list,
    struct diag *d)
{
	struct spec_scheme *s = certificate_scheme(doc, d);
	struct spec_alternative *first = NULL, **end = &first;

	if (s == NULL)
		return NULL;
	do {
		*end = and_certificate(list, s, d);
		if (*end == NULL)
			return first;
		end = &(*end)->next;
		list = list != NULL ? list->next : NULL;
	} while (list != NULL);
	return first;
}

void
link_guard(struct spec_document *doc, struct diag *d)
{
	bool undeclared = declares_nothing(doc);
	struct spec_alternative *fallback = NULL;

	if (doc->wso2 && doc->security_required != SWITCH_FALSE &&
	    leaves_open(doc))
		fallback = default_checks(doc, d);
	for (struct spec_path *p = doc->paths; p != NULL; p = p->next)
		for (struct spec_operation *op = p->operations; op;
		     op = op->next) {
			guard_operation(doc, op, fallback);
			if (op->checks != fallback)
				resolve(doc, op->checks, d);
			if (wants_certificate(doc))
				op->checks =
				    with_certificate(doc, op->checks, d);
			doc->n_operations++;
			if (!is_public(op))
				continue;
			doc->n_public++;
			report_public(doc, p, op, undeclared, d);
		}
	link_wso2(doc, d);
}
