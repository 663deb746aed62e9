/*
 * introspect - see introspect.h.
 */
#include "fcgi/introspect.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/fetch.h"
#include "fcgi/share.h"
#include "policy/introspection.h"
#include "policy/reference.h"
#include "policy/url.h"

#define URL_ARENA_BYTES (64 * 1024)
#define FORM_BYTES_MAX (64 * 1024)
/* How often to look whether another process has its answer. */
#define LEASE_LOOK_MS 5

/* A token that somebody of this process asks about. */
struct question {
	struct question *next;
	struct hash128 id;
	uint64_t address;
};

struct questions {
	struct state *state;
	unsigned max_asking, max_waiting, max_of_address;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t done;
	struct question *first;
	unsigned n_asking, n_waiting;
};

struct introspect {
	const struct bundle *bundle;
	struct arena arena;
	struct span *urls; /* of each row */
};

struct questions *
questions_new(struct state *state, unsigned workers)
{
	struct questions *q = calloc(1, sizeof(*q));
	pthread_condattr_t attributes;

	if (q == NULL)
		return NULL;
	q->state = state;
	q->max_asking = workers >= 8 ? workers / 4 : 1;
	q->max_waiting = workers / 2;
	q->max_of_address = q->max_asking >= 4 ? q->max_asking / 2 : 1;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&q->done, &attributes);
	pthread_condattr_destroy(&attributes);
	return q;
}

void
questions_free(struct questions *q)
{
	if (q == NULL)
		return;
	pthread_cond_destroy(&q->done);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static struct span
world_env(void *world, struct span name)
{
	return config_env(world, name);
}

/* The URL of row "i", which is https or of this machine. */
static bool
look_up(struct introspect *s, const struct config *c, uint32_t i, char *why,
    size_t why_size)
{
	const struct row_introspect *r = bundle_introspect(s->bundle, i);
	struct span origin = bundle_text(s->bundle, r->origin), url;
	const char *reason = "";
	char cause[512];
	struct url u;

	url = reference_expand(bundle_text(s->bundle, r->url), s->bundle->path,
	    world_env, (void *)(uintptr_t)c, &s->arena, cause, sizeof(cause));
	if (url.p == NULL) {
		(void)snprintf(
		    why, why_size, "%.*s: %s", SPAN_ARG(origin), cause);
		return false;
	}
	if (url_parse(url, &u, &reason)) {
		s->urls[i] = arena_copy(&s->arena, url);
		if (u.unix_path.p == NULL && (u.tls || url_is_local(&u)) &&
		    s->urls[i].p != NULL)
			return true;
		reason = "must be https, or http from this machine";
	}
	(void)snprintf(why, why_size, "%.*s: %.*s: %s", SPAN_ARG(origin),
	    SPAN_ARG(url), reason);
	return false;
}

struct introspect *
introspect_open(
    const struct bundle *b, const struct config *c, char *why, size_t why_size)
{
	uint32_t n = bundle_n(b, SECTION_INTROSPECT);
	struct introspect *s = calloc(1, sizeof(*s));

	(void)snprintf(why, why_size, "out of memory");
	if (s == NULL)
		return NULL;
	s->bundle = b;
	arena_init(&s->arena, 1024, URL_ARENA_BYTES);
	s->urls = calloc((size_t)n + 1, sizeof(*s->urls));
	for (uint32_t i = 0; s->urls != NULL && i < n; i++)
		if (!look_up(s, c, i, why, why_size)) {
			introspect_free(s);
			return NULL;
		}
	if (s->urls != NULL)
		return s;
	introspect_free(s);
	return NULL;
}

void
introspect_free(struct introspect *s)
{
	if (s == NULL)
		return;
	free(s->urls);
	arena_fini(&s->arena);
	free(s);
}

/* Everything about one call. */
struct call {
	const struct introspect *servers;
	struct questions *q;
	struct sources *sources;
	const struct introspection *i;
	const struct row_introspect *row;
	struct hash128 id;
	struct verdict *v;
};

static bool
recall(const struct call *c)
{
	return state_recall(c->q->state, c->i->parts, c->i->n_parts,
		   c->i->arena, c->v) &&
	    c->v->expires_s > c->i->now_s;
}

/*
 * RFC 6749 section 2.3.1: id and secret are encoded as in a form before
 * they become user and password.
 */
static void
add_login(const struct call *c, struct span secret, struct buf *login,
    struct fetch_form *form)
{
	struct span id = bundle_text(c->servers->bundle, c->row->client_id);
	size_t n;

	switch ((enum introspect_auth)c->row->auth) {
	case INTROSPECT_POST:
		buf_add_str(login, "&client_id=");
		fetch_form_add(login, id);
		buf_add_str(login, "&client_secret=");
		fetch_form_add(login, secret);
		break;
	case INTROSPECT_BASIC:
		fetch_form_add(login, id);
		n = login->n;
		fetch_form_add(login, secret);
		form->user = span_of(login->p, n);
		form->secret = span_of(login->p + n, login->n - n);
		break;
	default:
		form->secret = secret;
	}
}

/* What the server answers, in "answer". */
static bool
post(const struct call *c, struct span secret, struct buf *answer)
{
	struct fetch_form form = { .body = { NULL, 0 } };
	struct span url = c->servers->urls[c->i->row];
	struct buf body, login;
	char why[256] = "out of memory";
	bool ok = false;

	buf_init(&body, FORM_BYTES_MAX);
	buf_init(&login, FORM_BYTES_MAX);
	buf_add_str(&body, "token=");
	fetch_form_add(&body, c->i->token);
	buf_add_str(&body, "&token_type_hint=access_token");
	add_login(c, secret, &login, &form);
	if (c->row->auth == INTROSPECT_POST)
		buf_add(&body, buf_span(&login));
	buf_add_char(&body, '\0');
	form.body = span_of(body.p, body.n - 1);
	if (!body.failed && !login.failed)
		ok = fetch_post(url, &form, INTROSPECTION_BYTES_MAX,
		    c->row->timeout_ms, answer, why, sizeof(why));
	if (!ok)
		log_warn(
		    "introspection failed url=%.*s: %s", SPAN_ARG(url), why);
	if (body.p != NULL)
		explicit_bzero(body.p, body.size);
	if (login.p != NULL)
		explicit_bzero(login.p, login.size);
	buf_fini(&body);
	buf_fini(&login);
	return ok;
}

/* Ask the server, and leave what it says for all. */
static enum introspect_result
ask(const struct call *c)
{
	enum introspect_result result = INTROSPECT_DOWN;
	struct source secret;
	const char *why;
	struct buf answer;

	if (sources_get(c->sources, c->row->secret, &secret) != SOURCE_OK)
		return INTROSPECT_FAULT;
	buf_init(&answer, INTROSPECTION_BYTES_MAX);
	if (post(c, secret.secret, &answer)) {
		if (introspection_read(c->servers->bundle, c->i->row,
			buf_span(&answer), clock_wall_us() / US_PER_S,
			c->i->arena, c->v, &why)) {
			state_remember(
			    c->q->state, c->i->parts, c->i->n_parts, c->v);
			result = INTROSPECT_TOLD;
		} else {
			log_warn("introspection failed url=%.*s: %s",
			    SPAN_ARG(c->servers->urls[c->i->row]), why);
		}
	}
	buf_fini(&answer);
	return result;
}

/* Ask when no other process does; else take what it was told. */
static enum introspect_result
ask_alone(const struct call *c)
{
	const struct timespec look = { 0, LEASE_LOOK_MS * 1000000 };
	struct span name = span_of(&c->id, sizeof(c->id));
	enum introspect_result result;

	for (unsigned ms = 0; !state_lease(c->q->state, name);
	     ms += LEASE_LOOK_MS) {
		if (ms > c->row->timeout_ms)
			return INTROSPECT_DOWN;
		nanosleep(&look, NULL);
	}
	result = recall(c) ? INTROSPECT_TOLD : ask(c);
	state_lease_end(c->q->state, name);
	return result;
}

/* With the lock held: this token is being asked about here. */
static bool
is_asked(const struct questions *q, struct hash128 id)
{
	for (const struct question *o = q->first; o != NULL; o = o->next)
		if (hash128_eq(o->id, id))
			return true;
	return false;
}

/* With the lock held: one more may ask, also of this address. */
static bool
may_ask(const struct questions *q, uint64_t address)
{
	unsigned n = 0;

	for (const struct question *o = q->first; o != NULL; o = o->next)
		n += o->address == address;
	return q->n_asking < q->max_asking && n < q->max_of_address;
}

/* With the lock held, which is given up meanwhile. */
static enum introspect_result
wait_for(const struct call *c)
{
	struct questions *q = c->q;
	int64_t until_us = clock_mono_us() +
	    ((int64_t)c->row->timeout_ms + LEASE_LOOK_MS) * US_PER_MS;
	struct timespec until = { .tv_sec = (time_t)(until_us / US_PER_S),
		.tv_nsec = (long)(until_us % US_PER_S) * 1000 };
	bool told;

	if (q->n_waiting >= q->max_waiting)
		return INTROSPECT_BUSY;
	q->n_waiting++;
	while (is_asked(q, c->id))
		if (pthread_cond_timedwait(&q->done, &q->lock, &until) != 0)
			break;
	q->n_waiting--;
	pthread_mutex_unlock(&q->lock);
	told = recall(c);
	pthread_mutex_lock(&q->lock);
	return told ? INTROSPECT_TOLD : INTROSPECT_DOWN;
}

/* With the lock held, which is given up meanwhile. */
static enum introspect_result
take_turn(const struct call *c)
{
	struct questions *q = c->q;
	struct question mine = { .next = q->first,
		.id = c->id,
		.address = share_key_address(c->i->address) };
	struct question **at = &q->first;
	enum introspect_result result;

	if (!may_ask(q, mine.address))
		return INTROSPECT_BUSY;
	q->first = &mine;
	q->n_asking++;
	pthread_mutex_unlock(&q->lock);
	result = ask_alone(c);
	pthread_mutex_lock(&q->lock);
	q->n_asking--;
	while (*at != &mine)
		at = &(*at)->next;
	*at = mine.next;
	pthread_cond_broadcast(&q->done);
	return result;
}

enum introspect_result
introspect_ask(const struct introspect *servers, struct questions *q,
    struct sources *sources, const struct introspection *i, struct verdict *v)
{
	struct call c = { servers, q, sources, i,
		bundle_introspect(servers->bundle, i->row), { 0, 0 }, v };
	enum introspect_result result;

	c.id = state_name(q->state, i->parts, i->n_parts);
	pthread_mutex_lock(&q->lock);
	/* Between the look before and this one it may have been told. */
	if (is_asked(q, c.id))
		result = wait_for(&c);
	else
		result = take_turn(&c);
	pthread_mutex_unlock(&q->lock);
	return result;
}
