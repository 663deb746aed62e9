/*
 * store_link - see store_link.h.
 */
#include "fcgi/store_link.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

/* At start, and for the thread, which keeps nobody waiting. */
#define CONNECT_US US_PER_S

/* How often a server that is gone is looked for. */
#define LOOK_FIRST_US (100 * US_PER_MS)
#define LOOK_MAX_US US_PER_S

/* One for each worker at most. */
#define KEPT_MAX 1024
#define WHY_MAX 200

struct store_link {
	struct store_link_settings set;
	pthread_mutex_t lock;
	pthread_cond_t wake;  /* of the thread */
	pthread_cond_t freed; /* a connection was put back */
	struct redis *kept[KEPT_MAX];
	unsigned n_kept, n_open;
	bool wanted;      /* somebody waits for one more connection */
	atomic_bool down; /* the breaker is open */
	bool stop;
	bool has_thread;
	pthread_t thread;
	int64_t logged_us; /* monotonic; when a failure last was */
	uint64_t n_silent; /* failures since */
};

/* At most one line a second; with the lock held. */
static void
complain(struct store_link *l, const char *why)
{
	int64_t now_us = clock_mono_us();

	if (l->logged_us != 0 && now_us - l->logged_us < US_PER_S) {
		l->n_silent++;
		return;
	}
	log_warn("store does not answer: %s failures=%llu", why,
	    (unsigned long long)l->n_silent + 1);
	l->logged_us = now_us;
	l->n_silent = 0;
}

/*
 * The connections that are kept lead to the same server, which may have
 * become a replica while another has taken its address.  With the lock.
 */
static void
forget_kept(struct store_link *l)
{
	while (l->n_kept > 0) {
		redis_close(l->kept[--l->n_kept]);
		l->n_open--;
	}
}

static void
trip(struct store_link *l, const char *why)
{
	state_tally(l->set.state, STATE_STORE_FAILED);
	state_store_down(l->set.state, clock_wall_us() + LOOK_MAX_US);
	pthread_mutex_lock(&l->lock);
	complain(l, why);
	atomic_store(&l->down, true);
	forget_kept(l);
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
}

static struct redis *
connect_now(struct store_link *l, int64_t until_us, char *why, size_t why_size)
{
	struct redis *r = redis_open(&l->set.target, until_us, why, why_size);

	if (r == NULL)
		return NULL;
	pthread_mutex_lock(&l->lock);
	l->n_open++;
	pthread_mutex_unlock(&l->lock);
	return r;
}

static void
drop(struct store_link *l, struct redis *r)
{
	redis_close(r);
	pthread_mutex_lock(&l->lock);
	l->n_open--;
	pthread_mutex_unlock(&l->lock);
}

static void
put_back(struct store_link *l, struct redis *r)
{
	bool kept;

	pthread_mutex_lock(&l->lock);
	kept = l->n_kept < KEPT_MAX;
	if (kept)
		l->kept[l->n_kept++] = r;
	pthread_cond_signal(&l->freed);
	pthread_mutex_unlock(&l->lock);
	if (!kept)
		drop(l, r);
}

/* The wall of pthread_cond_timedwait is CLOCK_MONOTONIC here. */
static bool
wait_on(struct store_link *l, pthread_cond_t *cond, int64_t until_us)
{
	const struct timespec at = { until_us / US_PER_S,
		until_us % US_PER_S * 1000 };

	return pthread_cond_timedwait(cond, &l->lock, &at) == 0;
}

/*
 * A kept connection, or NULL.  To shake hands takes longer than a request
 * may: where there are connections, one of them is waited for, and the
 * thread makes one more.
 */
static struct redis *
take_kept(struct store_link *l, int64_t until_us)
{
	struct redis *r = NULL;
	bool may_wait = l->has_thread && l->set.target.tls;

	pthread_mutex_lock(&l->lock);
	while (l->n_kept == 0 && may_wait && l->n_open > 0) {
		l->wanted = true;
		pthread_cond_signal(&l->wake);
		if (!wait_on(l, &l->freed, until_us))
			break;
	}
	if (l->n_kept > 0)
		r = l->kept[--l->n_kept];
	pthread_mutex_unlock(&l->lock);
	return r;
}

/* A connection to ask by; "*fresh" if nobody has used it before. */
static struct redis *
borrow(struct store_link *l, int64_t until_us, bool *fresh, char *why,
    size_t why_size)
{
	struct redis *r;

	*fresh = false;
	while ((r = take_kept(l, until_us)) != NULL) {
		if (!redis_is_stale(r))
			return r;
		drop(l, r);
	}
	*fresh = true;
	return connect_now(l, until_us, why, why_size);
}

static enum redis_result
call(struct redis *r, struct store_call *c, int64_t until_us,
    struct redis_answer *a)
{
	enum redis_result result = redis_call(r, c->words, c->n, until_us, a);

	if (result != REDIS_ANSWERED || !a->error ||
	    strncmp(a->text, "NOSCRIPT", 8) != 0)
		return result;
	store_call_spell_out(c);
	return redis_call(r, c->words, c->n, until_us, a);
}

/*
 * A kept connection may end while it is being used, when its server is
 * started again: then once more over a new one.  What is charged twice so
 * is a request too few, never one too many.
 */
static bool
ask_until(struct store_link *l, struct store_call *c, int64_t until_us,
    struct redis_answer *a, char *why, size_t why_size)
{
	enum redis_result result;
	struct redis *r;
	bool fresh;

	do {
		r = borrow(l, until_us, &fresh, why, why_size);
		if (r == NULL)
			return false;
		result = call(r, c, until_us, a);
		if (result == REDIS_ANSWERED && !a->error) {
			put_back(l, r);
			return true;
		}
		drop(l, r);
	} while (result == REDIS_LOST && !fresh);
	(void)snprintf(why, why_size, "%s",
	    a->error ? a->text : redis_result_text(result));
	return false;
}

bool
store_link_ask(
    struct store_link *l, struct store_call *c, struct redis_answer *a)
{
	char why[WHY_MAX] = "";

	if (atomic_load(&l->down) ||
	    (l->set.direct &&
		state_store_is_down(l->set.state, clock_wall_us())))
		return false;
	state_tally(l->set.state, STATE_STORE_ASKED);
	if (ask_until(
		l, c, clock_mono_us() + l->set.timeout_us, a, why, sizeof(why)))
		return true;
	trip(l, why);
	return false;
}

void
store_link_distrust(struct store_link *l)
{
	trip(l, "an answer that cannot be");
}

/* In the time that a request has, or it is still down. */
static bool
is_alive(struct redis *r, uint32_t timeout_us, char *why, size_t why_size)
{
	const struct span ping = SPAN("PING");
	struct redis_answer a;
	enum redis_result result =
	    redis_call(r, &ping, 1, clock_mono_us() + timeout_us, &a);

	(void)snprintf(why, why_size, "%s",
	    result == REDIS_ANSWERED ? a.text : redis_result_text(result));
	return result == REDIS_ANSWERED && !a.error;
}

/* Find the server anew, and keep the connection; false with "why". */
static bool
look(struct store_link *l, char *why, size_t why_size)
{
	struct redis *r;

	if (!redis_resolve(&l->set.target, why, why_size))
		return false;
	r = connect_now(l, clock_mono_us() + CONNECT_US, why, why_size);
	if (r == NULL)
		return false;
	if (is_alive(r, l->set.timeout_us, why, why_size)) {
		put_back(l, r);
		return true;
	}
	drop(l, r);
	return false;
}

/* The breaker is open: look until the server answers.  With the lock. */
static void
look_for_it(struct store_link *l)
{
	int64_t pause_us = LOOK_FIRST_US;
	char why[WHY_MAX];
	bool found;

	for (;;) {
		int64_t until_us = clock_mono_us() + pause_us;

		/* A full server is alive, too: it is not asked all the time. */
		while (!l->stop && wait_on(l, &l->wake, until_us))
			;
		if (l->stop)
			return;
		state_store_down(
		    l->set.state, clock_wall_us() + CONNECT_US + LOOK_MAX_US);
		pthread_mutex_unlock(&l->lock);
		found = look(l, why, sizeof(why));
		pthread_mutex_lock(&l->lock);
		if (found)
			break;
		complain(l, why);
		pause_us =
		    pause_us * 2 < LOOK_MAX_US ? pause_us * 2 : LOOK_MAX_US;
	}
	log_info("store answers again");
	state_store_down(l->set.state, 0);
	atomic_store(&l->down, false);
}

static void *
run(void *link)
{
	struct store_link *l = link;
	char why[WHY_MAX];

	pthread_mutex_lock(&l->lock);
	while (!l->stop) {
		if (atomic_load(&l->down)) {
			look_for_it(l);
		} else if (l->wanted) {
			l->wanted = false;
			pthread_mutex_unlock(&l->lock);
			/* Who waits sees for himself whether it came. */
			(void)look(l, why, sizeof(why));
			pthread_mutex_lock(&l->lock);
		} else {
			pthread_cond_wait(&l->wake, &l->lock);
		}
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

static struct store_link *
make(const struct store_link_settings *s)
{
	struct store_link *l = calloc(1, sizeof(*l));
	pthread_condattr_t mono;

	if (l == NULL)
		return NULL;
	l->set = *s;
	l->set.target.addresses = NULL;
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, &mono);
	pthread_cond_init(&l->freed, &mono);
	pthread_condattr_destroy(&mono);
	return l;
}

struct store_link *
store_link_open(const struct store_link_settings *s, char *why, size_t why_size)
{
	struct store_link *l;
	char what[WHY_MAX];

	if (!redis_is_there(what, sizeof(what))) {
		(void)snprintf(why, why_size, "store: %s", what);
		return NULL;
	}
	l = make(s);
	if (l != NULL && s->direct) {
		/* What cannot be found is told when it is asked. */
		(void)redis_resolve(&l->set.target, why, why_size);
		return l;
	}
	if (l != NULL && look(l, why, why_size))
		state_store_down(s->state, 0);
	else if (l != NULL)
		trip(l, why);
	if (l != NULL)
		l->has_thread = pthread_create(&l->thread, NULL, run, l) == 0;
	if (l == NULL || !l->has_thread) {
		(void)snprintf(why, why_size, "store: no thread or memory");
		store_link_close(l);
		return NULL;
	}
	return l;
}

void
store_link_close(struct store_link *l)
{
	if (l == NULL)
		return;
	if (l->has_thread) {
		pthread_mutex_lock(&l->lock);
		l->stop = true;
		pthread_cond_signal(&l->wake);
		pthread_mutex_unlock(&l->lock);
		pthread_join(l->thread, NULL);
	}
	forget_kept(l);
	redis_target_fini(&l->set.target);
	pthread_cond_destroy(&l->wake);
	pthread_cond_destroy(&l->freed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

bool
store_link_try(const struct store_link_settings *s, char *why, size_t why_size)
{
	struct redis_target t = s->target;
	struct redis *r = NULL;
	bool ok;

	t.addresses = NULL;
	if (redis_resolve(&t, why, why_size))
		r = redis_open(&t, clock_mono_us() + CONNECT_US, why, why_size);
	ok = r != NULL && is_alive(r, s->timeout_us, why, why_size);
	redis_close(r);
	redis_target_fini(&t);
	return ok;
}
