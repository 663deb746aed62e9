/*
 * ref - see ref.h.
 */
#include "spec/ref_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "policy/path.h"

static struct node *
no_memory(struct ref_set *s)
{
	diag_error(s->diag, (struct place){ s->shown, 0, 0 }, "memory",
	    "out of memory");
	return NULL;
}

/* The folder of "path": "." where it has no slash. */
static struct span
folder_of(struct span path)
{
	size_t n = path.n;

	while (n > 0 && path.p[n - 1] != '/')
		n--;
	if (n == 0)
		return SPAN(".");
	return span_of(path.p, n > 1 ? n - 1 : 1);
}

static struct ref_file *
add_file(struct ref_set *s, const char *real, const char *shown)
{
	struct ref_file *f = arena_alloc(s->diag->arena, sizeof(*f));

	if (f == NULL) {
		no_memory(s);
		return NULL;
	}
	*s->tail = f;
	s->tail = &f->next;
	s->n_files++;
	f->real = real;
	f->shown = shown;
	return f;
}

static struct ref_file *
read_file(struct ref_set *s, const char *real, const char *shown)
{
	struct ref_file *f = add_file(s, real, shown);

	if (f != NULL)
		f->tree = tree_read(real, shown, s->diag);
	return f;
}

struct node *
ref_open_text(
    struct ref_set *s, struct span text, const char *shown, struct diag *d)
{
	struct ref_file *f;

	*s = (struct ref_set){ .diag = d, .shown = shown, .tail = &s->files };
	f = add_file(s, shown, shown);
	if (f == NULL)
		return NULL;
	f->tree = tree_parse(text, shown, d);
	return f->tree;
}

struct node *
ref_open(struct ref_set *s, const char *path, struct diag *d)
{
	struct place at = { path, 0, 0 };
	struct span shown, real, root;
	struct ref_file *f;
	char buf[PATH_MAX];

	*s = (struct ref_set){ .diag = d, .tail = &s->files };
	shown = arena_copy(d->arena, folder_of(span_str(path)));
	s->shown = shown.p;
	if (shown.p == NULL)
		return no_memory(s);
	if (realpath(path, buf) == NULL) {
		diag_error(d, at, "file", "%s", strerror(errno));
		return NULL;
	}
	real = arena_copy(d->arena, span_str(buf));
	/* A link to a document stands for it where the link is. */
	if (realpath(s->shown, buf) == NULL) {
		diag_error(d, at, "file", "%s", strerror(errno));
		return NULL;
	}
	root = arena_copy(d->arena, span_str(buf));
	if (real.p == NULL || root.p == NULL)
		return no_memory(s);
	s->root = root.p;
	f = read_file(s, real.p, path);
	return f != NULL ? f->tree : NULL;
}

struct node *
ref_of(const struct node *n)
{
	struct node *ref = tree_get(n, "$ref");

	return tree_is(ref, NODE_STRING) ? ref : NULL;
}

/* Percent escapes undone; p == NULL when they are none, or hide a NUL. */
static struct span
decode(struct span s, struct arena *a)
{
	struct span copy = arena_copy(a, s);
	char *to = (char *)(uintptr_t)copy.p;
	size_t n;

	if (to == NULL || !path_unescape(s, to, &n) ||
	    span_has(span_of(to, n), '\0'))
		return span_str(NULL);
	to[n] = '\0';
	return span_of(to, n);
}

/* RFC 3986 section 3.1 and 4.2: it has a scheme or an authority. */
static bool
is_url(struct span uri)
{
	size_t i = 0;

	if (span_starts(uri, SPAN("//")))
		return true;
	while (
	    i < uri.n && uri.p[i] != ':' && uri.p[i] != '/' && uri.p[i] != '?')
		i++;
	return i > 0 && i < uri.n && uri.p[i] == ':';
}

static void
say(struct ref_look *l, enum severity severity, const char *rule,
    const char *text)
{
	struct diag *d = l->set->diag;

	if (severity == SEVERITY_ERROR)
		diag_error(d, l->ref->place, rule, "'%.*s' %s",
		    SPAN_ARG(l->ref->text), text);
	else
		diag_warning(d, l->ref->place, rule, "'%.*s' %s",
		    SPAN_ARG(l->ref->text), text);
}

static void
dangling(struct ref_look *l, const char *text)
{
	say(l, SEVERITY_ERROR, "ref-dangling", text);
}

static void
unread(struct ref_look *l, const char *rule, const char *text)
{
	say(l, l->needed ? SEVERITY_ERROR : SEVERITY_WARNING, rule, text);
}

static struct ref_file *
file_of_node(struct ref_set *s, const struct node *n)
{
	struct ref_file *f = s->files;

	while (f != NULL && f->shown != n->place.file)
		f = f->next;
	return f;
}

static bool
is_below(const char *real, const char *root)
{
	size_t n = strlen(root);

	if (strcmp(root, "/") == 0)
		return true;
	return strncmp(real, root, n) == 0 && real[n] == '/';
}

/*
 * What is there of "path" leads out of "root", whether or not all of it is
 * there.  "real" is room.
 */
static bool
leads_outside(const char *path, const char *root, char real[static PATH_MAX])
{
	struct span part = span_str(path);
	char text[PATH_MAX];

	while (part.n > 0 && part.n < sizeof(text)) {
		memcpy(text, part.p, part.n);
		text[part.n] = '\0';
		if (realpath(text, real) != NULL)
			return strcmp(real, root) != 0 && !is_below(real, root);
		while (part.n > 0 && part.p[part.n - 1] != '/')
			part.n--;
		while (part.n > 0 && part.p[part.n - 1] == '/')
			part.n--;
	}
	return true;
}

/* The file that "path", relative to "from", names; read when it is new. */
static struct ref_file *
file_at(struct ref_look *l, const struct ref_file *from, struct span path)
{
	struct ref_set *s = l->set;
	struct arena *a = s->diag->arena;
	struct span folder = folder_of(span_str(from->real)), full, shown;
	char real[PATH_MAX];

	full = arena_printf(a, "%.*s/%.*s", SPAN_ARG(folder), SPAN_ARG(path));
	if (full.p == NULL) {
		no_memory(s);
		return NULL;
	}
	/*
	 * Nothing is said about a file outside, not even whether it is
	 * there: a document need not learn what lies on this machine.
	 */
	if (s->root == NULL || path.p[0] == '/' ||
	    leads_outside(full.p, s->root, real)) {
		unread(l, "ref-outside",
		    "lies outside the document's folder and is not read");
		return NULL;
	}
	if (realpath(full.p, real) == NULL) {
		dangling(l, "names no file");
		return NULL;
	}
	for (struct ref_file *f = s->files; f != NULL; f = f->next)
		if (strcmp(f->real, real) == 0)
			return f;
	if (s->n_files >= REF_FILES_MAX) {
		unread(l, "too-large", "is one file too many");
		return NULL;
	}
	full = arena_copy(a, span_str(real));
	shown = span_skip(full, strlen(s->root) > 1 ? strlen(s->root) + 1 : 1);
	if (strcmp(s->shown, ".") != 0)
		shown = arena_printf(a, "%s/%.*s", s->shown, SPAN_ARG(shown));
	if (full.p == NULL || shown.p == NULL) {
		no_memory(s);
		return NULL;
	}
	return read_file(s, full.p, shown.p);
}

/* One reference token of RFC 6901 section 4. */
static struct node *
step(const struct node *n, struct span token, struct arena *a)
{
	struct span name = arena_copy(a, token);
	char *to = (char *)name.p;
	struct node *element;
	uint64_t index;
	size_t len = 0;

	if (name.p == NULL)
		return NULL;
	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];

		if (c == '~') {
			c = i + 1 < token.n ? token.p[++i] : '\0';
			if (c != '0' && c != '1')
				return NULL;
			c = c == '0' ? '~' : '/';
		}
		to[len++] = c;
	}
	if (n->kind == NODE_MAP)
		return tree_get_span(n, span_of(to, len));
	if (n->kind != NODE_LIST || (len > 1 && to[0] == '0') ||
	    !span_to_u64(span_of(to, len), UINT32_MAX, &index))
		return NULL;
	element = n->first;
	while (element != NULL && index-- > 0)
		element = element->next;
	return element;
}

static struct node *
look_in(struct ref_look *l, struct node *tree, struct span fragment)
{
	struct arena *a = l->set->diag->arena;
	struct span rest = decode(fragment, a);
	struct node *n = tree;

	if (rest.p == NULL) {
		dangling(l, "has a bad percent escape");
		return NULL;
	}
	if (rest.n > 0 && rest.p[0] != '/') {
		/* $anchor of JSON Schema: nothing that import needs. */
		if (l->needed)
			dangling(l, "is no JSON pointer");
		return NULL;
	}
	if (rest.n == 0)
		return n;
	rest = span_skip(rest, 1);
	while (rest.p != NULL && n != NULL)
		n = step(n, span_cut(&rest, '/'), a);
	if (n == NULL)
		dangling(l, "leads nowhere");
	return n;
}

struct node *
ref_look(struct ref_look *l)
{
	struct span fragment = l->ref->text, uri = span_cut(&fragment, '#');
	struct ref_file *f = file_of_node(l->set, l->ref);
	struct span path;

	if (is_url(uri)) {
		unread(l, "ref-url", "is a URL and is not read");
		return NULL;
	}
	if (uri.n > 0) {
		path = decode(uri, l->set->diag->arena);
		if (path.p == NULL || span_has(uri, '?')) {
			dangling(l, "is no path of a file");
			return NULL;
		}
		f = file_at(l, f, path);
	}
	if (f == NULL || f->tree == NULL)
		return NULL;
	return look_in(l, f->tree, fragment);
}

struct node *
ref_resolve(struct ref_set *s, struct node *n)
{
	struct node *start = n;

	for (unsigned i = 0; i <= REF_STEPS_MAX && n != NULL; i++) {
		struct ref_look l = { .set = s, .needed = true };

		l.ref = ref_of(n);
		if (l.ref == NULL)
			return n;
		n = ref_look(&l);
	}
	if (n != NULL)
		diag_error(s->diag, ref_of(start)->place, "ref-cycle",
		    "'%.*s' leads in a circle", SPAN_ARG(ref_of(start)->text));
	return NULL;
}
