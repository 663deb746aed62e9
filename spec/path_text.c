/*
 * path_text - see path_text.h.
 */
#include "spec/path_text.h"

#include "base/ascii.h"

#define NO_MEMORY "cannot be read: out of memory"

struct checking {
	const struct spec_text *path;
	struct spec_word **variables; /* where the next one goes, or NULL */
	struct buf *shape;
	struct arena *arena;
};

/* Escapes undone and variables without names, for comparison. */
static bool
append_shape(struct buf *b, struct span segment)
{
	bool inside = false;

	for (size_t i = 0; i < segment.n; i++) {
		char c = segment.p[i];

		if (c == '%' && !inside) {
			int high = i + 2 < segment.n
			    ? ascii_hex(segment.p[i + 1])
			    : -1;
			int low = i + 2 < segment.n
			    ? ascii_hex(segment.p[i + 2])
			    : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
			if (c == '/' || c == '\\' || c == '\0')
				return false;
			/* An escaped brace is none. */
			if (c == '{')
				c = '\x01';
		} else if (c == '{' || c == '}') {
			inside = c == '{';
		} else if (inside) {
			continue;
		}
		buf_add_char(b, c);
	}
	return true;
}

static const char *
take_variable(struct checking *k, struct span name)
{
	struct spec_word *w;

	if (name.n == 0 || span_has(name, '{'))
		return "has a variable without a name";
	w = arena_alloc(k->arena, sizeof(*w));
	if (w == NULL)
		return NO_MEMORY;
	w->text = (struct spec_text){ name, k->path->place };
	*k->variables = w;
	k->variables = &w->next;
	return NULL;
}

/* The variables of a segment. */
static const char *
take_variables(struct checking *k, struct span segment)
{
	struct span rest = segment;
	bool first = true;

	while (rest.p != NULL) {
		struct span literal = span_cut(&rest, '{');
		const char *why;

		if (span_has(literal, '}'))
			return "has a '}' too many";
		if (span_has(literal, '*'))
			return "has a '*' that is not the whole last segment";
		if (rest.p == NULL)
			return NULL;
		if (k->variables == NULL)
			return "has a variable";
		if (!first && literal.n == 0)
			return "has two variables with nothing between them";
		first = false;
		if (!span_has(rest, '}'))
			return "lacks a '}'";
		why = take_variable(k, span_cut(&rest, '}'));
		if (why != NULL)
			return why;
	}
	return NULL;
}

static const char *
check_segment(struct checking *k, struct span segment, bool last)
{
	struct span decoded;
	size_t start = k->shape->n;

	if (segment.n == 0 && !last)
		return "has an empty segment";
	if (!append_shape(k->shape, segment))
		return "has a bad percent escape, or one of '/', '\\', NUL";
	decoded = span_skip(buf_span(k->shape), start);
	if (span_eq(decoded, SPAN(".")) || span_eq(decoded, SPAN("..")))
		return "has a dot segment";
	if (!span_is_utf8(decoded))
		return "is not UTF-8";
	if (span_has(segment, '\\') || span_has_control(segment))
		return "has a backslash or a control character";
	/* A star at the end is a variable for all the rest. */
	if (last && span_eq(segment, SPAN("*")))
		return k->variables == NULL ? "has a variable" : NULL;
	return take_variables(k, segment);
}

static const char *
check_segments(struct checking *k)
{
	struct span rest = span_skip(k->path->text, 1);
	unsigned n = 0;

	while (rest.p != NULL) {
		struct span segment = span_cut(&rest, '/');
		const char *why;

		buf_add_char(k->shape, '/');
		why = check_segment(k, segment, rest.p == NULL);
		if (why != NULL)
			return why;
		if (++n > PATH_SEGMENTS_MAX)
			return "has too many segments";
	}
	return k->shape->failed ? NO_MEMORY : NULL;
}

const char *
path_text_wrong(const struct spec_text *path, struct spec_word **variables,
    struct buf *shape, struct arena *a)
{
	struct checking k = { path, variables, shape, a };
	const char *why;

	if (path->text.n == 0 || path->text.p[0] != '/')
		return "must begin with '/'";
	if (span_has(path->text, '?') || span_has(path->text, '#'))
		return "has a query or a fragment: only the path is matched";
	why = check_segments(&k);
	if (why != NULL || variables == NULL)
		return why;
	for (const struct spec_word *v = *variables; v != NULL; v = v->next)
		for (const struct spec_word *w = *variables; w != v;
		     w = w->next)
			if (span_eq(v->text.text, w->text.text))
				return "has one variable twice";
	return NULL;
}
