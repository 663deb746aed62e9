/*
 * emit - see emit.h.
 */
#include "spec/emit_part.h"

#include <stdlib.h>

#include "spec/dpop.h"
#include "spec/emit_endpoint.h"
#include "spec/hostauth.h"
#include "spec/paths.h"

#define METHODS_MAX 64 /* more than there are, with room for odd ones */

struct range
emit_words(struct emit *e, const struct spec_word *words)
{
	struct range r = { build_n(e->b, SECTION_STRING), 0 };

	for (; words != NULL; words = words->next)
		r.n += build_strings(e->b, &words->text.text, 1).n;
	return r;
}

static void
emit_settings(struct emit *e)
{
	const struct policyfile *f = e->spec->policy;
	struct row_settings row = f->settings;

	row.failures = emit_failures(e);
	row.error_bodies = emit_error_bodies(e, f->error_bodies);
	row.realm = build_text(e->b, f->realm.text);
	row.request_id = build_text(e->b, f->request_id.text);
	row.identities = emit_identities(e);
	(void)BUILD_ROW(e->b, SECTION_SETTINGS, &row); /* row 0 */
}

uint32_t
emit_source(struct emit *e, const struct spec_source *s)
{
	struct place at = s->value.place;
	struct span origin = arena_printf(e->arena, "%s:%u", at.file, at.line);
	const struct row_source row = { .kind = (uint32_t)s->kind,
		.how = (uint32_t)s->how,
		.value = build_text(e->b, s->value.text),
		.origin = build_text(e->b, origin),
		.issuer = build_text(e->b, s->issuer) };

	e->failed |= origin.p == NULL;
	return BUILD_ROW(e->b, SECTION_SOURCE, &row);
}

static void
emit_store(struct emit *e)
{
	const struct spec_store *s = e->spec->policy->store;
	struct row_store row = { .password = ROW_NONE, .key = ROW_NONE };

	if (s == NULL)
		return;
	row.url = build_text(e->b, s->url.text);
	row.user = build_text(e->b, s->user.text);
	row.prefix = build_text(e->b, s->prefix.text);
	row.ca_file = build_text(e->b, s->ca.text);
	row.timeout_us = s->timeout_us;
	if (s->password != NULL)
		row.password = emit_source(e, s->password);
	if (s->key != NULL)
		row.key = emit_source(e, s->key);
	(void)BUILD_ROW(e->b, SECTION_STORE, &row); /* row 0 */
}

static uint32_t
tier_row(const struct spec_tier *t)
{
	return t != NULL ? t->row : ROW_NONE;
}

uint32_t
emit_zone(struct emit *e, struct spec_zone *z)
{
	struct row_zone row = { .shifts = { build_n(e->b, SECTION_SHIFT),
				    z->n_shifts } };

	if (z->row != 0)
		return z->row;
	for (uint32_t i = 0; i < z->n_shifts; i++)
		(void)BUILD_ROW(e->b, SECTION_SHIFT, &z->shifts[i]);
	row.name = build_text(e->b, z->name);
	z->row = BUILD_ROW(e->b, SECTION_ZONE, &row) + 1;
	return z->row;
}

static struct range
emit_key(struct emit *e, const struct spec_key *key)
{
	struct range r = { build_n(e->b, SECTION_KEY_PART), 0 };

	for (; key != NULL; key = key->next, r.n++) {
		struct row_key_part row = { .kind = (uint32_t)key->by,
			.name = ROW_NONE };

		if (key->by == KEY_BY_HEADER)
			row.name =
			    emit_name(e->b, e->arena, NAME_HEADER, key->name);
		else if (key->by == KEY_BY_QUERY)
			row.name =
			    emit_name(e->b, e->arena, NAME_QUERY, key->name);
		else if (key->by == KEY_BY_CLAIM)
			row.path = build_text(e->b, key->name);
		(void)BUILD_ROW(e->b, SECTION_KEY_PART, &row);
	}
	return r;
}

static void
emit_tiers(struct emit *e)
{
	for (struct spec_tier *t = e->spec->policy->tiers; t; t = t->next) {
		struct row_tier row = { .flags = t->flags };

		row.name = build_text(e->b, t->name.text);
		row.limits.first = build_n(e->b, SECTION_LIMIT);
		row.limits.n = t->n_limits;
		for (uint32_t i = 0; i < t->n_limits; i++) {
			struct row_limit limit = t->limits[i];

			if (t->zones[i] != NULL)
				limit.zone = emit_zone(e, t->zones[i]);
			(void)BUILD_ROW(e->b, SECTION_LIMIT, &limit);
		}
		row.key = emit_key(e, t->key);
		t->row = BUILD_ROW(e->b, SECTION_TIER, &row);
	}
}

/* Of one API, or of all. */
static void
emit_levels(struct emit *e, const struct spec_level *list, uint32_t api)
{
	for (; list != NULL; list = list->next) {
		struct row_level row = { .level = (uint32_t)list->level,
			.api = api,
			.tier = tier_row(list->limits) };

		row.key = emit_key(e, list->key);
		(void)BUILD_ROW(e->b, SECTION_LEVEL, &row);
	}
}

static struct range
emit_issuer_list(struct emit *e, const struct spec_word *words)
{
	struct range r = { build_n(e->b, SECTION_INDEX), 0 };

	for (; words != NULL; words = words->next) {
		const struct spec_issuer *i =
		    link_issuer(e->spec->policy, words->text.text);

		e->failed |= i == NULL; /* link has refused it */
		if (i != NULL)
			r.n += build_indices(e->b, &i->row, 1).n;
	}
	return r;
}

static struct range
emit_schemes(struct emit *e, struct spec_scheme *s)
{
	struct range r = { build_n(e->b, SECTION_SCHEME), 0 };

	for (; s != NULL; s = s->next) {
		struct row_scheme row = { .kind = (uint32_t)s->kind,
			.field = ROW_NONE,
			.source = ROW_NONE };

		row.name = build_text(e->b, s->name.text);
		if (s->kind != SCHEME_NO_VERIFIER && s->kind != SCHEME_MTLS)
			row.field = s->type == SPEC_SCHEME_API_KEY
			    ? emit_name(e->b, e->arena, s->in, s->field)
			    : emit_name(e->b, e->arena, NAME_HEADER,
				  SPAN("Authorization"));
		row.issuers = emit_issuer_list(e, s->issuers);
		row.introspects = emit_introspect_list(e, s->introspects);
		if (s->kind == SCHEME_API_KEY)
			row.source = e->key_file;
		if (s->kind == SCHEME_BASIC)
			row.source = e->users;
		if (s->kind == SCHEME_MTLS) {
			row.certificates =
			    certificates_emit(e->b, s->certificates);
			row.flags |=
			    s->certificates->any ? SCHEME_CERTIFICATE_ANY : 0;
		}
		row.flags |= s->dpop;
		if (s->kind == SCHEME_HOST) {
			e->failed |= s->host == NULL; /* link has refused it */
			row.host = s->host != NULL ? s->host->row + 1 : 0;
		}
		s->row = BUILD_ROW(e->b, SECTION_SCHEME, &row);
		r.n++;
	}
	return r;
}

static struct row_alternative
emit_alternative(struct emit *e, const struct spec_document *doc,
    const struct spec_alternative *a)
{
	struct row_alternative row = {
		.requirements = { build_n(e->b, SECTION_REQUIREMENT), 0 }
	};
	bool any = doc->scopes_any != SWITCH_UNSET
	    ? doc->scopes_any == SWITCH_TRUE
	    : doc->wso2;

	for (const struct spec_requirement *q = a->requirements; q;
	     q = q->next) {
		struct row_requirement rq = {
			.flags = any ? REQUIREMENT_SCOPES_ANY : 0
		};

		if (q->resolved == NULL) {
			e->failed = true; /* link has refused it */
			return row;
		}
		rq.scheme = q->resolved->row;
		rq.scopes = emit_words(e, q->scopes);

		(void)BUILD_ROW(e->b, SECTION_REQUIREMENT, &rq);
		row.requirements.n++;
	}
	return row;
}

static struct range
emit_checks(struct emit *e, const struct spec_document *doc,
    const struct spec_alternative *list)
{
	struct range r = { build_n(e->b, SECTION_ALTERNATIVE), 0 };

	if (list == NULL)
		return r;
	if (list == e->last)
		return e->last_range;
	for (const struct spec_alternative *a = list; a != NULL; a = a->next) {
		const struct row_alternative row = emit_alternative(e, doc, a);

		(void)BUILD_ROW(e->b, SECTION_ALTERNATIVE, &row);
		r.n++;
	}
	e->last = list;
	e->last_range = r;
	return r;
}

static uint64_t
api_max_body(const struct spec *s, const struct spec_document *doc)
{
	return doc->max_body_given ? doc->max_body_bytes
				   : s->policy->settings.max_body_bytes;
}

static void
emit_operation(struct emit *e, const struct spec_document *doc, uint32_t api,
    uint32_t item, const struct spec_operation *op)
{
	struct row_operation row = { .item = item,
		.api = api,
		.tier = tier_row(op->limits),
		.max_body_bytes = op->max_body_bytes };

	row.method = build_text(e->b, op->method.text);
	row.operation_id = build_text(e->b, op->operation_id.text);
	row.alternatives = emit_checks(e, doc, op->checks);
	row.groups = emit_words(e, op->groups.words);
	row.endpoints = emit_endpoints(e, doc, op->endpoints);
	row.sandbox = emit_endpoints(e, doc, op->sandbox);
	row.changes = emit_changes(e, op->changed);
	emit_times(op->times, &row);
	if (op->checks != NULL)
		row.flags |= OPERATION_SECURED;
	if (op->deprecated)
		row.flags |= OPERATION_DEPRECATED;
	if (row.max_body_bytes == UINT64_MAX)
		row.max_body_bytes = api_max_body(e->spec, doc);
	(void)BUILD_ROW(e->b, SECTION_OPERATION, &row);
}

static int
by_method(const void *left, const void *right)
{
	const struct spec_operation *const *a = left, *const *b = right;

	return span_cmp((*a)->method.text, (*b)->method.text);
}

static int
by_bytes(const void *left, const void *right)
{
	return span_cmp(
	    *(const struct span *)left, *(const struct span *)right);
}

/* All methods of a path, those that the gate itself answers included. */
static struct span
allow_text(struct emit *e, const struct spec_operation **ops, size_t n)
{
	struct span names[METHODS_MAX + 2], text = SPAN("");
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		names[k++] = ops[i]->method.text;
		if (span_eq(ops[i]->method.text, SPAN("GET")))
			names[k++] = SPAN("HEAD");
	}
	names[k++] = SPAN("OPTIONS");
	qsort(names, k, sizeof(names[0]), by_bytes);
	for (size_t i = 0; i < k; i++)
		if (i == 0 || !span_eq(names[i - 1], names[i]))
			text =
			    arena_printf(e->arena, "%.*s%s%.*s", SPAN_ARG(text),
				i > 0 ? ", " : "", SPAN_ARG(names[i]));
	e->failed |= text.p == NULL;
	return text;
}

/* Every spelling of the path leads to its item. */
static struct range
emit_places(struct emit *e, const struct spec_document *doc,
    const struct spec_path *path, uint32_t item, struct span *shown)
{
	struct build_place place = { 0 };
	struct range variables = { 0, 0 };
	struct span full[2];
	unsigned n = paths_spellings(doc, path, full, e->arena);
	const char *why;

	e->failed |= n == 0;
	for (unsigned i = 0; i < n; i++) {
		if (!build_path(e->b, full[i], &place, &why)) {
			e->failed = true; /* link has refused it */
			return variables;
		}
		build_set_item(e->b, &place, item);
		if (i == 0)
			variables = place.variables;
	}
	*shown = full[0];
	return variables;
}

static void
emit_path(struct emit *e, const struct spec_document *doc, uint32_t api,
    const struct spec_path *path)
{
	const struct spec_operation *ops[METHODS_MAX];
	struct row_item row = { .api = api };
	uint32_t item = build_n(e->b, SECTION_ITEM);
	struct span shown = SPAN("");
	size_t n = 0;

	for (const struct spec_operation *op = path->operations; op;
	     op = op->next) {
		if (n == METHODS_MAX) {
			e->failed = true;
			return;
		}
		ops[n++] = op;
	}
	if (n == 0)
		return; /* a path without a method is not there */
	qsort(ops, n, sizeof(ops[0]), by_method);
	row.variables = emit_places(e, doc, path, item, &shown);
	row.path = build_text(e->b, shown);
	row.allow = build_text(e->b, allow_text(e, ops, n));
	row.operations.first = build_n(e->b, SECTION_OPERATION);
	row.operations.n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		emit_operation(e, doc, api, item, ops[i]);
	(void)BUILD_ROW(e->b, SECTION_ITEM, &row);
}

static uint32_t
api_flags(const struct spec_document *doc)
{
	return (doc->wso2 ? API_WSO2 : 0) |
	    (doc->slash_ignore == SWITCH_TRUE ? API_SLASH_IGNORE : 0) |
	    (doc->tier_replaces == SWITCH_TRUE ? API_TIER_REPLACES : 0) |
	    (doc->resource_metadata == SWITCH_TRUE ? API_RESOURCE_METADATA : 0);
}

static struct range
emit_attempts(struct emit *e, const struct spec_key_manager *k)
{
	struct range r = { build_n(e->b, SECTION_LIMIT), 0 };

	if (k == NULL || k->unlimited)
		return r;
	for (; r.n < ATTEMPTS__MAX; r.n++)
		(void)BUILD_ROW(e->b, SECTION_LIMIT, &k->attempts[r.n]);
	return r;
}

static void
emit_document(struct emit *e, const struct spec_document *doc)
{
	uint32_t api = build_n(e->b, SECTION_API);
	const char *slash = strrchr(doc->file, '/'), *why;
	struct row_api row = { .tier = tier_row(doc->limits),
		.flags = api_flags(doc),
		.max_body_bytes = api_max_body(e->spec, doc) };
	struct build_place base;

	row.title = build_text(e->b, doc->title.text);
	row.version = build_text(e->b, doc->version.text);
	row.base_path = build_text(e->b, doc->base_path.text);
	/* The name alone: where it lay on one machine is nobody's business. */
	row.document =
	    build_text(e->b, span_str(slash != NULL ? slash + 1 : doc->file));
	row.owner = build_text(e->b, doc->owner.text);
	row.public_url = build_text(e->b, doc->public_url.text);
	row.audience = build_text(e->b, doc->audience.text);
	if (e->spec->policy->assertion != NULL &&
	    doc->assertion != SWITCH_FALSE)
		row.flags |= API_ASSERTION;
	row.maintenance_s = doc->maintenance_s;
	row.attempts = emit_attempts(e, doc->key_manager);
	if (doc->keep_credential == SWITCH_TRUE)
		row.flags |= API_KEEP_CREDENTIAL;
	row.error_bodies = emit_error_bodies(e, doc->error_bodies);
	row.errors = doc->errors >= 0 ? (uint32_t)doc->errors
				      : e->spec->policy->settings.errors;
	row.endpoints = emit_endpoints(e, doc, doc->backends);
	row.sandbox = emit_endpoints(e, doc, doc->sandbox);
	row.pattern = emit_pattern(e, doc);
	row.spike =
	    emit_spike(e->b, doc->spike_limits, (struct span){ NULL, 0 });
	row.cors = cors_emit(e->b, doc->cors, doc->schemes);
	row.schemes = emit_schemes(e, doc->schemes);
	emit_levels(e, doc->levels, api);
	row.operations.first = build_n(e->b, SECTION_OPERATION);
	if (!build_path(e->b, doc->base_path.text, &base, &why))
		e->failed = true; /* link has refused it */
	else if (!doc->built_in)
		build_set_api(e->b, &base, api);
	for (const struct spec_path *p = doc->paths; p != NULL; p = p->next)
		emit_path(e, doc, api, p);
	row.operations.n =
	    build_n(e->b, SECTION_OPERATION) - row.operations.first;
	(void)BUILD_ROW(e->b, SECTION_API, &row);
	if (doc->issuer != NULL)
		emit_issue(e, doc->issuer, api);
}

bool
emit_bundle(const struct spec *s, struct buf *bytes)
{
	struct emit e = { .spec = s,
		.b = build_new(),
		.arena = s->diag->arena,
		.key_file = ROW_NONE,
		.users = ROW_NONE };
	bool done;

	if (e.b == NULL)
		return false;
	emit_settings(&e);
	emit_introspects(&e);
	emit_assertion(&e);
	if (s->policy->users != NULL) /* issuers may name it */
		e.users = emit_source(&e, s->policy->users);
	emit_issuers(&e);
	emit_hosts(&e);
	if (s->policy->api_keys != NULL)
		e.key_file = emit_source(&e, s->policy->api_keys);
	emit_applications(&e);
	emit_tiers(&e);
	emit_conditions(&e);
	emit_store(&e);
	emit_revocations(&e);
	dpop_emit(e.b, e.arena, s->policy->dpop, s->documents);
	emit_levels(&e, s->policy->levels, ROW_NONE);
	for (const struct spec_document *d = s->documents; d; d = d->next)
		emit_document(&e, d);
	done = build_finish(e.b, bytes) && !e.failed;
	build_free(e.b);
	return done;
}
