/*
 * keysource - see keysource.h.
 */
#include "spec/keysource.h"

#include <limits.h>
#include <stdlib.h>

#include "policy/keyset.h"
#include "policy/reference.h"
#include "policy/url.h"
#include "spec/applications.h"
#include "spec/assertion.h"
#include "spec/fields.h"
#include "spec/introspection.h"
#include "spec/issuers.h"
#include "spec/wso2keys.h"

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
	s->value.text = keysource_path(r, s->value.text);
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

struct spec_source *
keysource_keys(const struct keysource *r, const struct spec_issuer *i,
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

struct spec_source *
keysource_file(const struct keysource *r, const struct node *n,
    const char *what, enum source_kind kind)
{
	struct spec_source *s = arena_alloc(r->d->arena, sizeof(*s));

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

/* "api-keys" and "users"; NULL: not there, or wrong. */
static struct spec_source *
read_file_of(const struct keysource *r, const struct node *n, const char *what,
    enum source_kind kind)
{
	static const char *const keys[] = { "file", NULL };

	return n != NULL && fields_check(n, what, keys, r->d)
	    ? keysource_file(r, n, what, kind)
	    : NULL;
}

int
keysource_algorithm(
    const struct keysource *r, const struct node *n, const char *what)
{
	struct spec_text t = { { NULL, 0 }, { NULL, 0, 0 } };
	enum algorithm alg = ALG_RS256;

	field_text(n, "algorithm", &t, r->d);
	if (t.text.p != NULL &&
	    (!algorithm_parse(t.text, &alg) || alg >= ALG_HS256))
		diag_error(r->d, t.place, "algorithm",
		    "'%.*s' is no algorithm %s: RS, PS or ES with 256, 384 "
		    "or 512, or EdDSA",
		    SPAN_ARG(t.text), what);
	return (int)alg;
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

	applications_read(&r, tree_get(root, "applications"));
	introspection_read_all(&r, tree_get(root, "introspection"));
	f->api_keys = read_file_of(
	    &r, tree_get(root, "api-keys"), "api-keys", SOURCE_KEY_FILE);
	f->users =
	    read_file_of(&r, tree_get(root, "users"), "users", SOURCE_HTPASSWD);
	issuers_read(&r, tree_get(root, "issuers"));
	wso2keys_read(&r, tree_get(root, "wso2-keys"));
	assertion_read(&r, tree_get(root, "backend-jwt"));
	assertion_read_identities(&r, tree_get(root, "identity-headers"));
}
