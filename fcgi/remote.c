/*
 * remote - see remote.h.
 */
#include "fcgi/remote_part.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "fcgi/remote_file.h"
#include "policy/keyset.h"

/* For a thread that fetches; it frees it. */
struct errand {
	struct remote *remote;
	struct document *document;
};

/* A free place, or that of a document nobody wants any more; or NULL. */
static struct document *
find_place(struct remote *r, int64_t now_us)
{
	if (r->n < REMOTE_MAX)
		return &r->documents[r->n++];
	for (unsigned i = 0; i < r->n; i++) {
		struct document *d = &r->documents[i];

		if (d->fetching || now_us - d->asked_us < FORGOTTEN_US)
			continue;
		free(d->place);
		buf_fini(&d->body);
		return d;
	}
	return NULL;
}

/* With the lock held; NULL when there are too many, or no memory. */
static struct document *
find(struct remote *r, struct span place)
{
	int64_t now_us = clock_mono_us();
	struct document *d;
	char *copy;

	for (unsigned i = 0; i < r->n; i++) {
		d = &r->documents[i];
		if (span_eq(span_str(d->place), place)) {
			d->asked_us = now_us;
			return d;
		}
	}
	copy = strndup(place.p, place.n);
	d = copy != NULL ? find_place(r, now_us) : NULL;
	if (d == NULL) {
		free(copy);
		return NULL;
	}
	*d = (struct document){ .place = copy,
		.version = 1,
		.tried_us = INT64_MIN,
		.due_us = now_us,
		.asked_us = now_us };
	buf_init(&d->body, KEY_SET_BYTES_MAX);
	(void)remote_adopt(r, d);
	pthread_cond_signal(&r->changed);
	return d;
}

static void *
run_errand(void *arg)
{
	struct errand e = *(struct errand *)arg;

	free(arg);
	pthread_mutex_lock(&e.remote->lock);
	remote_fetch(e.remote, e.document);
	pthread_mutex_unlock(&e.remote->lock);
	return NULL;
}

/* With the lock held: in a thread of its own, or here when none starts. */
static void
start_fetch(struct remote *r, struct document *d)
{
	struct errand *e = malloc(sizeof(*e));
	pthread_t thread;

	d->tried_us = clock_mono_us();
	d->fetching = true;
	r->n_fetching++;
	if (e != NULL)
		*e = (struct errand){ r, d };
	if (e != NULL && pthread_create(&thread, NULL, run_errand, e) == 0) {
		pthread_detach(thread);
		return;
	}
	free(e);
	remote_fetch(r, d);
}

/* With the lock held: fetch what is due; when the next one is. */
static int64_t
fetch_due(struct remote *r)
{
	int64_t next_us = INT64_MAX;

	for (unsigned i = 0; i < r->n && !r->closing; i++) {
		struct document *d = &r->documents[i];
		int64_t now_us = clock_mono_us();

		if (d->fetching)
			continue;
		if (d->due_us <= now_us && now_us - d->asked_us > FORGOTTEN_US)
			d->due_us = now_us + FORGOTTEN_US;
		if (d->due_us <= now_us)
			start_fetch(r, d);
		else if (d->due_us < next_us)
			next_us = d->due_us;
	}
	return next_us;
}

static struct timespec
at(int64_t mono_us)
{
	return (struct timespec){ .tv_sec = (time_t)(mono_us / US_PER_S),
		.tv_nsec = (long)(mono_us % US_PER_S) * 1000 };
}

static void *
run(void *arg)
{
	struct remote *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->closing) {
		int64_t next_us = fetch_due(r);
		struct timespec until = at(next_us);

		if (r->closing)
			break;
		if (next_us == INT64_MAX)
			pthread_cond_wait(&r->changed, &r->lock);
		else
			pthread_cond_timedwait(&r->changed, &r->lock, &until);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* With the lock held; the first document starts it. */
static void
start(struct remote *r)
{
	sigset_t all, old;

	if (r->running || r->set.direct)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r->running = pthread_create(&r->thread, NULL, run, r) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct remote *
remote_open(const struct remote_settings *s)
{
	struct remote *r = calloc(1, sizeof(*r));
	pthread_condattr_t attributes;
	struct hash128 h;

	if (r == NULL)
		return NULL;
	r->set = *s;
	h = state_sum(s->state, SPAN("remote key names"));
	r->secret = (struct siphash_key){ h.lo, h.hi };
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &attributes);
	pthread_cond_init(&r->fetched, &attributes);
	pthread_condattr_destroy(&attributes);
	return r;
}

void
remote_close(struct remote *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->closing = true;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (r->running)
		pthread_join(r->thread, NULL);
	pthread_mutex_lock(&r->lock);
	while (r->n_fetching > 0)
		pthread_cond_wait(&r->fetched, &r->lock);
	pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < r->n; i++) {
		free(r->documents[i].place);
		buf_fini(&r->documents[i].body);
	}
	pthread_cond_destroy(&r->changed);
	pthread_cond_destroy(&r->fetched);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* In a process of one request, with the lock held. */
static void
fetch_directly(struct remote *r, struct document *d)
{
	d->tried_us = clock_mono_us();
	d->fetching = true;
	r->n_fetching++;
	remote_fetch(r, d);
}

bool
remote_get(
    struct remote *r, struct span place, struct buf *body, uint64_t *version)
{
	struct document *d;
	bool there = false;

	*version = 0;
	pthread_mutex_lock(&r->lock);
	d = find(r, place);
	start(r);
	if (d != NULL && r->set.direct && d->due_us <= clock_mono_us())
		fetch_directly(r, d);
	if (d != NULL) {
		*version = d->version;
		there = d->there &&
		    clock_wall_us() - d->fetched_us <=
			REMOTE_STALE_S * US_PER_S;
		if (there)
			buf_add(body, buf_span(&d->body));
	}
	pthread_mutex_unlock(&r->lock);
	return there && !body->failed;
}

uint64_t
remote_version(struct remote *r, struct span place)
{
	struct document *d;
	uint64_t version;

	pthread_mutex_lock(&r->lock);
	d = find(r, place);
	if (d != NULL)
		remote_notice(r, d);
	version = d != NULL ? d->version : 0;
	pthread_mutex_unlock(&r->lock);
	return version;
}

/* With the lock held.  It was sought a short while ago. */
static bool
is_unknown(const struct document *d, uint64_t kid, int64_t now_us)
{
	for (unsigned i = 0; i < UNKNOWN_MAX; i++)
		if (d->unknown[i].kid == kid && d->unknown[i].until_us > now_us)
			return true;
	return false;
}

/* With the lock held. */
static void
note_unknown(struct document *d, uint64_t kid, int64_t now_us)
{
	struct unknown *u = &d->unknown[d->next_unknown++ % UNKNOWN_MAX];

	*u = (struct unknown){ kid, now_us + UNKNOWN_US };
}

/* With the lock held: until "d" was fetched; false: not in time. */
static bool
wait_fetched(struct remote *r, const struct document *d)
{
	unsigned ms = r->set.wait_ms > 0 ? r->set.wait_ms : WAIT_MS;
	struct timespec until = at(clock_mono_us() + (int64_t)ms * US_PER_MS);
	uint64_t version = d->version;
	unsigned n_failed = d->n_failed;

	if (r->n_waiting >= r->set.max_waiting)
		return false;
	r->n_waiting++;
	while (d->fetching && !r->closing && d->version == version &&
	    d->n_failed == n_failed)
		if (pthread_cond_timedwait(&r->fetched, &r->lock, &until) != 0)
			break;
	r->n_waiting--;
	return !d->fetching;
}

/* With the lock held. */
static enum refresh_result
refresh(struct remote *r, struct document *d, uint64_t kid, uint64_t seen)
{
	int64_t now_us = clock_mono_us();
	int64_t soonest_us = d->tried_us == INT64_MIN
	    ? now_us
	    : d->tried_us + remote_cool_down_us(r);
	bool waits = d->fetching || soonest_us <= now_us;

	if (d->version != seen)
		return REFRESH_CHANGED;
	if (!d->fetching && d->there && is_unknown(d, kid, now_us))
		return REFRESH_SAME;
	if (!waits && d->there && soonest_us < d->due_us) {
		d->due_us = soonest_us;
		pthread_cond_signal(&r->changed);
	}
	if (waits && !d->fetching && r->set.direct)
		fetch_directly(r, d);
	else if (waits && !d->fetching)
		start_fetch(r, d);
	if (d->fetching && !wait_fetched(r, d))
		return REFRESH_DOWN;
	if (d->version != seen)
		return REFRESH_CHANGED;
	/* Nobody knows what the issuer has now. */
	if (d->n_failed > 0 || !d->there)
		return REFRESH_DOWN;
	if (waits)
		note_unknown(d, kid, now_us);
	return REFRESH_SAME;
}

enum refresh_result
remote_refresh(
    struct remote *r, struct span place, struct span kid, uint64_t seen)
{
	enum refresh_result result = REFRESH_DOWN;
	struct document *d;

	pthread_mutex_lock(&r->lock);
	d = find(r, place);
	start(r);
	if (d != NULL && !r->closing)
		result = refresh(r, d, siphash_64(&r->secret, kid), seen);
	pthread_mutex_unlock(&r->lock);
	return result;
}
