/*
 * backends - see backends.h.
 */
#include "fcgi/backends.h"

#include <stdio.h>

#include "policy/reference.h"
#include "policy/url.h"

static struct span
lookup(void *config, struct span name)
{
	return config_env(config, name);
}

static bool
backend_from(struct backend *to, struct span text, struct backends *l,
    const struct config *c, char *why, size_t why_size)
{
	const struct row_settings *set = bundle_settings(l->bundle, 0);
	const char *reason = "";
	struct url u;

	text = reference_expand(text, l->bundle->path, lookup,
	    (void *)(uintptr_t)c, &l->arena, why, why_size);
	if (text.p == NULL)
		return false;
	if (!url_parse(text, &u, &reason)) {
		(void)snprintf(why, why_size, "endpoint: %s", reason);
		return false;
	}
	*to = (struct backend){ .url = text,
		.host = u.host,
		.port = u.port,
		.tls = u.tls,
		.may_be_local = true,
		.unix_path = u.unix_path,
		.path = u.path,
		.query = u.query,
		.connect_ms = set->connect_ms,
		.first_byte_ms = set->first_byte_ms,
		.total_ms = set->total_ms };
	return true;
}

static bool
backend_from_row(struct backend *to, const struct row_endpoint *row,
    struct backends *l, const struct config *c, char *why, size_t why_size)
{
	const struct bundle *b = l->bundle;
	struct span url = bundle_text(b, row->url);
	struct span ca = bundle_text(b, row->ca_file);

	if (reference_in(url)) {
		if (!backend_from(to, url, l, c, why, why_size))
			return false;
	} else {
		*to = (struct backend){ .url = url,
			.host = bundle_text(b, row->host),
			.port = row->port,
			.tls = (row->flags & ENDPOINT_TLS) != 0,
			.unix_path = bundle_text(b, row->unix_path),
			.path = bundle_text(b, row->path),
			.query = bundle_text(b, row->query) };
	}
	to->may_be_local = (row->flags & ENDPOINT_FROM_DOCUMENT) == 0;
	to->connect_ms = row->connect_ms;
	to->first_byte_ms = row->first_byte_ms;
	to->total_ms = row->total_ms;
	if (ca.n > 0)
		to->ca_file = file_beside(ca, b->path, &l->arena);
	return ca.n == 0 || to->ca_file.p != NULL;
}

/* "api" of mgw.conf means row "a": title, title/version or base path. */
static bool
names_api(struct span api, const struct bundle *b, const struct row_api *a)
{
	struct span title = bundle_text(b, a->title);
	struct span version = bundle_text(b, a->version);

	if (span_eq(api, title) ||
	    (api.n > 0 && span_eq(api, bundle_text(b, a->base_path))))
		return true;
	return api.n == title.n + 1 + version.n && span_starts(api, title) &&
	    api.p[title.n] == '/' &&
	    span_eq(span_skip(api, title.n + 1), version);
}

static bool
apply_override(struct backends *l, const struct config *c,
    const struct config_endpoint *e, char *why, size_t why_size)
{
	const struct bundle *b = l->bundle;
	bool found = false;

	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
		const struct row_api *a = bundle_api(b, i);
		uint32_t n = a->endpoints.n;
		struct backend *to;

		if (!names_api(e->api, b, a) ||
		    (e->index >= n && (n > 0 || e->index > 0)))
			continue;
		found = true;
		if (n > 0)
			to = &l->list[a->endpoints.first + e->index];
		else
			to = l->extra[i] = arena_alloc(&l->arena, sizeof(*to));
		if (to == NULL ||
		    !backend_from(to, e->url, l, c, why, why_size))
			return false;
	}
	if (!found)
		(void)snprintf(why, why_size,
		    "the bundle has no such API, or no endpoint of this "
		    "number");
	return found;
}

bool
backends_open(struct backends *l, const struct bundle *bundle,
    const struct config *c, char *why, size_t why_size)
{
	uint32_t n = bundle_n(bundle, SECTION_ENDPOINT);
	char reason[256] = "out of memory";

	l->bundle = bundle;
	arena_init(&l->arena, 4096, 64 * 1024 * 1024);
	l->list = arena_calloc(&l->arena, n + 1, sizeof(*l->list));
	l->extra = arena_calloc(
	    &l->arena, bundle_n(l->bundle, SECTION_API) + 1, sizeof(*l->extra));
	if (l->list == NULL || l->extra == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct row_endpoint *row = bundle_endpoint(l->bundle, i);
		struct span url = bundle_text(l->bundle, row->url);

		if (backend_from_row(
			&l->list[i], row, l, c, reason, sizeof(reason)))
			continue;
		(void)snprintf(
		    why, why_size, "%.*s: %s", SPAN_ARG(url), reason);
		return false;
	}
	for (const struct config_endpoint *e = c->endpoints; e != NULL;
	     e = e->next) {
		if (apply_override(l, c, e, reason, sizeof(reason)))
			continue;
		(void)snprintf(why, why_size, "%s: %s", e->origin, reason);
		return false;
	}
	return true;
}

void
backends_close(struct backends *l)
{
	arena_fini(&l->arena);
}
