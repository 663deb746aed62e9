/*
 * revocations - see revocations.h.
 *
 * One thread at a time reads a list, beside the one that is in force, and
 * puts it in its place under the write lock; all others go on meanwhile.
 */
#include "fcgi/revocations.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* How often files are looked at. */
#define LOOK_US (200 * US_PER_MS)

struct revocations {
	struct revoked_set set;
	struct state *state;
	pthread_mutex_t loading;
	pthread_rwlock_t lock; /* of the lists in "set" */
	atomic_bool loaded;
	_Atomic uint64_t seq;      /* of revoked.list, as it was loaded */
	_Atomic int64_t looked_us; /* monotonic */
};

static struct span
lookup(void *config, struct span name)
{
	return config_env(config, name);
}

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

	revoked_list_load(&r->set.sources[i], &new, clock_wall_us());
	pthread_rwlock_wrlock(&r->lock);
	old = r->set.lists[i];
	r->set.lists[i] = new;
	pthread_rwlock_unlock(&r->lock);
	if (i == 0)
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
		atomic_store(&r->looked_us, clock_mono_us());
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
look(struct revocations *r)
{
	int64_t last_us = atomic_load(&r->looked_us);
	int64_t now_us = clock_mono_us();

	if (now_us - last_us < LOOK_US ||
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

struct revocations *
revocations_open(const struct bundle *b, const struct config *c,
    struct sources *sources, struct state *state, bool direct, char *why,
    size_t why_size)
{
	struct revocations *r = calloc(1, sizeof(*r));
	pthread_rwlockattr_t attributes;

	(void)sources;
	if (r == NULL) {
		(void)snprintf(why, why_size, "revocation: out of memory");
		return NULL;
	}
	r->state = state;
	pthread_mutex_init(&r->loading, NULL);
	/* Who changes a list does not wait for all who ask. */
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(
	    &attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&r->lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	if (!revoked_set_init(&r->set, b, c->state, state, false, lookup,
		(void *)(uintptr_t)c, why, why_size)) {
		revocations_close(r);
		return NULL;
	}
	if (!direct)
		load_all(r);
	return r;
}

void
revocations_close(struct revocations *r)
{
	if (r == NULL)
		return;
	revoked_set_fini(&r->set);
	pthread_rwlock_destroy(&r->lock);
	pthread_mutex_destroy(&r->loading);
	free(r);
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
	look(r);
	result = check(r, q);
	if (q->damaged >= 0) {
		make_again(r, (unsigned)q->damaged);
		result = check(r, q);
	}
	return result;
}
