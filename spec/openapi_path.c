/*
 * openapi_path - the paths of a document, of which no two are the same.
 */
#include "spec/openapi_in.h"
#include "spec/path_text.h"

static bool
check_shape(struct reader *r, struct spec_text path, const char *what,
    struct spec_word **variables, struct buf *shape)
{
	const char *why = path_text_wrong(&path, variables, shape, r->d->arena);

	if (why == NULL)
		return true;
	diag_error(r->d, path.place, "path-template", "%s '%.*s' %s", what,
	    SPAN_ARG(path.text), why);
	return false;
}

bool
path_check(struct reader *r, struct spec_text path, const char *what)
{
	struct buf shape;
	bool good;

	buf_init(&shape, path.text.n * 2 + 16);
	good = check_shape(r, path, what, NULL, &shape);
	buf_fini(&shape);
	return good;
}

/* "{+rest}" and "{rest*}" are meant for more than they mean here. */
static void
warn_of_names(struct reader *r, const struct spec_path *p)
{
	for (const struct spec_word *v = p->variables; v != NULL; v = v->next)
		if (memchr("+*", v->text.text.p[v->text.text.n - 1], 2))
			diag_warning(r->d, p->template.place, "path-variable",
			    "{%.*s} means one segment here, as all variables",
			    SPAN_ARG(v->text.text));
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
	warn_of_names(r, p);
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
