/*
 * keymanager - see keymanager.h.
 */
#include "spec/keymanager.h"

#include "base/clock.h"
#include "policy/url.h"
#include "spec/endpoints.h"
#include "spec/failures.h"
#include "spec/fields.h"
#include "spec/keysource.h"

#define MAX_BODY_DEFAULT (64 * 1024)
#define FAILURES_DEFAULT UINT64_C(60)

/* "security: []" is public, on purpose: the key manager looks itself. */
static const char document[] =
    "{\"openapi\":\"3.0.3\","
    "\"info\":{\"title\":\"" KEYMANAGER_TITLE "\",\"version\":\"1\"},"
    "\"security\":[],\"paths\":{"
    "\"/token\":{\"post\":{\"responses\":{\"200\":{\"description\":\"\"}}}},"
    "\"/revoke\":{\"post\":{\"responses\":{\"200\":{\"description\":\"\"}}}},"
    "\"/authorize\":{"
    "\"get\":{\"responses\":{\"302\":{\"description\":\"\"}}},"
    "\"post\":{\"responses\":{\"302\":{\"description\":\"\"}}}},"
    "\"/userinfo\":{"
    "\"get\":{\"responses\":{\"200\":{\"description\":\"\"}}},"
    "\"post\":{\"responses\":{\"200\":{\"description\":\"\"}}}}}}";

/* What passes there are secrets of clients and users. */
static void
check_places(const struct spec_url *list, struct diag *d)
{
	const char *why;
	struct url u;

	for (; list != NULL; list = list->next) {
		if (list->reach.login != NULL ||
		    (list->set != NULL && list->set->reach.login != NULL))
			diag_error(d, list->url.place, "value",
			    "the key manager gets what clients show, and no "
			    "credential of the gate");
		/* What is no URL has references, or is told of by link. */
		if (url_parse(list->url.text, &u, &why) && !u.tls &&
		    !url_is_local(&u))
			diag_error(d, list->url.place, "key-url",
			    "the key manager must be asked over https, or "
			    "http on this machine");
	}
}

static void
read_failures(struct spec_key_manager *k, const struct node *n, struct diag *d)
{
	struct spec_failures f = { .off = false };
	const struct node *of_name = tree_get(n, "per-name");

	failures_read(&f, n, d);
	k->unlimited = f.off;
	for (int i = 0; i < ATTEMPTS__MAX; i++) {
		struct row_limit *l = &k->attempts[i];

		*l = f.limits[i];
		if (tree_get(n, "limit") == NULL)
			l->count = l->burst = FAILURES_DEFAULT << (2 * i);
	}
	if (of_name != NULL)
		diag_error(d, of_name->place, "value",
		    "per-name: only the key manager knows the name");
}

static void
read_map(struct spec_key_manager *k, const struct node *n,
    const struct keysource *r, struct diag *d)
{
	static const char *const keys[] = { "endpoints", "base-path", "tier",
		"max-body", "failures", NULL };
	const struct node *endpoints = tree_get(n, "endpoints");

	if (!fields_check(n, "key-manager", keys, d))
		return;
	if (endpoints == NULL)
		diag_error(d, n->place, "missing-key",
		    "endpoints is missing in key-manager");
	else
		k->endpoints = endpoints_read(endpoints, "endpoints", r, d);
	field_text(n, "base-path", &k->base_path, d);
	field_text(n, "tier", &k->tier, d);
	field_size(n, "max-body", 0, INT64_MAX, &k->max_body_bytes, d);
	read_failures(k, tree_get(n, "failures"), d);
}

struct spec_key_manager *
keymanager_read(struct policyfile *f, const struct node *n, struct diag *d)
{
	const struct keysource r = keysource_of(f, f->bundle, d);
	struct spec_key_manager *k;

	if (n == NULL)
		return NULL;
	k = arena_alloc(d->arena, sizeof(*k));
	if (k == NULL) {
		d->failed = true;
		return NULL;
	}
	*k = (struct spec_key_manager){ .place = n->place,
		.max_body_bytes = MAX_BODY_DEFAULT };
	if (n->kind == NODE_MAP) {
		read_map(k, n, &r, d);
	} else {
		k->endpoints = endpoints_read(n, "key-manager", &r, d);
		read_failures(k, NULL, d);
	}
	check_places(k->endpoints, d);
	return k;
}

struct spec_document *
keymanager_document(
    const struct spec_key_manager *k, const char *file, struct diag *d)
{
	struct spec_document *doc =
	    openapi_parse(span_of(document, sizeof(document) - 1), file, d);

	if (doc == NULL)
		return NULL;
	doc->key_manager = k;
	doc->built_in = true;
	doc->title.place = doc->version.place = k->place;
	doc->endpoints = k->endpoints;
	doc->tier = k->tier;
	doc->base_path = k->base_path;
	doc->base_path.place = k->place;
	if (doc->base_path.text.p == NULL)
		doc->base_path.text = SPAN("");
	/* It gets what the client sends, and nothing of ours. */
	doc->keep_credential = SWITCH_TRUE;
	doc->assertion = SWITCH_FALSE;
	doc->max_body_bytes = k->max_body_bytes;
	return doc;
}
