/*
 * paths - see paths.h.
 */
#include "spec/paths.h"

#include "policy/build.h"
#include "policy/path.h"
#include "spec/path_text.h"

/* A segment with variables and literal text, to find ambiguous pairs. */
struct pattern {
	struct pattern *next;
	const struct spec_path *path;
	struct span before;  /* the template up to it, names left out */
	struct span segment; /* names left out: "{}.json" */
	size_t n_literal;
};

static struct span
cut_end_slash(struct span s)
{
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

unsigned
paths_spellings(const struct spec_document *doc, const struct spec_path *path,
    struct span full[2], struct arena *a)
{
	struct span base = doc->base_path.text, t = path->template.text;

	full[0] = arena_printf(a, "%.*s%.*s", SPAN_ARG(base), SPAN_ARG(t));
	if (full[0].p == NULL)
		return 0;
	if (doc->slash_ignore != SWITCH_TRUE || span_ends(t, SPAN("/*")))
		return 1;
	if (!span_ends(full[0], SPAN("/"))) {
		full[1] = arena_printf(a, "%.*s/", SPAN_ARG(full[0]));
		return full[1].p != NULL ? 2 : 0;
	}
	full[1] = cut_end_slash(full[0]);
	return full[1].n > 0 ? 2 : 1; /* "/" is met by itself alone */
}

/* "{id}.json" becomes "{}.json"; counts what is not a variable. */
static struct span
without_names(struct span segment, struct arena *a, size_t *n_literal)
{
	struct span out = SPAN(""), rest = segment;

	*n_literal = 0;
	while (rest.p != NULL) {
		struct span literal = span_cut(&rest, '{');

		*n_literal += literal.n;
		out = arena_printf(a, "%.*s%.*s%s", SPAN_ARG(out),
		    SPAN_ARG(literal), rest.p != NULL ? "{}" : "");
		if (out.p == NULL)
			return out;
		if (rest.p != NULL)
			(void)span_cut(&rest, '}'); /* the name */
	}
	return out;
}

/* Of two texts one begins (or, from behind, ends) with the other. */
static bool
fit(struct span a, struct span b, bool behind)
{
	size_t n = a.n < b.n ? a.n : b.n;

	if (behind)
		return span_eq(span_skip(a, a.n - n), span_skip(b, b.n - n));
	return span_eq(span_of(a.p, n), span_of(b.p, n));
}

/*
 * Some segment fits both: variables take any text, so only what stands
 * before the first and behind the last of them can keep them apart.
 */
static bool
overlap(struct span a, struct span b)
{
	struct span first_a = a, first_b = b;
	struct span last_a = a, last_b = b;

	first_a = span_cut(&first_a, '{');
	first_b = span_cut(&first_b, '{');
	while (span_has(last_a, '}'))
		(void)span_cut(&last_a, '}'); /* up to the last */
	while (span_has(last_b, '}'))
		(void)span_cut(&last_b, '}'); /* up to the last */
	return fit(first_a, first_b, false) && fit(last_a, last_b, true);
}

static void
report_overlap(
    const struct pattern *list, const struct pattern *p, struct diag *d)
{
	for (; list != p; list = list->next)
		if (list->n_literal == p->n_literal &&
		    span_eq(list->before, p->before) &&
		    !span_eq(list->segment, p->segment) &&
		    overlap(list->segment, p->segment))
			diag_warning(d, p->path->template.place,
			    "path-ambiguous",
			    "'%.*s' and '%.*s' (line %u) can both match a "
			    "path, and neither is more specific",
			    SPAN_ARG(p->path->template.text),
			    SPAN_ARG(list->path->template.text),
			    list->path->template.place.line);
}

/* Some segment has both variables and literal text; most APIs have none. */
static bool
is_mixed(struct span t)
{
	for (size_t i = 1; i < t.n; i++)
		if ((t.p[i] == '{' && t.p[i - 1] != '/') ||
		    (t.p[i - 1] == '}' && t.p[i] != '/'))
			return true;
	return false;
}

static void
collect_patterns(
    struct pattern **list, const struct spec_path *path, struct diag *d)
{
	struct span rest = path->template.text, before = SPAN("");

	while (rest.p != NULL) {
		struct span segment = span_cut(&rest, '/');
		struct pattern *p = arena_alloc(d->arena, sizeof(*p));
		struct pattern **end = list;

		if (p == NULL) {
			d->failed = true;
			return;
		}
		p->path = path;
		p->before = before;
		p->segment = without_names(segment, d->arena, &p->n_literal);
		before = arena_printf(d->arena, "%.*s/%.*s", SPAN_ARG(before),
		    SPAN_ARG(p->segment));
		if (p->segment.p == NULL || before.p == NULL) {
			d->failed = true;
			return;
		}
		if (p->n_literal == 0 || !span_has(segment, '{'))
			continue;
		while (*end != NULL)
			end = &(*end)->next;
		*end = p;
		report_overlap(*list, p, d);
	}
}

/* Put "path" into the tree "b" under its number "i"; paths[i] is it. */
static void
check_place(struct build *b, const struct spec_document *doc,
    const struct spec_path **paths, uint32_t i, struct diag *d)
{
	const struct spec_path *path = paths[i];
	struct build_place place;
	struct span full[2];
	unsigned n = paths_spellings(doc, path, full, d->arena);
	const char *why;

	d->failed |= n == 0;
	for (unsigned k = 0; k < n; k++) {
		uint32_t there;

		if (!build_path(b, full[k], &place, &why)) {
			diag_error(d, path->template.place, "path-template",
			    "'%.*s': %s", SPAN_ARG(path->template.text), why);
			return;
		}
		there = build_item(b, &place);
		if (there != ROW_NONE) {
			diag_error(d, path->template.place, "path-conflict",
			    "'%.*s' is the same path as '%.*s' (line %u)",
			    SPAN_ARG(path->template.text),
			    SPAN_ARG(paths[there]->template.text),
			    paths[there]->template.place.line);
			return;
		}
		build_set_item(b, &place, i);
	}
}

void
paths_check(const struct spec_document *doc, struct diag *d)
{
	struct build *b = build_new();
	struct pattern *patterns = NULL;
	const struct spec_path **paths;
	uint32_t n = 0;

	for (const struct spec_path *p = doc->paths; p != NULL; p = p->next)
		n++;
	paths = arena_calloc(d->arena, n + 1, sizeof(const void *));
	if (b == NULL || paths == NULL) {
		d->failed = true;
		build_free(b);
		return;
	}
	n = 0;
	for (const struct spec_path *p = doc->paths; p != NULL; p = p->next) {
		paths[n] = p;
		check_place(b, doc, paths, n++, d);
		if (is_mixed(p->template.text))
			collect_patterns(&patterns, p, d);
	}
	build_free(b);
}

static void
check_base(struct spec_document *doc, struct diag *d)
{
	struct spec_text *base = &doc->base_path;
	const char *why;
	struct buf shape;

	if (base->text.p == NULL)
		base->text = SPAN("");
	base->text = cut_end_slash(base->text);
	if (base->text.n == 0)
		return;
	buf_init(&shape, base->text.n * 2 + 16);
	why = path_text_wrong(base, NULL, &shape, d->arena);
	buf_fini(&shape);
	if (why == NULL)
		return;
	diag_error(d, base->place, "base-path", "base path '%.*s' %s",
	    SPAN_ARG(base->text), why);
	base->text = (struct span){ NULL, 0 }; /* compared with none */
}

static struct span
shown(struct span base)
{
	return base.n > 0 ? base : SPAN("/");
}

/* The next segment of a path, decoded into "room". */
static struct span
next_segment(struct span *rest, char *room)
{
	struct span s = span_cut(rest, '/');
	size_t n = 0;

	/* What cannot be decoded has been reported. */
	if (!path_unescape(s, room, &n))
		return s;
	return span_of(room, n);
}

/* One of two base paths is the other, or contains it. */
static bool
bases_overlap(struct span a, struct span b, struct arena *arena)
{
	char *room_a = arena_alloc(arena, a.n + 1);
	char *room_b = arena_alloc(arena, b.n + 1);

	if (room_a == NULL || room_b == NULL)
		return true;
	while (a.p != NULL && b.p != NULL)
		if (!span_eq(
			next_segment(&a, room_a), next_segment(&b, room_b)))
			return false;
	return true;
}

/* "full" lies in "doc", or "doc" below it. */
static bool
place_clashes(
    struct span full, const struct spec_document *doc, struct arena *arena)
{
	if (!doc->built_in)
		return full.p == NULL ||
		    bases_overlap(full, doc->base_path.text, arena);
	for (const struct spec_path *p = doc->paths; p != NULL; p = p->next) {
		struct span other = arena_printf(arena, "%.*s%.*s",
		    SPAN_ARG(doc->base_path.text), SPAN_ARG(p->template.text));

		if (full.p == NULL || other.p == NULL ||
		    bases_overlap(full, other, arena))
			return true;
	}
	return false;
}

/*
 * What is built in has single paths at its base, so that others may lie
 * beside it.
 */
static bool
bases_clash(const struct spec_document *a, const struct spec_document *b,
    struct arena *arena)
{
	if (!a->built_in)
		return place_clashes(a->base_path.text, b, arena);
	for (const struct spec_path *p = a->paths; p != NULL; p = p->next)
		if (place_clashes(arena_printf(arena, "%.*s%.*s",
				      SPAN_ARG(a->base_path.text),
				      SPAN_ARG(p->template.text)),
			b, arena))
			return true;
	return false;
}

static void
report_bases(const struct spec_document *doc, const struct spec_document *other,
    struct diag *d)
{
	struct place at = doc->base_path.place;

	if (at.file == NULL)
		at.file = doc->file;
	diag_error(d, at, "base-path-overlap",
	    "base path '%.*s' overlaps '%.*s' of %s",
	    SPAN_ARG(shown(doc->base_path.text)),
	    SPAN_ARG(shown(other->base_path.text)), other->file);
}

void
paths_check_bases(struct spec_document *documents, struct diag *d)
{
	for (struct spec_document *doc = documents; doc; doc = doc->next) {
		check_base(doc, d);
		if (doc->base_path.text.p == NULL)
			continue;
		for (const struct spec_document *o = documents; o != doc;
		     o = o->next)
			if (o->base_path.text.p != NULL &&
			    bases_clash(o, doc, d->arena))
				report_bases(doc, o, d);
	}
}
