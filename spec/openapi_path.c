/*
 * openapi_path - path templates: what each may look like, and that no two
 * are the same.
 *
 * Whatever the gate refuses in a request (dot segments, empty segments,
 * %2F, a backslash ...) is an error in a template: nobody could ever call
 * that operation.
 */
#include "base/ascii.h"
#include "spec/openapi_in.h"

static bool
wrong(
    struct reader *r, struct spec_text path, const char *what, const char *text)
{
	diag_error(r->d, path.place, "path-template", "%s '%.*s' %s", what,
	    SPAN_ARG(path.text), text);
	return false;
}

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

/* The variables of a segment, appended to "*tail". */
static bool
take_variables(struct reader *r, struct spec_text path, const char *what,
    struct span segment, struct spec_word **tail)
{
	struct span rest = segment;
	bool first = true;

	while (rest.p != NULL) {
		struct span literal = span_cut(&rest, '{'), name;
		struct spec_word *w;

		if (span_has(literal, '}'))
			return wrong(r, path, what, "has a '}' too many");
		if (rest.p == NULL)
			return true;
		if (!first && literal.n == 0)
			return wrong(r, path, what,
			    "has two variables with nothing between them");
		first = false;
		name = rest;
		if (!span_has(rest, '}'))
			return wrong(r, path, what, "lacks a '}'");
		name = span_cut(&rest, '}');
		if (name.n == 0 || span_has(name, '{'))
			return wrong(
			    r, path, what, "has a variable without a name");
		w = reader_alloc(r, sizeof(*w));
		if (w == NULL)
			return false;
		w->text = (struct spec_text){ name, path.place };
		while (*tail != NULL)
			tail = &(*tail)->next;
		*tail = w;
	}
	return true;
}

static bool
check_segment(struct reader *r, struct spec_text path, const char *what,
    struct span segment, struct buf *shape)
{
	struct span decoded;
	size_t start = shape->n;

	if (!append_shape(shape, segment))
		return wrong(r, path, what,
		    "has a bad percent escape, or one of '/', '\\', NUL");
	decoded = span_skip(buf_span(shape), start);
	if (span_eq(decoded, SPAN(".")) || span_eq(decoded, SPAN("..")))
		return wrong(r, path, what, "has a dot segment");
	if (!span_is_utf8(decoded))
		return wrong(r, path, what, "is not UTF-8");
	if (span_has(segment, '\\') || span_has_control(segment))
		return wrong(
		    r, path, what, "has a backslash or a control character");
	return true;
}

static bool
check_segments(struct reader *r, struct spec_text path, const char *what,
    struct spec_word **variables, struct buf *shape)
{
	struct span rest = span_skip(path.text, 1);

	while (rest.p != NULL) {
		struct span segment = span_cut(&rest, '/');

		if (segment.n == 0 && rest.p != NULL)
			return wrong(r, path, what, "has an empty segment");
		buf_add_char(shape, '/');
		if (!check_segment(r, path, what, segment, shape))
			return false;
		if (variables == NULL &&
		    (span_has(segment, '{') || span_has(segment, '}')))
			return wrong(r, path, what, "has a variable");
		if (variables != NULL &&
		    !take_variables(r, path, what, segment, variables))
			return false;
	}
	return true;
}

static bool
check_names(struct reader *r, struct spec_text path, const char *what,
    const struct spec_word *variables)
{
	for (const struct spec_word *v = variables; v != NULL; v = v->next) {
		for (const struct spec_word *w = variables; w != v; w = w->next)
			if (span_eq(v->text.text, w->text.text))
				return wrong(
				    r, path, what, "has one variable twice");
		if (memchr("+*", v->text.text.p[v->text.text.n - 1], 2))
			diag_warning(r->d, path.place, "path-variable",
			    "{%.*s} means one segment here, as all variables",
			    SPAN_ARG(v->text.text));
	}
	return true;
}

static bool
check_shape(struct reader *r, struct spec_text path, const char *what,
    struct spec_word **variables, struct buf *shape)
{
	if (path.text.n == 0 || path.text.p[0] != '/')
		return wrong(r, path, what, "must begin with '/'");
	if (span_has(path.text, '?') || span_has(path.text, '#'))
		return wrong(r, path, what,
		    "has a query or a fragment: only the path is matched");
	return check_segments(r, path, what, variables, shape) &&
	    (variables == NULL || check_names(r, path, what, *variables));
}

bool
path_check(struct reader *r, struct spec_text path, const char *what,
    struct spec_word **variables)
{
	struct buf shape;
	bool good;

	buf_init(&shape, path.text.n * 2 + 16);
	good = check_shape(r, path, what, variables, &shape);
	buf_fini(&shape);
	return good;
}

/* Two templates that differ only in names of variables match the same. */
static bool
is_new(struct reader *r, struct spec_path *p, struct span shape)
{
	const struct spec_path *other = table_get(&r->paths, shape);

	if (other != NULL) {
		diag_error(r->d, p->template.place, "path-duplicate",
		    "'%.*s' matches the same paths as '%.*s' in line %u",
		    SPAN_ARG(p->template.text), SPAN_ARG(other->template.text),
		    other->template.place.line);
		return false;
	}
	shape = arena_copy(r->d->arena, shape);
	if (shape.p != NULL && table_put(&r->paths, shape, p))
		return true;
	r->d->failed = true;
	r->d->n_errors++;
	return false;
}

static struct spec_path *
read_path(struct reader *r, struct node *n)
{
	struct spec_path *p = reader_alloc(r, sizeof(*p));
	struct buf shape;
	bool good;

	if (p == NULL)
		return NULL;
	p->template = (struct spec_text){ n->name, n->name_place };
	buf_init(&shape, n->name.n * 2 + 16);
	good = check_shape(r, p->template, "path", &p->variables, &shape) &&
	    is_new(r, p, buf_span(&shape));
	buf_fini(&shape);
	p->wildcard = span_ends(n->name, SPAN("/*"));
	if (p->wildcard)
		diag_warning(r->d, n->name_place, "path-wildcard",
		    "'%.*s' is read as every path that begins so",
		    SPAN_ARG(n->name));
	read_item(r, p, n);
	return good ? p : NULL;
}

void
read_paths(struct reader *r)
{
	const struct node *paths = tree_get(r->root, "paths");
	struct spec_path **tail = &r->doc->paths;
	unsigned n = 0;

	if (paths == NULL && r->doc->dialect != DIALECT_3_1) {
		diag_error(
		    r->d, r->root->place, "no-paths", "'paths' is missing");
		return;
	}
	if (paths != NULL && !reader_is(r, paths, "paths", NODE_MAP))
		return;
	for (struct node *m = paths ? paths->first : NULL; m; m = m->next) {
		struct spec_path *p;

		if (span_starts(m->name, SPAN("x-")))
			continue;
		n++;
		p = read_path(r, m);
		if (p == NULL)
			continue;
		*tail = p;
		tail = &p->next;
	}
	if (n == 0)
		diag_warning(r->d, r->root->place, "no-paths",
		    "no path is described: nothing is served");
}
