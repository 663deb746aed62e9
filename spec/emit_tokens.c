/*
 * emit_tokens - rows of those who make tokens; see emit.h.
 */
#include "base/clock.h"
#include "spec/applications.h"
#include "spec/assertion.h"
#include "spec/emit_part.h"
#include "spec/hostauth.h"
#include "spec/introspection.h"
#include "spec/wso2keys.h"

static struct range
emit_claims(struct emit *e, const struct spec_claim *list)
{
	struct range r = { build_n(e->b, SECTION_CLAIM), 0 };

	for (; list != NULL; list = list->next) {
		struct row_claim row = { .kind = (uint32_t)list->kind };

		row.path = build_text(e->b, list->path.text);
		row.local = build_text(e->b, list->local.text);
		row.values = emit_words(e, list->values);
		(void)BUILD_ROW(e->b, SECTION_CLAIM, &row);
		r.n++;
	}
	return r;
}

void
emit_introspects(struct emit *e)
{
	for (struct spec_introspect *s = e->spec->policy->introspects; s;
	     s = s->next) {
		struct place at = s->name.place;
		struct row_introspect row = { .auth = (uint32_t)s->auth,
			.secret = ROW_NONE,
			.leeway_s = (uint32_t)(s->leeway_us / US_PER_S),
			.timeout_ms = (uint32_t)(s->timeout_us / US_PER_MS),
			.keep_s = (uint32_t)(s->keep_us / US_PER_S),
			.keep_inactive_s =
			    (uint32_t)(s->keep_inactive_us / US_PER_S) };

		row.url = build_text(e->b, s->url.text);
		row.issuer = build_text(e->b, s->issuer.text);
		row.client_id = build_text(e->b, s->client_id.text);
		row.prefix = build_text(e->b, s->prefix.text);
		row.scope_claim = build_text(e->b, s->scope_claim.text);
		row.origin = build_text(
		    e->b, arena_printf(e->arena, "%s:%u", at.file, at.line));
		row.audiences = emit_words(e, s->audiences);
		row.claims = emit_claims(e, s->claims);
		if (s->secret != NULL)
			row.secret = emit_source(e, s->secret);
		else
			e->failed = true; /* it has been refused */
		if (s->audiences == NULL)
			row.flags |= INTROSPECT_AUDIENCE_ANY;
		if (s->trust_claims == SWITCH_TRUE)
			row.flags |= INTROSPECT_TRUST_CLAIMS;
		if (s->subscriptions == SWITCH_TRUE)
			row.flags |= INTROSPECT_SUBSCRIPTIONS;
		s->row = BUILD_ROW(e->b, SECTION_INTROSPECT, &row);
	}
}

struct range
emit_introspect_list(struct emit *e, const struct spec_word *words)
{
	struct range r = { build_n(e->b, SECTION_INDEX), 0 };

	for (; words != NULL; words = words->next) {
		const struct spec_introspect *s =
		    introspection_find(e->spec->policy, words->text.text);

		e->failed |= s == NULL; /* link has refused it */
		if (s != NULL)
			r.n += build_indices(e->b, &s->row, 1).n;
	}
	return r;
}

/* The one server that an issuer's tokens are asked about at. */
static struct range
emit_issuer_introspect(struct emit *e, const struct spec_issuer *i)
{
	const struct spec_introspect *s = NULL;

	if (i->introspect.text.p == NULL)
		return (struct range){ 0, 0 };
	s = introspection_find(e->spec->policy, i->introspect.text);
	e->failed |= s == NULL; /* link has refused it */
	return s != NULL ? (struct range){ s->row, 1 } : (struct range){ 0, 0 };
}

void
emit_issuers(struct emit *e)
{
	for (struct spec_issuer *i = e->spec->policy->issuers; i != NULL;
	     i = i->next) {
		struct row_issuer row = { .algorithms = i->algorithms,
			.leeway_s = i->leeway_s };

		row.issuer = build_text(e->b, i->issuer.text);
		row.audiences = emit_words(e, i->audiences);
		row.scope_claim = build_text(e->b, i->scope_claim.text);
		row.type = build_text(e->b, i->type.text);
		row.sources.first = build_n(e->b, SECTION_SOURCE);
		for (struct spec_source *s = i->keys; s != NULL; s = s->next) {
			(void)emit_source(e, s); /* in order */
			row.sources.n++;
		}
		if (i->audience_any)
			row.flags |= ISSUER_AUDIENCE_ANY;
		if (i->trust_claims == SWITCH_TRUE)
			row.flags |= ISSUER_TRUST_CLAIMS;
		if (i->subscriptions == SWITCH_TRUE)
			row.flags |= ISSUER_SUBSCRIPTIONS;
		if (i->of_keys)
			row.flags |= ISSUER_OF_KEYS;
		if (i->lasting)
			row.flags |= ISSUER_LASTING;
		if (i->of_users)
			row.users = e->users + 1;
		row.claims = emit_claims(e, i->claims);
		row.introspects = emit_issuer_introspect(e, i);
		i->row = BUILD_ROW(e->b, SECTION_ISSUER, &row);
	}
}

/* A group, and behind it its scopes in one text. */
static struct range
emit_group_scopes(struct emit *e, const struct spec_group *g)
{
	struct range r = { build_n(e->b, SECTION_STRING), 0 };

	for (; g != NULL; g = g->next) {
		struct span pair[2] = { g->name.text, SPAN("") };

		for (const struct spec_word *w = g->scopes; w; w = w->next)
			pair[1] = pair[1].n == 0
			    ? w->text.text
			    : arena_printf(e->arena, "%.*s %.*s",
				  SPAN_ARG(pair[1]), SPAN_ARG(w->text.text));
		e->failed |= pair[1].p == NULL;
		r.n += build_strings(e->b, pair, 2).n;
	}
	return r;
}

void
emit_hosts(struct emit *e)
{
	for (struct spec_host *h = e->spec->policy->hosts; h; h = h->next) {
		struct row_host_auth row = {
			.flags = h->types == NULL ? HOST_AUTH_TYPE_ANY : 0
		};

		row.name = build_text(e->b, h->name.text);
		row.hosts = emit_words(e, h->hosts);
		row.types = emit_words(e, h->types);
		row.prefix = build_text(e->b, h->prefix.text);
		row.mark = build_text(e->b, h->mark.text);
		row.groups = build_text(e->b, h->groups.text);
		row.separator = build_text(e->b, h->separator);
		row.group_scopes = emit_group_scopes(e, h->scopes);
		h->row = BUILD_ROW(e->b, SECTION_HOST_AUTH, &row);
	}
}

void
emit_applications(struct emit *e)
{
	const struct spec_applications *a = e->spec->policy->applications;
	struct row_applications row = { .flags = 0 };

	if (a == NULL)
		return;
	/* Before the URL that it is needed for. */
	if (a->password != NULL)
		row.password = emit_source(e, a->password) + 1;
	row.source = emit_source(e, a->source);
	row.user = build_text(e->b, a->user.text);
	row.issuers = emit_words(e, a->issuers);
	row.every_s = (uint32_t)(a->every_us / US_PER_S);
	row.max_age_s = (uint32_t)(a->max_age_us / US_PER_S);
	row.timeout_ms = (uint32_t)(a->timeout_us / US_PER_MS);
	if (a->subscribed == 1)
		row.flags |= APPLICATIONS_SUBSCRIBED;
	if (a->known == 1)
		row.flags |= APPLICATIONS_KNOWN;
	(void)BUILD_ROW(e->b, SECTION_APPLICATIONS, &row); /* row 0 */
}

void
emit_issue(struct emit *e, const struct spec_issuer *i, uint32_t api)
{
	const struct spec_issue *s = i->issue;
	struct row_issue row = { .issuer = i->row,
		.api = api,
		.algorithm = (uint32_t)s->algorithm,
		.life_s = (uint32_t)(s->life_us / US_PER_S) };

	if (s->key != NULL)
		row.key = emit_source(e, s->key);
	else
		e->failed = true; /* it has been refused */
	row.apis = emit_words(e, s->apis);
	(void)BUILD_ROW(e->b, SECTION_ISSUE, &row);
}

void
emit_assertion(struct emit *e)
{
	const struct spec_assertion *s = e->spec->policy->assertion;
	struct row_assertion row = { .key = ROW_NONE };

	if (s == NULL)
		return;
	row.header = build_text(e->b, s->header.text);
	row.issuer = build_text(e->b, s->issuer.text);
	row.dialect = build_text(e->b, s->dialect.text);
	row.keys_path = build_text(e->b, s->keys_path.text);
	row.claims = emit_words(e, s->claims);
	row.algorithm = (uint32_t)s->algorithm;
	row.life_s = (uint32_t)(s->life_us / US_PER_S);
	if (s->key != NULL)
		row.key = emit_source(e, s->key);
	else
		e->failed = true; /* it has been refused */
	(void)BUILD_ROW(e->b, SECTION_ASSERTION, &row);
}

struct range
emit_identities(struct emit *e)
{
	const struct policyfile *f = e->spec->policy;
	struct span names[IDENTITY__MAX];

	if (!f->identities_given)
		return (struct range){ 0, 0 };
	for (unsigned i = 0; i < IDENTITY__MAX; i++)
		names[i] = f->identities[i].text;
	return build_strings(e->b, names, IDENTITY__MAX);
}
