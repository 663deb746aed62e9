/*
 * sources - see sources.h.
 */
#include "fcgi/sources_part.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static struct sources *
make(const struct bundle *b, const struct config *c, struct state *state,
    struct remote *remote, bool lazy)
{
	struct sources *s = calloc(1, sizeof(*s));
	uint32_t n = bundle_n(b, SECTION_SOURCE);

	if (s == NULL)
		return NULL;
	s->bundle = b;
	s->config = c;
	s->state = state;
	s->remote = remote;
	s->lazy = lazy;
	s->n = n;
	pthread_mutex_init(&s->lock, NULL);
	arena_init(&s->arena, 1024, 1024 * 1024);
	s->entries = calloc((size_t)n + 1, sizeof(*s->entries));
	if (s->entries == NULL) {
		sources_free(s);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct entry *e = &s->entries[i];

		e->row = bundle_source(b, i);
		e->moves = e->row->how == SOURCE_URL ||
		    (e->row->how == SOURCE_FILE &&
			(e->row->kind == SOURCE_KEY_FILE ||
			    e->row->kind == SOURCE_APPLICATIONS ||
			    e->row->kind == SOURCE_HTPASSWD));
	}
	return s;
}

struct sources *
sources_open(const struct bundle *b, const struct config *c,
    struct state *state, struct remote *remote, bool lazy, char *why,
    size_t why_size)
{
	struct sources *s = make(b, c, state, remote, lazy);
	char reason[512] = "out of memory";

	if (s == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return NULL;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		struct entry *e = &s->entries[i];
		struct span origin = bundle_text(b, e->row->origin);

		e->unread = lazy &&
		    (e->row->kind == SOURCE_KEY_SET ||
			e->row->kind == SOURCE_APPLICATIONS);
		if (e->unread ||
		    sources_open_entry(s, e, reason, sizeof(reason)))
			continue;
		(void)snprintf(
		    why, why_size, "%.*s: %s", SPAN_ARG(origin), reason);
		sources_free(s);
		return NULL;
	}
	return s;
}

void
sources_free(struct sources *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; s->entries != NULL && i < s->n; i++) {
		while (s->entries[i].held != NULL) {
			struct held *h = s->entries[i].held;

			s->entries[i].held = h->older;
			sources_object_put(h->object);
			free(h);
		}
		application_feed_put(s->entries[i].feed);
	}
	free(s->entries);
	arena_fini(&s->arena);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/*
 * What file "e" holds at state "now"; with the lock held.  One that is
 * broken is tried once.
 */
static void
read_again(struct sources *s, struct entry *e, const struct file_identity *now)
{
	struct span none = { NULL, 0 };
	char why[512];

	e->identity = *now;
	if (e->feed != NULL
		? sources_read_feed(s, e, why, sizeof(why))
		: sources_read_object(s, e, none, why, sizeof(why))) {
		log_info("source read again: %s", e->place);
		return;
	}
	log_error("source cannot be used, its requests fail: %s", why);
	(void)sources_hold(e, NULL);
}

/* One that is gone is like none: noticed once. */
static struct file_identity
look_at(const struct entry *e)
{
	struct file_identity now;

	if (!file_identify(e->place, &now))
		now = (struct file_identity){ 0 };
	return now;
}

/* With the lock held. */
static bool
has_changed(const struct sources *s, const struct entry *e)
{
	struct file_identity now;

	/* Versions that have gathered go with the set. */
	if (e->held != NULL && e->held->older != NULL)
		return true;
	if (sources_is_remote(e))
		return remote_version(s->remote, span_str(e->place)) !=
		    e->version;
	if (e->place == NULL)
		return false;
	now = look_at(e);
	return !file_identity_eq(&now, &e->identity);
}

/* Entry "e" goes on with what "old" has now. */
static void
share_object(struct entry *e, const struct entry *old)
{
	struct object *o = sources_newest(old);

	e->version = old->version;
	e->down = old->down;
	if (o != NULL)
		atomic_fetch_add(&o->n_users, 1);
	/* Without memory it holds nothing, which is a fault. */
	if (!sources_hold(e, o))
		e->down = false;
}

/* Entry "e" of the following set; with the lock of the old one held. */
static void
renew_entry(struct sources *s, struct entry *e, const struct entry *old)
{
	const struct source_reader r = sources_reader(s, NULL);
	bool url = sources_is_remote(old);
	struct file_identity now = old->identity;
	char why[512] = "out of memory";

	e->identity = old->identity;
	e->fetched_us = old->fetched_us;
	if (old->feed != NULL) {
		/* Its password may be another now. */
		e->place = source_place(
		    &r, (uint32_t)(e - s->entries), &s->arena, why, sizeof(why))
			       .p;
		if (e->place == NULL ||
		    !sources_make_feed(s, e, why, sizeof(why))) {
			log_error("applications cannot be read: %s", why);
			return;
		}
	} else if (old->place != NULL) {
		e->place = arena_copy(&s->arena, span_str(old->place)).p;
		if (e->place == NULL)
			return;
	}
	if (url &&
	    remote_version(s->remote, span_str(e->place)) != old->version) {
		if (!sources_read_url(s, e, why, sizeof(why)))
			log_error("key set cannot be used: %s", why);
		return;
	}
	if (!url && e->place != NULL)
		now = look_at(e);
	if (file_identity_eq(&now, &old->identity))
		share_object(e, old);
	else
		read_again(s, e, &now);
}

struct sources *
sources_renew(struct sources *old)
{
	struct sources *s = NULL;
	bool changed = false;

	pthread_mutex_lock(&old->lock);
	for (uint32_t i = 0; i < old->n; i++)
		if (old->entries[i].feed != NULL)
			application_feed_poll(old->entries[i].feed);
	for (uint32_t i = 0; i < old->n; i++)
		changed = changed || has_changed(old, &old->entries[i]);
	if (changed)
		s = make(old->bundle, old->config, old->state, old->remote,
		    old->lazy);
	for (uint32_t i = 0; s != NULL && i < s->n; i++)
		renew_entry(s, &s->entries[i], &old->entries[i]);
	pthread_mutex_unlock(&old->lock);
	return s;
}

/*
 * The object of an entry that moves.  A key file is looked at each time,
 * so that a revoked key is refused at the next request and not at the next
 * look of sources_renew, a second later.
 */
static const struct object *
newest_moving(struct sources *s, struct entry *e, bool *down)
{
	bool file = !sources_is_remote(e);
	struct file_identity now = { 0 };
	const struct object *o;

	if (file)
		now = look_at(e);
	pthread_mutex_lock(&s->lock);
	if (file && !file_identity_eq(&now, &e->identity))
		read_again(s, e, &now);
	o = sources_newest(e);
	*down = e->down;
	if (e->feed != NULL && o != NULL &&
	    application_feed_is_stale(e->feed, e->fetched_us)) {
		*down = true;
		o = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return o;
}

static void
read_late(struct sources *s, struct entry *e)
{
	struct span origin = bundle_text(s->bundle, e->row->origin);
	char why[512] = "out of memory";

	e->unread = false;
	if (sources_open_entry(s, e, why, sizeof(why)))
		return;
	log_error("%.*s: %s", SPAN_ARG(origin), why);
	(void)sources_hold(e, NULL);
}

enum source_result
sources_get(struct sources *s, uint32_t row, struct source *to)
{
	const struct object *o;
	struct entry *e;
	bool down = false;

	*to = (struct source){ 0 };
	if (row >= s->n)
		return SOURCE_FAULT;
	e = &s->entries[row];
	if (e->unread)
		read_late(s, e);
	o = e->moves && e->place != NULL ? newest_moving(s, e, &down)
					 : sources_newest(e);
	if (o == NULL)
		return down ? SOURCE_DOWN : SOURCE_FAULT;
	*to = o->source.view;
	return SOURCE_OK;
}

enum refresh_result
sources_refresh(struct sources *s, uint32_t row, struct span kid)
{
	char why[512] = "out of memory";
	enum refresh_result result;
	struct entry *e;
	uint64_t seen;

	if (row >= s->n || s->entries[row].row->how != SOURCE_URL)
		return REFRESH_SAME;
	e = &s->entries[row];
	if (e->unread)
		read_late(s, e);
	if (e->place == NULL)
		return REFRESH_DOWN;
	pthread_mutex_lock(&s->lock);
	seen = e->version;
	pthread_mutex_unlock(&s->lock);
	result = remote_refresh(s->remote, span_str(e->place), kid, seen);
	if (result != REFRESH_CHANGED)
		return result;
	pthread_mutex_lock(&s->lock);
	/* Another request may have been faster: that is new to us, too. */
	if (e->version == seen && !sources_read_url(s, e, why, sizeof(why))) {
		log_error("key set cannot be used: %s", why);
		result = REFRESH_DOWN;
	}
	pthread_mutex_unlock(&s->lock);
	return result;
}
