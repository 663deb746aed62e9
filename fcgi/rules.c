/*
 * rules - see rules.h.
 */
#include "fcgi/rules.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* One text of the file; all counts are under the lock. */
struct held {
	struct control *control;
	unsigned n_users;
	struct held *next; /* older ones that are still in use */
};

struct rules {
	const char *dir;
	struct state *state;
	pthread_mutex_t lock;
	struct held *current; /* NULL: they cannot be had */
	struct held *old;
	uint64_t seq;            /* of the shared state when it was read */
	struct file_identity id; /* of what was read, or is bad */
	bool read;               /* at all */
};

static void
held_free(struct held *h)
{
	control_free(h->control);
	free(h);
}

/* Give back what nobody uses; under the lock. */
static void
sweep(struct rules *r)
{
	struct held **at = &r->old, *h;

	while ((h = *at) != NULL) {
		if (h->n_users > 0) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		held_free(h);
	}
}

static struct held *
load(struct rules *r)
{
	struct held *h = calloc(1, sizeof(*h));
	char why[512] = "out of memory";

	if (h != NULL)
		h->control =
		    control_load(r->dir, r->seq, &r->id, why, sizeof(why));
	if (h != NULL && h->control != NULL)
		return h;
	log_error("requests are refused: %s", why);
	free(h);
	return NULL;
}

static void
reload(struct rules *r)
{
	struct held *h = r->current;

	r->seq = state_rules_seq(r->state);
	if (h != NULL) {
		h->next = r->old;
		r->old = h;
	}
	r->current = load(r);
	r->read = true;
	sweep(r);
	if (r->current == NULL)
		return;
	/* Who looks next holds the file to this. */
	state_rules_raise(r->state, control_last(r->current->control));
	r->seq = state_rules_seq(r->state);
	if (control_last(r->current->control) > 0)
		log_info("rules in force: %s/%s seq=%llu", r->dir, CONTROL_FILE,
		    (unsigned long long)r->seq);
	if (control_percent(r->current->control) >= CONTROL_FULL_PERCENT)
		log_warn("%s/%s is %u %% full: mgw-throttle needs room for "
			 "rules",
		    r->dir, CONTROL_FILE, control_percent(r->current->control));
}

struct rules *
rules_open(const char *dir, struct state *state)
{
	struct rules *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->dir = dir;
	r->state = state;
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void
rules_close(struct rules *r)
{
	if (r == NULL)
		return;
	if (r->current != NULL)
		held_free(r->current);
	sweep(r);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

const struct control *
rules_get(struct rules *r)
{
	const struct control *c = NULL;

	pthread_mutex_lock(&r->lock);
	if (!r->read || r->seq != state_rules_seq(r->state))
		reload(r);
	if (r->current != NULL) {
		r->current->n_users++;
		c = r->current->control;
	}
	pthread_mutex_unlock(&r->lock);
	return c;
}

static struct held *
find(struct rules *r, const struct control *c)
{
	struct held *h = r->current;

	if (h != NULL && h->control == c)
		return h;
	for (h = r->old; h != NULL && h->control != c;)
		h = h->next;
	return h;
}

void
rules_put(struct rules *r, const struct control *c)
{
	struct held *h;

	if (c == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	h = find(r, c);
	if (h != NULL && --h->n_users == 0 && h != r->current)
		sweep(r);
	pthread_mutex_unlock(&r->lock);
}

void
rules_refresh(struct rules *r)
{
	char path[4096];
	struct file_identity id;

	/* A path that is too long was refused when the state was opened. */
	(void)snprintf(path, sizeof(path), "%s/%s", r->dir, CONTROL_FILE);
	if (!file_identify(path, &id))
		id = (struct file_identity){ 0 };
	pthread_mutex_lock(&r->lock);
	if (!file_identity_eq(&id, &r->id))
		reload(r);
	pthread_mutex_unlock(&r->lock);
}
