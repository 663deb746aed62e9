/*
 * wso2keys - see wso2keys.h.
 */
#include "spec/wso2keys.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "policy/issue.h"
#include "spec/fields.h"
#include "spec/issuers.h"

#define LIFE_DEFAULT_US (3600 * US_PER_S)
#define LIFE_MIN_US (60 * US_PER_S)

/* Where "tier" says nothing. */
#define TIER "API keys"
#define TIER_TEXT "{" TIER ": {limit: 10, per: 1m, key: subject}}"

/* Behind users, whoever they are in other documents. */
#define SCHEME "mgw API keys"

#define DOCUMENT                                                         \
	"{\"openapi\":\"3.0.3\","                                        \
	"\"info\":{\"title\":\"" WSO2KEYS_TITLE "\",\"version\":\"1\"}," \
	"\"components\":{\"securitySchemes\":{\"" SCHEME "\":"           \
	"{\"type\":\"http\",\"scheme\":\"basic\"}}},"                    \
	"\"security\":[{\"" SCHEME "\":[]}],"                            \
	"\"paths\":{\"%.*s\":{\"post\":{\"responses\":"                  \
	"{\"200\":{\"description\":\"\"}}}}}}"

static void
add_word(const struct keysource *r, struct spec_word ***end,
    const struct spec_text *text)
{
	struct spec_word *w = arena_alloc(r->d->arena, sizeof(*w));

	if (w == NULL) {
		r->d->failed = true;
		return;
	}
	w->text = *text;
	**end = w;
	*end = &w->next;
}

/* {PetStore: [1.0.0, v1], Other: any}, as title, version, title ... */
static void
read_apis(const struct keysource *r, const struct node *n, struct spec_issue *s)
{
	struct spec_word **end = &s->apis;

	if (n == NULL || n->kind != NODE_MAP || n->first == NULL) {
		diag_error(r->d, n != NULL ? n->place : s->place, "missing-key",
		    "issue needs apis: a map from titles to a list of "
		    "versions, or the word any");
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		struct spec_text title = { m->name, m->name_place };
		struct spec_word *versions = NULL;
		struct spec_word any = { .text = { SPAN("*"), m->place } };

		if (m->kind == NODE_STRING && span_eq(m->text, SPAN("any")))
			versions = &any;
		else
			node_words(m, "versions", &versions, r->d);
		for (; versions != NULL; versions = versions->next) {
			add_word(r, &end, &title);
			add_word(r, &end, &versions->text);
		}
	}
}

static void
check_path(const struct keysource *r, const struct spec_text *t)
{
	bool good = t->text.n > 1 && t->text.p[0] == '/' &&
	    !span_ends(t->text, SPAN("/"));

	for (size_t i = 0; i < t->text.n; i++)
		good = good &&
		    (ascii_is_alnum(t->text.p[i]) ||
			span_has(SPAN("/-_"), t->text.p[i]));
	if (!good)
		diag_error(r->d, t->place, "issue",
		    "path must be such as /apikey, of letters, digits, - "
		    "and _");
}

/* A limit there is, of whatever kind. */
static void
read_tier(const struct keysource *r, const struct node *n, struct spec_issue *s)
{
	struct node *tree;

	field_text(n, "tier", &s->tier, r->d);
	if (span_eq(s->tier.text, SPAN("Unlimited")))
		diag_error(r->d, s->tier.place, "issue",
		    "keys are not given without a limit");
	if (s->tier.text.p != NULL)
		return;
	s->tier = (struct spec_text){ SPAN(TIER), n->place };
	tree = tree_parse(SPAN(TIER_TEXT), r->f->file, r->d);
	if (tree != NULL && tiers_find(r->f->tiers, SPAN(TIER)) == NULL)
		tiers_read(r->f->tiers, tree, r->d);
}

static void
read_issue(
    const struct keysource *r, const struct node *n, struct spec_issuer *i)
{
	static const char *const keys[] = { "key", "apis", "path", "algorithm",
		"lifetime", "tier", NULL };
	struct spec_issue *s = arena_alloc(r->d->arena, sizeof(*s));
	const struct node *key = tree_get(n, "key");

	if (s == NULL) {
		r->d->failed = true;
		return;
	}
	if (!fields_check(n, "issue", keys, r->d))
		return;
	i->issue = s;
	i->of_users = true;
	s->place = n->place;
	s->life_us = LIFE_DEFAULT_US;
	s->path = (struct spec_text){ SPAN("/apikey"), n->place };
	if (key != NULL)
		s->key = keysource_secret(r, key, "key");
	else
		diag_error(r->d, n->place, "missing-key",
		    "issue needs key: ${file:PATH}");
	if (s->key != NULL)
		s->key->kind = SOURCE_SIGNING_KEY;
	read_apis(r, tree_get(n, "apis"), s);
	field_text(n, "path", &s->path, r->d);
	check_path(r, &s->path);
	s->algorithm = keysource_algorithm(r, n, "to sign keys with");
	field_duration(n, "lifetime", LIFE_MIN_US,
	    (uint64_t)ISSUE_LIFE_S_MAX * US_PER_S, &s->life_us, r->d);
	read_tier(r, n, s);
	if ((i->algorithms >> s->algorithm & 1) == 0)
		diag_error(r->d, n->place, "issue",
		    "the algorithm is none of the issuer's");
	for (const struct spec_claim *c = i->claims; c != NULL; c = c->next)
		diag_error(r->d, n->place, "issue",
		    "keys that are made here have no claims that are required "
		    "or go by other names");
}

static void
read_one(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "issuer", "keys", "audiences",
		"algorithms", "leeway", "scope-claim", "trust-claims",
		"required-claims", "claim-map", "expiry", "subject", "issue",
		NULL };
	static const char *const expiry[] = { "required", "optional", NULL };
	static const char *const subject[] = { "any", "user", NULL };
	struct spec_issuer *i = arena_alloc(r->d->arena, sizeof(*i));
	int lasting = 0, user = 0;

	if (i == NULL) {
		r->d->failed = true;
		return;
	}
	if (!fields_check(n, "an entry of wso2-keys", keys, r->d))
		return;
	i->of_keys = true;
	issuers_read_common(r, i, n);
	issuers_read_audiences(r, i, n);
	field_choice(n, "expiry", expiry, &lasting, r->d);
	field_choice(n, "subject", subject, &user, r->d);
	i->lasting = lasting == 1;
	i->of_users = user == 1;
	if (tree_get(n, "issue") != NULL)
		read_issue(r, tree_get(n, "issue"), i);
	if (i->of_users && r->f->users == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "subject: user, and issue, need users: {file: ...}");
	for (const struct spec_issuer *o = r->f->issuers; o; o = o->next)
		if (i->issue != NULL && o->issue != NULL)
			diag_error(r->d, i->issue->place, "issue",
			    "keys are made for one issuer only");
	issuers_add(r, i);
	r->f->n_key_issuers++;
}

void
wso2keys_read(const struct keysource *r, const struct node *n)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_LIST) {
		diag_error(r->d, n->place, "kind",
		    "wso2-keys must be a list, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (n = n->first; n != NULL; n = n->next)
		read_one(r, n);
}

struct spec_document *
wso2keys_document(const struct policyfile *f, struct diag *d)
{
	const struct spec_issuer *i = f->issuers;
	struct spec_document *doc;
	struct span text;

	while (i != NULL && i->issue == NULL)
		i = i->next;
	if (i == NULL)
		return NULL;
	/* Its path was checked. */
	text = arena_printf(d->arena, DOCUMENT, SPAN_ARG(i->issue->path.text));
	doc = text.p != NULL ? openapi_parse(text, f->file, d) : NULL;
	if (doc == NULL) {
		d->failed = true;
		return NULL;
	}
	doc->issuer = i;
	doc->built_in = true;
	doc->title.place = doc->version.place = i->issue->place;
	doc->base_path = (struct spec_text){ SPAN(""), i->issue->place };
	doc->tier = i->issue->tier;
	doc->assertion = SWITCH_FALSE;
	doc->max_body_bytes = ISSUE_BODY_MAX;
	return doc;
}
