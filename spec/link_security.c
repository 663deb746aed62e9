/*
 * link_security - who verifies each scheme, and what guards an operation.
 *
 * OpenAPI: a list of the operation replaces that of the root; [] and a
 * document that declares nothing are public.  WSO2: what declares nothing
 * is protected by a JWT, unless security is disabled by its extension.
 */
#include "spec/introspection.h"
#include "spec/link.h"

static const char *
type_name(const struct spec_scheme *s)
{
	static const char *const names[] = {
		[SPEC_SCHEME_API_KEY] = "apiKey",
		[SPEC_SCHEME_HTTP_BEARER] = "http bearer",
		[SPEC_SCHEME_HTTP_BASIC] = "http basic",
		[SPEC_SCHEME_HTTP_OTHER] = "http",
		[SPEC_SCHEME_OAUTH2] = "oauth2",
		[SPEC_SCHEME_OPENID] = "openIdConnect",
		[SPEC_SCHEME_MTLS] = "mutualTLS",
	};

	return names[s->type];
}

static bool
takes_tokens(const struct spec_scheme *s)
{
	return s->type == SPEC_SCHEME_HTTP_BEARER ||
	    s->type == SPEC_SCHEME_OAUTH2 || s->type == SPEC_SCHEME_OPENID;
}

static struct spec_scheme *
find_scheme(const struct spec_document *doc, struct span name)
{
	for (struct spec_scheme *s = doc->schemes; s != NULL; s = s->next)
		if (span_eq(s->name.text, name))
			return s;
	return NULL;
}

static void
guess_schemes(struct diag_guess *g, const struct spec_document *doc)
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

	guess_schemes(&g, doc);
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

	if (s == NULL || !takes_tokens(s)) {
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

static void
guard_document(struct spec_document *doc, struct diag *d)
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

static void
report_unknown_issuer(
    const struct policyfile *f, const struct spec_text *name, struct diag *d)
{
	struct diag_guess g = { .word = name->text };
	struct span hint;

	for (struct spec_issuer *i = f->issuers; i != NULL; i = i->next)
		diag_guess_try(&g, i->issuer.text);
	hint = diag_guess_hint(&g, d->arena);
	diag_error(d, name->place, "issuer-unknown",
	    "issuer '%.*s' is not defined%.*s", SPAN_ARG(name->text),
	    SPAN_ARG(hint));
}

bool
link_is_framing(struct span name)
{
	static const char *const names[] = { "connection", "content-length",
		"content-type", "expect", "host", "te", "trailer",
		"transfer-encoding", "upgrade" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_eq_nocase(name, span_str(names[i])))
			return true;
	return false;
}

static void
check_field(const struct spec_scheme *s, struct diag *d)
{
	if (s->type != SPEC_SCHEME_API_KEY || s->in != NAME_HEADER)
		return;
	if (link_is_framing(s->field))
		diag_error(d, s->name.place, "scheme-field",
		    "header '%.*s' cannot carry a credential",
		    SPAN_ARG(s->field));
	else if (span_has(s->field, '_'))
		diag_warning(d, s->name.place, "header-underscore",
		    "header '%.*s': Apache drops names with '_'; clients can "
		    "write '-' in its place",
		    SPAN_ARG(s->field));
}

static struct spec_verifier *
find_verifier(const struct policyfile *f, struct span name)
{
	for (struct spec_verifier *v = f->verifiers; v != NULL; v = v->next)
		if (span_eq(v->name.text, name))
			return v;
	return NULL;
}

/* What can verify what, and what mgw.yaml must have for it. */
static const struct {
	const char *word;
	const char *needs;
} verifier_words[SCHEME_KIND__MAX] = {
	[SCHEME_JWT] = { "jwt", NULL },
	[SCHEME_OPAQUE] = { "introspect", NULL },
	[SCHEME_API_KEY] = { "api-key", "api-keys: {file: ...}" },
	[SCHEME_BASIC] = { "basic", "users: {file: ...}" },
};

static bool
can_verify(enum scheme_kind kind, const struct spec_scheme *s)
{
	switch (kind) {
	case SCHEME_JWT:
	case SCHEME_OPAQUE:
		return takes_tokens(s) || s->type == SPEC_SCHEME_API_KEY;
	case SCHEME_API_KEY:
		return s->type == SPEC_SCHEME_API_KEY;
	case SCHEME_BASIC:
		return s->type == SPEC_SCHEME_HTTP_BASIC;
	default:
		return false;
	}
}

/* mgw.yaml names what a verifier of this kind reads. */
static bool
is_provided(const struct policyfile *f, enum scheme_kind kind)
{
	if (kind == SCHEME_API_KEY)
		return f->api_keys != NULL;
	return kind != SCHEME_BASIC || f->users != NULL;
}

static void
verify_as_told(const struct policyfile *f, struct spec_verifier *v,
    struct spec_scheme *s, struct diag *d)
{
	s->kind = v->kind;
	s->issuers = v->issuers;
	s->introspects = v->introspects;
	introspection_check(f, v->introspects, d);
	if (!can_verify(v->kind, s))
		diag_error(d, v->name.place, "scheme-verifier",
		    "scheme '%.*s' is of type %s in %s: %s cannot verify it",
		    SPAN_ARG(s->name.text), type_name(s), s->name.place.file,
		    verifier_words[v->kind].word);
	if (!is_provided(f, v->kind))
		diag_error(d, v->name.place, "scheme-verifier",
		    "scheme '%.*s' needs %s", SPAN_ARG(s->name.text),
		    verifier_words[v->kind].needs);
	for (const struct spec_word *w = s->issuers; w != NULL; w = w->next)
		if (link_issuer(f, w->text.text) == NULL)
			report_unknown_issuer(f, &w->text, d);
}

/* Without issuers of JWTs, the one server that knows tokens. */
static void
verify_by_server(
    const struct policyfile *f, struct spec_scheme *s, struct diag *d)
{
	struct spec_word *w = arena_alloc(d->arena, sizeof(*w));

	if (f->introspects->next != NULL) {
		diag_error(d, s->name.place, "issuer-needed",
		    "scheme '%.*s': there are several servers in "
		    "introspection; name its own under schemes in mgw.yaml",
		    SPAN_ARG(s->name.text));
		return;
	}
	if (w == NULL) {
		d->failed = true;
		return;
	}
	w->text = f->introspects->name;
	s->kind = SCHEME_OPAQUE;
	s->introspects = w;
}

static void
verify_by_type(
    const struct policyfile *f, struct spec_scheme *s, struct diag *d)
{
	if (s->type == SPEC_SCHEME_API_KEY && f->api_keys != NULL) {
		s->kind = SCHEME_API_KEY;
		return;
	}
	if (s->type == SPEC_SCHEME_HTTP_BASIC && f->users != NULL) {
		s->kind = SCHEME_BASIC;
		return;
	}
	if (takes_tokens(s) && f->n_issuers > 1) {
		diag_error(d, s->name.place, "issuer-needed",
		    "scheme '%.*s': there are several issuers; name its own "
		    "under schemes in mgw.yaml",
		    SPAN_ARG(s->name.text));
		return;
	}
	if (takes_tokens(s) && f->n_issuers == 0 && f->introspects != NULL) {
		verify_by_server(f, s, d);
		return;
	}
	if (takes_tokens(s) && f->n_issuers == 1) {
		struct spec_word *w = arena_alloc(d->arena, sizeof(*w));

		if (w == NULL) {
			d->failed = true;
			return;
		}
		w->text = f->issuers->issuer;
		s->kind = SCHEME_JWT;
		s->issuers = w;
		return;
	}
	diag_warning(d, s->name.place, "no-verifier",
	    "nothing verifies scheme '%.*s' (%s): operations that need it are "
	    "refused",
	    SPAN_ARG(s->name.text), type_name(s));
}

static void
report_unused(const struct spec *spec, const struct spec_verifier *v)
{
	struct diag_guess g = { .word = v->name.text };
	struct diag *d = spec->diag;
	struct span hint;

	for (struct spec_document *doc = spec->documents; doc; doc = doc->next)
		guess_schemes(&g, doc);
	hint = diag_guess_hint(&g, d->arena);
	diag_error(d, v->name.place, "scheme-unknown",
	    "no document has a security scheme '%.*s'%.*s",
	    SPAN_ARG(v->name.text), SPAN_ARG(hint));
}

/* A server that an issuer asks besides is there. */
static void
check_issuers(const struct policyfile *f, struct diag *d)
{
	for (const struct spec_issuer *i = f->issuers; i != NULL; i = i->next) {
		const struct spec_word w = { .text = i->introspect };
		const struct spec_introspect *s;

		if (i->introspect.text.p == NULL)
			continue;
		introspection_check(f, &w, d);
		s = introspection_find(f, i->introspect.text);
		/* A token is for the eyes of who made it. */
		if (s != NULL && !span_eq(s->issuer.text, i->issuer.text))
			diag_error(d, i->introspect.place, "introspection",
			    "'%.*s' is the server of another issuer, '%.*s'",
			    SPAN_ARG(s->name.text), SPAN_ARG(s->issuer.text));
	}
}

void
link_security(struct spec *spec)
{
	struct policyfile *f = spec->policy;
	struct diag *d = spec->diag;

	check_issuers(f, d);
	for (struct spec_document *doc = spec->documents; doc;
	     doc = doc->next) {
		guard_document(doc, d);
		for (struct spec_scheme *s = doc->schemes; s; s = s->next) {
			if (s->type == SPEC_SCHEME_MTLS &&
			    doc->certificates != NULL) {
				s->kind = SCHEME_MTLS;
				s->certificates = doc->certificates;
			}
			struct spec_verifier *v =
			    find_verifier(f, s->name.text);

			if (v != NULL) {
				v->used = true;
				verify_as_told(f, v, s, d);
			} else if (s->used && s->kind != SCHEME_MTLS) {
				verify_by_type(f, s, d);
			}
			if (s->used)
				check_field(s, d);
		}
	}
	for (struct spec_verifier *v = f->verifiers; v != NULL; v = v->next)
		if (!v->used)
			report_unused(spec, v);
}
