/*
 * keysource - see keysource.h.
 */
#include "spec/keysource.h"

#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "policy/keyset.h"
#include "policy/reference.h"
#include "policy/url.h"
#include "spec/assertion.h"
#include "spec/claimrules.h"
#include "spec/fields.h"
#include "spec/introspection.h"

#define LEEWAY_DEFAULT_S 5
#define LEEWAY_MAX_US (INT64_C(600) * US_PER_S)

#define ALG_BIT(alg) (UINT32_C(1) << (alg))
#define ALG_HMAC (ALG_BIT(ALG_HS256) | ALG_BIT(ALG_HS384) | ALG_BIT(ALG_HS512))

/* The real path of the folder that "file" lies in, or NULL. */
static const char *
folder_of(const char *file, struct arena *a)
{
	char real[PATH_MAX];
	const char *slash = strrchr(file, '/');
	struct span name = slash == NULL
	    ? SPAN(".")
	    : span_of(file, slash == file ? 1 : (size_t)(slash - file));

	name = arena_copy(a, name);
	if (name.p == NULL || realpath(name.p, real) == NULL)
		return NULL;
	return arena_copy(a, span_str(real)).p;
}

/* As the bundle is to name a file that mgw.yaml names. */
static struct span
stored_path(const struct keysource *r, struct span path)
{
	/* What a reference will begin with is not known yet. */
	if (r->folder == NULL || path.p[0] == '/' ||
	    span_starts(path, SPAN("${")))
		return path;
	return arena_printf(r->d->arena, "%s/%.*s", r->folder, SPAN_ARG(path));
}

static void
set_file(const struct keysource *r, struct spec_source *s)
{
	s->how = SOURCE_FILE;
	s->value.text = stored_path(r, s->value.text);
	if (s->value.text.p == NULL)
		r->d->failed = true;
}

static void
check_url(const struct keysource *r, const struct node *n, struct span text)
{
	const char *why;
	struct url u;

	if (!url_parse(text, &u, &why))
		diag_error(r->d, n->place, "key-url", "url: %s", why);
	else if (u.unix_path.p != NULL || (!u.tls && !url_is_local(&u)))
		diag_error(r->d, n->place, "key-url",
		    "keys must come over https, or http from this machine");
}

static void
read_url(const struct keysource *r, const struct node *n, struct spec_source *s)
{
	s->how = SOURCE_URL;
	if (node_text(n, "url", true, &s->value, r->d) &&
	    !reference_in(s->value.text))
		check_url(r, n, s->value.text);
}

/*
 * OpenID Connect Discovery section 4 appends, RFC 8414 section 3.1 inserts
 * behind the host.
 */
static struct span
metadata_url(const struct keysource *r, struct span issuer, bool oauth)
{
	const struct span openid = SPAN("/.well-known/openid-configuration");
	const char *slash;
	struct span host, path;

	if (issuer.n > 0 && issuer.p[issuer.n - 1] == '/')
		issuer.n--;
	if (!oauth)
		return arena_printf(r->d->arena, "%.*s%.*s", SPAN_ARG(issuer),
		    SPAN_ARG(openid));
	path = issuer;
	(void)span_cut(&path, '/'); /* "https:" and an empty part */
	(void)span_cut(&path, '/');
	slash = path.p != NULL ? memchr(path.p, '/', path.n) : NULL;
	host = issuer;
	if (slash != NULL)
		host.n = (size_t)(slash - issuer.p);
	return arena_printf(r->d->arena,
	    "%.*s/.well-known/oauth-authorization-server%.*s", SPAN_ARG(host),
	    SPAN_ARG(span_skip(issuer, host.n)));
}

static void
read_discovery(const struct keysource *r, const struct spec_issuer *i,
    const struct node *n, struct spec_source *s)
{
	bool oauth = tree_is(n, NODE_STRING) && span_eq(n->text, SPAN("oauth"));

	s->issuer = i->issuer.text;
	s->how = SOURCE_URL;
	if (!oauth &&
	    !(tree_is(n, NODE_STRING) && span_eq(n->text, SPAN("openid")))) {
		read_url(r, n, s);
		return;
	}
	s->value.place = n->place;
	s->value.text = metadata_url(r, i->issuer.text, oauth);
	if (s->value.text.p == NULL)
		r->d->failed = true;
	else
		check_url(r, n, s->value.text);
}

/* A JWK set in the bundle may hold public keys only. */
static void
check_public(
    const struct keysource *r, const struct node *n, const struct node *set)
{
	static const char *const secret[] = { "k", "d", "p", "q", "dp", "dq",
		"qi" };
	const struct node *keys = tree_get(set, "keys");

	if (!tree_is(keys, NODE_LIST)) {
		diag_error(r->d, n->place, "key-inline",
		    "not a JWK set: a list 'keys' is missing");
		return;
	}
	for (const struct node *k = keys->first; k != NULL; k = k->next)
		for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++)
			if (tree_get(k, secret[i]) != NULL) {
				diag_error(r->d, n->place, "secret-inline",
				    "a secret key may not be inline: "
				    "put it into a file or ${env:NAME}");
				return;
			}
}

/* Text that is one reference and nothing else becomes its source. */
static bool
read_reference(
    const struct keysource *r, const struct node *n, struct spec_source *s)
{
	struct reference ref;
	struct span rest = n->text;
	const char *why;

	s->value = (struct spec_text){ n->text, n->place };
	if (!reference_next(&rest, &ref, &why) || ref.literal.n > 0 ||
	    rest.p != NULL || ref.kind == REFERENCE_NONE)
		return false;
	s->value.text = ref.name;
	s->how = SOURCE_ENV;
	if (ref.kind == REFERENCE_FILE)
		set_file(r, s);
	return true;
}

struct spec_source *
keysource_secret(
    const struct keysource *r, const struct node *n, const char *what)
{
	struct spec_source *s = arena_alloc(r->d->arena, sizeof(*s));
	struct spec_text t;

	if (s == NULL) {
		r->d->failed = true;
		return NULL;
	}
	if (!node_text(n, what, true, &t, r->d))
		return NULL;
	s->kind = SOURCE_SECRET;
	if (read_reference(r, n, s))
		return s;
	diag_error(r->d, n->place, "secret-inline",
	    "%s must be ${env:NAME} or ${file:PATH}: who reads the bundle "
	    "would have it",
	    what);
	return NULL;
}

static void
read_inline(
    const struct keysource *r, const struct node *n, struct spec_source *s)
{
	struct node *set;
	struct buf text;

	s->how = SOURCE_INLINE;
	s->value = (struct spec_text){ n->text, n->place };
	if (n->kind == NODE_MAP) {
		check_public(r, n, n);
		buf_init(&text, KEY_SET_BYTES_MAX);
		tree_write_json(n, &text);
		s->value.text = arena_copy(r->d->arena, buf_span(&text));
		if (text.failed || s->value.text.p == NULL)
			r->d->failed = true;
		buf_fini(&text);
		return;
	}
	if (!node_text(n, "inline", true, &s->value, r->d))
		return;
	if (!reference_in(n->text)) {
		set = tree_parse(n->text, n->place.file, r->d);
		if (set != NULL)
			check_public(r, n, set);
		return;
	}
	if (!read_reference(r, n, s))
		diag_error(r->d, n->place, "reference",
		    "inline takes keys or one reference, not a mixture");
}

static void
read_pem(const struct keysource *r, const struct node *n, struct spec_source *s)
{
	struct span t;

	if (!node_text(n, "pem", true, &s->value, r->d))
		return;
	t = s->value.text;
	if (memmem(t.p, t.n, "-----BEGIN", 10) == NULL) {
		set_file(r, s);
		return;
	}
	s->how = SOURCE_INLINE;
	if (memmem(t.p, t.n, "PRIVATE KEY-----", 16) != NULL)
		diag_error(r->d, n->place, "secret-inline",
		    "a private key may not be inline, nor is it needed");
}

static struct spec_source *
read_keys(const struct keysource *r, const struct spec_issuer *i,
    const struct node *n)
{
	static const char *const keys[] = { "file", "url", "discovery",
		"inline", "pem", NULL };
	struct spec_source *s = arena_alloc(r->d->arena, sizeof(*s));

	if (s == NULL) {
		r->d->failed = true;
		return NULL;
	}
	s->kind = SOURCE_KEY_SET;
	if (!fields_check(n, "keys", keys, r->d))
		return NULL;
	if (n->n != 1) {
		diag_error(r->d, n->place, "issuer-keys",
		    "keys need exactly one of file, url, discovery, inline "
		    "and pem");
		return NULL;
	}
	n = n->first;
	if (span_eq(n->name, SPAN("url")))
		read_url(r, n, s);
	else if (span_eq(n->name, SPAN("discovery")))
		read_discovery(r, i, n, s);
	else if (span_eq(n->name, SPAN("inline")))
		read_inline(r, n, s);
	else if (span_eq(n->name, SPAN("pem")))
		read_pem(r, n, s);
	else if (node_text(n, "file", true, &s->value, r->d))
		set_file(r, s);
	return s->value.text.p != NULL ? s : NULL;
}

static void
read_key_list(const struct keysource *r, struct spec_issuer *i,
    const struct node *n, struct place at)
{
	struct spec_source **end = &i->keys;

	if (n == NULL) {
		diag_error(r->d, at, "missing-key",
		    "an issuer needs keys: {file|url|discovery|inline|pem: "
		    "...}");
		return;
	}
	if (n->kind != NODE_LIST) {
		i->keys = read_keys(r, i, n);
		return;
	}
	if (n->first == NULL)
		diag_error(r->d, n->place, "empty", "keys is empty");
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		*end = read_keys(r, i, m);
		if (*end != NULL)
			end = &(*end)->next;
	}
}

static void
read_audiences(
    const struct keysource *r, struct spec_issuer *i, const struct node *n)
{
	const struct node *a = tree_get(n, "audiences");

	if (a == NULL) {
		diag_error(r->d, n->place, "issuer-audiences",
		    "an issuer needs audiences: a list, or the word any");
		return;
	}
	if (a->kind == NODE_STRING && span_eq(a->text, SPAN("any")))
		i->audience_any = true;
	else if (a->kind == NODE_STRING)
		diag_error(r->d, a->place, "kind",
		    "audiences must be a list, or the word any");
	else
		field_words(n, "audiences", &i->audiences, r->d);
}

static void
read_algorithms(
    const struct keysource *r, struct spec_issuer *i, const struct node *n)
{
	struct spec_word *words = NULL;
	enum algorithm alg;

	field_words(n, "algorithms", &words, r->d);
	for (const struct spec_word *w = words; w != NULL; w = w->next) {
		if (algorithm_parse(w->text.text, &alg))
			i->algorithms |= ALG_BIT(alg);
		else
			diag_error(r->d, w->text.place, "algorithm",
			    "'%.*s' is no algorithm for tokens: RS, PS, ES or "
			    "HS with 256, 384 or 512, or EdDSA",
			    SPAN_ARG(w->text.text));
	}
	if (tree_get(n, "algorithms") == NULL)
		i->algorithms = ALG_BIT(ALG_RS256) | ALG_BIT(ALG_ES256);
	if ((i->algorithms & ALG_HMAC) == 0)
		return;
	/* Who serves a key set could sign tokens; a bundle holds no secret. */
	for (const struct spec_source *s = i->keys; s != NULL; s = s->next)
		if (s->how == SOURCE_URL)
			diag_error(r->d, s->value.place, "algorithm",
			    "HS algorithms need keys from a file or "
			    "${env:NAME}, not from a URL");
}

static void
check_issuer(const struct keysource *r, const struct spec_issuer *i,
    const struct node *n)
{
	unsigned n_keys = 0;

	for (const struct spec_source *s = i->keys; s != NULL; s = s->next)
		n_keys++;
	if (n_keys > ISSUER_SOURCES_MAX)
		diag_error(r->d, n->place, "issuer-keys",
		    "more than %u key sets", ISSUER_SOURCES_MAX);
	if (i->subscriptions == SWITCH_TRUE && i->trust_claims != SWITCH_TRUE)
		diag_error(r->d, n->place, "claim",
		    "validate-subscription needs trust-claims: true");
}

static void
read_issuer(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "issuer", "keys", "audiences",
		"algorithms", "leeway", "scope-claim", "type", "trust-claims",
		"validate-subscription", "required-claims", "claim-map",
		"introspect", NULL };
	struct spec_issuer *i = arena_alloc(r->d->arena, sizeof(*i));
	struct spec_issuer **end = &r->f->issuers;
	uint64_t leeway_us = LEEWAY_DEFAULT_S * US_PER_S;

	if (i == NULL) {
		r->d->failed = true;
		return;
	}
	if (!fields_check(n, "an issuer", keys, r->d))
		return;
	field_text(n, "issuer", &i->issuer, r->d);
	if (tree_get(n, "issuer") == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "an issuer needs issuer: the claim 'iss' of its tokens");
	read_key_list(r, i, tree_get(n, "keys"), n->place);
	read_audiences(r, i, n);
	read_algorithms(r, i, n);
	field_duration(n, "leeway", 0, LEEWAY_MAX_US, &leeway_us, r->d);
	i->leeway_s = (uint32_t)(leeway_us / US_PER_S);
	i->scope_claim.text = SPAN("scope");
	field_text(n, "scope-claim", &i->scope_claim, r->d);
	field_text(n, "type", &i->type, r->d);
	field_switch(n, "trust-claims", &i->trust_claims, r->d);
	field_switch(n, "validate-subscription", &i->subscriptions, r->d);
	claimrules_read(&i->claims, n, r->d);
	field_text(n, "introspect", &i->introspect, r->d);
	check_issuer(r, i, n);
	for (; *end != NULL; end = &(*end)->next)
		if (i->issuer.text.p != NULL &&
		    span_eq((*end)->issuer.text, i->issuer.text))
			diag_error(r->d, i->issuer.place, "issuer-duplicate",
			    "issuer '%.*s' is there already",
			    SPAN_ARG(i->issuer.text));
	*end = i;
	r->f->n_issuers++;
}

/* "api-keys" and "users": a file of "kind"; NULL: not there, or wrong. */
static struct spec_source *
read_file_of(const struct keysource *r, const struct node *n, const char *what,
    enum source_kind kind)
{
	static const char *const keys[] = { "file", NULL };
	struct spec_source *s;

	if (n == NULL || !fields_check(n, what, keys, r->d))
		return NULL;
	s = arena_alloc(r->d->arena, sizeof(*s));
	if (s == NULL) {
		r->d->failed = true;
		return NULL;
	}
	s->kind = kind;
	field_reference(n, "file", &s->value, r->d);
	if (tree_get(n, "file") == NULL)
		diag_error(
		    r->d, n->place, "missing-key", "%s needs file", what);
	if (s->value.text.p == NULL)
		return NULL;
	set_file(r, s);
	return s;
}

struct keysource
keysource_of(struct policyfile *f, const char *bundle, struct diag *d)
{
	struct keysource r = { f, NULL, d };
	const char *of_bundle;

	if (bundle == NULL)
		return r;
	r.folder = folder_of(f->file, d->arena);
	of_bundle = folder_of(bundle, d->arena);
	if (r.folder != NULL && of_bundle != NULL &&
	    strcmp(r.folder, of_bundle) == 0)
		r.folder = NULL;
	return r;
}

struct span
keysource_path(const struct keysource *r, struct span path)
{
	path = stored_path(r, path);
	if (path.p == NULL)
		r->d->failed = true;
	return path;
}

void
keysource_read(struct policyfile *f, const struct node *root,
    const char *bundle, struct diag *d)
{
	const struct keysource r = keysource_of(f, bundle, d);
	const struct node *issuers = tree_get(root, "issuers");

	introspection_read_all(&r, tree_get(root, "introspection"));
	f->api_keys = read_file_of(
	    &r, tree_get(root, "api-keys"), "api-keys", SOURCE_KEY_FILE);
	f->users =
	    read_file_of(&r, tree_get(root, "users"), "users", SOURCE_HTPASSWD);
	if (issuers != NULL && issuers->kind != NODE_LIST) {
		diag_error(d, issuers->place, "kind",
		    "issuers must be a list, not %s",
		    tree_kind_name(issuers->kind));
		return;
	}
	for (const struct node *n = issuers != NULL ? issuers->first : NULL;
	     n != NULL; n = n->next)
		read_issuer(&r, n);
	assertion_read(&r, tree_get(root, "backend-jwt"));
	assertion_read_identities(&r, tree_get(root, "identity-headers"));
}
