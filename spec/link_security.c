/*
 * link_security - who verifies each scheme.
 */
#include "spec/dpop.h"
#include "spec/hostauth.h"
#include "spec/introspection.h"
#include "spec/link.h"

static const char *
type_name(const struct spec_scheme *s)
{
	static const char *const names[] = {
		[SPEC_SCHEME_API_KEY] = "apiKey",
		[SPEC_SCHEME_HTTP_BEARER] = "http bearer",
		[SPEC_SCHEME_HTTP_BASIC] = "http basic",
		[SPEC_SCHEME_HTTP_DPOP] = "http dpop",
		[SPEC_SCHEME_HTTP_OTHER] = "http",
		[SPEC_SCHEME_OAUTH2] = "oauth2",
		[SPEC_SCHEME_OPENID] = "openIdConnect",
		[SPEC_SCHEME_MTLS] = "mutualTLS",
	};

	return names[s->type];
}

bool
link_takes_tokens(const struct spec_scheme *s)
{
	return s->type == SPEC_SCHEME_HTTP_BEARER ||
	    s->type == SPEC_SCHEME_HTTP_DPOP || s->type == SPEC_SCHEME_OAUTH2 ||
	    s->type == SPEC_SCHEME_OPENID;
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
	[SCHEME_HOST] = { "host", NULL },
	[SCHEME_WSO2_KEY] = { "wso2-key", NULL },
};

static bool
can_verify(enum scheme_kind kind, const struct spec_scheme *s)
{
	switch (kind) {
	case SCHEME_JWT:
	case SCHEME_OPAQUE:
		return link_takes_tokens(s) || s->type == SPEC_SCHEME_API_KEY;
	case SCHEME_API_KEY:
	case SCHEME_WSO2_KEY:
		return s->type == SPEC_SCHEME_API_KEY;
	case SCHEME_BASIC:
		return s->type == SPEC_SCHEME_HTTP_BASIC;
	case SCHEME_HOST: /* whatever it asks for, the web server has seen */
		return s->type != SPEC_SCHEME_MTLS;
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

/* An API key is no token, and a token no API key. */
static void
check_kind(
    const struct policyfile *f, const struct spec_scheme *s, struct diag *d)
{
	bool keys = s->kind == SCHEME_WSO2_KEY;

	for (const struct spec_word *w = s->issuers; w != NULL; w = w->next) {
		const struct spec_issuer *i = link_issuer(f, w->text.text);

		if (i == NULL)
			report_unknown_issuer(f, &w->text, d);
		else if (i->of_keys != keys)
			diag_error(d, w->text.place, "scheme-verifier",
			    "'%.*s' is %s", SPAN_ARG(w->text.text),
			    keys ? "an issuer of tokens: wso2-key needs one "
				   "of wso2-keys"
				 : "of wso2-keys: jwt needs one of issuers");
	}
}

static void
verify_as_told(const struct policyfile *f, struct spec_verifier *v,
    struct spec_scheme *s, struct diag *d)
{
	s->kind = v->kind;
	s->issuers = v->issuers;
	s->introspects = v->introspects;
	introspection_check(f, v->introspects, d);
	if (v->kind == SCHEME_HOST)
		s->host = hostauth_find(f, &v->host, d);
	if (!can_verify(v->kind, s))
		diag_error(d, v->name.place, "scheme-verifier",
		    "scheme '%.*s' is of type %s in %s: %s cannot verify it",
		    SPAN_ARG(s->name.text), type_name(s), s->name.place.file,
		    verifier_words[v->kind].word);
	if (!is_provided(f, v->kind))
		diag_error(d, v->name.place, "scheme-verifier",
		    "scheme '%.*s' needs %s", SPAN_ARG(s->name.text),
		    verifier_words[v->kind].needs);
	check_kind(f, s, d);
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

/* The one issuer of tokens, or of keys. */
static void
verify_by_issuer(const struct policyfile *f, struct spec_scheme *s, bool keys,
    struct diag *d)
{
	struct spec_word *w = arena_alloc(d->arena, sizeof(*w));
	const struct spec_issuer *i = f->issuers;

	while (i->of_keys != keys)
		i = i->next;
	if (w == NULL) {
		d->failed = true;
		return;
	}
	w->text = i->issuer;
	s->kind = keys ? SCHEME_WSO2_KEY : SCHEME_JWT;
	s->issuers = w;
}

static void
verify_api_key(
    const struct policyfile *f, struct spec_scheme *s, struct diag *d)
{
	if (f->n_key_issuers + (f->api_keys != NULL) > 1)
		diag_error(d, s->name.place, "issuer-needed",
		    "scheme '%.*s': there are several who make API keys; name "
		    "its own under schemes in mgw.yaml",
		    SPAN_ARG(s->name.text));
	else if (f->api_keys != NULL)
		s->kind = SCHEME_API_KEY;
	else
		verify_by_issuer(f, s, true, d);
}

static void
verify_by_type(
    const struct policyfile *f, struct spec_scheme *s, struct diag *d)
{
	if (s->type == SPEC_SCHEME_API_KEY &&
	    (f->api_keys != NULL || f->n_key_issuers > 0)) {
		verify_api_key(f, s, d);
		return;
	}
	if (s->type == SPEC_SCHEME_HTTP_BASIC && f->users != NULL) {
		s->kind = SCHEME_BASIC;
		return;
	}
	if (link_takes_tokens(s) && f->n_issuers > 1) {
		diag_error(d, s->name.place, "issuer-needed",
		    "scheme '%.*s': there are several issuers; name its own "
		    "under schemes in mgw.yaml",
		    SPAN_ARG(s->name.text));
		return;
	}
	if (link_takes_tokens(s) && f->n_issuers == 0 &&
	    f->introspects != NULL) {
		verify_by_server(f, s, d);
		return;
	}
	if (link_takes_tokens(s) && f->n_issuers == 1) {
		verify_by_issuer(f, s, false, d);
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
		link_guess_schemes(&g, doc);
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
		link_guard(doc, d);
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
			dpop_link(doc, s, v, d);
			if (s->used)
				check_field(s, d);
		}
	}
	for (struct spec_verifier *v = f->verifiers; v != NULL; v = v->next)
		if (!v->used)
			report_unused(spec, v);
}
