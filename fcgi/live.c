/*
 * live - see live.h.
 *
 * The lock covers which generation is the current one, and all counts of
 * who uses what; everything else in a generation is immutable.
 */
#include "fcgi/live.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/application_feed.h"
#include "fcgi/backends.h"
#include "fcgi/closed.h"
#include "fcgi/introspect.h"
#include "fcgi/libcurl.h"
#include "fcgi/revocations.h"
#include "fcgi/sources.h"
#include "fcgi/store.h"
#include "policy/assertion.h"
#include "policy/issue.h"

/* A bundle with what is made from it once. */
struct loaded {
	unsigned n_users;
	struct bundle bundle;
	struct backends backends;
	struct introspect *introspect;
	struct store *store; /* or NULL */
	struct revocations *revocations;
	uint32_t *closed; /* of each API; see closed.h */
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
	struct remote *remote;
	struct questions *questions;
	pthread_mutex_t lock;
	struct private *current;
	struct file_identity refused; /* a bundle that was found bad */
	bool direct;
	struct siphash_key secret; /* see outside.h */
	unsigned max_waiting;      /* requests that wait for something */
};

/* The functions of struct outside; "world" is a struct private. */

static enum source_result
world_source(void *world, uint32_t row, struct source *s)
{
	return sources_get(((struct private *)world)->sources, row, s);
}

static enum refresh_result
world_refresh(void *world, uint32_t row, struct span kid)
{
	return sources_refresh(((struct private *)world)->sources, row, kid);
}

static enum introspect_result
world_introspect(void *world, const struct introspection *i, struct verdict *v)
{
	const struct private *p = world;

	return introspect_ask(
	    p->loaded->introspect, p->live->questions, p->sources, i, v);
}

static enum revoked_result
world_revoked(void *world, struct revoked_query *q)
{
	return revocations_check(
	    ((struct private *)world)->loaded->revocations, q);
}

static enum take_result
world_take(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	struct private *p = world;
	struct state *s = p->live->state;
	enum take_result result = p->loaded->store != NULL
	    ? store_take(p->loaded->store, takes, n, now_us)
	    : state_take(s, takes, n, now_us);

	state_note(s, takes, n, result, now_us);
	return result;
}

static void
world_charge(
    void *world, struct take *takes, unsigned n, uint64_t bytes, int64_t now_us)
{
	struct private *p = world;

	if (p->loaded->store != NULL)
		store_charge(p->loaded->store, takes, n, bytes, now_us);
	else
		state_charge(p->live->state, takes, n, bytes, now_us);
}

static enum take_result
world_look(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	struct state *s = ((struct private *)world)->live->state;
	enum take_result result = state_look(s, takes, n, now_us);

	if (result == TAKE_REFUSED)
		state_note(s, takes, n, result, now_us);
	return result;
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

static enum replay_result
world_replay(void *world, const struct span *parts, unsigned n, int64_t until_s)
{
	return state_replay(((struct private *)world)->live->state, parts, n,
	    until_s, clock_wall_us() / US_PER_S);
}

static bool
world_replayed(void *world, const struct span *parts, unsigned n)
{
	return state_replayed(((struct private *)world)->live->state, parts, n,
	    clock_wall_us() / US_PER_S);
}

static bool
world_has_endpoints(void *world, const struct match *m, bool sandbox)
{
	return live_backends(world, m, sandbox) != NULL;
}

/* Longer than a few hashes take, shorter than a client's patience. */
#define HASH_WAIT_MS 1000

static bool
world_hash_begin(void *world, int *place)
{
	struct live *l = ((struct private *)world)->live;

	return state_hash_begin(l->state, l->max_waiting, HASH_WAIT_MS, place);
}

static void
world_hash_end(void *world, int place)
{
	state_hash_end(((struct private *)world)->live->state, place);
}

static void
loaded_put(struct loaded *l)
{
	if (l == NULL || --l->n_users > 0)
		return;
	introspect_free(l->introspect);
	store_close(l->store);
	revocations_close(l->revocations);
	bundle_close(&l->bundle);
	backends_close(&l->backends);
	free(l->closed);
	free(l);
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
	l->introspect = introspect_open(&l->bundle, c, why, why_size);
	l->closed =
	    calloc(bundle_n(&l->bundle, SECTION_API) + 1, sizeof(*l->closed));
	if (l->closed == NULL)
		(void)snprintf(why, why_size, "out of memory");
	else if (l->introspect != NULL &&
	    closed_fill(&l->bundle, c, l->closed, why, why_size) &&
	    backends_open(&l->backends, &l->bundle, c, why, why_size))
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
		    .introspect = world_introspect,
		    .revoked = world_revoked,
		    .take = world_take,
		    .look = world_look,
		    .give = world_give,
		    .charge = world_charge,
		    .recall = world_recall,
		    .remember = world_remember,
		    .replay = world_replay,
		    .replayed = world_replayed,
		    .has_endpoints = world_has_endpoints,
		    .hash_begin = world_hash_begin,
		    .hash_end = world_hash_end,
		    .secret = &l->secret,
		    .note = log_is_on(LOG_LEVEL_DEBUG) ? world_note : NULL } };
	p->generation.policy.bundle = &loaded->bundle;
	p->generation.policy.outside = &p->outside;
	p->generation.policy.maintenance_s = loaded->closed;
	p->generation.policy.rules = (struct request_rules){
		.strip_prefix = l->config->strip_prefix,
		.client = { .trusted = l->config->trusted_proxies,
		    .n_trusted = l->config->n_trusted_proxies,
		    .header = l->config->proxy_header },
		.certificate = l->config->certificate,
	};
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
	struct private *p;

	if (loaded == NULL)
		return NULL;
	sources = sources_open(&loaded->bundle, l->config, l->state, l->remote,
	    l->direct, why, why_size);
	if (sources != NULL && store_is_needed(&loaded->bundle)) {
		loaded->store = store_open(&loaded->bundle, l->config, sources,
		    l->state, l->direct, why, why_size);
		if (loaded->store == NULL) {
			sources_free(sources);
			sources = NULL;
		}
	}
	if (sources != NULL) {
		loaded->revocations = revocations_open(&loaded->bundle,
		    l->config, sources, l->state, l->direct, why, why_size);
		if (loaded->revocations == NULL) {
			sources_free(sources);
			sources = NULL;
		}
	}
	if (sources == NULL) {
		loaded_put(loaded);
		return NULL;
	}
	p = generation_new(l, loaded, sources);
	if (p == NULL ||
	    (assertion_check(&p->generation.policy, why, why_size) &&
		issue_check(&p->generation.policy, why, why_size)))
		return p;
	generation_put(p);
	return NULL;
}

struct live *
live_open(const struct config *c, struct state *state, bool direct, char *why,
    size_t why_size)
{
	const struct remote_settings set = { .folder = c->state,
		.state = state,
		.direct = direct,
		.max_waiting = c->threads >= 8 ? c->threads / 4 : 1 };
	struct live *l = calloc(1, sizeof(*l));

	(void)snprintf(why, why_size, "out of memory");
	if (l == NULL)
		return NULL;
	l->config = c;
	l->state = state;
	l->direct = direct;
	pthread_mutex_init(&l->lock, NULL);
	l->max_waiting = set.max_waiting;
	if (getrandom(&l->secret, sizeof(l->secret), 0) !=
	    (ssize_t)sizeof(l->secret)) {
		(void)snprintf(why, why_size, "no random bytes");
		pthread_mutex_destroy(&l->lock);
		free(l);
		return NULL;
	}
	l->remote = remote_open(&set);
	l->questions = questions_new(state, c->threads);
	if (l->remote != NULL && l->questions != NULL)
		l->current = load(l, why, why_size);
	if (l->current != NULL)
		return l;
	remote_close(l->remote);
	questions_free(l->questions);
	free(l);
	return NULL;
}

void
live_close(struct live *l)
{
	if (l == NULL)
		return;
	generation_put(l->current);
	revocations_wait();
	application_feed_wait();
	remote_close(l->remote);
	questions_free(l->questions);
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

struct balance_set *
live_backends(const struct generation *g, const struct match *m, bool sandbox)
{
	const struct private *p = (const struct private *)g;

	return backends_set(&p->loaded->backends, m, sandbox);
}

struct backend *const *
live_checked(const struct generation *g, unsigned *n)
{
	const struct private *p = (const struct private *)g;

	*n = p->loaded->backends.n_checked;
	return p->loaded->backends.checked;
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

	revocations_refresh(l->current->loaded->revocations);
	if (!file_identify(l->config->bundle, &id))
		id = (struct file_identity){ 0 };
	if (!force &&
	    (file_identity_eq(&id, &b->identity) ||
		file_identity_eq(&id, &l->refused))) {
		refresh_sources(l);
		return;
	}
	/* Files of authorities may have changed with it. */
	libcurl_forget();
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
