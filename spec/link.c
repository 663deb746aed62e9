/*
 * link - see link.h.
 */
#include "spec/link.h"

#include "policy/url.h"
#include "spec/applications.h"
#include "spec/changes.h"
#include "spec/fields.h"
#include "spec/paths.h"
#include "spec/reach.h"
#include "spec/wso2keys.h"

struct spec_issuer *
link_issuer(const struct policyfile *f, struct span name)
{
	for (struct spec_issuer *i = f->issuers; i != NULL; i = i->next)
		if (i->issuer.text.p != NULL && span_eq(i->issuer.text, name))
			return i;
	return NULL;
}

void
link_tier_unknown(struct spec_tier *list, const struct spec_text *name,
    enum level level, struct diag *d)
{
	struct span known = SPAN("");

	for (struct spec_tier *t = list; t != NULL; t = t->next) {
		struct spec_tier *found = level <= LEVEL_OPERATION
		    ? tiers_find(list, t->name.text)
		    : tiers_find_for(list, t->name.text, level);

		if (found == t)
			known = arena_printf(d->arena, "%.*s%s%.*s",
			    SPAN_ARG(known), known.n > 0 ? ", " : "",
			    SPAN_ARG(t->name.text));
	}
	diag_error(d, name->place, "tier-unknown",
	    "tier '%.*s' is not known: known are %.*s", SPAN_ARG(name->text),
	    SPAN_ARG(known));
}

static struct spec_tier *
link_tier(struct policyfile *f, const struct spec_text *name, struct diag *d)
{
	struct spec_tier *found;

	if (name->text.p == NULL)
		return NULL;
	found = tiers_find(f->tiers, name->text);
	if (found == NULL)
		link_tier_unknown(f->tiers, name, LEVEL_API, d);
	return found;
}

/* Backends have no callers to be told apart by. */
static struct spec_tier *
link_spike(struct policyfile *f, const struct spec_text *name, struct diag *d)
{
	struct spec_tier *t = link_tier(f, name, d);

	if (t != NULL && t->key != NULL)
		diag_error(d, name->place, "value",
		    "tier '%.*s' has a key, and a spike is of all callers "
		    "together",
		    SPAN_ARG(name->text));
	return t;
}

static uint32_t
n_limits(const struct spec_tier *t)
{
	return t != NULL ? t->n_limits : 0;
}

/* Those of a list of endpoints; how many limits. */
static uint32_t
link_list(struct spec *s, const struct spec_url *list)
{
	struct spec_set *set = list != NULL ? list->set : NULL;

	if (set == NULL || set->spike.text.p == NULL)
		return 0;
	if (set->limits == NULL)
		set->limits = link_spike(s->policy, &set->spike, s->diag);
	/* Several operations may refer to it: it is told once. */
	if (set->limits == NULL)
		set->spike.text = (struct span){ NULL, 0 };
	return n_limits(set->limits);
}

/* The most that an operation's backends have, or the API's. */
static uint32_t
link_lists(
    struct spec *s, const struct spec_url *list, const struct spec_url *sandbox)
{
	uint32_t a = link_list(s, list), b = link_list(s, sandbox);

	return a > b ? a : b;
}

static void
link_tiers(struct spec *s, struct spec_document *doc)
{
	struct policyfile *f = s->policy;
	uint32_t of_caller, of_backend;
	bool replaces;

	if (doc->wso2)
		levels_add_wso2(&doc->levels, f->levels, f->tiers, s->diag);
	levels_link(doc->levels, f->tiers, s->diag);
	of_caller = levels_most_limits(f->tiers, doc->levels, f->levels);
	doc->limits = link_tier(f, &doc->tier, s->diag);
	doc->spike_limits = link_spike(f, &doc->spike, s->diag);
	of_backend = link_lists(s, doc->endpoints, doc->sandbox);
	if (doc->cors != NULL)
		doc->cors->limits = link_tier(f, &doc->cors->tier, s->diag);
	if (doc->tier_replaces == SWITCH_UNSET)
		doc->tier_replaces = doc->wso2 ? SWITCH_TRUE : SWITCH_FALSE;
	replaces = doc->tier_replaces == SWITCH_TRUE && doc->limits != NULL;
	for (struct spec_path *p = doc->paths; p != NULL; p = p->next)
		for (struct spec_operation *op = p->operations; op;
		     op = op->next) {
			uint32_t own, back;

			back = link_lists(s, op->endpoints, op->sandbox);
			back = (back > of_backend ? back : of_backend) +
			    n_limits(doc->spike_limits);
			op->limits = link_tier(f, &op->tier, s->diag);
			if (replaces && op->limits != NULL)
				diag_warning(s->diag, op->tier.place,
				    "tier-replaced",
				    "the API's tier '%.*s' is in force here, "
				    "not '%.*s'",
				    SPAN_ARG(doc->tier.text),
				    SPAN_ARG(op->tier.text));
			own = replaces ? 0 : n_limits(op->limits);
			if (n_limits(doc->limits) + own + of_caller + back >
			    TAKES_MAX)
				diag_error(s->diag, op->method.place,
				    "too-many-limits",
				    "more than %d limits on one request: %u "
				    "of the API, %u of the operation, up to "
				    "%u of the caller, %u of backends",
				    TAKES_MAX, n_limits(doc->limits), own,
				    of_caller, back);
		}
}

/* A URL that may hold a password is not repeated. */
static struct span
harmless(struct span url)
{
	return span_has(url, '@') ? SPAN("(not shown)") : url;
}

static void
check_endpoints(const struct spec_url *list, struct diag *d)
{
	const char *why;
	struct url u;

	for (; list != NULL; list = list->next) {
		/* References of mgw.yaml are looked up at start. */
		if (!list->from_document &&
		    memmem(list->url.text.p, list->url.text.n, "${", 2) != NULL)
			continue;
		reach_check(list, d);
		if (!url_parse(list->url.text, &u, &why))
			diag_error(d, list->url.place, "endpoint", "'%.*s': %s",
			    SPAN_ARG(harmless(list->url.text)), why);
		else if (list->from_document && url_is_local(&u))
			diag_error(d, list->url.place, "endpoint-local",
			    "'%.*s': a document may not name a backend on this "
			    "machine; say it in mgw.yaml, in mgw.conf or with "
			    "--backend",
			    SPAN_ARG(list->url.text));
	}
}

/*
 * Of the servers of a document only the first is a backend: they are
 * often production and staging side by side.
 */
static void
link_endpoints(struct spec_document *doc, struct diag *d)
{
	bool all_have_own = true;

	doc->backends = doc->endpoints;
	if (doc->backends == NULL && doc->servers != NULL) {
		struct spec_url *u = arena_alloc(d->arena, sizeof(*u));

		if (u == NULL) {
			d->failed = true;
			return;
		}
		*u = *doc->servers;
		u->next = NULL;
		doc->backends = u;
	}
	check_endpoints(doc->backends, d);
	check_endpoints(doc->sandbox, d);
	for (struct spec_path *p = doc->paths; p != NULL; p = p->next)
		for (struct spec_operation *op = p->operations; op;
		     op = op->next) {
			check_endpoints(op->endpoints, d);
			check_endpoints(op->sandbox, d);
			all_have_own = all_have_own && op->endpoints != NULL;
		}
	if (doc->backends == NULL && doc->sandbox == NULL && !all_have_own &&
	    doc->issuer == NULL)
		diag_warning(d, (struct place){ doc->file, 0, 0 }, "no-backend",
		    "no backend is named: say it in mgw.yaml, in mgw.conf or "
		    "with --backend");
}

static void
check_names(struct spec_document *documents, struct diag *d)
{
	for (struct spec_document *doc = documents; doc; doc = doc->next)
		for (const struct spec_document *o = documents; o != doc;
		     o = o->next)
			if (span_eq(o->title.text, doc->title.text) &&
			    span_eq(o->version.text, doc->version.text))
				diag_error(d, doc->title.place, "api-duplicate",
				    "'%.*s' version '%.*s' is also the API of "
				    "%s: give one a name in mgw.yaml",
				    SPAN_ARG(doc->title.text),
				    SPAN_ARG(doc->version.text), o->file);
}

static void
apply_options(struct spec *s)
{
	for (struct spec_document *doc = s->documents; doc; doc = doc->next) {
		struct spec_url *u;

		if (doc->built_in)
			continue;
		if (s->base_path.p != NULL)
			doc->base_path = (struct spec_text){ s->base_path,
				{ "--base-path", 0, 0 } };
		if (s->backend.p == NULL)
			continue;
		u = arena_alloc(s->diag->arena, sizeof(*u));
		if (u == NULL) {
			s->diag->failed = true;
			return;
		}
		u->url =
		    (struct spec_text){ s->backend, { "--backend", 0, 0 } };
		doc->endpoints = u;
	}
}

/* Behind the documents, so that their APIs come last. */
static void
add_built_in(struct spec *s)
{
	const struct policyfile *f = s->policy;
	struct spec_document **end = &s->documents;

	while (*end != NULL)
		end = &(*end)->next;
	if (f->key_manager != NULL)
		*end = keymanager_document(f->key_manager, f->file, s->diag);
	while (*end != NULL)
		end = &(*end)->next;
	*end = wso2keys_document(f, s->diag);
}

void
link_spec(struct spec *s)
{
	add_built_in(s);
	policyfile_apply(s->policy, s->documents, s->diag);
	conditions_link(s->policy->conditions, s->policy->tiers, s->diag);
	apply_options(s);
	check_names(s->documents, s->diag);
	paths_check_bases(s->documents, s->diag);
	link_security(s);
	for (struct spec_document *doc = s->documents; doc; doc = doc->next)
		applications_link(doc, s->diag);
	levels_link(s->policy->levels, s->policy->tiers, s->diag);
	for (struct spec_document *doc = s->documents; doc; doc = doc->next) {
		paths_check(doc, s->diag);
		link_tiers(s, doc);
		link_endpoints(doc, s->diag);
		changes_link(doc, s->policy, s->diag);
		if (doc->paths != NULL && doc->n_operations == 0)
			diag_warning(s->diag, (struct place){ doc->file, 0, 0 },
			    "no-operations", "the document has no operation");
	}
}
