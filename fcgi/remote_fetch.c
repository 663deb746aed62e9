/*
 * remote_fetch - one document brought up to date; see remote_part.h.
 *
 * One process at a time fetches a document, under a lease of the state;
 * the others find on disk what it brought.  When the last attempt was is
 * noted there too, so that many processes do not each have a first one.
 */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/discovery.h"
#include "fcgi/fetch.h"
#include "fcgi/remote_file.h"
#include "fcgi/remote_part.h"
#include "policy/keyset.h"

#define FETCH_MS 5000
#define LIFE_DEFAULT_S 600
#define LIFE_MIN_S 60
#define LIFE_MAX_S (24 * 3600)
#define COOL_DOWN_MS 60000
/* While there is nothing: the first pause, doubled up to COOL_DOWN_MS. */
#define RETRY_S 2
/* How often to look whether another process is done. */
#define LEASE_LOOK_MS 20

int64_t
remote_cool_down_us(const struct remote *r)
{
	unsigned ms = r->set.cool_down_ms;

	return (ms > 0 ? ms : COOL_DOWN_MS) * US_PER_MS;
}

/* With the lock held. */
static void
take(struct document *d, struct span body, int64_t fetched_us, int64_t left_us)
{
	d->n_failed = 0;
	d->fetched_us = fetched_us;
	d->due_us = clock_mono_us() + left_us;
	if (d->there && span_eq(body, buf_span(&d->body)))
		return;
	d->version++;
	buf_reset(&d->body);
	buf_add(&d->body, body);
	d->there = !d->body.failed;
}

bool
remote_adopt(const struct remote *r, struct document *d)
{
	struct remote_kept kept;
	struct buf body;
	bool newer;

	buf_init(&body, KEY_SET_BYTES_MAX);
	newer = remote_file_read(r->set.folder, r->set.state,
		    span_str(d->place), &body, &kept) &&
	    (!d->there || kept.fetched_us > d->fetched_us);
	if (newer) {
		if (kept.left_us > LIFE_MAX_S * US_PER_S)
			kept.left_us = 0;
		take(d, buf_span(&body), kept.fetched_us, kept.left_us);
	}
	buf_fini(&body);
	return newer;
}

void
remote_notice(const struct remote *r, struct document *d)
{
	struct file_identity now;

	if (d->fetching ||
	    !remote_file_identify(r->set.folder, span_str(d->place), &now) ||
	    file_identity_eq(&now, &d->kept))
		return;
	d->kept = now;
	if (remote_adopt(r, d))
		d->tried_us = clock_mono_us();
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
fail(const struct remote *r, struct document *d)
{
	int64_t pause_us = remote_cool_down_us(r);
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

/* Wait for the other process that fetches, if one does; false: too long. */
static bool
lease(const struct remote *r, const struct document *d, unsigned limit_ms)
{
	const struct timespec look = { 0, LEASE_LOOK_MS * 1000000 };

	for (unsigned ms = 0; ms <= limit_ms && !fetch_is_stopped();
	     ms += LEASE_LOOK_MS) {
		if (state_lease(r->set.state, span_str(d->place)))
			return true;
		nanosleep(&look, NULL);
	}
	return false;
}

/* Less than a cool-down, so that our own last attempt is no other's. */
static int64_t
pause_us(const struct remote *r, const struct document *d)
{
	int64_t us = remote_cool_down_us(r) / 2;

	return !d->there && us > RETRY_S * US_PER_S / 2 && !r->set.direct
	    ? RETRY_S * US_PER_S / 2
	    : us;
}

/* Without the lock: what the server has now, kept on disk if it is good. */
static bool
bring(const struct remote *r, const struct document *d, unsigned limit_ms,
    struct buf *body, int64_t *life_us)
{
	struct span place = span_str(d->place), url = place;
	int64_t max_age_s = -1;
	char why[256] = "";

	if (discovery_fetch(place, KEY_SET_BYTES_MAX, limit_ms, body,
		&max_age_s, why, sizeof(why)) &&
	    is_key_set(buf_span(body), why, sizeof(why))) {
		/* Ahead of its end, while the old set still holds. */
		*life_us = lifetime_us(max_age_s) / 10 * 9;
		remote_file_write(r->set.folder, r->set.state, place,
		    buf_span(body), *life_us);
		return true;
	}
	url = span_cut(&place, ' ');
	log_warn("fetch failed url=%.*s: %s", SPAN_ARG(url), why);
	return false;
}

/* The last attempt, not ours, brought what "d" has. */
static bool
is_recent(const struct document *d, int64_t pause)
{
	int64_t age_us = clock_wall_us() - d->fetched_us;

	return d->there && age_us >= 0 && age_us < pause;
}

static void
put_off(struct document *d, int64_t pause)
{
	int64_t soonest_us = clock_mono_us() + pause;

	if (d->due_us < soonest_us)
		d->due_us = soonest_us;
}

void
remote_fetch(struct remote *r, struct document *d)
{
	/* A process of one request does not wait for what it can do without. */
	unsigned limit_ms = r->set.direct ? WAIT_MS : FETCH_MS;
	unsigned wait_ms = r->set.direct && d->there ? 0 : limit_ms;
	int64_t pause = pause_us(r, d), life_us = 0;
	struct buf body;
	bool ours, adopted, tried = false, ok = false;

	pthread_mutex_unlock(&r->lock);
	buf_init(&body, KEY_SET_BYTES_MAX);
	ours = lease(r, d, wait_ms);
	pthread_mutex_lock(&r->lock);
	adopted = remote_adopt(r, d);
	pthread_mutex_unlock(&r->lock);
	if (ours && !adopted)
		tried =
		    remote_file_try(r->set.folder, span_str(d->place), pause);
	if (tried)
		ok = bring(r, d, limit_ms, &body, &life_us);
	pthread_mutex_lock(&r->lock);
	if (ours)
		state_lease_end(r->set.state, span_str(d->place));
	if (ok)
		take(d, buf_span(&body), clock_wall_us(), life_us);
	else if (ours && !tried && is_recent(d, pause))
		put_off(d, pause);
	else if (!adopted)
		fail(r, d);
	(void)remote_file_identify(r->set.folder, span_str(d->place), &d->kept);
	buf_fini(&body);
	d->fetching = false;
	r->n_fetching--;
	pthread_cond_broadcast(&r->fetched);
	pthread_cond_signal(&r->changed);
}
