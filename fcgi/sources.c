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
#include "policy/keyfile.h"
#include "policy/keyset.h"

#define SECRET_BYTES_MAX (64 * 1024)

/* One version of one source; counted. */
struct object {
	atomic_uint n_users;
	uint64_t generation;
	struct key_set *keys;
	struct key_file *key_file;
	struct buf secret;
};

/* What a key file holds since the set was made. */
struct newer {
	struct newer *older;
	struct file_identity identity;
	struct object *object; /* NULL: cannot be used */
};

struct entry {
	const struct row_source *row;
	const char *path; /* SOURCE_FILE */
	struct file_identity identity;
	uint64_t version;      /* SOURCE_URL: of remote.h */
	bool down;             /* SOURCE_URL: nothing is there now */
	struct object *object; /* NULL: cannot be used */
	struct newer *newer;   /* under "lock"; goes with the set */
};

struct sources {
	const struct bundle *bundle;
	const struct config *config;
	const struct state *state;
	struct remote *remote;
	struct arena arena;
	struct entry *entries;
	uint32_t n;
	pthread_mutex_t lock;
};

static void
object_put(struct object *o)
{
	if (o == NULL || atomic_fetch_sub(&o->n_users, 1) != 1)
		return;
	key_set_free(o->keys);
	key_file_free(o->key_file);
	if (o->secret.p != NULL)
		explicit_bzero(o->secret.p, o->secret.size);
	buf_fini(&o->secret);
	free(o);
}

/* Read "text" as what the row says it is. */
static struct object *
object_new(const struct sources *s, const struct row_source *row,
    struct span text, char *why, size_t why_size)
{
	struct object *o = calloc(1, sizeof(*o));
	struct buf notes;
	bool ok = false;

	if (o == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return NULL;
	}
	buf_init(&notes, 4096);
	o->n_users = 1;
	/* Equal content has one name in all processes of this gate. */
	o->generation = state_sum(s->state, text).lo | 1;
	buf_init(&o->secret, SECRET_BYTES_MAX);
	switch ((enum source_kind)row->kind) {
	case SOURCE_KEY_SET:
		o->keys = key_set_new(
		    text, row->how == SOURCE_URL, &notes, why, why_size);
		ok = o->keys != NULL;
		break;
	case SOURCE_KEY_FILE:
		o->key_file = key_file_new(text, why, why_size);
		ok = o->key_file != NULL;
		break;
	case SOURCE_SECRET:
		while (span_ends(text, SPAN("\n")))
			text.n--;
		buf_add(&o->secret, text);
		ok = !o->secret.failed && text.n > 0;
		if (!ok)
			(void)snprintf(why, why_size, "empty or too long");
		break;
	default:
		(void)snprintf(why, why_size, "of a kind this mgw lacks");
	}
	if (notes.n > 0)
		log_warn("source keys skipped: %.*s", (int)notes.n, notes.p);
	buf_fini(&notes);
	if (!ok) {
		object_put(o);
		return NULL;
	}
	return o;
}

static size_t
bytes_max(const struct row_source *row)
{
	if (row->kind == SOURCE_KEY_FILE)
		return KEY_FILE_BYTES_MAX;
	return row->kind == SOURCE_KEY_SET ? KEY_SET_BYTES_MAX
					   : SECRET_BYTES_MAX;
}

static struct object *
read_file(const struct sources *s, struct entry *e, char *why, size_t why_size)
{
	enum file_trust trust =
	    e->row->kind == SOURCE_SECRET ? FILE_SECRET : FILE_TRUSTED;
	struct buf b = { 0 };
	struct object *o;

	if (!file_read(e->path, trust, bytes_max(e->row), &b, &e->identity, why,
		why_size))
		return NULL;
	o = object_new(s, e->row, buf_span(&b), why, why_size);
	if (b.p != NULL)
		explicit_bzero(b.p, b.size);
	buf_fini(&b);
	return o;
}

/* Nothing there is no mistake: its server may come back. */
static bool
read_url(const struct sources *s, struct entry *e, char *why, size_t why_size)
{
	struct buf b;

	buf_init(&b, KEY_SET_BYTES_MAX);
	e->object = NULL;
	e->down = !remote_get(
	    s->remote, bundle_text(s->bundle, e->row->value), &b, &e->version);
	if (!e->down)
		e->object = object_new(s, e->row, buf_span(&b), why, why_size);
	buf_fini(&b);
	return e->down || e->object != NULL;
}

/* First reading of a source. */
static bool
open_entry(struct sources *s, struct entry *e, char *why, size_t why_size)
{
	struct span value = bundle_text(s->bundle, e->row->value), text;

	switch ((enum source_how)e->row->how) {
	case SOURCE_FILE:
		e->path = file_beside(value, s->bundle->path, &s->arena).p;
		if (e->path != NULL)
			e->object = read_file(s, e, why, why_size);
		break;
	case SOURCE_ENV:
		text = config_env(s->config, value);
		if (text.p != NULL)
			e->object = object_new(s, e->row, text, why, why_size);
		else
			(void)snprintf(why, why_size,
			    "variable %.*s is missing, empty or not allowed",
			    SPAN_ARG(value));
		break;
	case SOURCE_INLINE:
		e->object = object_new(s, e->row, value, why, why_size);
		break;
	case SOURCE_URL:
		return read_url(s, e, why, why_size);
	default:
		(void)snprintf(why, why_size, "read in a way this mgw lacks");
	}
	return e->object != NULL;
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
	for (uint32_t i = 0; i < n; i++)
		s->entries[i].row = bundle_source(b, i);
	return s;
}

struct sources *
sources_open(const struct bundle *b, const struct config *c,
    const struct state *state, struct remote *remote, char *why,
    size_t why_size)
{
	struct sources *s = make(b, c, state, remote);
	char reason[512] = "out of memory";

	if (s == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return NULL;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		struct span origin = bundle_text(b, s->entries[i].row->origin);

		if (open_entry(s, &s->entries[i], reason, sizeof(reason)))
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
		object_put(s->entries[i].object);
		while (s->entries[i].newer != NULL) {
			struct newer *n = s->entries[i].newer;

			s->entries[i].newer = n->older;
			object_put(n->object);
			free(n);
		}
	}
	free(s->entries);
	pthread_mutex_destroy(&s->lock);
	arena_fini(&s->arena);
	free(s);
}

static bool
has_changed(const struct sources *s, const struct entry *e)
{
	struct file_identity id = { 0 };

	if (e->row->how == SOURCE_URL)
		return remote_version(s->remote,
			   bundle_text(s->bundle, e->row->value)) != e->version;
	if (e->path == NULL)
		return false;
	/* One that is gone is like none: noticed once. */
	if (!file_identify(e->path, &id))
		id = (struct file_identity){ 0 };
	return !file_identity_eq(&id, &e->identity);
}

/* Entry "e" of the following set. */
static void
renew_entry(struct sources *s, struct entry *e, const struct entry *old)
{
	char why[512] = "out of memory";

	e->identity = old->identity;
	if (old->path != NULL)
		e->path = arena_copy(&s->arena, span_str(old->path)).p;
	if (old->path != NULL && e->path == NULL)
		return;
	if (!has_changed(s, old)) {
		e->version = old->version;
		e->down = old->down;
		e->object = old->object;
		if (e->object != NULL)
			atomic_fetch_add(&e->object->n_users, 1);
		return;
	}
	if (e->row->how == SOURCE_URL) {
		if (!read_url(s, e, why, sizeof(why)))
			log_error("key set cannot be used: %s", why);
		return;
	}
	/* What is there now, so that a broken file is tried once. */
	e->identity = (struct file_identity){ 0 };
	(void)file_identify(e->path, &e->identity);
	e->object = read_file(s, e, why, sizeof(why));
	if (e->object == NULL)
		log_error("source cannot be used, its requests fail: %s", why);
	else
		log_info("source read again: %s", e->path);
}

struct sources *
sources_renew(const struct sources *old)
{
	struct sources *s;
	bool changed = false;

	for (uint32_t i = 0; i < old->n; i++)
		changed = changed || has_changed(old, &old->entries[i]);
	if (!changed)
		return NULL;
	s = make(old->bundle, old->config, old->state, old->remote);
	for (uint32_t i = 0; s != NULL && i < s->n; i++)
		renew_entry(s, &s->entries[i], &old->entries[i]);
	return s;
}

/*
 * The keys as the file has them now, so that a revoked one is refused at
 * the next request and not at the next look of sources_renew, a second
 * later.  Objects are borrowed: none goes before its set does.
 */
static const struct object *
newest_keys(struct sources *s, struct entry *e)
{
	struct file_identity now = { 0 };
	struct newer *n;
	char why[512];

	if (!file_identify(e->path, &now))
		now = (struct file_identity){ 0 };
	if (file_identity_eq(&now, &e->identity))
		return e->object;
	pthread_mutex_lock(&s->lock);
	n = e->newer;
	if (n == NULL || !file_identity_eq(&now, &n->identity)) {
		struct entry fresh = { .row = e->row, .path = e->path };

		n = calloc(1, sizeof(*n));
		if (n != NULL) {
			n->object = read_file(s, &fresh, why, sizeof(why));
			n->identity = n->object != NULL ? fresh.identity : now;
			n->older = e->newer;
			e->newer = n;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return n != NULL ? n->object : NULL;
}

enum source_result
sources_get(struct sources *s, uint32_t row, struct source *to)
{
	const struct object *o;
	struct entry *e;

	*to = (struct source){ 0 };
	if (row >= s->n)
		return SOURCE_FAULT;
	e = &s->entries[row];
	o = e->row->kind == SOURCE_KEY_FILE && e->path != NULL
	    ? newest_keys(s, e)
	    : e->object;
	if (o == NULL)
		return e->down ? SOURCE_DOWN : SOURCE_FAULT;
	to->generation = o->generation;
	to->keys = o->keys;
	to->key_file = o->key_file;
	if (o->secret.n > 0)
		to->secret = buf_span(&o->secret);
	return SOURCE_OK;
}

void
sources_hurry(const struct sources *s, uint32_t row)
{
	if (row < s->n && s->entries[row].row->how == SOURCE_URL)
		remote_hurry(s->remote,
		    bundle_text(s->bundle, s->entries[row].row->value));
}
