/*
 * remote - see remote.h.
 *
 * Times within the process are monotonic; only when a document was
 * fetched, which outlives it, is wall time.  A document is a place in an
 * array that never moves; one that is being fetched is not given away.
 */
#include "fcgi/remote.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/fetch.h"
#include "fcgi/remote_file.h"
#include "policy/keyset.h"

#define REMOTE_MAX 64
#define FETCH_MS 5000
#define LIFE_DEFAULT_S 600
#define LIFE_MIN_S 60
#define LIFE_MAX_S (24 * 3600)
#define COOL_DOWN_MS 60000
#define WAIT_MS 2000
/* While there is nothing: the first pause, doubled up to COOL_DOWN_MS. */
#define RETRY_S 2
/* A document that nobody has asked for is not fetched any longer. */
#define FORGOTTEN_US (600 * US_PER_S)

/* Keys that were sought in vain, and for how long that counts. */
#define UNKNOWN_MAX 32
#define UNKNOWN_US (300 * US_PER_S)

struct unknown {
	uint64_t kid; /* its hash */
	int64_t until_us;
};

struct document {
	char *url;
	struct buf body;
	bool there;
	bool fetching;
	uint64_t version;
	int64_t fetched_us; /* wall time of the last success */
	int64_t tried_us;   /* of the last attempt; INT64_MIN: none yet */
	int64_t due_us;     /* of the next */
	int64_t asked_us;   /* when somebody last wanted it */
	unsigned n_failed;  /* in a row */
	struct unknown unknown[UNKNOWN_MAX];
	unsigned next_unknown;
};

struct remote {
	struct remote_settings set;
	struct siphash_key secret; /* of hashes of key names */
	bool running;
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed, fetched;
	bool closing;
	unsigned n_fetching, n_waiting;
	struct document documents[REMOTE_MAX];
	unsigned n;
};

/* For a thread that fetches; it frees it. */
struct errand {
	struct remote *remote;
	struct document *document;
};

static int64_t
cool_down_us(const struct remote *r)
{
	unsigned ms = r->set.cool_down_ms;

	return (ms > 0 ? ms : COOL_DOWN_MS) * US_PER_MS;
}

/* What an earlier process kept. */
static void
recall(const struct remote *r, struct document *d, int64_t now_us)
{
	struct remote_kept kept;

	if (!remote_file_read(
		r->set.folder, r->set.state, span_str(d->url), &d->body, &kept))
		return;
	d->there = true;
	d->fetched_us = kept.fetched_us;
	d->due_us = now_us + kept.left_us;
	if (kept.left_us > LIFE_MAX_S * US_PER_S)
		d->due_us = now_us;
}

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
		free(d->url);
		buf_fini(&d->body);
		return d;
	}
	return NULL;
}

/* With the lock held; NULL when there are too many, or no memory. */
static struct document *
find(struct remote *r, struct span url)
{
	int64_t now_us = clock_mono_us();
	struct document *d;
	char *copy;

	for (unsigned i = 0; i < r->n; i++) {
		d = &r->documents[i];
		if (span_eq(span_str(d->url), url)) {
			d->asked_us = now_us;
			return d;
		}
	}
	copy = strndup(url.p, url.n);
	d = copy != NULL ? find_place(r, now_us) : NULL;
	if (d == NULL) {
		free(copy);
		return NULL;
	}
	*d = (struct document){ .url = copy,
		.version = 1,
		.tried_us = INT64_MIN,
		.due_us = now_us,
		.asked_us = now_us };
	buf_init(&d->body, KEY_SET_BYTES_MAX);
	recall(r, d, now_us);
	pthread_cond_signal(&r->changed);
	return d;
}

/* A body that would leave us without keys is a failure like others. */
static bool
is_key_set(struct span body, char *why, size_t why_size)
{
	struct key_set *keys = key_set_new(body, true, NULL, why, why_size);

	key_set_free(keys);
	return keys != NULL;
}

static int64_t
lifetime_us(int64_t max_age_s)
{
	if (max_age_s < 0)
		max_age_s = LIFE_DEFAULT_S;
	if (max_age_s < LIFE_MIN_S)
		max_age_s = LIFE_MIN_S;
	if (max_age_s > LIFE_MAX_S)
		max_age_s = LIFE_MAX_S;
	return max_age_s * US_PER_S;
}

/* With the lock held. */
static void
succeed(struct document *d, struct span body, int64_t life_us)
{
	d->n_failed = 0;
	d->fetched_us = clock_wall_us();
	d->due_us = clock_mono_us() + life_us;
	if (d->there && span_eq(body, buf_span(&d->body)))
		return;
	d->version++;
	buf_reset(&d->body);
	buf_add(&d->body, body);
	d->there = !d->body.failed;
}

/* With the lock held. */
static void
fail(const struct remote *r, struct document *d)
{
	int64_t pause_us = cool_down_us(r);
	unsigned n = d->n_failed++;

	if (!d->there && n < 5 && (RETRY_S * US_PER_S << n) < pause_us)
		pause_us = RETRY_S * US_PER_S << n;
	d->due_us = clock_mono_us() + pause_us;
	if (d->there &&
	    clock_wall_us() - d->fetched_us > REMOTE_STALE_S * US_PER_S) {
		d->there = false;
		d->version++;
	}
}

/* With the lock held, which is given up meanwhile. */
static void
fetch(struct remote *r, struct document *d)
{
	unsigned limit_ms = r->set.direct ? WAIT_MS : FETCH_MS;
	int64_t max_age_s = -1, life_us;
	char why[256] = "";
	struct buf body;
	bool ok;

	pthread_mutex_unlock(&r->lock);
	buf_init(&body, KEY_SET_BYTES_MAX);
	ok = fetch_url(span_str(d->url), KEY_SET_BYTES_MAX, limit_ms, &body,
		 &max_age_s, why, sizeof(why)) &&
	    is_key_set(buf_span(&body), why, sizeof(why));
	life_us = lifetime_us(max_age_s);
	if (ok)
		remote_file_write(r->set.folder, r->set.state, span_str(d->url),
		    buf_span(&body), life_us);
	else
		log_warn("fetch failed url=%s: %s", d->url, why);
	pthread_mutex_lock(&r->lock);
	if (ok)
		succeed(d, buf_span(&body), life_us);
	else
		fail(r, d);
	buf_fini(&body);
	d->fetching = false;
	r->n_fetching--;
	pthread_cond_broadcast(&r->fetched);
	pthread_cond_signal(&r->changed);
}

static void *
run_errand(void *arg)
{
	struct errand e = *(struct errand *)arg;

	free(arg);
	pthread_mutex_lock(&e.remote->lock);
	fetch(e.remote, e.document);
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
	fetch(r, d);
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
		free(r->documents[i].url);
		buf_fini(&r->documents[i].body);
	}
	pthread_cond_destroy(&r->changed);
	pthread_cond_destroy(&r->fetched);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/*
 * In a process of one request, with the lock held.  When the last attempt
 * was is kept on disk, else each request would be one.
 */
static void
fetch_directly(struct remote *r, struct document *d)
{
	if (!remote_file_try(r->set.folder, span_str(d->url), cool_down_us(r)))
		return;
	d->tried_us = clock_mono_us();
	d->fetching = true;
	r->n_fetching++;
	fetch(r, d);
}

bool
remote_get(
    struct remote *r, struct span url, struct buf *body, uint64_t *version)
{
	struct document *d;
	bool there = false;

	*version = 0;
	pthread_mutex_lock(&r->lock);
	d = find(r, url);
	start(r);
	if (d != NULL && r->set.direct && d->due_us <= clock_mono_us())
		fetch_directly(r, d);
	if (d != NULL) {
		*version = d->version;
		there = d->there;
		if (there)
			buf_add(body, buf_span(&d->body));
	}
	pthread_mutex_unlock(&r->lock);
	return there && !body->failed;
}

uint64_t
remote_version(struct remote *r, struct span url)
{
	const struct document *d;
	uint64_t version;

	pthread_mutex_lock(&r->lock);
	d = find(r, url);
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
	int64_t soonest_us =
	    d->tried_us == INT64_MIN ? now_us : d->tried_us + cool_down_us(r);
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
    struct remote *r, struct span url, struct span kid, uint64_t seen)
{
	enum refresh_result result = REFRESH_DOWN;
	struct document *d;

	pthread_mutex_lock(&r->lock);
	d = find(r, url);
	start(r);
	if (d != NULL && !r->closing)
		result = refresh(r, d, siphash_64(&r->secret, kid), seen);
	pthread_mutex_unlock(&r->lock);
	return result;
}
