/*
 * kept - see kept.h.
 */
#include "fcgi/kept.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/siphash.h"

/* Most servers close an idle connection after 60 seconds or more. */
#define IDLE_US_MAX (30 * US_PER_S)

/* A power of two. */
#define BUCKETS 256

int64_t kept_age_us_max = 60 * US_PER_S;

struct idle {
	struct connection *connection;
	int64_t since_us;
};

struct origin {
	struct origin *next;
	uint64_t hash;
	char *name;
	struct span host, unix_path, ca_file, tls_name; /* copies */
	struct span proxy_url, proxy_user;
	uint64_t certificate; /* ours, that was shown; 0: none */
	uint32_t port;
	bool tls, may_be_local;
	enum http2_rule http2;
	unsigned n_idle; /* the oldest first */
	struct idle idle[];
};

struct upstreams {
	pthread_mutex_t lock;
	unsigned max_idle; /* for each origin */
	struct lane *lanes;
	struct origin *origins[BUCKETS];
};

struct upstreams *
upstreams_new(unsigned max_idle)
{
	struct upstreams *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->max_idle = max_idle;
	pthread_mutex_init(&u->lock, NULL);
	return u;
}

static void
free_origin(struct origin *o)
{
	for (unsigned i = 0; i < o->n_idle; i++)
		connection_close(o->idle[i].connection);
	free(o->name);
	free((void *)(uintptr_t)o->host.p);
	free((void *)(uintptr_t)o->unix_path.p);
	free((void *)(uintptr_t)o->ca_file.p);
	free((void *)(uintptr_t)o->tls_name.p);
	free((void *)(uintptr_t)o->proxy_url.p);
	free((void *)(uintptr_t)o->proxy_user.p);
	free(o);
}

void
upstreams_free(struct upstreams *u)
{
	if (u == NULL)
		return;
	for (int i = 0; i < BUCKETS; i++) {
		while (u->origins[i] != NULL) {
			struct origin *o = u->origins[i];

			u->origins[i] = o->next;
			free_origin(o);
		}
	}
	while (u->lanes != NULL) {
		struct lane *lane = u->lanes;

		u->lanes = lane->next;
		free(lane);
	}
	pthread_mutex_destroy(&u->lock);
	free(u);
}

static bool
copy(struct span *to, struct span from)
{
	char *p;

	*to = (struct span){ NULL, 0 };
	if (from.p == NULL)
		return true;
	p = malloc(from.n + 1);
	if (p == NULL)
		return false;
	if (from.n > 0)
		memcpy(p, from.p, from.n);
	*to = span_of(p, from.n);
	return true;
}

static bool
name_origin(struct origin *o)
{
	size_t room = o->host.n + o->unix_path.n + 16;

	o->name = malloc(room);
	if (o->name == NULL)
		return false;
	if (o->unix_path.p != NULL)
		snprintf(o->name, room, "%.*s", SPAN_ARG(o->unix_path));
	else
		snprintf(o->name, room,
		    span_has(o->host, ':') ? "[%.*s]:%u" : "%.*s:%u",
		    SPAN_ARG(o->host), o->port);
	return true;
}

static struct origin *
make_origin(struct upstreams *u, const struct backend *b, uint64_t certificate,
    uint64_t hash)
{
	struct origin *o =
	    calloc(1, sizeof(*o) + u->max_idle * sizeof(struct idle));

	if (o == NULL)
		return NULL;
	o->hash = hash;
	o->port = b->port;
	o->tls = b->tls;
	o->may_be_local = b->may_be_local;
	o->certificate = certificate;
	o->http2 = b->http2;
	if (!copy(&o->host, b->host) || !copy(&o->unix_path, b->unix_path) ||
	    !copy(&o->ca_file, b->ca_file) ||
	    !copy(&o->tls_name, b->tls_name) ||
	    !copy(&o->proxy_url, b->proxy_url) ||
	    !copy(&o->proxy_user, b->proxy_user) || !name_origin(o)) {
		free_origin(o);
		return NULL;
	}
	return o;
}

static bool
same_origin(
    const struct origin *o, const struct backend *b, uint64_t certificate)
{
	return o->certificate == certificate && o->http2 == b->http2 &&
	    o->port == b->port && o->tls == b->tls &&
	    o->may_be_local == b->may_be_local && span_eq(o->host, b->host) &&
	    (o->unix_path.p == NULL) == (b->unix_path.p == NULL) &&
	    span_eq(o->unix_path, b->unix_path) &&
	    span_eq(o->ca_file, b->ca_file) &&
	    span_eq(o->tls_name, b->tls_name) &&
	    span_eq(o->proxy_url, b->proxy_url) &&
	    span_eq(o->proxy_user, b->proxy_user);
}

struct origin *
kept_origin(struct upstreams *u, const struct backend *b, uint64_t certificate)
{
	static const struct siphash_key key = { 0, 0 };
	uint64_t hash = siphash_64(&key, b->host) ^ b->port ^
	    (b->unix_path.p != NULL ? siphash_64(&key, b->unix_path) : 0);
	struct origin **bucket = &u->origins[hash % BUCKETS], *o;

	pthread_mutex_lock(&u->lock);
	for (o = *bucket; o != NULL; o = o->next) {
		if (o->hash == hash && same_origin(o, b, certificate))
			break;
	}
	if (o == NULL && (o = make_origin(u, b, certificate, hash)) != NULL) {
		o->next = *bucket;
		*bucket = o;
	}
	pthread_mutex_unlock(&u->lock);
	return o;
}

struct span
kept_origin_name(const struct origin *o)
{
	return span_str(o->name);
}

struct lane *
kept_lane_get(struct upstreams *u)
{
	struct lane *lane;

	pthread_mutex_lock(&u->lock);
	lane = u->lanes;
	if (lane != NULL)
		u->lanes = lane->next;
	pthread_mutex_unlock(&u->lock);
	return lane != NULL ? lane : malloc(sizeof(*lane));
}

void
kept_lane_put(struct upstreams *u, struct lane *lane)
{
	pthread_mutex_lock(&u->lock);
	lane->next = u->lanes;
	u->lanes = lane;
	pthread_mutex_unlock(&u->lock);
}

/* Remove the oldest one if its time is over; the caller closes it. */
static struct connection *
take_expired(struct origin *o, int64_t now_us)
{
	struct connection *c;

	if (o->n_idle == 0 || now_us - o->idle[0].since_us < IDLE_US_MAX)
		return NULL;
	c = o->idle[0].connection;
	o->n_idle--;
	memmove(o->idle, o->idle + 1, o->n_idle * sizeof(*o->idle));
	return c;
}

struct connection *
kept_take(struct upstreams *u, struct origin *o)
{
	int64_t now_us = clock_mono_us();
	char byte;

	for (;;) {
		struct connection *c, *expired;

		pthread_mutex_lock(&u->lock);
		expired = take_expired(o, now_us);
		c = NULL;
		if (expired == NULL && o->n_idle > 0)
			c = o->idle[--o->n_idle].connection;
		pthread_mutex_unlock(&u->lock);
		if (expired != NULL) {
			connection_close(expired);
			continue;
		}
		/* Neither closed, nor an answer that nobody asked for. */
		if (c == NULL ||
		    connection_read(c, &byte, 1) == CONNECTION_LATER)
			return c;
		connection_close(c);
	}
}

void
kept_give(struct upstreams *u, struct origin *o, struct connection *c)
{
	int64_t now_us = clock_mono_us();
	struct connection *expired;

	pthread_mutex_lock(&u->lock);
	expired = take_expired(o, now_us);
	if (o->n_idle < u->max_idle &&
	    now_us - connection_made_us(c) < kept_age_us_max) {
		o->idle[o->n_idle++] = (struct idle){ c, now_us };
		c = NULL;
	}
	pthread_mutex_unlock(&u->lock);
	connection_close(expired);
	connection_close(c);
}
