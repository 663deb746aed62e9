/*
 * policyfile - see policyfile.h.  Issuers and key files: keysource.c; what
 * becomes of it: policyfile_apply.c.
 */
#include "spec/policyfile.h"

#include "base/clock.h"
#include "base/file.h"
#include "policy/client.h"
#include "policy/url.h"
#include "spec/applications.h"
#include "spec/changes.h"
#include "spec/dpop.h"
#include "spec/endpoints.h"
#include "spec/errors.h"
#include "spec/fields.h"
#include "spec/hostauth.h"
#include "spec/keysource.h"
#include "spec/maintenance.h"
#include "spec/revocation.h"
#include "spec/storefile.h"
#include "spec/verifiers.h"

#define URI_MAX (64 * 1024)
#define HEADERS_MAX (64 * 1024)
#define TIMEOUT_MAX_US (INT64_C(86400) * US_PER_S)

/* Where a list ends, to append to it. */
#define LIST_END(list, end)                                            \
	for ((end) = &(list); *(end) != NULL; (end) = &(*(end))->next) \
		;

static void
read_choice_switch(const struct node *map, const char *key,
    const char *const *words, enum spec_switch *s, struct diag *d)
{
	int choice = -1;

	field_choice(map, key, words, &choice, d);
	if (choice >= 0)
		*s = choice == 1 ? SWITCH_TRUE : SWITCH_FALSE;
}

static void
read_endpoints(struct policyfile *f, const struct node *map, const char *key,
    struct spec_url **urls, struct diag *d)
{
	const struct keysource r = keysource_of(f, f->bundle, d);
	const struct node *n = tree_get(map, key);

	if (n != NULL)
		*urls = endpoints_read(n, key, &r, d);
}

static void
read_backends(struct policyfile *f, const struct node *map,
    struct spec_reach *to, struct diag *d)
{
	const struct keysource r = keysource_of(f, f->bundle, d);

	reach_read_shared(&r, map, to);
}

/* It is published as it stands, so it stands as it is to be. */
static void
check_public_url(const struct spec_text *t, struct diag *d)
{
	const char *why;
	struct url u;

	if (t->text.p == NULL)
		return;
	if (!url_parse(t->text, &u, &why))
		diag_error(d, t->place, "public-url", "public-url: %s", why);
	else if (u.unix_path.p != NULL || (!u.tls && !url_is_local(&u)) ||
	    u.query.p != NULL || span_ends(t->text, SPAN("/")) ||
	    span_has(t->text, '"'))
		diag_error(d, t->place, "public-url",
		    "public-url must be https, without a query and without a "
		    "slash at the end");
}

static void
read_api(struct policyfile *f, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "name", "base-path", "endpoints",
		"sandbox-endpoints", "tier", "tier-replaces", "security",
		"scopes", "trailing-slash", "errors", "max-body", "cors",
		"certificates", "levels", "public-url", "resource-metadata",
		"backend-jwt", "backend-audience", "keep-credential", "groups",
		"maintenance", "spike", "changes", "interceptors", "backends",
		ENDPOINTS_KEYS, NULL };
	static const char *const interceptors[] = { "refuse", "drop", NULL };
	static const char *const security[] = { "as-documented", "required",
		NULL };
	static const char *const scopes[] = { "all", "any", NULL };
	static const char *const slash[] = { "strict", "ignore", NULL };
	struct spec_api_rule *a = arena_alloc(d->arena, sizeof(*a));
	struct spec_api_rule **end;

	if (a == NULL) {
		d->failed = true;
		return;
	}
	LIST_END(f->apis, end);
	*end = a;
	a->file = (struct spec_text){ n->name, n->name_place };
	a->errors = -1;
	if (!fields_check(n, "an entry of apis", keys, d))
		return;
	endpoints_misplaced(n, d);
	field_text(n, "name", &a->name, d);
	field_text(n, "base-path", &a->base_path, d);
	read_endpoints(f, n, "endpoints", &a->endpoints, d);
	read_endpoints(f, n, "sandbox-endpoints", &a->sandbox, d);
	read_backends(f, n, &a->reach, d);
	field_text(n, "tier", &a->tier, d);
	field_text(n, "spike", &a->spike, d);
	field_switch(n, "tier-replaces", &a->tier_replaces, d);
	read_choice_switch(n, "security", security, &a->security_required, d);
	read_choice_switch(n, "scopes", scopes, &a->scopes_any, d);
	read_choice_switch(n, "trailing-slash", slash, &a->slash_ignore, d);
	errors_read(n, f->file, &a->errors, &a->error_bodies, d);
	if (tree_get(n, "cors") != NULL)
		a->cors = cors_read(tree_get(n, "cors"), d);
	if (tree_get(n, "certificates") != NULL)
		a->certificates =
		    certificates_read(tree_get(n, "certificates"), d);
	levels_read(tree_get(n, "levels"), &a->levels, d);
	if (tree_get(n, "changes") != NULL)
		a->changes = changes_read(tree_get(n, "changes"), false, d);
	read_choice_switch(
	    n, "interceptors", interceptors, &a->interceptors, d);
	applications_read_groups(n, "groups", &a->groups, d);
	field_text(n, "public-url", &a->public_url, d);
	check_public_url(&a->public_url, d);
	field_switch(n, "resource-metadata", &a->resource_metadata, d);
	field_switch(n, "backend-jwt", &a->assertion, d);
	field_text(n, "backend-audience", &a->audience, d);
	field_switch(n, "keep-credential", &a->keep_credential, d);
	maintenance_read(n, &a->maintenance_s, d);
	if (a->assertion == SWITCH_TRUE && f->assertion == NULL)
		diag_error(d, a->file.place, "backend-jwt",
		    "there is no backend-jwt to send");
	if (a->resource_metadata == SWITCH_TRUE && a->public_url.text.p == NULL)
		diag_error(d, a->file.place, "public-url",
		    "resource-metadata needs public-url");
	a->max_body_given = tree_get(n, "max-body") != NULL;
	field_size(n, "max-body", 0, INT64_MAX, &a->max_body_bytes, d);
}

static void
read_apis(struct policyfile *f, const struct node *n, struct diag *d)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind",
		    "apis must be a map from file names, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next)
		read_api(f, m, d);
}

static void
read_limits(struct row_settings *s, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "max-uri", "max-headers",
		"max-body", "ipv6-prefix", NULL };
	uint64_t v6_bits = s->client_v6_bits;
	uint64_t uri = s->max_uri_bytes, headers = s->max_header_bytes;

	if (n == NULL || !fields_check(n, "limits", keys, d))
		return;
	field_size(n, "max-uri", 64, URI_MAX, &uri, d);
	field_size(n, "max-headers", 256, HEADERS_MAX, &headers, d);
	field_size(n, "max-body", 0, INT64_MAX, &s->max_body_bytes, d);
	s->max_uri_bytes = (uint32_t)uri;
	field_number(n, "ipv6-prefix", 32, 128, &v6_bits, d);
	s->max_header_bytes = (uint32_t)headers;
	s->client_v6_bits = (uint32_t)v6_bits;
}

static void
read_timeout(
    const struct node *n, const char *key, uint32_t *ms, struct diag *d)
{
	uint64_t us = (uint64_t)*ms * US_PER_MS;

	field_duration(n, key, 0, TIMEOUT_MAX_US, &us, d);
	*ms = (uint32_t)(us / US_PER_MS);
}

static void
read_timeouts(struct row_settings *s, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "connect", "first-byte",
		"between-bytes", "total", NULL };

	if (n == NULL || !fields_check(n, "timeouts", keys, d))
		return;
	read_timeout(n, "connect", &s->connect_ms, d);
	read_timeout(n, "first-byte", &s->first_byte_ms, d);
	read_timeout(n, "between-bytes", &s->idle_ms, d);
	read_timeout(n, "total", &s->total_ms, d);
}

static void
read_tiers_file(struct policyfile *f, const struct node *root, struct diag *d)
{
	struct spec_text name = { { NULL, 0 }, { NULL, 0, 0 } };
	struct node *tree;
	struct span path;

	field_text(root, "tiers-file", &name, d);
	if (name.text.p == NULL)
		return;
	path = file_beside(name.text, span_str(f->file), d->arena);
	if (path.p == NULL) {
		d->failed = true;
		return;
	}
	tree = tree_read(path.p, path.p, d);
	if (tree != NULL)
		tiers_read_wso2(f->tiers, tree, d);
}

static void
check_realm(const struct policyfile *f, struct diag *d)
{
	/* It is sent as a quoted-string (RFC 9110 section 5.6.4). */
	for (size_t i = 0; i < f->realm.text.n; i++) {
		unsigned char c = (unsigned char)f->realm.text.p[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
			diag_error(d, f->realm.place, "value",
			    "realm may not have quotes, backslashes, control "
			    "or non-ASCII bytes");
			return;
		}
	}
}

static void
read_request_id(struct policyfile *f, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "header", "from", NULL };
	static const char *const from[] = { "gate", "proxy", NULL };
	int choice = REQUEST_ID_OWN;

	if (n == NULL || !fields_check(n, "request-id", keys, d))
		return;
	field_text(n, "header", &f->request_id, d);
	if (f->request_id.text.p != NULL &&
	    !span_eq_nocase(f->request_id.text, SPAN("X-Request-Id")) &&
	    !reach_may_carry(f->request_id.text))
		diag_error(d, f->request_id.place, "value",
		    "header '%.*s' cannot carry it",
		    SPAN_ARG(f->request_id.text));
	field_choice(n, "from", from, &choice, d);
	f->settings.request_id_from = (uint32_t)choice;
}

static void
read_all(struct policyfile *f, const struct node *root, const char *bundle,
    struct diag *d)
{
	static const char *const keys[] = { "issuers", "wso2-keys",
		"backend-jwt", "identity-headers", "introspection", "api-keys",
		"applications", "users", "host-auth", "dpop", "schemes",
		"tiers", "tiers-file", "store", "apis", "limits", "timeouts",
		"errors", "realm", "cors", "certificates", "levels",
		"unknown-tier", "rate-headers", "failures", "conditions",
		"key-manager", "backends", "request-id", "revocation", NULL };
	static const char *const rates[] = { "ietf", "legacy", "both", "off",
		NULL };
	int errors = ERRORS_PROBLEM, headers = RATE_HEADERS_IETF;

	if (root->kind == NODE_NULL)
		return;
	if (!fields_check(root, "mgw.yaml", keys, d))
		return;
	keysource_read(f, root, bundle, d);
	hostauth_read(f, tree_get(root, "host-auth"), d);
	dpop_read_settings(f->dpop, tree_get(root, "dpop"), d);
	verifiers_read(f, tree_get(root, "schemes"), d);
	if (tree_get(root, "tiers") != NULL)
		tiers_read(f->tiers, tree_get(root, "tiers"), d);
	read_tiers_file(f, root, d);
	storefile_read(f, root, bundle, d);
	revocation_read(f, root, bundle, d);
	read_apis(f, tree_get(root, "apis"), d);
	read_limits(&f->settings, tree_get(root, "limits"), d);
	read_timeouts(&f->settings, tree_get(root, "timeouts"), d);
	read_backends(f, root, &f->reach, d);
	failures_read(&f->failures, tree_get(root, "failures"), d);
	f->key_manager = keymanager_read(f, tree_get(root, "key-manager"), d);
	conditions_read(
	    &f->conditions, f->tiers, tree_get(root, "conditions"), d);
	errors_read(root, f->file, &errors, &f->error_bodies, d);
	f->settings.errors = (uint32_t)errors;
	field_text(root, "realm", &f->realm, d);
	check_realm(f, d);
	read_request_id(f, tree_get(root, "request-id"), d);
	if (tree_get(root, "cors") != NULL)
		f->cors = cors_read(tree_get(root, "cors"), d);
	if (tree_get(root, "certificates") != NULL)
		f->certificates =
		    certificates_read(tree_get(root, "certificates"), d);
	levels_read(tree_get(root, "levels"), &f->levels, d);
	levels_read_unknown(root, &f->levels, d);
	field_choice(root, "rate-headers", rates, &headers, d);
	f->settings.rate_headers = (uint32_t)headers;
}

/* All as it is by default; NULL without memory. */
static struct policyfile *
defaults(struct diag *d)
{
	struct policyfile *f = arena_alloc(d->arena, sizeof(*f));

	if (f == NULL || (f->tiers = tiers_new(d)) == NULL ||
	    (f->dpop = arena_alloc(d->arena, sizeof(*f->dpop))) == NULL) {
		d->failed = true;
		return NULL;
	}
	f->settings = (struct row_settings){ .max_uri_bytes = 4096,
		.max_header_bytes = 8192,
		.max_body_bytes = UINT64_MAX,
		.errors = ERRORS_PROBLEM,
		.connect_ms = 3000,
		.first_byte_ms = 30000,
		.total_ms = 60000,
		.client_v6_bits = CLIENT_V6_BITS };
	f->realm.text = SPAN("mgw");
	failures_read(&f->failures, NULL, d);
	dpop_read_settings(f->dpop, NULL, d);
	return f;
}

struct policyfile *
policyfile_read(const char *path, const char *bundle, struct diag *d)
{
	struct policyfile *f = defaults(d);
	struct node *root;

	if (f == NULL || path == NULL)
		return f;
	f->file = path;
	f->bundle = bundle;
	root = tree_read(path, path, d);
	if (root != NULL)
		read_all(f, root, bundle, d);
	return f;
}

struct policyfile *
policyfile_parse(
    struct span text, const char *path, const char *bundle, struct diag *d)
{
	struct policyfile *f = defaults(d);
	struct node *root;

	if (f == NULL)
		return f;
	f->file = path;
	f->bundle = bundle;
	root = tree_parse(text, path, d);
	if (root != NULL)
		read_all(f, root, bundle, d);
	return f;
}
