/*
 * userfile - see userfile.h.
 */
#include "policy/userfile.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/grow.h"
#include "base/siphash.h"
#include "policy/password.h"
#include "policy/words.h"

struct user_file {
	struct arena arena;
	struct siphash_key key; /* of the content, which nobody else knows */
	struct user_entry *entries;
	size_t n, size;
	uint32_t *by_name; /* index + 1; 0 is free */
	size_t n_places;   /* a power of two */
};

/* The hash, which in WSO2's forms has a colon of its own. */
static struct span
cut_stored(struct span *rest)
{
	struct span all = *rest, stored;

	if (!span_starts(all, SPAN("@sha256:")) &&
	    !span_starts(all, SPAN("@sha512:")))
		return span_cut(rest, ':');
	*rest = span_skip(all, 8);
	stored = span_cut(rest, ':');
	return span_of(all.p, 8 + stored.n);
}

static const char *
add_scope(struct user_file *f, struct user_entry *e, struct span scope)
{
	if (scope.n == 0 || span_has(scope, ' '))
		return "a scope is empty or has a blank";
	e->scopes = e->scopes.n == 0
	    ? scope
	    : arena_printf(
		  &f->arena, "%.*s %.*s", SPAN_ARG(e->scopes), SPAN_ARG(scope));
	return e->scopes.p != NULL ? NULL : "out of memory";
}

static const char *
add_group(struct user_file *f, struct user_entry *e, struct span group)
{
	struct span *groups;

	if (group.n == 0)
		return "a group is empty";
	groups = arena_calloc(&f->arena, e->n_groups + 1, sizeof(*groups));
	if (groups == NULL)
		return "out of memory";
	for (size_t i = 0; i < e->n_groups; i++)
		groups[i] = e->groups[i];
	groups[e->n_groups++] = group;
	e->groups = groups;
	return NULL;
}

static const char *
read_fields(struct user_file *f, struct user_entry *e, struct span text)
{
	struct words w = { text, NULL };
	struct span name, value, *once;
	const char *why;

	while (words_field(&w, &name, &value)) {
		if (name.p == NULL)
			return NULL;
		if (span_eq(name, SPAN("scope"))) {
			why = add_scope(f, e, value);
			if (why != NULL)
				return why;
			continue;
		}
		if (span_eq(name, SPAN("group"))) {
			why = add_group(f, e, value);
			if (why != NULL)
				return why;
			continue;
		}
		once = span_eq(name, SPAN("tier"))       ? &e->tier
		    : span_eq(name, SPAN("application")) ? &e->application
							 : NULL;
		if (once == NULL)
			return "an unknown field";
		if (once->p != NULL)
			return "a field comes twice";
		if (value.n == 0)
			return "a field is empty";
		*once = value;
	}
	return w.why;
}

static const char *
read_line(struct user_file *f, struct span line, struct user_entry *e)
{
	struct span rest = line;
	const char *why;

	e->name = span_cut(&rest, ':');
	if (rest.p == NULL)
		return "not of the form NAME:HASH";
	if (e->name.n == 0 || e->name.n > PASSWORD_BYTES_MAX ||
	    span_has_control(e->name) || !span_is_utf8(e->name))
		return "the name is empty, too long, not UTF-8 or has control "
		       "bytes";
	e->stored = cut_stored(&rest);
	if (!password_stored_ok(e->stored, &why))
		return why;
	return rest.p != NULL ? read_fields(f, e, rest) : NULL;
}

static bool
append(struct user_file *f, const struct user_entry *e)
{
	struct user_entry *more =
	    grow(f->entries, f->n, &f->size, sizeof(*more));

	if (more == NULL)
		return false;
	f->entries = more;
	f->entries[f->n++] = *e;
	return true;
}

/* NULL, or what is wrong with the text; "*number" is the line. */
static const char *
read_lines(struct user_file *f, struct span text, unsigned *number)
{
	struct span line;

	while (words_line(&text, &line, number)) {
		struct user_entry e = { .line = *number };
		const char *why;

		why = read_line(f, line, &e);
		if (why != NULL)
			return why;
		if (!append(f, &e))
			return "out of memory";
	}
	return NULL;
}

static size_t
place_of(const struct user_file *f, struct span name)
{
	return siphash_64(&f->key, name) & (f->n_places - 1);
}

static const char *
build_index(struct user_file *f, unsigned *number)
{
	f->n_places = 16;
	while (f->n_places < f->n * 2)
		f->n_places *= 2;
	f->by_name = calloc(f->n_places, sizeof(*f->by_name));
	if (f->by_name == NULL)
		return "out of memory";
	for (size_t i = 0; i < f->n; i++) {
		size_t at = place_of(f, f->entries[i].name);

		*number = f->entries[i].line;
		for (; f->by_name[at] != 0; at = (at + 1) & (f->n_places - 1)) {
			if (span_eq(f->entries[f->by_name[at] - 1].name,
				f->entries[i].name))
				return "this user comes twice";
		}
		f->by_name[at] = (uint32_t)i + 1;
	}
	return NULL;
}

struct user_file *
user_file_new(struct span text, char *why, size_t why_size)
{
	static const struct siphash_key none = { 0, 0 };
	struct user_file *f = calloc(1, sizeof(*f));
	const char *error = NULL;
	unsigned number = 0;
	struct hash128 sum;

	if (f == NULL || text.n > USER_FILE_BYTES_MAX) {
		free(f);
		(void)snprintf(why, why_size, "too large");
		return NULL;
	}
	sum = siphash_128(&none, text);
	f->key = (struct siphash_key){ sum.lo, sum.hi };
	arena_init(&f->arena, text.n + 1, text.n * 16 + 65536);
	text = arena_copy(&f->arena, text);
	error = text.p != NULL ? read_lines(f, text, &number) : "out of memory";
	if (error == NULL)
		error = build_index(f, &number);
	if (error == NULL)
		return f;
	(void)snprintf(why, why_size, "line %u: %s", number, error);
	user_file_free(f);
	return NULL;
}

void
user_file_free(struct user_file *f)
{
	if (f == NULL)
		return;
	arena_fini(&f->arena);
	free(f->entries);
	free(f->by_name);
	free(f);
}

const struct user_entry *
user_file_find(const struct user_file *f, struct span name)
{
	size_t at = place_of(f, name);

	for (; f->by_name[at] != 0; at = (at + 1) & (f->n_places - 1)) {
		const struct user_entry *e = &f->entries[f->by_name[at] - 1];

		if (span_eq(e->name, name))
			return e;
	}
	return NULL;
}

const struct user_entry *
user_file_decoy(const struct user_file *f, struct span name)
{
	if (f->n == 0)
		return NULL;
	return &f->entries[siphash_64(&f->key, name) % f->n];
}

size_t
user_file_n(const struct user_file *f)
{
	return f->n;
}
