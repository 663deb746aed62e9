/*
 * tree_json - nodes from JSON text, and JSON text from nodes.
 */
#include "spec/tree_build.h"

#include "base/json.h"

/*
 * The scanner counts columns in bytes.  Events come in order, so that the
 * characters of a line are counted once, however long it is.
 */
struct ruler {
	struct span text;
	size_t offset;
	unsigned line, column;
};

static struct place
place_of(struct ruler *r, const struct tree_build *b, const struct json_scan *s)
{
	size_t at = s->offset < r->text.n ? s->offset : r->text.n;

	if (r->line != s->line || at < r->offset) {
		size_t back = s->column > 0 ? s->column - 1 : 0;

		r->line = s->line;
		r->column = 1;
		r->offset = at > back ? at - back : 0;
	}
	for (; r->offset < at; r->offset++)
		if (((unsigned char)r->text.p[r->offset] & 0xc0) != 0x80)
			r->column++;
	return tree_build_place(b, r->line, r->column);
}

static bool
take_event(struct tree_build *b, const struct json_scan *s,
    enum json_event event, struct place at)
{
	switch (event) {
	case JSON_OBJECT:
		return tree_build_open(b, NODE_MAP, at) != NULL;
	case JSON_ARRAY:
		return tree_build_open(b, NODE_LIST, at) != NULL;
	case JSON_OBJECT_END:
	case JSON_ARRAY_END:
		return tree_build_close(b);
	case JSON_NAME:
		return tree_build_name(b, s->value, at);
	case JSON_STRING:
		return tree_build_scalar(b, NODE_STRING, s->value, at) != NULL;
	case JSON_NUMBER:
		return tree_build_scalar(b, NODE_NUMBER, s->value, at) != NULL;
	case JSON_TRUE:
		return tree_build_scalar(b, NODE_BOOL, SPAN("true"), at) !=
		    NULL;
	case JSON_FALSE:
		return tree_build_scalar(b, NODE_BOOL, SPAN("false"), at) !=
		    NULL;
	case JSON_NULL:
		return tree_build_scalar(b, NODE_NULL, SPAN("null"), at) !=
		    NULL;
	case JSON_ERROR:
		return tree_build_fail(b, at, "json", "%s", s->error);
	case JSON_END:
		break;
	}
	return false;
}

bool
tree_build_json(struct tree_build *b, struct span text)
{
	struct ruler r = { .text = text, .line = 1, .column = 1 };
	enum json_event event;
	struct json_scan s;

	json_scan_init(&s, text, JSON_DEPTH_MAX, b->arena);
	while ((event = json_scan_next(&s)) != JSON_END)
		if (!take_event(b, &s, event, place_of(&r, b, &s)))
			return false;
	return b->root != NULL;
}

/* RFC 8259 section 6. */
static bool
is_json_number(struct span s)
{
	size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0;
	size_t first = i;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (i == first || (s.p[first] == '0' && i > first + 1))
		return false;
	if (i < s.n && s.p[i] == '.') {
		first = ++i;
		while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
		if (i == first)
			return false;
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		first = i;
		while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
		if (i == first)
			return false;
	}
	return i == s.n;
}

/* Hexadecimal or octal digits without the 0x or 0o; false if too large. */
static bool
digits_value(struct span digits, unsigned base, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < digits.n; i++) {
		unsigned char c = (unsigned char)digits.p[i];
		unsigned digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

		if (*value > (UINT64_MAX - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	return digits.n > 0;
}

/* What YAML calls a number may not be one in JSON: +1, 007, .5, 0x1F. */
static void
write_number(struct span s, struct buf *to)
{
	struct span rest = s;
	struct buf plain;
	uint64_t value;

	if (is_json_number(s)) {
		buf_add(to, s);
		return;
	}
	if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'o') &&
	    digits_value(span_skip(s, 2), s.p[1] == 'x' ? 16 : 8, &value)) {
		buf_add_u64(to, value);
		return;
	}
	buf_init(&plain, s.n + 8);
	if (rest.n > 0 && rest.p[0] == '-')
		buf_add_char(&plain, '-');
	if (rest.n > 0 && (rest.p[0] == '-' || rest.p[0] == '+'))
		rest = span_skip(rest, 1);
	while (rest.n > 1 && rest.p[0] == '0' && rest.p[1] >= '0' &&
	    rest.p[1] <= '9')
		rest = span_skip(rest, 1);
	if (rest.n > 0 && rest.p[0] == '.')
		buf_add_char(&plain, '0');
	for (size_t i = 0; i < rest.n; i++) {
		buf_add_char(&plain, rest.p[i]);
		if (rest.p[i] == '.' &&
		    (i + 1 == rest.n || (rest.p[i + 1] | 0x20) == 'e'))
			buf_add_char(&plain, '0');
	}
	if (!plain.failed && is_json_number(buf_span(&plain)))
		buf_add(to, buf_span(&plain));
	else
		json_write_string(to, s); /* .inf, .nan, and huge 0x */
	buf_fini(&plain);
}

static void
indent(struct buf *to, unsigned depth)
{
	buf_add_char(to, '\n');
	for (unsigned i = 0; i < depth; i++)
		buf_add_str(to, "  ");
}

/* As deep as the tree, which is at most TREE_DEPTH_MAX. */
static void
write_node(const struct node *n, unsigned depth, struct buf *to)
{
	bool map = n->kind == NODE_MAP;

	if (n->kind == NODE_STRING) {
		json_write_string(to, n->text);
		return;
	}
	if (n->kind == NODE_NUMBER) {
		write_number(n->text, to);
		return;
	}
	if (!map && n->kind != NODE_LIST) {
		buf_add_str(to, n->kind == NODE_NULL ? "null" : "");
		if (n->kind == NODE_BOOL)
			buf_add(to, n->text);
		return;
	}
	buf_add_char(to, map ? '{' : '[');
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		indent(to, depth + 1);
		if (map) {
			json_write_string(to, m->name);
			buf_add_str(to, ": ");
		}
		write_node(m, depth + 1, to);
		if (m->next != NULL)
			buf_add_char(to, ',');
	}
	if (n->first != NULL)
		indent(to, depth);
	buf_add_char(to, map ? '}' : ']');
}

void
tree_write_json(const struct node *n, struct buf *to)
{
	write_node(n, 0, to);
	buf_add_char(to, '\n');
}
