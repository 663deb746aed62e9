/*
 * policyfile_apply - what mgw.yaml says of documents, given to them; see
 * policyfile.h.
 */
#include "spec/policyfile.h"

#include "policy/url.h"

/* The document is named as on the command line, or by its last part. */
static bool
names_document(struct span file, const struct spec_document *doc)
{
	const char *slash = strrchr(doc->file, '/');

	return span_eq(file, span_str(doc->file)) ||
	    (slash != NULL && span_eq(file, span_str(slash + 1)));
}

static void
apply(const struct spec_api_rule *a, struct spec_document *doc)
{
	if (a->name.text.p != NULL)
		doc->title = a->name;
	if (a->base_path.text.p != NULL)
		doc->base_path = a->base_path;
	if (a->endpoints != NULL)
		doc->endpoints = a->endpoints;
	if (a->sandbox != NULL)
		doc->sandbox = a->sandbox;
	if (a->tier.text.p != NULL)
		doc->tier = a->tier;
	if (a->spike.text.p != NULL)
		doc->spike = a->spike;
	doc->reach = a->reach;
	doc->public_url = a->public_url;
	doc->resource_metadata = a->resource_metadata;
	doc->assertion = a->assertion;
	doc->audience = a->audience;
	doc->keep_credential = a->keep_credential;
	doc->maintenance_s = a->maintenance_s;
	if (a->cors != NULL)
		doc->cors = a->cors;
	doc->certificates = a->certificates;
	if (a->levels != NULL)
		doc->levels = a->levels;
	if (a->groups.given)
		doc->groups = a->groups;
	if (a->max_body_given) {
		doc->max_body_given = true;
		doc->max_body_bytes = a->max_body_bytes;
	}
	if (a->tier_replaces != SWITCH_UNSET)
		doc->tier_replaces = a->tier_replaces;
	doc->security_required = a->security_required;
	doc->scopes_any = a->scopes_any;
	doc->slash_ignore = a->slash_ignore;
	doc->errors = a->errors;
	doc->error_bodies = a->error_bodies;
	doc->own_changes = a->changes;
	doc->interceptors_dropped = a->interceptors == SWITCH_TRUE;
}

static void
apply_to_all(
    struct spec_api_rule *a, struct spec_document *documents, struct diag *d)
{
	const struct spec_document *first = NULL;

	for (struct spec_document *doc = documents; doc; doc = doc->next) {
		if (!names_document(a->file.text, doc))
			continue;
		a->used = true;
		if (first != NULL)
			diag_error(d, a->file.place, "api-ambiguous",
			    "'%.*s' means both '%s' and '%s': write the path",
			    SPAN_ARG(a->file.text), first->file, doc->file);
		first = doc;
		apply(a, doc);
	}
}

static void
report_unused(const struct spec_api_rule *a,
    const struct spec_document *documents, struct diag *d)
{
	struct diag_guess g = { .word = a->file.text };
	struct span hint;

	for (const struct spec_document *doc = documents; doc; doc = doc->next)
		diag_guess_try(&g, span_str(doc->file));
	hint = diag_guess_hint(&g, d->arena);
	diag_error(d, a->file.place, "api-unknown",
	    "no document '%.*s' is being imported%.*s", SPAN_ARG(a->file.text),
	    SPAN_ARG(hint));
}

/* The path alone names a document that the gate is asked for. */
static void
check_metadata_places(const struct spec_document *documents, struct diag *d)
{
	for (const struct spec_document *a = documents; a; a = a->next)
		for (const struct spec_document *b = documents; b != a;
		     b = b->next) {
			struct url x, y;
			const char *why;

			if (a->resource_metadata == SWITCH_TRUE &&
			    b->resource_metadata == SWITCH_TRUE &&
			    url_parse(a->public_url.text, &x, &why) &&
			    url_parse(b->public_url.text, &y, &why) &&
			    span_eq(x.path, y.path))
				diag_error(d, a->public_url.place, "public-url",
				    "the metadata of '%s' would lie at the "
				    "same path",
				    b->file);
		}
}

void
policyfile_apply(
    struct policyfile *f, struct spec_document *documents, struct diag *d)
{
	for (struct spec_document *doc = documents; doc; doc = doc->next) {
		doc->errors = -1;
		doc->max_body_given = doc->max_body_bytes != UINT64_MAX;
	}
	for (struct spec_api_rule *a = f->apis; a != NULL; a = a->next) {
		apply_to_all(a, documents, d);
		if (!a->used)
			report_unused(a, documents, d);
	}
	for (struct spec_document *doc = documents; doc; doc = doc->next) {
		/* No page gets keys with what a browser has kept. */
		if (doc->cors == NULL && doc->issuer == NULL)
			doc->cors = f->cors;
		if (doc->certificates == NULL)
			doc->certificates = f->certificates;
	}
	check_metadata_places(documents, d);
}
