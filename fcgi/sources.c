/*
 * sources - see sources.h.
 */
#include "fcgi/sources.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "policy/source.h"

#define NOTES_BYTES_MAX 4096

/* One version of one source; counted, as two sets may share it. */
struct object {
	atomic_uint n_users;
	struct source_object source;
};

/* Versions that a set has had; requests may still look at each. */
struct held {
	struct held *older;
	struct object *object; /* NULL: cannot be used */
};

struct entry {
	const struct row_source *row;
	const char *place; /* of SOURCE_FILE and SOURCE_URL */
	bool unread;       /* until it is asked for */
	bool moves;        /* it may change while the set is in use */
	/* Under lock where it moves, else immutable: */
	struct file_identity identity;
	struct held *held;
	bool broken;      /* what it held counts no longer */
	uint64_t version; /* of remote.h */
	bool down;        /* nothing is there now */
};

struct sources {
	const struct bundle *bundle;
	const struct config *config;
	const struct state *state;
	struct remote *remote;
	struct arena arena;
	pthread_mutex_t lock;
	struct entry *entries;
	uint32_t n;
};

static void
object_put(struct object *o)
{
	if (o == NULL || atomic_fetch_sub(&o->n_users, 1) != 1)
		return;
	source_free(&o->source);
	free(o);
}

/* Takes "o"; false: out of memory, and nothing counts any longer. */
static bool
hold(struct entry *e, struct object *o)
{
	struct held *h = malloc(sizeof(*h));

	e->broken = h == NULL;
	if (h == NULL) {
		object_put(o);
		return false;
	}
	*h = (struct held){ e->held, o };
	e->held = h;
	return true;
}

static struct object *
newest(const struct entry *e)
{
	return e->held != NULL && !e->broken ? e->held->object : NULL;
}

/* The functions of struct source_reader; "world" is the set. */

static struct span
reader_env(void *world, struct span name)
{
	return config_env(((struct sources *)world)->config, name);
}

/* Equal content has one name in all processes of this gate. */
static uint64_t
reader_generation(void *world, struct span text)
{
	return state_sum(((struct sources *)world)->state, text).lo | 1;
}

static struct source_reader
reader(struct sources *s, struct buf *notes)
{
	return (struct source_reader){ .bundle = s->bundle,
		.env = reader_env,
		.world = s,
		.generation = reader_generation,
		.notes = notes };
}

/*
 * Read entry "e": "text" as what its URL brought, or, where that is
 * absent, from where it is.
 */
static bool
read_object(struct sources *s, struct entry *e, struct span text, char *why,
    size_t why_size)
{
	uint32_t row = (uint32_t)(e - s->entries);
	struct object *o = calloc(1, sizeof(*o));
	struct source_reader r;
	struct buf notes;
	bool ok;

	(void)snprintf(why, why_size, "out of memory");
	if (o == NULL)
		return false;
	o->n_users = 1;
	buf_init(&notes, NOTES_BYTES_MAX);
	r = reader(s, &notes);
	ok = text.p != NULL
	    ? source_parse(&r, row, text, true, &o->source, why, why_size)
	    : source_load(&r, row, &o->source, why, why_size);
	if (notes.n > 0)
		log_warn("%s: %.*s",
		    e->row->kind == SOURCE_KEY_SET
			? "source keys skipped"
			: "source names what is not known",
		    (int)notes.n, notes.p);
	buf_fini(&notes);
	if (!ok) {
		object_put(o);
		return false;
	}
	e->identity = o->source.identity;
	return hold(e, o);
}

/* Nothing there is no mistake: its server may come back. */
static bool
read_url(struct sources *s, struct entry *e, char *why, size_t why_size)
{
	struct buf b;
	bool ok;

	buf_init(&b, KEY_SET_BYTES_MAX);
	e->down = !remote_get(s->remote, span_str(e->place), &b, &e->version);
	if (e->down)
		ok = hold(e, NULL);
	else
		ok = read_object(s, e, buf_span(&b), why, why_size);
	buf_fini(&b);
	return ok;
}

/* As remote.h names what a URL leads to. */
static bool
name_place(struct sources *s, struct entry *e, char *why, size_t why_size)
{
	struct span issuer = bundle_text(s->bundle, e->row->issuer);

	if (issuer.n == 0)
		return true;
	e->place =
	    arena_printf(&s->arena, "%s %.*s", e->place, SPAN_ARG(issuer)).p;
	if (e->place == NULL)
		(void)snprintf(why, why_size, "out of memory");
	return e->place != NULL;
}

/* First reading of a source. */
static bool
open_entry(struct sources *s, struct entry *e, char *why, size_t why_size)
{
	uint32_t row = (uint32_t)(e - s->entries);
	struct source_reader r = reader(s, NULL);
	struct span none = { NULL, 0 };

	if (e->row->how == SOURCE_FILE || e->row->how == SOURCE_URL) {
		e->place = source_place(&r, row, &s->arena, why, why_size).p;
		if (e->place == NULL)
			return false;
	}
	if (e->row->how == SOURCE_URL)
		return name_place(s, e, why, why_size) &&
		    read_url(s, e, why, why_size);
	return read_object(s, e, none, why, why_size);
}

static struct sources *
make(const struct bundle *b, const struct config *c, const struct state *state,
    struct remote *remote)
{
	struct sources *s = calloc(1, sizeof(*s));
	uint32_t n = bundle_n(b, SECTION_SOURCE);

	if (s == NULL)
		return NULL;
	s->bundle = b;
	s->config = c;
	s->state = state;
	s->remote = remote;
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
    const struct state *state, struct remote *remote, bool lazy, char *why,
    size_t why_size)
{
	struct sources *s = make(b, c, state, remote);
	char reason[512] = "out of memory";

	if (s == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return NULL;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		struct entry *e = &s->entries[i];
		struct span origin = bundle_text(b, e->row->origin);

		e->unread = lazy && e->row->kind == SOURCE_KEY_SET;
		if (e->unread || open_entry(s, e, reason, sizeof(reason)))
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
			object_put(h->object);
			free(h);
		}
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
	if (read_object(s, e, none, why, sizeof(why))) {
		log_info("source read again: %s", e->place);
		return;
	}
	log_error("source cannot be used, its requests fail: %s", why);
	(void)hold(e, NULL);
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
	if (e->row->how == SOURCE_URL)
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
	struct object *o = newest(old);

	e->version = old->version;
	e->down = old->down;
	if (o != NULL)
		atomic_fetch_add(&o->n_users, 1);
	/* Without memory it holds nothing, which is a fault. */
	if (!hold(e, o))
		e->down = false;
}

/* Entry "e" of the following set; with the lock of the old one held. */
static void
renew_entry(struct sources *s, struct entry *e, const struct entry *old)
{
	bool url = e->row->how == SOURCE_URL;
	struct file_identity now = old->identity;
	char why[512] = "out of memory";

	e->identity = old->identity;
	if (old->place != NULL) {
		e->place = arena_copy(&s->arena, span_str(old->place)).p;
		if (e->place == NULL)
			return;
	}
	if (url &&
	    remote_version(s->remote, span_str(e->place)) != old->version) {
		if (!read_url(s, e, why, sizeof(why)))
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
		changed = changed || has_changed(old, &old->entries[i]);
	if (changed)
		s = make(old->bundle, old->config, old->state, old->remote);
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
	bool file = e->row->how == SOURCE_FILE;
	struct file_identity now = { 0 };
	const struct object *o;

	if (file)
		now = look_at(e);
	pthread_mutex_lock(&s->lock);
	if (file && !file_identity_eq(&now, &e->identity))
		read_again(s, e, &now);
	o = newest(e);
	*down = e->down;
	pthread_mutex_unlock(&s->lock);
	return o;
}

static void
read_late(struct sources *s, struct entry *e)
{
	struct span origin = bundle_text(s->bundle, e->row->origin);
	char why[512] = "out of memory";

	e->unread = false;
	if (open_entry(s, e, why, sizeof(why)))
		return;
	log_error("%.*s: %s", SPAN_ARG(origin), why);
	(void)hold(e, NULL);
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
					 : newest(e);
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
	if (e->version == seen && !read_url(s, e, why, sizeof(why))) {
		log_error("key set cannot be used: %s", why);
		result = REFRESH_DOWN;
	}
	pthread_mutex_unlock(&s->lock);
	return result;
}
