/*
 * sources_read - how what stands behind a SOURCE row is read; part of
 * sources.c.
 */
#include "fcgi/sources_part.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "policy/application_index.h"

#define NOTES_BYTES_MAX 4096
/* A process of one request does not wait longer for applications. */
#define FEED_WAIT_MS 2000

void
sources_object_put(struct object *o)
{
	if (o == NULL || atomic_fetch_sub(&o->n_users, 1) != 1)
		return;
	source_free(&o->source);
	free(o);
}

bool
sources_hold(struct entry *e, struct object *o)
{
	struct held *h = malloc(sizeof(*h));

	e->broken = h == NULL;
	if (h == NULL) {
		sources_object_put(o);
		return false;
	}
	*h = (struct held){ e->held, o };
	e->held = h;
	return true;
}

struct object *
sources_newest(const struct entry *e)
{
	return e->held != NULL && !e->broken ? e->held->object : NULL;
}

bool
sources_is_remote(const struct entry *e)
{
	return e->row->how == SOURCE_URL && e->feed == NULL;
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

struct source_reader
sources_reader(struct sources *s, struct buf *notes)
{
	return (struct source_reader){ .bundle = s->bundle,
		.env = reader_env,
		.world = s,
		.generation = reader_generation,
		.notes = notes };
}

bool
sources_read_object(struct sources *s, struct entry *e, struct span text,
    char *why, size_t why_size)
{
	uint32_t row = (uint32_t)(e - s->entries);
	struct object *o = calloc(1, sizeof(*o));
	struct source_reader r;
	struct buf notes;
	struct span rest;
	bool ok;

	(void)snprintf(why, why_size, "out of memory");
	if (o == NULL)
		return false;
	o->n_users = 1;
	buf_init(&notes, NOTES_BYTES_MAX);
	r = sources_reader(s, &notes);
	ok = text.p != NULL
	    ? source_parse(&r, row, text, true, &o->source, why, why_size)
	    : source_load(&r, row, &o->source, why, why_size);
	for (rest = buf_span(&notes); rest.n > 0;) {
		struct span line = span_cut(&rest, '\n');

		log_warn("%s: %.*s",
		    e->row->kind == SOURCE_KEY_SET
			? "source keys skipped"
			: "source names what is not known",
		    SPAN_ARG(line));
	}
	buf_fini(&notes);
	if (!ok) {
		sources_object_put(o);
		return false;
	}
	e->identity = o->source.identity;
	return sources_hold(e, o);
}

bool
sources_read_url(struct sources *s, struct entry *e, char *why, size_t why_size)
{
	struct buf b;
	bool ok;

	buf_init(&b, KEY_SET_BYTES_MAX);
	e->down = !remote_get(s->remote, span_str(e->place), &b, &e->version);
	if (e->down)
		ok = sources_hold(e, NULL);
	else
		ok = sources_read_object(s, e, buf_span(&b), why, why_size);
	buf_fini(&b);
	return ok;
}

/*
 * A process of one request looks into a large file rather than reading it.
 * False: it cannot, now.
 */
static bool
open_indexed(struct sources *s, struct entry *e, struct application_text *t)
{
	struct object *o = calloc(1, sizeof(*o));
	char why[256];

	*t = (struct application_text){
		.state = s->state, .folder = s->config->state, .path = e->place
	};
	if (o == NULL || !s->lazy)
		goto out;
	o->n_users = 1;
	o->source.applications = application_index_open(t, why, sizeof(why));
	if (o->source.applications == NULL)
		goto out;
	o->source.view.applications = o->source.applications;
	o->source.view.generation = 1; /* nothing is kept under it */
	e->identity = t->id;
	e->fetched_us = t->made_us;
	return sources_hold(e, o);
out:
	free(o);
	return false;
}

/* So that the next one can. */
static void
write_index(
    struct sources *s, const struct entry *e, struct application_text *t)
{
	const struct object *o = sources_newest(e);

	t->id = e->identity;
	t->made_us = e->fetched_us;
	if (s->lazy && o != NULL)
		application_index_write(o->source.applications, t);
}

bool
sources_read_feed(
    struct sources *s, struct entry *e, char *why, size_t why_size)
{
	struct file_identity id = { 0 };
	struct application_text t = { .path = NULL };
	struct buf text;
	bool ok;

	e->down = !file_identify(e->place, &id);
	if (!e->down && open_indexed(s, e, &t))
		return true;
	buf_init(&text, APPLICATIONS_BYTES_MAX);
	if (e->down)
		ok = sources_hold(e, NULL);
	else
		ok = application_feed_read(
			 e->feed, &text, &id, &e->fetched_us, why, why_size) &&
		    sources_read_object(s, e,
			text.n > 0 ? buf_span(&text) : SPAN(""), why, why_size);
	if (!ok)
		application_feed_drop(e->feed);
	e->identity = id;
	t.base = id.size - text.n;
	if (ok && !e->down)
		write_index(s, e, &t);
	buf_fini(&text);
	return ok;
}

bool
sources_make_feed(
    struct sources *s, struct entry *e, char *why, size_t why_size)
{
	struct application_feed_settings set = { .bundle = s->bundle,
		.folder = s->config->state,
		.state = s->state,
		.url = span_str(e->place) };
	uint32_t password = bundle_applications(s->bundle, 0)->password;
	struct source secret;

	(void)snprintf(why, why_size, "no password, or no memory");
	if (sources_get(s, password - 1, &secret) != SOURCE_OK)
		return false;
	set.password = secret.secret;
	e->feed = application_feed_new(&set);
	if (e->feed != NULL)
		e->place = application_feed_path(e->feed);
	return e->feed != NULL;
}

static bool
open_feed(struct sources *s, struct entry *e, char *why, size_t why_size)
{
	if (!sources_make_feed(s, e, why, why_size))
		return false;
	if (s->lazy)
		application_feed_fetch(e->feed, FEED_WAIT_MS);
	else
		application_feed_poll(e->feed);
	return sources_read_feed(s, e, why, why_size);
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

static bool
read_applications(
    struct sources *s, struct entry *e, char *why, size_t why_size)
{
	struct application_text t;
	struct span none = { NULL, 0 };

	if (open_indexed(s, e, &t))
		return true;
	if (!sources_read_object(s, e, none, why, why_size))
		return false;
	write_index(s, e, &t);
	return true;
}

bool
sources_open_entry(
    struct sources *s, struct entry *e, char *why, size_t why_size)
{
	uint32_t row = (uint32_t)(e - s->entries);
	struct source_reader r = sources_reader(s, NULL);
	struct span none = { NULL, 0 };

	if (e->row->how == SOURCE_FILE || e->row->how == SOURCE_URL) {
		e->place = source_place(&r, row, &s->arena, why, why_size).p;
		if (e->place == NULL)
			return false;
	}
	if (e->row->how == SOURCE_URL && e->row->kind == SOURCE_APPLICATIONS)
		return open_feed(s, e, why, why_size);
	if (e->row->kind == SOURCE_APPLICATIONS)
		return read_applications(s, e, why, why_size);
	if (e->row->how == SOURCE_URL)
		return name_place(s, e, why, why_size) &&
		    sources_read_url(s, e, why, why_size);
	return sources_read_object(s, e, none, why, why_size);
}
