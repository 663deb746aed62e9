/*
 * live - see live.h.
 *
 * The lock covers which generation is the current one, and all counts of
 * who uses what; everything else in a generation is immutable.
 */
#include "fcgi/live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "fcgi/sources.h"
#include "policy/url.h"

#define ENDPOINT_BYTES_MAX 4096

/* A bundle with what is made from it once. */
struct loaded {
	unsigned n_users;
	struct bundle bundle;
	struct arena arena;
	struct backend *backends; /* one for each ENDPOINT row */
	struct backend **extra;   /* for each API without endpoints, or NULL */
};

struct private
{
	struct generation generation; /* first: they are cast */
	unsigned n_users;
	struct live *live;
	struct loaded *loaded;
	struct sources *sources;
	struct outside outside;
};

struct live {
	const struct config *config;
	struct state *state;
	pthread_mutex_t lock;
	struct private *current;
	struct file_identity refused; /* a bundle that was found bad */
};

static _Atomic unsigned turn; /* of endpoints; any order will do */

/* The functions of struct outside; "world" is a struct private. */

static enum source_result
world_source(void *world, uint32_t row, struct source *s)
{
	return sources_get(((struct private *)world)->sources, row, s);
}

/* Files are looked at between requests, see live_refresh. */
static bool
world_refresh(void *world, uint32_t row, struct span kid)
{
	(void)world;
	(void)row;
	(void)kid;
	return false;
}

static enum take_result
world_take(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	return state_take(
	    ((struct private *)world)->live->state, takes, n, now_us);
}

static void
world_give(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	state_give(((struct private *)world)->live->state, takes, n, now_us);
}

static bool
world_recall(void *world, const struct span *parts, unsigned n, struct arena *a,
    struct verdict *v)
{
	return state_recall(
	    ((struct private *)world)->live->state, parts, n, a, v);
}

static void
world_remember(
    void *world, const struct span *parts, unsigned n, const struct verdict *v)
{
	state_remember(((struct private *)world)->live->state, parts, n, v);
}

/*
 * "url" with every ${env:NAME} replaced; p == NULL with "why".  Such a URL
 * comes from mgw.yaml or mgw.conf, never from a document.
 */
static struct span
expand(const struct config *c, struct span url, struct arena *a, char *why,
    size_t why_size)
{
	struct span none = { NULL, 0 }, result = none, rest = url;
	struct buf b;

	buf_init(&b, ENDPOINT_BYTES_MAX);
	while (rest.n > 0) {
		struct span name, value;

		if (!span_starts(rest, SPAN("${env:"))) {
			buf_add_char(&b, rest.p[0]);
			rest = span_skip(rest, 1);
			continue;
		}
		rest = span_skip(rest, 6);
		name = span_cut(&rest, '}');
		value = config_env(c, name);
		if (rest.p == NULL || value.p == NULL) {
			(void)snprintf(why, why_size,
			    "variable %.*s is missing, empty or not allowed",
			    SPAN_ARG(name));
			buf_fini(&b);
			return none;
		}
		buf_add(&b, value);
	}
	if (!b.failed)
		result = arena_copy(a, buf_span(&b));
	if (result.p == NULL)
		(void)snprintf(why, why_size, "too long");
	buf_fini(&b);
	return result;
}

static bool
backend_from(struct backend *to, struct span text, struct loaded *l,
    const struct config *c, char *why, size_t why_size)
{
	const struct row_settings *set = bundle_settings(&l->bundle, 0);
	const char *reason = "";
	struct url u;

	text = expand(c, text, &l->arena, why, why_size);
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
    struct loaded *l, const struct config *c, char *why, size_t why_size)
{
	const struct bundle *b = &l->bundle;
	struct span url = bundle_text(b, row->url);
	struct span ca = bundle_text(b, row->ca_file);

	if (url.n > 0 && memmem(url.p, url.n, "${env:", 6) != NULL) {
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
apply_override(struct loaded *l, const struct config *c,
    const struct config_endpoint *e, char *why, size_t why_size)
{
	const struct bundle *b = &l->bundle;
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
			to = &l->backends[a->endpoints.first + e->index];
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

static void
loaded_put(struct loaded *l)
{
	if (l == NULL || --l->n_users > 0)
		return;
	bundle_close(&l->bundle);
	arena_fini(&l->arena);
	free(l);
}

static bool
make_backends(
    struct loaded *l, const struct config *c, char *why, size_t why_size)
{
	uint32_t n = bundle_n(&l->bundle, SECTION_ENDPOINT);
	char reason[256] = "out of memory";

	l->backends = arena_calloc(&l->arena, n + 1, sizeof(*l->backends));
	l->extra = arena_calloc(&l->arena,
	    bundle_n(&l->bundle, SECTION_API) + 1, sizeof(*l->extra));
	if (l->backends == NULL || l->extra == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct row_endpoint *row = bundle_endpoint(&l->bundle, i);
		struct span url = bundle_text(&l->bundle, row->url);

		if (backend_from_row(
			&l->backends[i], row, l, c, reason, sizeof(reason)))
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

static struct loaded *
loaded_new(const struct config *c, char *why, size_t why_size)
{
	struct loaded *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return NULL;
	}
	if (!bundle_open(&l->bundle, c->bundle, why, why_size)) {
		free(l);
		return NULL;
	}
	l->n_users = 1;
	arena_init(&l->arena, 4096, 64 * 1024 * 1024);
	if (make_backends(l, c, why, why_size))
		return l;
	loaded_put(l);
	return NULL;
}

/* With log-level debug: every step, as mgw-spec explain has them. */
static void
world_note(void *world, const char *stage, int alternative, enum reason reason,
    struct span detail)
{
	(void)world;
	log_debug("step=%s alternative=%d result=%s %.*s", stage,
	    alternative + 1, reason == REASON_NONE ? "ok" : reason_word(reason),
	    SPAN_ARG(detail));
}

/* Takes "loaded" and "sources". */
static struct private *
generation_new(struct live *l, struct loaded *loaded, struct sources *sources)
{
	struct private *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		sources_free(sources);
		loaded_put(loaded);
		return NULL;
	}
	*p = (struct private){ .n_users = 1,
		.live = l,
		.loaded = loaded,
		.sources = sources,
		.outside = { .world = p,
		    .source = world_source,
		    .refresh = world_refresh,
		    .take = world_take,
		    .give = world_give,
		    .recall = world_recall,
		    .remember = world_remember,
		    .note = log_is_on(LOG_LEVEL_DEBUG) ? world_note : NULL } };
	p->generation.policy.bundle = &loaded->bundle;
	p->generation.policy.outside = &p->outside;
	p->generation.policy.rules.strip_prefix = l->config->strip_prefix;
	return p;
}

/* With the lock held. */
static void
generation_put(struct private *p)
{
	if (p == NULL || --p->n_users > 0)
		return;
	sources_free(p->sources);
	loaded_put(p->loaded);
	free(p);
}

static struct private *
load(struct live *l, char *why, size_t why_size)
{
	struct loaded *loaded = loaded_new(l->config, why, why_size);
	struct sources *sources;

	if (loaded == NULL)
		return NULL;
	sources =
	    sources_open(&loaded->bundle, l->config, l->state, why, why_size);
	if (sources == NULL) {
		loaded_put(loaded);
		return NULL;
	}
	return generation_new(l, loaded, sources);
}

struct live *
live_open(
    const struct config *c, struct state *state, char *why, size_t why_size)
{
	struct live *l = calloc(1, sizeof(*l));

	(void)snprintf(why, why_size, "out of memory");
	if (l == NULL)
		return NULL;
	l->config = c;
	l->state = state;
	pthread_mutex_init(&l->lock, NULL);
	l->current = load(l, why, why_size);
	if (l->current != NULL)
		return l;
	free(l);
	return NULL;
}

void
live_close(struct live *l)
{
	if (l == NULL)
		return;
	generation_put(l->current);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

const struct generation *
live_get(struct live *l)
{
	struct private *p;

	pthread_mutex_lock(&l->lock);
	p = l->current;
	p->n_users++;
	pthread_mutex_unlock(&l->lock);
	return &p->generation;
}

void
live_put(struct live *l, const struct generation *g)
{
	pthread_mutex_lock(&l->lock);
	generation_put((struct private *)(uintptr_t)g);
	pthread_mutex_unlock(&l->lock);
}

const struct backend *
live_backend(const struct generation *g, const struct match *m)
{
	const struct private *p = (const struct private *)g;
	struct range r = m->api->endpoints;
	const struct backend *extra;

	if (m->operation != NULL && m->operation->endpoints.n > 0)
		r = m->operation->endpoints;
	if (r.n > 0)
		return &p->loaded->backends[r.first +
		    (r.n > 1 ? atomic_fetch_add(&turn, 1) % r.n : 0)];
	extra = p->loaded->extra[m->api - bundle_api(&p->loaded->bundle, 0)];
	return extra;
}

const struct backend *
live_backend_at(
    const struct generation *g, uint32_t i, const struct row_api **api)
{
	const struct private *p = (const struct private *)g;
	const struct bundle *b = &p->loaded->bundle;

	*api = NULL;
	for (uint32_t k = 0; k < bundle_n(b, SECTION_API); k++) {
		const struct row_api *a = bundle_api(b, k);
		uint32_t n = a->endpoints.n > 0   ? a->endpoints.n
		    : p->loaded->extra[k] != NULL ? 1
						  : 0;

		if (i >= n) {
			i -= n;
			continue;
		}
		*api = a;
		return a->endpoints.n > 0
		    ? &p->loaded->backends[a->endpoints.first + i]
		    : p->loaded->extra[k];
	}
	return NULL;
}

static void
swap(struct live *l, struct private *p)
{
	pthread_mutex_lock(&l->lock);
	generation_put(l->current);
	l->current = p;
	pthread_mutex_unlock(&l->lock);
}

/* Only the caller of live_refresh changes "current", so it may look. */
static void
refresh_sources(struct live *l)
{
	struct sources *s = sources_renew(l->current->sources);
	struct private *p;

	if (s == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->current->loaded->n_users++;
	pthread_mutex_unlock(&l->lock);
	p = generation_new(l, l->current->loaded, s);
	if (p != NULL)
		swap(l, p);
}

void
live_refresh(struct live *l, bool force)
{
	const struct bundle *b = &l->current->loaded->bundle;
	struct file_identity id;
	struct private *p;
	char why[512] = "out of memory";

	if (!file_identify(l->config->bundle, &id))
		id = (struct file_identity){ 0 };
	if (!force &&
	    (file_identity_eq(&id, &b->identity) ||
		file_identity_eq(&id, &l->refused))) {
		refresh_sources(l);
		return;
	}
	p = load(l, why, sizeof(why));
	if (p == NULL) {
		l->refused = id;
		log_error("bundle refused, the old one stays: %s", why);
		refresh_sources(l);
		return;
	}
	l->refused = (struct file_identity){ 0 };
	log_info("bundle in force: %s policy=%016llx", l->config->bundle,
	    (unsigned long long)p->loaded->bundle.policy);
	swap(l, p);
}
