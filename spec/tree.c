/*
 * tree - see tree.h.  The only file that sees libyaml.
 */
#include "spec/tree.h"

#include <yaml.h>

#include "base/file.h"
#include "spec/table.h"
#include "spec/tree_build.h"

#define CORE_TAG "tag:yaml.org,2002:"

struct yaml_reader {
	yaml_parser_t parser;
	struct span text;
	struct tree_build b;
	struct table anchors;
	struct span anchor; /* given to the node to come; p == NULL: none */
};

static size_t
skip_digits(struct span s, size_t i)
{
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i;
}

/* 0o17 and 0x1F, without a sign. */
static bool
is_based_number(struct span s)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	bool octal = s.n > 2 && s.p[0] == '0' && s.p[1] == 'o';

	if (!octal && !(s.n > 2 && s.p[0] == '0' && s.p[1] == 'x'))
		return false;
	for (size_t i = 2; i < s.n; i++)
		if (s.p[i] == '\0' ||
		    memchr(hex, s.p[i], octal ? 8 : sizeof(hex) - 1) == NULL)
			return false;
	return true;
}

/* YAML 1.2 section 10.3.2. */
static bool
is_core_number(struct span s)
{
	static const char *const words[] = { ".inf", ".Inf", ".INF", ".nan",
		".NaN", ".NAN", NULL };
	size_t i, start, whole;

	if (is_based_number(s))
		return true;
	i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0;
	if (span_is_one_of(span_skip(s, i), words))
		return i == 0 || (s.p[2] | 0x20) == 'i'; /* no -.nan */
	start = i;
	i = skip_digits(s, i);
	whole = i - start;
	if (i < s.n && s.p[i] == '.') {
		start = ++i;
		i = skip_digits(s, i);
		if (whole + (i - start) == 0)
			return false;
	} else if (whole == 0) {
		return false;
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
			i++;
		start = i;
		i = skip_digits(s, i);
		if (i == start)
			return false;
	}
	return i == s.n;
}

static enum node_kind
core_kind(struct span s)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL",
		NULL };
	static const char *const bools[] = { "true", "True", "TRUE", "false",
		"False", "FALSE", NULL };

	if (span_is_one_of(s, nulls))
		return NODE_NULL;
	if (span_is_one_of(s, bools))
		return NODE_BOOL;
	return is_core_number(s) ? NODE_NUMBER : NODE_STRING;
}

static struct place
mark_place(const struct yaml_reader *r, yaml_mark_t mark)
{
	return tree_build_place(
	    &r->b, (unsigned)mark.line + 1, (unsigned)mark.column + 1);
}

/* Of a byte that the reader of characters stumbled over. */
static struct place
offset_place(const struct yaml_reader *r, size_t offset)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < offset && i < r->text.n; i++) {
		if (r->text.p[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)r->text.p[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return tree_build_place(&r->b, line, column);
}

static bool
parser_failed(struct yaml_reader *r)
{
	const yaml_parser_t *p = &r->parser;

	switch (p->error) {
	case YAML_MEMORY_ERROR:
		return tree_build_fail(&r->b, tree_build_place(&r->b, 0, 0),
		    "memory", "out of memory");
	case YAML_READER_ERROR:
		return tree_build_fail(&r->b,
		    offset_place(r, p->problem_offset), "yaml", "%s",
		    p->problem);
	default:
		break;
	}
	if (p->context == NULL)
		return tree_build_fail(&r->b, mark_place(r, p->problem_mark),
		    "yaml", "%s", p->problem);
	return tree_build_fail(&r->b, mark_place(r, p->problem_mark), "yaml",
	    "%s %s that begins in line %zu", p->problem, p->context,
	    p->context_mark.line + 1);
}

static bool
remember_anchor(struct yaml_reader *r, const yaml_char_t *name, struct node *n)
{
	struct span key;

	if (n == NULL)
		return false;
	if (name == NULL)
		return true;
	key = arena_copy(r->b.arena, span_str((const char *)name));
	if (key.p == NULL || !table_put(&r->anchors, key, n))
		return tree_build_fail(
		    &r->b, n->place, "memory", "out of memory");
	return true;
}

/* False when the tag is none that says how to read a scalar. */
static bool
tagged_kind(const char *tag, struct span text, enum node_kind *kind)
{
	struct span t = span_str(tag), core = SPAN(CORE_TAG);

	*kind = core_kind(text);
	if (span_eq(t, SPAN("!"))) {
		*kind = NODE_STRING;
		return true;
	}
	if (!span_starts(t, core))
		return false;
	t = span_skip(t, core.n);
	if (span_eq(t, SPAN("str"))) {
		*kind = NODE_STRING;
		return true;
	}
	return (span_eq(t, SPAN("int")) && *kind == NODE_NUMBER) ||
	    (span_eq(t, SPAN("float")) && *kind == NODE_NUMBER) ||
	    (span_eq(t, SPAN("bool")) && *kind == NODE_BOOL) ||
	    (span_eq(t, SPAN("null")) && *kind == NODE_NULL);
}

static bool
take_scalar(struct yaml_reader *r, const yaml_event_t *e)
{
	const char *tag = (const char *)e->data.scalar.tag;
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct place at = mark_place(r, e->start_mark);
	enum node_kind kind = NODE_STRING;
	struct span text = arena_copy(
	    r->b.arena, span_of(e->data.scalar.value, e->data.scalar.length));

	if (text.p == NULL)
		return tree_build_fail(&r->b, at, "memory", "out of memory");
	/* As in JSON: whoever ends a text at a NUL reads another one. */
	if (span_has(text, '\0'))
		return tree_build_fail(&r->b, at, "yaml", "NUL in a text");
	if (tag != NULL) {
		if (!tagged_kind(tag, text, &kind))
			return tree_build_fail(&r->b, at, "yaml",
			    "the tag '%s' does not fit this value", tag);
	} else if (plain) {
		kind = core_kind(text);
	}
	if (tree_build_wants_name(&r->b)) {
		/* Names may have anchors too; nothing refers to them. */
		if (plain && tag == NULL && span_eq(text, SPAN("<<")))
			return tree_build_merge_name(&r->b, at);
		return tree_build_name(&r->b, text, at);
	}
	if (kind == NODE_BOOL)
		text = (text.p[0] | 0x20) == 't' ? SPAN("true") : SPAN("false");
	return remember_anchor(
	    r, e->data.scalar.anchor, tree_build_scalar(&r->b, kind, text, at));
}

static bool
take_open(struct yaml_reader *r, enum node_kind kind, const yaml_char_t *tag,
    const yaml_char_t *anchor, struct place at)
{
	const char *fits = kind == NODE_MAP ? CORE_TAG "map" : CORE_TAG "seq";

	if (tag != NULL && strcmp((const char *)tag, fits) != 0 &&
	    strcmp((const char *)tag, "!") != 0)
		return tree_build_fail(&r->b, at, "yaml",
		    "the tag '%s' does not fit this value", tag);
	if (tree_build_wants_name(&r->b))
		return tree_build_fail(&r->b, at, "yaml",
		    "%s cannot be a key here", tree_kind_name(kind));
	return remember_anchor(r, anchor, tree_build_open(&r->b, kind, at));
}

static bool
take_alias(struct yaml_reader *r, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	struct place at = mark_place(r, e->start_mark);
	const struct node *n = table_get(&r->anchors, span_str(name));

	if (n == NULL)
		return tree_build_fail(
		    &r->b, at, "yaml", "no anchor '&%s' before this", name);
	if (!tree_build_wants_name(&r->b))
		return tree_build_alias(&r->b, n, at);
	if (n->kind == NODE_MAP || n->kind == NODE_LIST)
		return tree_build_fail(&r->b, at, "yaml",
		    "%s cannot be a key here", tree_kind_name(n->kind));
	return tree_build_name(&r->b, n->text, at);
}

static bool
take_event(struct yaml_reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(r, e);
	case YAML_ALIAS_EVENT:
		return take_alias(r, e);
	case YAML_MAPPING_START_EVENT:
		return take_open(r, NODE_MAP, e->data.mapping_start.tag,
		    e->data.mapping_start.anchor, mark_place(r, e->start_mark));
	case YAML_SEQUENCE_START_EVENT:
		return take_open(r, NODE_LIST, e->data.sequence_start.tag,
		    e->data.sequence_start.anchor,
		    mark_place(r, e->start_mark));
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return tree_build_close(&r->b);
	case YAML_DOCUMENT_START_EVENT:
		if (r->b.root != NULL)
			return tree_build_fail(&r->b,
			    mark_place(r, e->start_mark), "yaml-documents",
			    "a second document begins here; one is read");
		return true;
	default:
		return true;
	}
}

static bool
read_events(struct yaml_reader *r)
{
	bool more = true;

	while (more) {
		yaml_event_t e;
		bool taken;

		if (!yaml_parser_parse(&r->parser, &e))
			return parser_failed(r);
		more = e.type != YAML_STREAM_END_EVENT;
		taken = take_event(r, &e);
		yaml_event_delete(&e);
		if (!taken)
			return false;
	}
	if (r->b.root == NULL)
		return tree_build_fail(&r->b, tree_build_place(&r->b, 0, 0),
		    "yaml", "there is nothing in it");
	return true;
}

static void
build_yaml(struct yaml_reader *r, struct span text)
{
	if (!yaml_parser_initialize(&r->parser)) {
		tree_build_fail(&r->b, tree_build_place(&r->b, 0, 0), "memory",
		    "out of memory");
		return;
	}
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &r->parser, (const unsigned char *)text.p, text.n);
	r->text = text;
	table_init(&r->anchors, r->b.arena);
	(void)read_events(r); /* what fails is noted in the build */
	yaml_parser_delete(&r->parser);
}

static struct node *
finish(const struct tree_build *b, struct diag *d)
{
	if (!b->failed)
		return b->root;
	if (b->error_text.p == NULL)
		diag_error(d, b->error_at, "memory",
		    "the document is too large for the memory");
	else
		diag_error(d, b->error_at, b->error_rule, "%.*s",
		    SPAN_ARG(b->error_text));
	return NULL;
}

/* Where the first character begins that is none. */
static size_t
not_utf8(struct span s)
{
	size_t i = 0, n = 1;

	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i];

		n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		if (n > s.n - i || !span_is_utf8(span_of(s.p + i, n)))
			break;
		i += n;
	}
	return i;
}

static struct span
skip_white(struct span s)
{
	while (s.n > 0 &&
	    (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\r' ||
		s.p[0] == '\n'))
		s = span_skip(s, 1);
	return s;
}

/* "text" lives in the arena of "d". */
static struct node *
parse(struct span text, const char *shown, struct diag *d)
{
	struct yaml_reader *r = arena_alloc(d->arena, sizeof(*r));
	struct span start;

	if (r == NULL) {
		diag_error(d, (struct place){ shown, 0, 0 }, "memory",
		    "out of memory");
		return NULL;
	}
	tree_build_init(&r->b, d->arena, shown);
	if (!span_is_utf8(text)) {
		r->text = text;
		diag_error(
		    d, offset_place(r, not_utf8(text)), "utf-8", "not UTF-8");
		return NULL;
	}
	start = skip_white(text);
	if (start.n > 0 && (start.p[0] == '{' || start.p[0] == '[')) {
		if (tree_build_json(&r->b, text) ||
		    span_ends(span_str(shown), SPAN(".json")))
			return finish(&r->b, d);
		tree_build_init(&r->b, d->arena, shown);
	}
	build_yaml(r, text);
	return finish(&r->b, d);
}

struct node *
tree_parse(struct span text, const char *shown, struct diag *d)
{
	struct span copy;

	/* A byte order mark is allowed in YAML and common in JSON files. */
	if (span_starts(text, SPAN("\xef\xbb\xbf")))
		text = span_skip(text, 3);
	copy = arena_copy(d->arena, text);
	if (text.n > TREE_BYTES_MAX || copy.p == NULL) {
		diag_error(d, (struct place){ shown, 0, 0 }, "too-large",
		    "more than %d bytes", TREE_BYTES_MAX);
		return NULL;
	}
	return parse(copy, shown, d);
}

/* Messages begin with the name already. */
static const char *
without_path(const char *why, const char *path)
{
	size_t n = strlen(path);

	if (strncmp(why, path, n) == 0 && strncmp(why + n, ": ", 2) == 0)
		return why + n + 2;
	return why;
}

struct node *
tree_read(const char *path, const char *shown, struct diag *d)
{
	struct node *n = NULL;
	char why[512];
	struct buf b;

	buf_init(&b, TREE_BYTES_MAX);
	if (file_read(
		path, FILE_ANY, TREE_BYTES_MAX, &b, NULL, why, sizeof(why)))
		n = tree_parse(buf_span(&b), shown, d);
	else
		diag_error(d, (struct place){ shown, 0, 0 }, "file", "%s",
		    without_path(why, path));
	buf_fini(&b);
	return n;
}
