/*
 * revocations - see revocations.h.
 *
 * One thread at a time reads a list, beside the one that is in force, and
 * puts it in its place under the write lock; all others go on meanwhile.
 * A feed is fetched by a thread of its own, which holds all of this as long
 * as it needs it; a process of one request does it itself.
 */
#include "fcgi/revocations.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/revocation_fetch.h"

/* How often files are looked at. */
#define LOOK_US (200 * US_PER_MS)

/* How long a request waits for a feed that was never fetched. */
#define WAIT_US (2 * US_PER_S)
#define WAIT_STEP_NS 20000000
/* What a process of one request gives a feed. */
#define DIRECT_MS 2000

struct revocations {
	atomic_uint n_users;
	bool direct;
	unsigned max_waiting;
	atomic_uint n_waiting;
	struct revocation_feed feeds[REVOKED_LISTS_MAX]; /* source: a feed */
	atomic_bool fetching[REVOKED_LISTS_MAX];
	struct revoked_set set;
	struct state *state;
	pthread_mutex_t loading;
	pthread_rwlock_t lock; /* of the lists in "set" */
	atomic_bool loaded;
	atomic_bool empty;         /* our own list alone, and nothing in it */
	_Atomic uint64_t seq;      /* of revoked.list, as it was loaded */
	_Atomic int64_t looked_us; /* wall time */
};

static void
tell(const struct revocations *r, unsigned i, const struct revoked_list *l,
    const struct revoked_list *old)
{
	const char *path = r->set.sources[i].path;

	if (l->lost && old->lost && strcmp(l->why, old->why) == 0)
		return;
	if (l->lost)
		log_error("requests are refused: revocation: %s", l->why);
	else if (i > 0 || l->end.seq > 0)
		log_info("revocation in force: %s entries=%llu", path,
		    (unsigned long long)revoked_list_entries(l));
}

/* With "loading" held. */
static void
load(struct revocations *r, unsigned i)
{
	struct revoked_list new, old;
	bool none;

	revoked_list_load(&r->set.sources[i], &new, clock_wall_us());
	pthread_rwlock_wrlock(&r->lock);
	old = r->set.lists[i];
	r->set.lists[i] = new;
	pthread_rwlock_unlock(&r->lock);
	none = r->set.n == 1 && revoked_list_entries(&new) == 0;
	atomic_store(&r->empty, none && !new.lost);
	if (i == 0) /* last: who sees it sees the list, too */
		atomic_store(&r->seq, new.seq);
	tell(r, i, &new, &old);
	revoked_list_fini(&old);
}

static void
load_all(struct revocations *r)
{
	pthread_mutex_lock(&r->loading);
	if (!atomic_load(&r->loaded)) {
		for (unsigned i = 0; i < r->set.n; i++)
			load(r, i);
		atomic_store(&r->looked_us, clock_wall_us());
		atomic_store(&r->loaded, true);
	}
	pthread_mutex_unlock(&r->loading);
}

/* mgw-token has changed revoked.list: nobody goes on with the old one. */
static void
load_own(struct revocations *r)
{
	pthread_mutex_lock(&r->loading);
	if (atomic_load(&r->seq) !=
	    state_revoked_get(r->state, STATE_REVOKED_SEQ))
		load(r, 0);
	pthread_mutex_unlock(&r->loading);
}

/* Lists that changed otherwise; all but one thread go on meanwhile. */
static void
look(struct revocations *r, int64_t now_us)
{
	int64_t last_us = atomic_load(&r->looked_us);

	/* One to come is of a clock that was set back. */
	if ((now_us >= last_us && now_us - last_us < LOOK_US) ||
	    !atomic_compare_exchange_strong(&r->looked_us, &last_us, now_us) ||
	    pthread_mutex_trylock(&r->loading) != 0)
		return;
	for (unsigned i = 0; i < r->set.n; i++)
		if (revoked_list_changed(&r->set.sources[i], &r->set.lists[i]))
			load(r, i);
	pthread_mutex_unlock(&r->loading);
}

/* A table that is damaged is made anew of its text. */
static void
make_again(struct revocations *r, unsigned i)
{
	const struct revoked_source *s = &r->set.sources[i];
	char path[4096];

	if (!revoked_table_place(s, path, sizeof(path)))
		return;
	pthread_mutex_lock(&r->loading);
	log_error("revocation: damaged: %s", path);
	(void)unlink(path); /* if it stays, it is found damaged again */
	load(r, i);
	pthread_mutex_unlock(&r->loading);
}

/* Threads that fetch, of all that there are. */
static atomic_uint n_errands;

static void
put(struct revocations *r)
{
	if (atomic_fetch_sub(&r->n_users, 1) != 1)
		return;
	for (unsigned i = 0; i < r->set.n; i++) {
		struct span password = r->feeds[i].password;

		/* Ours alone: it was copied. */
		if (password.p != NULL)
			explicit_bzero(
			    (void *)(uintptr_t)password.p, password.n);
	}
	revoked_set_fini(&r->set);
	pthread_rwlock_destroy(&r->lock);
	pthread_mutex_destroy(&r->loading);
	free(r);
}

struct errand {
	struct revocations *r;
	unsigned i;
};

static void
fetch(struct revocations *r, unsigned i)
{
	revocation_fetch(
	    &r->feeds[i], r->direct ? DIRECT_MS : r->feeds[i].timeout_ms);
	pthread_mutex_lock(&r->loading);
	if (revoked_list_changed(&r->set.sources[i], &r->set.lists[i]))
		load(r, i);
	pthread_mutex_unlock(&r->loading);
	atomic_store(&r->fetching[i], false);
}

static void *
run_errand(void *arg)
{
	struct errand e = *(struct errand *)arg;

	free(arg);
	fetch(e.r, e.i);
	put(e.r);
	atomic_fetch_sub(&n_errands, 1);
	return NULL;
}

/* In a thread of its own, which has no signals to handle. */
static void
start_fetch(struct revocations *r, unsigned i)
{
	struct errand *e = malloc(sizeof(*e));
	sigset_t all, old;
	pthread_t thread;
	bool started = false;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	atomic_fetch_add(&r->n_users, 1);
	atomic_fetch_add(&n_errands, 1);
	if (e != NULL) {
		*e = (struct errand){ r, i };
		started = pthread_create(&thread, NULL, run_errand, e) == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (started) {
		(void)pthread_detach(thread); /* of a thread that is ours */
		return;
	}
	free(e);
	atomic_store(&r->fetching[i], false);
	atomic_fetch_sub(&n_errands, 1);
	put(r);
}

/* Fetch what is due; a process of one request does no more than it must. */
static void
fetch_due(struct revocations *r, struct span issuer, int64_t now_us)
{
	for (unsigned i = 0; i < r->set.n; i++) {
		bool idle = false;
		int64_t fetched_us;

		if (r->feeds[i].source == NULL ||
		    (r->direct && !revoked_set_concerns(&r->set, i, issuer)))
			continue;
		pthread_rwlock_rdlock(&r->lock);
		fetched_us = r->set.lists[i].written_us;
		pthread_rwlock_unlock(&r->lock);
		if (atomic_load(&r->fetching[i]) ||
		    !revocation_fetch_is_due(
			&r->feeds[i], fetched_us, now_us) ||
		    !atomic_compare_exchange_strong(
			&r->fetching[i], &idle, true))
			continue;
		if (r->direct)
			fetch(r, i);
		else
			start_fetch(r, i);
	}
}

static bool
is_of_use(struct revocations *r, unsigned i)
{
	bool is;

	pthread_rwlock_rdlock(&r->lock);
	is = revoked_list_trouble(
		 &r->set.sources[i], &r->set.lists[i], clock_wall_us()) == NULL;
	pthread_rwlock_unlock(&r->lock);
	return is;
}

/*
 * A feed that was never fetched, or not for too long, is waited for while
 * somebody is at it.
 */
static void
wait_for_feeds(struct revocations *r, struct span issuer)
{
	const struct timespec step = { 0, WAIT_STEP_NS };
	int64_t end_us = clock_mono_us() + WAIT_US;

	if (atomic_fetch_add(&r->n_waiting, 1) >= r->max_waiting)
		end_us = 0;
	for (unsigned i = 1; i < r->set.n; i++) {
		while (r->feeds[i].source != NULL &&
		    revoked_set_concerns(&r->set, i, issuer) &&
		    !is_of_use(r, i) && clock_mono_us() < end_us &&
		    (atomic_load(&r->fetching[i]) ||
			revocation_fetch_is_tried(
			    &r->feeds[i], clock_wall_us()))) {
			(void)nanosleep(&step, NULL); /* or a little less */
			look(r, clock_wall_us());
		}
	}
	atomic_fetch_sub(&r->n_waiting, 1);
}

/* What is asked of a feed, copied: the bundle goes before a thread ends. */
static bool
take_feed(struct revocations *r, unsigned i, struct sources *sources, char *why,
    size_t why_size)
{
	const struct bundle *b = r->set.bundle;
	const struct row_revocation *row = bundle_revocation(b, i - 1);
	struct revocation_feed *f = &r->feeds[i];
	struct arena *a = &r->set.arena;
	struct span *issuers =
	    arena_calloc(a, row->issuers.n, sizeof(*issuers));
	struct source secret = { 0 };

	for (uint32_t k = 0; issuers != NULL && k < row->issuers.n; k++)
		issuers[k] =
		    arena_copy(a, bundle_string(b, row->issuers.first + k));
	if (row->password != ROW_NONE &&
	    (sources_get(sources, row->password, &secret) != SOURCE_OK ||
		secret.secret.n == 0)) {
		(void)snprintf(why, why_size,
		    "revocation: the feed's password cannot be read");
		return false;
	}
	*f = (struct revocation_feed){ .source = &r->set.sources[i],
		.issuers = issuers,
		.n_issuers = row->issuers.n,
		.every_us = row->every_s * US_PER_S,
		.timeout_ms = row->timeout_ms };
	if (secret.secret.p != NULL) {
		f->user = arena_copy(a, bundle_text(b, row->user));
		f->password = arena_copy(a, secret.secret);
	}
	if (a->full)
		(void)snprintf(why, why_size, "revocation: out of memory");
	return !a->full;
}

static bool
take_feeds(
    struct revocations *r, struct sources *sources, char *why, size_t why_size)
{
	for (unsigned i = 0; i < r->set.n; i++)
		if (r->set.sources[i].how == REVOKED_FEED &&
		    !take_feed(r, i, sources, why, why_size))
			return false;
	return true;
}

static struct revocations *
make(struct state *state, bool direct, unsigned max_waiting)
{
	struct revocations *r = calloc(1, sizeof(*r));
	pthread_rwlockattr_t attributes;

	if (r == NULL)
		return NULL;
	atomic_store(&r->n_users, 1);
	r->state = state;
	r->direct = direct;
	r->max_waiting = max_waiting;
	pthread_mutex_init(&r->loading, NULL);
	/* Who changes a list does not wait for all who ask. */
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(
	    &attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&r->lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	return r;
}

struct revocations *
revocations_open(const struct bundle *b, const struct config *c,
    struct sources *sources, struct state *state, bool direct, char *why,
    size_t why_size)
{
	struct revocations *r =
	    make(state, direct, c->threads >= 8 ? c->threads / 4 : 1);

	if (r == NULL) {
		(void)snprintf(why, why_size, "revocation: out of memory");
		return NULL;
	}
	if (!revoked_set_init(&r->set, b, c->state, state, false, config_lookup,
		(void *)(uintptr_t)c, why, why_size) ||
	    !take_feeds(r, sources, why, why_size)) {
		put(r);
		return NULL;
	}
	if (!direct) {
		load_all(r);
		fetch_due(r, SPAN(""), clock_wall_us());
	}
	return r;
}

void
revocations_refresh(struct revocations *r)
{
	look(r, clock_wall_us());
	fetch_due(r, SPAN(""), clock_wall_us());
}

void
revocations_close(struct revocations *r)
{
	if (r != NULL)
		put(r);
}

void
revocations_wait(void)
{
	const struct timespec step = { 0, WAIT_STEP_NS };

	while (atomic_load(&n_errands) > 0)
		(void)nanosleep(&step, NULL); /* or a little less */
}

static enum revoked_result
check(struct revocations *r, struct revoked_query *q)
{
	enum revoked_result result;

	pthread_rwlock_rdlock(&r->lock);
	result = revoked_set_check(&r->set, q);
	pthread_rwlock_unlock(&r->lock);
	return result;
}

enum revoked_result
revocations_check(struct revocations *r, struct revoked_query *q)
{
	enum revoked_result result;

	if (!atomic_load(&r->loaded))
		load_all(r);
	if (atomic_load(&r->seq) !=
	    state_revoked_get(r->state, STATE_REVOKED_SEQ))
		load_own(r);
	look(r, q->now_us);
	/* As it is with most: nobody is to wait for a lock. */
	if (atomic_load(&r->empty)) {
		q->damaged = -1;
		return REVOKED_NO;
	}
	if (r->set.n > 1) {
		fetch_due(r, q->who->issuer, q->now_us);
		wait_for_feeds(r, q->who->issuer);
	}
	result = check(r, q);
	if (q->damaged >= 0) {
		make_again(r, (unsigned)q->damaged);
		result = check(r, q);
	}
	return result;
}
