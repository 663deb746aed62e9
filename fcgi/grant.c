/*
 * grant - see grant.h.
 */
#include "fcgi/grant.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/fetch.h"
#include "fcgi/remote_file.h"
#include "policy/granted.h"

#define FORM_BYTES_MAX (64 * 1024)

/* A token that is refused sooner than this is not the server's mistake. */
#define FRESH_US (2 * US_PER_S)

/* After a failure, doubled each time. */
#define PAUSE_US US_PER_S
#define PAUSE_US_MAX (30 * US_PER_S)

/* What a fetch takes; owned by whoever fetches. */
struct errand {
	struct grants *grants;
	struct grant *grant;
	struct span url; /* copies, on the heap */
	struct buf form;
	struct buf login;
	size_t user_n; /* of "login"; the rest is the secret */
	bool basic;
	unsigned timeout_ms;
};

struct grant {
	struct grant *next;
	struct hash128 id;
	struct buf token;
	bool fetching;
	int64_t fetched_us, due_us, expires_us; /* monotonic */
	int64_t next_try_us;
	int64_t pause_us;
};

struct grants {
	struct grants_settings set;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t fetched;
	struct grant *first;
	unsigned n_fetching, n_waiting;
};

struct grants *
grants_new(const struct grants_settings *s)
{
	struct grants *g = calloc(1, sizeof(*g));
	pthread_condattr_t attributes;

	if (g == NULL)
		return NULL;
	g->set = *s;
	pthread_mutex_init(&g->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&g->fetched, &attributes);
	pthread_condattr_destroy(&attributes);
	return g;
}

static void
forget(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->size);
	buf_fini(b);
}

void
grants_free(struct grants *g)
{
	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	while (g->n_fetching > 0)
		pthread_cond_wait(&g->fetched, &g->lock);
	pthread_mutex_unlock(&g->lock);
	while (g->first != NULL) {
		struct grant *t = g->first;

		g->first = t->next;
		forget(&t->token);
		free(t);
	}
	pthread_cond_destroy(&g->fetched);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* The same for whoever asks the same server for the same. */
static struct hash128
name_grant(
    const struct bundle *bundle, const struct backend *b, uint64_t generation)
{
	static const struct siphash_key key = { 2, 0 };
	const struct row_security *s = b->security;
	const struct span parts[] = { b->token_url, b->user,
		bundle_text(bundle, s->scopes),
		bundle_text(bundle, s->resource),
		span_of(&s->token_auth, sizeof(s->token_auth)),
		span_of(&generation, sizeof(generation)) };
	struct siphash sum;

	siphash_init(&sum, &key);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		siphash_part(&sum, parts[i]);
	return siphash_done(&sum);
}

/* With the lock held; NULL: out of memory. */
static struct grant *
find(struct grants *g, struct hash128 id)
{
	struct grant *t;

	for (t = g->first; t != NULL; t = t->next)
		if (hash128_eq(t->id, id))
			return t;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->id = id;
	t->pause_us = PAUSE_US;
	buf_init(&t->token, GRANTED_TOKEN_MAX);
	t->next = g->first;
	g->first = t;
	return t;
}

static void
errand_free(struct errand *e)
{
	if (e == NULL)
		return;
	forget(&e->form);
	forget(&e->login);
	free((void *)(uintptr_t)e->url.p);
	free(e);
}

static void
add_member(struct buf *form, const char *name, struct span value)
{
	if (value.n == 0)
		return;
	buf_add_char(form, '&');
	buf_add_str(form, name);
	buf_add_char(form, '=');
	fetch_form_add(form, value);
}

/* RFC 6749 sections 2.3.1 and 4.4.2; NULL: out of memory. */
static struct errand *
errand_new(struct grants *g, struct grant *t, const struct bundle *bundle,
    const struct backend *b, struct span secret)
{
	const struct row_security *s = b->security;
	struct errand *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->grants = g;
	e->grant = t;
	e->basic = s->token_auth == TOKEN_AUTH_BASIC;
	e->timeout_ms = s->timeout_ms;
	e->url =
	    span_of(strndup(b->token_url.p, b->token_url.n), b->token_url.n);
	buf_init(&e->form, FORM_BYTES_MAX);
	buf_init(&e->login, FORM_BYTES_MAX);
	buf_add_str(&e->form, "grant_type=client_credentials");
	add_member(&e->form, "scope", bundle_text(bundle, s->scopes));
	add_member(&e->form, "resource", bundle_text(bundle, s->resource));
	if (e->basic) {
		fetch_form_add(&e->login, b->user);
		e->user_n = e->login.n;
		fetch_form_add(&e->login, secret);
	} else {
		add_member(&e->form, "client_id", b->user);
		add_member(&e->form, "client_secret", secret);
	}
	buf_add_char(&e->form, '\0');
	if (e->url.p != NULL && !e->form.failed && !e->login.failed)
		return e;
	errand_free(e);
	return NULL;
}

/* The name of the file that the next process finds it by. */
static struct span
file_name(const struct grant *t, char room[static 64])
{
	struct buf b = { .p = room, .size = 64, .max = 64 };

	buf_add_str(&b, "grant ");
	buf_add_hex64(&b, t->id.hi);
	buf_add_hex64(&b, t->id.lo);
	return buf_span(&b);
}

/* With the lock held. */
static void
keep(struct grant *t, struct span token, int64_t life_us, int64_t left_us)
{
	int64_t now_us = clock_mono_us();

	if (t->token.p != NULL)
		explicit_bzero(t->token.p, t->token.size);
	buf_reset(&t->token);
	buf_add(&t->token, token);
	t->fetched_us = now_us;
	/* A little early: clocks differ, and the request takes time, too. */
	t->expires_us = now_us + left_us - life_us / 20;
	t->due_us = now_us + left_us - life_us / 5;
	t->pause_us = PAUSE_US;
	t->next_try_us = 0;
}

/* Ask the server; nothing is locked. */
static bool
post(const struct errand *e, struct arena *a, struct granted *granted)
{
	struct fetch_form form = { .body = { e->form.p, e->form.n - 1 } };
	char why[256] = "out of memory";
	const char *reason = why;
	struct buf answer;
	bool ok;

	if (e->basic) {
		form.user = span_of(e->login.p, e->user_n);
		form.secret =
		    span_of(e->login.p + e->user_n, e->login.n - e->user_n);
	}
	buf_init(&answer, GRANTED_BYTES_MAX);
	ok = fetch_post(e->url, &form, GRANTED_BYTES_MAX, e->timeout_ms,
		 &answer, why, sizeof(why)) &&
	    granted_read(buf_span(&answer), a, granted, &reason);
	if (ok && granted->life_s == 0) {
		/* Else each request would fetch one. */
		reason = "the token is good for no time at all";
		ok = false;
	}
	if (ok) {
		granted->token = arena_copy(a, granted->token);
		ok = granted->token.p != NULL;
	}
	forget(&answer);
	if (!ok)
		log_warn("no token for a backend url=%.*s: %s",
		    SPAN_ARG(e->url), reason);
	return ok;
}

/* With the lock held, which is given up meanwhile; takes "e". */
static void
fetch(struct errand *e)
{
	struct grants *g = e->grants;
	struct grant *t = e->grant;
	struct granted granted;
	struct arena a;
	char name[64];
	bool ok;

	arena_init(&a, 4096, 4 * GRANTED_BYTES_MAX);
	pthread_mutex_unlock(&g->lock);
	ok = post(e, &a, &granted);
	errand_free(e);
	if (ok && g->set.direct && g->set.folder != NULL)
		remote_file_write(g->set.folder, g->set.state,
		    file_name(t, name), granted.token,
		    granted.life_s * US_PER_S);
	pthread_mutex_lock(&g->lock);
	if (ok) {
		keep(t, granted.token, granted.life_s * US_PER_S,
		    granted.life_s * US_PER_S);
		explicit_bzero(
		    (void *)(uintptr_t)granted.token.p, granted.token.n);
	} else {
		t->next_try_us = clock_mono_us() + t->pause_us;
		t->pause_us *= 2;
		if (t->pause_us > PAUSE_US_MAX)
			t->pause_us = PAUSE_US_MAX;
	}
	t->fetching = false;
	g->n_fetching--;
	pthread_cond_broadcast(&g->fetched);
	arena_fini(&a);
}

static void *
run(void *errand)
{
	struct grants *g = ((struct errand *)errand)->grants;

	pthread_mutex_lock(&g->lock);
	fetch(errand);
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

/* With the lock held: in a thread of its own when one starts. */
static void
fetch_ahead(struct grants *g, struct errand *e)
{
	sigset_t all, old;
	pthread_t thread;
	bool started;

	e->grant->fetching = true;
	g->n_fetching++;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	started = pthread_create(&thread, NULL, run, e) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (started)
		pthread_detach(thread);
	else
		fetch(e);
}

/* With the lock held: what another process of one request has left. */
static void
take_over(struct grants *g, struct grant *t)
{
	struct remote_kept kept;
	struct buf token;
	char name[64];

	if (!g->set.direct || g->set.folder == NULL || t->token.n > 0)
		return;
	buf_init(&token, GRANTED_TOKEN_MAX);
	if (remote_file_read(g->set.folder, g->set.state, file_name(t, name),
		&token, &kept) &&
	    kept.left_us > 0) {
		keep(t, buf_span(&token), kept.left_us, kept.left_us);
		t->fetched_us -= clock_wall_us() - kept.fetched_us;
	}
	forget(&token);
}

/* With the lock held: until somebody else has it, or has not. */
static enum grant_result
wait_for(struct grants *g, struct grant *t, unsigned timeout_ms)
{
	int64_t until_us = clock_mono_us() + timeout_ms * US_PER_MS;
	struct timespec until = { .tv_sec = (time_t)(until_us / US_PER_S),
		.tv_nsec = (long)(until_us % US_PER_S) * 1000 };

	if (g->n_waiting >= g->set.max_waiting)
		return GRANT_BUSY;
	g->n_waiting++;
	while (t->fetching)
		if (pthread_cond_timedwait(&g->fetched, &g->lock, &until) != 0)
			break;
	g->n_waiting--;
	return GRANT_OK;
}

static bool
is_good(const struct grant *t)
{
	return t->token.n > 0 && clock_mono_us() < t->expires_us;
}

/*
 * With the lock held, which is given up while somebody fetches.  "stale":
 * this caller's backend does not take the token, which is as good as it was
 * for all others: a backend may refuse for reasons of its own, and the
 * server may have no other token to give.
 */
static enum grant_result
ensure(struct grants *g, struct grant *t, const struct bundle *bundle,
    const struct backend *b, struct span secret, bool stale)
{
	int64_t now_us = clock_mono_us();
	bool good = !stale && is_good(t);
	struct errand *e;

	if (good && (t->fetching || now_us < t->due_us))
		return GRANT_OK;
	if (t->fetching)
		return wait_for(g, t, b->security->timeout_ms);
	if (now_us < t->next_try_us)
		return GRANT_OK;
	e = errand_new(g, t, bundle, b, secret);
	if (e == NULL)
		return good ? GRANT_OK : GRANT_FAULT;
	if (good && !g->set.direct) {
		fetch_ahead(g, e);
		return GRANT_OK;
	}
	t->fetching = true;
	g->n_fetching++;
	fetch(e);
	return GRANT_OK;
}

enum grant_result
grant_get(struct grants *g, const struct outside *w,
    const struct bundle *bundle, const struct backend *b, struct span refused,
    struct arena *a, struct span *token)
{
	enum grant_result result = GRANT_FAULT;
	struct source secret;
	struct grant *t;
	bool stale;

	*token = (struct span){ NULL, 0 };
	if (g == NULL ||
	    w->source(w->world, b->security->secret, &secret) != SOURCE_OK)
		return GRANT_FAULT;
	pthread_mutex_lock(&g->lock);
	t = find(g, name_grant(bundle, b, secret.generation));
	if (t != NULL) {
		take_over(g, t);
		stale = refused.n > 0 &&
		    span_eq(refused, buf_span(&t->token)) &&
		    clock_mono_us() - t->fetched_us > FRESH_US;
		result = ensure(g, t, bundle, b, secret.secret, stale);
	}
	if (result == GRANT_OK)
		result = is_good(t) && !span_eq(refused, buf_span(&t->token))
		    ? GRANT_OK
		    : GRANT_DOWN;
	if (result == GRANT_OK)
		*token = arena_copy(a, buf_span(&t->token));
	pthread_mutex_unlock(&g->lock);
	return result == GRANT_OK && token->p == NULL ? GRANT_FAULT : result;
}
