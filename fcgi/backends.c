/*
 * backends - see backends.h.
 *
 * Each list of endpoints, of an API or an operation, for production or as
 * a sandbox, becomes a balance_set.
 */
#include "fcgi/backends.h"

#include <stdio.h>

#include "fcgi/login.h"
#include "policy/api_name.h"
#include "policy/endpoint.h"
#include "policy/override.h"
#include "policy/reference.h"
#include "policy/url.h"

/* The state has room for so many. */
#define CHECKED_MAX 1024

struct making {
	struct backends *to;
	const struct config *config;
	bool overrides; /* some variable may replace an endpoint */
	char *why;
	size_t why_size;
};

static bool
wrong(const struct making *m, struct span where, const char *what)
{
	(void)snprintf(m->why, m->why_size, "%.*s: %s", SPAN_ARG(where), what);
	return false;
}

/* Let "b" lead to "text"; all but the place stays as it is. */
static bool
set_url(const struct making *m, struct backend *b, struct span text)
{
	struct backends *l = m->to;
	const char *reason = "";
	char detail[256] = "";
	struct span url = reference_expand(text, l->bundle->path, config_lookup,
	    (void *)(uintptr_t)m->config, &l->arena, detail, sizeof(detail));
	struct url u;

	if (url.p == NULL)
		return wrong(m, text, detail);
	if (!url_parse(url, &u, &reason)) {
		(void)snprintf(m->why, m->why_size, "endpoint: %s", reason);
		return false;
	}
	b->url = url;
	b->host = u.host;
	b->port = u.port;
	b->tls = u.tls;
	b->unix_path = u.unix_path;
	b->path = u.path;
	b->query = u.query;
	return true;
}

static bool
from_row(
    const struct making *m, struct backend *b, const struct row_endpoint *row)
{
	struct backends *l = m->to;
	const struct bundle *bundle = l->bundle;
	struct span ca = bundle_text(bundle, row->ca_file);

	*b = (struct backend){ .url = bundle_text(bundle, row->url),
		.host = bundle_text(bundle, row->host),
		.port = row->port,
		.tls = (row->flags & ENDPOINT_TLS) != 0,
		.may_be_local = (row->flags & ENDPOINT_FROM_DOCUMENT) == 0,
		.unix_path = bundle_text(bundle, row->unix_path),
		.path = bundle_text(bundle, row->path),
		.query = bundle_text(bundle, row->query),
		.connect_ms = row->connect_ms,
		.first_byte_ms = row->first_byte_ms,
		.total_ms = row->total_ms,
		.idle_ms = row->idle_ms,
		.host_name = bundle_text(bundle, row->host_name),
		.host_rule = (enum host_rule)row->host_rule,
		.forwarded = (enum forward_rule)row->forwarded,
		.x_forwarded = (enum forward_rule)row->x_forwarded,
		.trace = (enum trace_rule)row->trace,
		.http2 = (enum http2_rule)row->http2,
		.no_via = (row->flags & ENDPOINT_NO_VIA) != 0,
		.prefix = (row->flags & ENDPOINT_PREFIX) != 0,
		.weight = row->weight };
	if (row->proxy.n > 0)
		b->proxy = bundle_proxy(bundle, row->proxy.first);
	if (row->security.n > 0)
		b->security = bundle_security(bundle, row->security.first);
	if (b->security != NULL)
		b->tls_name = bundle_text(bundle, b->security->tls_name);
	if (row->breaker.n > 0)
		b->breaker = bundle_breaker(bundle, row->breaker.first);
	if (row->retry.n > 0)
		b->retry = bundle_retry(bundle, row->retry.first);
	if (row->health.n > 0)
		b->health = bundle_health(bundle, row->health.first);
	if (ca.n > 0)
		b->ca_file = file_beside(ca, bundle->path, &l->arena);
	if (ca.n > 0 && b->ca_file.p == NULL)
		return wrong(m, b->url, "out of memory");
	return !reference_in(b->url) || set_url(m, b, b->url);
}

/* "api" of mgw.conf means this list. */
static bool
names_list(struct span api, const struct override *o)
{
	const struct bundle *b = o->bundle;

	if (o->list.n > 0 &&
	    span_eq(
		api, bundle_text(b, bundle_endpoint(b, o->list.first)->set)) &&
	    api.n > 0)
		return true;
	if (o->operation != NULL)
		return api.n > 0 &&
		    span_eq(api, bundle_text(b, o->operation->operation_id));
	return api_name_in_config(api, b, o->api);
}

/* A line "endpoint" of mgw.conf for this place; NULL: there is none. */
static const struct config_endpoint *
find_line(const struct making *m, const struct override *o, unsigned index)
{
	for (const struct config_endpoint *e = m->config->endpoints; e;
	     e = e->next) {
		if (e->index == index && e->sandbox == o->sandbox &&
		    names_list(e->api, o))
			return e;
	}
	return NULL;
}

/* What replaces endpoint "index", and who says so; absent: nothing does. */
static struct span
find_override(const struct making *m, const struct override *o, unsigned index,
    struct span *who)
{
	struct span names[OVERRIDE_NAMES_MAX], value = { NULL, 0 };
	const struct config_endpoint *line;
	unsigned n = 0;

	if (m->overrides)
		n = override_names(o, index, &m->to->arena, names);
	for (unsigned i = 0; i < n; i++) {
		value = config_override(m->config, names[i]);
		*who = names[i];
		if (value.p != NULL)
			return value;
	}
	line = find_line(m, o, index);
	if (line == NULL)
		return value;
	*who = span_str(line->origin);
	return line->url;
}

/* What an endpoint that is added has beside its URL. */
static struct backend
usual(const struct making *m, const struct balance_set *s,
    const struct row_api *api)
{
	const struct row_settings *set = bundle_settings(m->to->bundle, 0);
	struct backend b = { .connect_ms = set->connect_ms,
		.first_byte_ms = set->first_byte_ms,
		.idle_ms = set->idle_ms,
		.total_ms = set->total_ms };

	if (s->n == 0) {
		if (api->pattern.n > 0)
			(void)from_row(m, &b,
			    bundle_endpoint(m->to->bundle, api->pattern.first));
		b.may_be_local = true;
		return b;
	}
	b = s->list[0];
	/* What one endpoint has for itself is no other's. */
	if (b.security != NULL && (b.security->flags & SECURITY_OF_ONE) != 0) {
		b.security = NULL;
		b.tls_name = b.user = b.password = b.token_url = b.ca_file =
		    (struct span){ NULL, 0 };
	}
	return b;
}

/* The same in all processes, and for whoever knows API and URL. */
static struct hash128
breaker_name(const struct override *o, const struct backend *b)
{
	static const struct siphash_key key = { 1, 0 };
	const struct span parts[] = { bundle_text(o->bundle, o->api->title),
		bundle_text(o->bundle, o->api->version), b->url };
	struct siphash sum;

	siphash_init(&sum, &key);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		siphash_part(&sum, parts[i]);
	return siphash_done(&sum);
}

/* The same wherever it stands: what is up is up for every API. */
static struct hash128
health_name(const struct bundle *bundle, const struct backend *b)
{
	static const struct siphash_key key = { 2, 0 };
	struct siphash sum;

	siphash_init(&sum, &key);
	siphash_part(&sum, b->url);
	if (b->health != NULL)
		siphash_part(&sum, bundle_text(bundle, b->health->path));
	/* By another name another server may answer. */
	if (b->host_rule == HOST_NAME)
		siphash_part(&sum, b->host_name);
	return siphash_done(&sum);
}

/* False: too many. */
static bool
add_checked(struct backends *l, struct backend *b)
{
	if (b->health == NULL)
		return true;
	for (unsigned i = 0; i < l->n_checked; i++) {
		const struct hash128 *there = &l->checked[i]->life->health;

		if (there->lo == b->life->health.lo &&
		    there->hi == b->life->health.hi)
			return true;
	}
	if (l->n_checked == CHECKED_MAX)
		return false;
	l->checked[l->n_checked++] = b;
	return true;
}

static bool
add_backend(const struct making *m, struct balance_set *s,
    const struct override *o, unsigned index)
{
	struct backend *b = &s->list[s->n];
	struct span who, text = find_override(m, o, index, &who);
	const struct login_making login = { .override = o,
		.config = m->config,
		.overrides = m->overrides,
		.arena = &m->to->arena,
		.why = m->why,
		.why_size = m->why_size };
	char reason[256] = "";
	struct making quiet = *m;

	if (index < o->list.n &&
	    !from_row(m, b, bundle_endpoint(o->bundle, o->list.first + index)))
		/* One that cannot be had is none once it is replaced. */
		if (text.p == NULL)
			return false;
	if (index >= o->list.n && text.p == NULL)
		return true;
	if (index >= o->list.n)
		*b = usual(m, s, o->api);
	b->weight = index < o->list.n ? b->weight : 1;
	if (text.p != NULL) {
		quiet.why = reason;
		quiet.why_size = sizeof(reason);
		b->may_be_local = true;
		if (!set_url(&quiet, b, text))
			return wrong(m, who, reason);
	}
	if (!login_set(&login, b) || !login_set_proxy(&login, b))
		return false;
	b->life = arena_calloc(&m->to->arena, 1, sizeof(*b->life));
	s->n++;
	if (b->life == NULL)
		return wrong(m, b->url, "out of memory");
	b->life->breaker = breaker_name(o, b);
	b->life->health = health_name(o->bundle, b);
	return add_checked(m->to, b) ||
	    wrong(m, b->url, "more than 1024 endpoints are checked");
}

/* The highest number that a line of mgw.conf has for this list, plus 1. */
static unsigned
count_lines(const struct making *m, const struct override *o)
{
	unsigned n = 0;

	for (const struct config_endpoint *e = m->config->endpoints; e;
	     e = e->next) {
		if (e->sandbox == o->sandbox && names_list(e->api, o) &&
		    e->index >= n)
			n = e->index + 1;
	}
	return n;
}

/* Up to the first number behind the list that nobody names. */
static unsigned
count_all(const struct making *m, const struct override *o)
{
	unsigned n = count_lines(m, o);
	struct span who;

	if (n < o->list.n)
		n = o->list.n;
	while (m->overrides && n < ENDPOINTS_MAX &&
	    find_override(m, o, n, &who).p != NULL)
		n++;
	return n;
}

/* "*to" stays NULL where there is no endpoint. */
static bool
make_set(
    const struct making *m, const struct override *o, struct balance_set **to)
{
	unsigned n = count_all(m, o);
	struct arena *a = &m->to->arena;
	struct balance_set *s;

	if (n == 0)
		return true;
	s = arena_calloc(a, 1, sizeof(*s));
	if (s == NULL ||
	    (s->list = arena_calloc(a, n, sizeof(*s->list))) == NULL)
		return wrong(m, SPAN("endpoints"), "out of memory");
	if (o->list.n > 0) {
		const struct row_endpoint *row =
		    bundle_endpoint(o->bundle, o->list.first);

		s->balance = (enum balance)row->balance;
		s->hash_by = (enum hash_by)row->hash_by;
		s->field = row->hash_name.first;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!add_backend(m, s, o, i))
			return false;
	}
	if (s->n > ENDPOINTS_MAX)
		return wrong(m, SPAN("endpoints"), "more than 64 in a list");
	*to = s;
	return balance_init(s, a) ||
	    wrong(m, SPAN("endpoints"), "out of memory");
}

static bool
make_api(const struct making *m, uint32_t api)
{
	struct backends *l = m->to;
	struct override o = { .bundle = l->bundle,
		.api = bundle_api(l->bundle, api) };

	for (int sandbox = 0; sandbox < 2; sandbox++) {
		o.sandbox = sandbox == 1;
		o.list = o.sandbox ? o.api->sandbox : o.api->endpoints;
		if (!make_set(m, &o,
			o.list.n > 0 ? &l->by_row[o.list.first]
				     : &l->added[2 * api + o.sandbox]))
			return false;
	}
	return true;
}

static bool
make_operation(const struct making *m, const struct row_operation *op)
{
	struct backends *l = m->to;
	struct override o = { .bundle = l->bundle,
		.api = bundle_api(l->bundle, op->api),
		.operation = op };

	for (int sandbox = 0; sandbox < 2; sandbox++) {
		o.sandbox = sandbox == 1;
		o.list = o.sandbox ? op->sandbox : op->endpoints;
		if (o.list.n > 0 && !make_set(m, &o, &l->by_row[o.list.first]))
			return false;
	}
	return true;
}

/* A line that names nothing was meant for something. */
static bool
check_line(const struct making *m, const struct config_endpoint *e)
{
	const struct bundle *b = m->to->bundle;
	struct override o = { .bundle = b, .sandbox = e->sandbox };

	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
		o.api = bundle_api(b, i);
		o.list = e->sandbox ? o.api->sandbox : o.api->endpoints;
		if (names_list(e->api, &o))
			return true;
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_OPERATION); i++) {
		o.operation = bundle_operation(b, i);
		o.api = bundle_api(b, o.operation->api);
		o.list =
		    e->sandbox ? o.operation->sandbox : o.operation->endpoints;
		if (o.list.n > 0 && names_list(e->api, &o))
			return true;
	}
	return wrong(m, span_str(e->origin),
	    "the bundle has no such API, operation or list of endpoints");
}

static bool
make_all(const struct making *m)
{
	const struct bundle *b = m->to->bundle;

	for (const struct config_endpoint *e = m->config->endpoints; e;
	     e = e->next)
		if (!check_line(m, e))
			return false;
	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++)
		if (!make_api(m, i))
			return false;
	for (uint32_t i = 0; i < bundle_n(b, SECTION_OPERATION); i++)
		if (!make_operation(m, bundle_operation(b, i)))
			return false;
	return true;
}

bool
backends_open(struct backends *l, const struct bundle *bundle,
    const struct config *c, char *why, size_t why_size)
{
	const struct making m = { .to = l,
		.config = c,
		.overrides = config_may_override(c),
		.why = why,
		.why_size = why_size };

	l->bundle = bundle;
	arena_init(&l->arena, 4096, 64 * 1024 * 1024);
	l->by_row = arena_calloc(&l->arena,
	    bundle_n(bundle, SECTION_ENDPOINT) + 1, sizeof(*l->by_row));
	l->added = arena_calloc(&l->arena,
	    2 * (size_t)bundle_n(bundle, SECTION_API) + 1, sizeof(*l->added));
	l->checked = arena_calloc(&l->arena, CHECKED_MAX, sizeof(*l->checked));
	if (l->by_row == NULL || l->added == NULL || l->checked == NULL)
		return wrong(&m, SPAN("endpoints"), "out of memory");
	if (!make_all(&m))
		return false;
	backends_name_shares(l);
	return true;
}

void
backends_close(struct backends *l)
{
	arena_fini(&l->arena);
}

struct balance_set *
backends_set(const struct backends *l, const struct match *m, bool sandbox)
{
	struct range list = endpoint_list(m, sandbox);
	size_t api = (size_t)(m->api - bundle_api(l->bundle, 0));

	return list.n > 0 ? l->by_row[list.first] : l->added[2 * api + sandbox];
}
