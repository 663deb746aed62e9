/*
 * remote - see remote.h.
 */
#include "fcgi/remote.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "fcgi/fetch.h"
#include "policy/keyset.h"

#define REMOTE_MAX 64
#define FETCH_MS 5000
#define LIFE_DEFAULT_S 600
#define LIFE_MIN_S 60
#define LIFE_MAX_S (24 * 3600)
#define COOL_DOWN_S 60
#define STALE_S (24 * 3600)
/* "mgw-remote SUM FETCHED" and the URL, a line each, before the bytes. */
#define HEAD_BYTES_MAX 4096

struct document {
	char *url;
	struct buf body;    /* under lock */
	bool there;         /* under lock */
	uint64_t version;   /* under lock */
	int64_t fetched_us; /* wall time of the last success */
	int64_t tried_us;   /* of the last attempt */
	int64_t due_us;     /* of the next */
};

struct remote {
	const struct state *state;
	char *folder;
	bool direct;
	bool running, closing; /* under lock */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct document documents[REMOTE_MAX]; /* under lock; never removed */
	unsigned n;
};

/* What the keyed sum of a kept document covers. */
static struct hash128
sum_of(const struct remote *r, struct span url, int64_t at_us, struct span body)
{
	struct hash128 h = { 0, 0 };
	struct buf b;

	buf_init(&b, KEY_SET_BYTES_MAX + HEAD_BYTES_MAX);
	buf_printf(&b, "remote %zu %lld\n", url.n, (long long)at_us);
	buf_add(&b, url);
	buf_add(&b, body);
	if (!b.failed)
		h = state_sum(r->state, buf_span(&b));
	buf_fini(&b);
	return h;
}

static void
file_name(const struct remote *r, const char *url, char *to, size_t size)
{
	static const struct siphash_key none;
	struct hash128 h = siphash_128(&none, span_str(url));

	(void)snprintf(to, size, "%s/%016llx%016llx.json", r->folder,
	    (unsigned long long)h.hi, (unsigned long long)h.lo);
}

static void
save(const struct remote *r, const char *url, int64_t at_us, struct span body)
{
	struct hash128 h = sum_of(r, span_str(url), at_us, body);
	char path[4096], why[256];
	struct buf b;

	file_name(r, url, path, sizeof(path));
	buf_init(&b, KEY_SET_BYTES_MAX + HEAD_BYTES_MAX);
	buf_printf(&b, "%016llx%016llx %lld\n", (unsigned long long)h.hi,
	    (unsigned long long)h.lo, (long long)at_us);
	buf_add(&b, body);
	if (!b.failed &&
	    !file_write(path, buf_span(&b), 0600, why, sizeof(why)))
		log_warn("key set not kept on disk: %s", why);
	buf_fini(&b);
}

/* What an earlier process kept; silently nothing when there is none. */
static void
recall(const struct remote *r, struct document *d)
{
	char path[4096], why[256], hex[33];
	struct span rest, head;
	struct buf b = { 0 };
	struct hash128 h;
	uint64_t at_us = 0;

	file_name(r, d->url, path, sizeof(path));
	if (!file_read(path, FILE_TRUSTED, KEY_SET_BYTES_MAX + HEAD_BYTES_MAX,
		&b, NULL, why, sizeof(why)))
		return;
	rest = buf_span(&b);
	head = span_cut(&rest, '\n');
	if (rest.p != NULL && head.n > 33 &&
	    span_to_u64(span_skip(head, 33), INT64_MAX, &at_us)) {
		h = sum_of(r, span_str(d->url), (int64_t)at_us, rest);
		(void)snprintf(hex, sizeof(hex), "%016llx%016llx",
		    (unsigned long long)h.hi, (unsigned long long)h.lo);
		if (span_eq(span_of(head.p, 32), span_str(hex)) &&
		    clock_wall_us() - (int64_t)at_us < STALE_S * US_PER_S) {
			buf_add(&d->body, rest);
			d->there = !d->body.failed;
			d->fetched_us = (int64_t)at_us;
			d->due_us = (int64_t)at_us + LIFE_DEFAULT_S * US_PER_S;
		}
	}
	buf_fini(&b);
}

/* With the lock held; NULL when there are too many, or no memory. */
static struct document *
find(struct remote *r, struct span url)
{
	struct document *d;

	for (unsigned i = 0; i < r->n; i++)
		if (span_eq(span_str(r->documents[i].url), url))
			return &r->documents[i];
	if (r->n == REMOTE_MAX)
		return NULL;
	d = &r->documents[r->n];
	*d = (struct document){ .url = strndup(url.p, url.n), .version = 1 };
	if (d->url == NULL)
		return NULL;
	buf_init(&d->body, KEY_SET_BYTES_MAX);
	recall(r, d);
	r->n++;
	pthread_cond_signal(&r->changed);
	return d;
}

/* Fetch "d" with the lock given up meanwhile. */
static void
fetch(struct remote *r, struct document *d)
{
	int64_t max_age_s = -1, now_us;
	char why[256] = "";
	struct buf body;
	bool ok;

	d->tried_us = clock_wall_us();
	d->due_us = d->tried_us + COOL_DOWN_S * US_PER_S;
	pthread_mutex_unlock(&r->lock);
	buf_init(&body, KEY_SET_BYTES_MAX);
	ok = fetch_url(span_str(d->url), KEY_SET_BYTES_MAX, FETCH_MS, &body,
	    &max_age_s, why, sizeof(why));
	now_us = clock_wall_us();
	if (ok)
		save(r, d->url, now_us, buf_span(&body));
	else
		log_warn("fetch failed url=%s: %s", d->url, why);
	pthread_mutex_lock(&r->lock);
	if (ok) {
		if (max_age_s < 0)
			max_age_s = LIFE_DEFAULT_S;
		if (max_age_s < LIFE_MIN_S)
			max_age_s = LIFE_MIN_S;
		if (max_age_s > LIFE_MAX_S)
			max_age_s = LIFE_MAX_S;
		d->fetched_us = now_us;
		d->due_us = now_us + max_age_s * US_PER_S;
		if (!d->there || !span_eq(buf_span(&body), buf_span(&d->body)))
			d->version++;
		buf_reset(&d->body);
		buf_add(&d->body, buf_span(&body));
		d->there = !d->body.failed;
	} else if (d->there && now_us - d->fetched_us > STALE_S * US_PER_S) {
		d->there = false;
		d->version++;
	}
	buf_fini(&body);
}

/* With the lock held: fetch what is due; when the next one is. */
static int64_t
fetch_due(struct remote *r)
{
	int64_t next_us = INT64_MAX;

	for (unsigned i = 0; i < r->n && !r->closing; i++) {
		if (r->documents[i].due_us <= clock_wall_us())
			fetch(r, &r->documents[i]);
		if (r->documents[i].due_us < next_us)
			next_us = r->documents[i].due_us;
	}
	return next_us;
}

static void *
run(void *arg)
{
	struct remote *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->closing) {
		int64_t next_us = fetch_due(r);
		struct timespec until = {
			.tv_sec = (time_t)(next_us / US_PER_S) + 1
		};

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

	if (r->running || r->direct)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r->running = pthread_create(&r->thread, NULL, run, r) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct remote *
remote_open(const char *folder, const struct state *state, bool direct)
{
	struct remote *r = calloc(1, sizeof(*r));

	if (r == NULL || asprintf(&r->folder, "%s/jwks", folder) == -1) {
		free(r);
		return NULL;
	}
	r->state = state;
	r->direct = direct;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	if (mkdir(r->folder, 0700) != 0 && errno != EEXIST)
		log_warn("%s errno=%d", r->folder, errno);
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
	for (unsigned i = 0; i < r->n; i++) {
		free(r->documents[i].url);
		buf_fini(&r->documents[i].body);
	}
	free(r->folder);
	free(r);
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
	if (d != NULL && r->direct && d->due_us <= clock_wall_us())
		fetch(r, d);
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

void
remote_hurry(struct remote *r, struct span url)
{
	struct document *d;
	int64_t soonest_us;

	pthread_mutex_lock(&r->lock);
	d = find(r, url);
	if (d != NULL) {
		soonest_us = d->tried_us + COOL_DOWN_S * US_PER_S;
		if (soonest_us < d->due_us) {
			d->due_us = soonest_us;
			pthread_cond_signal(&r->changed);
		}
	}
	pthread_mutex_unlock(&r->lock);
}
