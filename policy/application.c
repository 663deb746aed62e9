/*
 * application - see application.h.
 *
 * The table holds of each key 32 bits of its hash and where its line
 * begins.  A hit counts only once the line has been read and says so
 * itself: equal hashes cost time and change nothing.
 */
#include "policy/application_part.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/api_name.h"
#include "policy/words.h"

#define PLACES_FIRST 64

struct place {
	uint32_t tag;
	uint32_t line; /* where it begins, plus one; 0: free */
};

struct applications {
	struct buf text;
	struct place *places;
	size_t n_places; /* a power of two */
	size_t n_keys;
	size_t n, n_blocked;
	struct application_index *index; /* in place of all but the counts */
};

static const struct siphash_key no_secret;

uint64_t
application_hash(
    const struct siphash_key *secret, const struct application_key *key)
{
	struct siphash h;

	siphash_init(&h, secret);
	siphash_u64(&h, (uint64_t)key->by);
	siphash_part(&h, key->first);
	siphash_part(&h, key->second);
	return siphash_done(&h).lo;
}

bool
application_keys(const struct application *app,
    const struct application_credential **at, unsigned *n,
    struct application_key *key)
{
	switch ((*n)++) {
	case 0:
		*key = (struct application_key){ APPLICATION_BY_ID, app->id,
			{ NULL, 0 } };
		return true;
	case 1:
		*key = (struct application_key){ APPLICATION_BY_NAME,
			app->owner, app->name };
		*at = app->credentials;
		return true;
	default:
		if (*at == NULL)
			return false;
		*key = (*at)->key;
		*at = (*at)->next;
		return true;
	}
}

static bool
key_eq(const struct application_key *a, const struct application_key *b)
{
	return a->by == b->by && span_eq(a->first, b->first) &&
	    span_eq(a->second, b->second);
}

bool
application_has(
    const struct application *app, const struct application_key *key)
{
	const struct application_credential *at = NULL;
	struct application_key own;
	unsigned n = 0;

	while (application_keys(app, &at, &n, &own)) {
		if (key_eq(&own, key))
			return true;
	}
	return false;
}

const struct application_credential *
application_credential(
    const struct application *app, const struct application_key *key)
{
	for (const struct application_credential *c = app->credentials;
	     c != NULL; c = c->next) {
		if (key_eq(&c->key, key))
			return c;
	}
	return NULL;
}

/* The line that begins at "at", which was right when the file was read. */
static bool
read_at(const struct applications *f, size_t at, struct arena *a,
    struct application *to)
{
	struct span rest = span_skip(buf_span(&f->text), at), line, copy;
	unsigned number = 0;

	if (!words_line(&rest, &line, &number))
		return false;
	copy = arena_copy(a, line);
	if (copy.p == NULL || application_read(copy, a, to) != NULL)
		return false;
	to->text = line;
	return true;
}

static bool
grow(struct applications *f)
{
	size_t n = f->n_places > 0 ? f->n_places * 2 : PLACES_FIRST;
	struct place *more = calloc(n, sizeof(*more));

	if (more == NULL)
		return false;
	for (size_t i = 0; i < f->n_places; i++) {
		size_t at = f->places[i].tag & (n - 1);

		if (f->places[i].line == 0)
			continue;
		while (more[at].line != 0)
			at = (at + 1) & (n - 1);
		more[at] = f->places[i];
	}
	free(f->places);
	f->places = more;
	f->n_places = n;
	return true;
}

/* NULL, or what is wrong; "a" is for the lines that stand there already. */
static const char *
insert(struct applications *f, const struct application_key *key, size_t line,
    struct arena *a)
{
	static const char *const twice[APPLICATION_BY__MAX] = {
		[APPLICATION_BY_ID] = "this id comes twice",
		[APPLICATION_BY_NAME] = "this name of this owner comes twice",
		[APPLICATION_BY_CLIENT] = "this client comes twice",
		[APPLICATION_BY_USER] = "this user comes twice",
		[APPLICATION_BY_HOST_USER] = "this host-user comes twice",
		[APPLICATION_BY_CERTIFICATE] = "this certificate comes twice",
	};
	uint32_t tag = (uint32_t)application_hash(&no_secret, key);
	struct application other;
	size_t at;

	if (f->n_keys >= f->n_places / 2 && !grow(f))
		return "out of memory";
	at = tag & (f->n_places - 1);
	for (; f->places[at].line != 0; at = (at + 1) & (f->n_places - 1)) {
		if (f->places[at].tag != tag)
			continue;
		if (!read_at(f, f->places[at].line - 1, a, &other))
			return "out of memory";
		if (application_has(&other, key))
			return twice[key->by];
	}
	f->places[at] = (struct place){ tag, (uint32_t)line + 1 };
	f->n_keys++;
	return NULL;
}

static const char *
read_line(struct applications *f, struct span line, struct arena *a)
{
	const struct application_credential *at = NULL;
	struct span copy = arena_copy(a, line);
	struct application_key key;
	struct application app;
	const char *why = "out of memory";
	unsigned n = 0;

	if (line.n > APPLICATION_LINE_MAX)
		return "the line is too long";
	if (copy.p != NULL)
		why = application_read(copy, a, &app);
	while (why == NULL && application_keys(&app, &at, &n, &key))
		why = insert(f, &key, (size_t)(line.p - f->text.p), a);
	f->n++;
	f->n_blocked += why == NULL && app.blocked;
	return why;
}

/* NULL, or what is wrong with the text; "*number" is the line. */
static const char *
read_lines(struct applications *f, unsigned *number)
{
	struct span text = buf_span(&f->text), line;
	const char *why = NULL;
	struct arena a;

	arena_init(&a, 8192, APPLICATION_ARENA_MAX);
	while (why == NULL && words_line(&text, &line, number)) {
		why = read_line(f, line, &a);
		if (a.full)
			why = "too much in one line";
		arena_reset(&a);
	}
	arena_fini(&a);
	return why;
}

struct applications *
applications_new(struct span text, char *why, size_t why_size)
{
	struct applications *f = calloc(1, sizeof(*f));
	const char *error = "out of memory";
	unsigned number = 0;

	if (f == NULL || text.n > APPLICATIONS_BYTES_MAX) {
		free(f);
		(void)snprintf(why, why_size, "too large");
		return NULL;
	}
	buf_init(&f->text, text.n + 1);
	buf_add(&f->text, text);
	if (!f->text.failed && grow(f))
		error = read_lines(f, &number);
	if (error == NULL)
		return f;
	(void)snprintf(why, why_size, "line %u: %s", number, error);
	applications_free(f);
	return NULL;
}

void
applications_free(struct applications *f)
{
	if (f == NULL)
		return;
	application_index_close(f->index);
	buf_fini(&f->text);
	free(f->places);
	free(f);
}

struct applications *
applications_of_index(struct application_index *x, size_t n, size_t n_blocked)
{
	struct applications *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->n = n;
	f->n_blocked = n_blocked;
	f->index = x;
	return f;
}

struct span
applications_text(const struct applications *f)
{
	return buf_span(&f->text);
}

size_t
applications_n_keys(const struct applications *f)
{
	return f->n_keys;
}

enum applications_result
applications_find(const struct applications *f,
    const struct application_key *key, struct arena *a, struct application *to)
{
	uint32_t tag = (uint32_t)application_hash(&no_secret, key);
	size_t mask = f->n_places - 1, at = tag & mask;

	if (f->index != NULL)
		return application_index_find(f->index, key, a, to);
	for (; f->places[at].line != 0; at = (at + 1) & mask) {
		if (f->places[at].tag != tag)
			continue;
		if (!read_at(f, f->places[at].line - 1, a, to))
			return APPLICATIONS_FAULT;
		if (application_has(to, key))
			return APPLICATIONS_FOUND;
	}
	return APPLICATIONS_NONE;
}

size_t
applications_n_blocked(const struct applications *f)
{
	return f->n_blocked;
}

size_t
applications_n(const struct applications *f)
{
	return f->n;
}

bool
applications_next(const struct applications *f, size_t *at, struct arena *a,
    struct application *to)
{
	struct span all = buf_span(&f->text);

	if (*at >= all.n || !read_at(f, *at, a, to))
		return false;
	*at = (size_t)(to->text.p - all.p) + to->text.n;
	return true;
}

const struct application_subscription *
application_subscribed(
    const struct application *app, struct span title, struct span version)
{
	const struct application_subscription *found = NULL;
	enum api_name best = API_NAME_OTHER;

	for (const struct application_subscription *s = app->subscriptions;
	     s != NULL; s = s->next) {
		enum api_name how = api_name_match(s->api, title, version);

		if (how == API_NAME_OTHER || how < best ||
		    (how == best && !s->blocked))
			continue;
		best = how;
		found = s;
	}
	return found;
}
