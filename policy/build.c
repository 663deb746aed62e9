/*
 * build - see build.h.
 */
#include "policy/build.h"

#include <stdlib.h>

#include "policy/build_table.h"
#include "policy/bundle.h"
#include "policy/path.h"

/* A step in the tree: a literal segment, or a pattern. */
struct link {
	uint32_t parent;
	uint32_t child;
	bool pattern;
	uint32_t key_at; /* in "keys": the segment, or parts with NULs */
	uint32_t key_n;
	uint32_t n_literal; /* bytes of literal text */
	uint32_t n_variables;
};

struct build {
	struct buf rows[SECTION__MAX];
	struct buf links;
	struct buf keys;
	struct buf texts; /* struct text, each once */
	struct build_table by_text;
	struct build_table by_link;
	struct build_table by_parts; /* patterns that were written */
	bool failed;
};

struct build *
build_new(void)
{
	static const struct row_node root = {
		.item = ROW_NONE, .wildcard = ROW_NONE, .api = ROW_NONE
	};
	struct build *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	for (int s = 0; s < SECTION__MAX; s++)
		buf_init(&b->rows[s], BUNDLE_BYTES_MAX);
	buf_init(&b->links, BUNDLE_BYTES_MAX);
	buf_init(&b->keys, BUNDLE_BYTES_MAX);
	buf_init(&b->texts, BUNDLE_BYTES_MAX);
	buf_add_char(&b->rows[SECTION_TEXT], '\0');
	buf_add_char(&b->keys, '\0');            /* so that no key is at NULL */
	(void)BUILD_ROW(b, SECTION_NODE, &root); /* row 0 */
	return b;
}

void
build_free(struct build *b)
{
	if (b == NULL)
		return;
	for (int s = 0; s < SECTION__MAX; s++)
		buf_fini(&b->rows[s]);
	buf_fini(&b->links);
	buf_fini(&b->keys);
	buf_fini(&b->texts);
	build_table_fini(&b->by_text);
	build_table_fini(&b->by_link);
	build_table_fini(&b->by_parts);
	free(b);
}

struct text
build_text(struct build *b, struct span s)
{
	struct buf *text = &b->rows[SECTION_TEXT];
	uint32_t hash = bundle_edge_hash(0, s), at = hash, entry;
	struct text t = { 0, 0 };

	if (s.p == NULL)
		return t;
	while (build_table_next(&b->by_text, hash, &at, &entry)) {
		memcpy(&t, b->texts.p + entry * sizeof(t), sizeof(t));
		if (span_eq(span_of(text->p + t.at, t.n), s))
			return t;
	}
	t = (struct text){ (uint32_t)text->n, (uint32_t)s.n };
	buf_add(text, s);
	buf_add_char(text, '\0');
	entry = (uint32_t)(b->texts.n / sizeof(t));
	buf_add(&b->texts, span_of(&t, sizeof(t)));
	if (text->failed || b->texts.failed ||
	    !build_table_put(&b->by_text, hash, entry)) {
		b->failed = true;
		return (struct text){ 0, 0 };
	}
	return t;
}

uint32_t
build_n(const struct build *b, enum section s)
{
	return (uint32_t)(b->rows[s].n / bundle_row_bytes(s));
}

uint32_t
build_row(struct build *b, enum section s, const void *row, size_t row_bytes)
{
	uint32_t n = build_n(b, s);

	assert(row_bytes == bundle_row_bytes(s));
	buf_add(&b->rows[s], span_of(row, row_bytes));
	return n;
}

void *
build_at(struct build *b, enum section s, uint32_t row)
{
	assert(row < build_n(b, s));
	return b->rows[s].p + (size_t)row * bundle_row_bytes(s);
}

struct range
build_strings(struct build *b, const struct span *list, uint32_t n)
{
	struct range r = { build_n(b, SECTION_STRING), n };

	for (uint32_t i = 0; i < n; i++) {
		struct text t = build_text(b, list[i]);

		(void)BUILD_ROW(b, SECTION_STRING, &t); /* in order */
	}
	return r;
}

struct range
build_indices(struct build *b, const uint32_t *list, uint32_t n)
{
	struct range r = { build_n(b, SECTION_INDEX), n };

	for (uint32_t i = 0; i < n; i++)
		(void)BUILD_ROW(b, SECTION_INDEX, &list[i]); /* in order */
	return r;
}

static struct link
link_at(const struct build *b, uint32_t i)
{
	struct link l;

	memcpy(&l, b->links.p + i * sizeof(l), sizeof(l));
	return l;
}

static struct span
link_key(const struct build *b, const struct link *l)
{
	return span_of(b->keys.p + l->key_at, l->key_n);
}

/*
 * The child that "want" leads to, made when it is new.  Its key lies at
 * the end of "keys" and is dropped again when the step was known.
 */
static uint32_t
follow(struct build *b, struct link *want)
{
	static const struct row_node fresh = {
		.item = ROW_NONE, .wildcard = ROW_NONE, .api = ROW_NONE
	};
	struct span key = link_key(b, want);
	uint32_t hash = bundle_edge_hash(want->parent, key), at = hash, i;

	while (build_table_next(&b->by_link, hash, &at, &i)) {
		struct link l = link_at(b, i);

		if (l.parent == want->parent && span_eq(link_key(b, &l), key)) {
			b->keys.n = want->key_at;
			return l.child;
		}
	}
	want->child = BUILD_ROW(b, SECTION_NODE, &fresh);
	i = (uint32_t)(b->links.n / sizeof(*want));
	buf_add(&b->links, span_of(want, sizeof(*want)));
	if (b->links.failed || b->rows[SECTION_NODE].failed ||
	    !build_table_put(&b->by_link, hash, i)) {
		b->failed = true;
		return 0;
	}
	return want->child;
}

/* Literal text of a template, decoded behind what is in "keys". */
static bool
add_literal(struct build *b, struct link *l, struct span s)
{
	char *room = buf_room(&b->keys, s.n);
	size_t n;

	if (room == NULL || !path_unescape(s, room, &n))
		return room == NULL; /* no memory is told at the end */
	b->keys.n += n;
	l->n_literal += (uint32_t)n;
	/* No request can mean these: they are refused before. */
	return !span_has_control(span_of(room, n)) &&
	    !span_has(span_of(room, n), '/') &&
	    !span_has(span_of(room, n), '\\') && span_is_utf8(span_of(room, n));
}

/* One segment with its variables, whose names are appended to STRING. */
static bool
read_segment(
    struct build *b, struct span segment, struct link *l, const char **why)
{
	while (segment.p != NULL) {
		struct span literal = span_cut(&segment, '{'), name;
		struct text t;

		if (span_has(literal, '}')) {
			*why = "'}' without '{'";
			return false;
		}
		if (!add_literal(b, l, literal)) {
			*why = "not a path segment when decoded";
			return false;
		}
		if (segment.p == NULL)
			break;
		name = span_cut(&segment, '}');
		if (segment.p == NULL || name.n == 0 || span_has(name, '{')) {
			*why = "'{' without a name and '}'";
			return false;
		}
		l->pattern = true;
		l->n_variables++;
		buf_add_char(&b->keys, '\0');
		t = build_text(b, name);
		(void)BUILD_ROW(b, SECTION_STRING, &t); /* in order */
	}
	return true;
}

bool
build_path(struct build *b, struct span template, struct build_place *place,
    const char **why)
{
	struct span rest = template;
	unsigned depth = 0;

	*place = (struct build_place){ .variables = {
					   build_n(b, SECTION_STRING), 0 } };
	if (template.n == 0)
		return true;
	if (span_cut(&rest, '/').n != 0 || rest.p == NULL) {
		*why = "does not begin with '/'";
		return false;
	}
	while (rest.p != NULL) {
		struct span segment = span_cut(&rest, '/');
		struct link l = { .parent = place->node,
			.key_at = (uint32_t)b->keys.n };

		if (span_eq(segment, SPAN("*"))) {
			place->wildcard = true;
			*why = "'*' is not the last segment";
			return rest.p == NULL;
		}
		if (segment.n == 0 && rest.p != NULL) {
			*why = "an empty segment";
			return false;
		}
		if (!read_segment(b, segment, &l, why))
			return false;
		l.key_n = (uint32_t)b->keys.n - l.key_at;
		place->node = follow(b, &l);
		place->variables.n += l.n_variables;
		*why = "too many segments or variables";
		if (++depth > BUNDLE_DEPTH_MAX ||
		    place->variables.n > BUNDLE_VARIABLES_MAX)
			return false;
	}
	return true;
}

static struct row_node *
node_at(const struct build *b, uint32_t i)
{
	struct row_node *rows = (void *)b->rows[SECTION_NODE].p;

	return rows + i;
}

uint32_t
build_item(const struct build *b, const struct build_place *place)
{
	const struct row_node *n = node_at(b, place->node);

	return place->wildcard ? n->wildcard : n->item;
}

void
build_set_item(struct build *b, const struct build_place *place, uint32_t item)
{
	struct row_node *n = node_at(b, place->node);

	if (place->wildcard)
		n->wildcard = item;
	else
		n->item = item;
}

void
build_set_api(struct build *b, const struct build_place *place, uint32_t api)
{
	node_at(b, place->node)->api = api;
}

/*
 * Patterns of one node together; of these the one with more literal text
 * first, then the one with fewer variables, then by bytes, so that the
 * order of documents plays no part.
 */
static int
pattern_order(const void *left, const void *right, void *build)
{
	const struct link *a = left, *z = right;

	if (a->parent != z->parent)
		return a->parent < z->parent ? -1 : 1;
	if (a->n_literal != z->n_literal)
		return a->n_literal > z->n_literal ? -1 : 1;
	if (a->n_variables != z->n_variables)
		return a->n_variables < z->n_variables ? -1 : 1;
	return span_cmp(link_key(build, a), link_key(build, z));
}

/* The step that made node "child": the root apart, each has one. */
static struct link
link_to(const struct build *b, uint32_t child)
{
	return link_at(b, child - 1);
}

/*
 * The parts of a pattern.  Equal ones are stored once: most patterns of a
 * large bundle are a mere {id}, and stay in the processor's cache so.
 */
static struct range
write_parts(struct build *b, struct span key)
{
	uint32_t hash = bundle_edge_hash(0, key), at = hash, i;
	struct range r = { build_n(b, SECTION_STRING), 0 };
	struct span rest = key;

	while (build_table_next(&b->by_parts, hash, &at, &i)) {
		const struct row_pattern *known =
		    build_at(b, SECTION_PATTERN, i);
		const struct link l = link_to(b, known->child);

		if (span_eq(link_key(b, &l), key))
			return known->parts;
	}
	while (rest.p != NULL) {
		struct span part = span_cut(&rest, '\0');

		r.n += build_strings(b, &part, 1).n;
	}
	b->failed |=
	    !build_table_put(&b->by_parts, hash, build_n(b, SECTION_PATTERN));
	return r;
}

static void
write_pattern(struct build *b, const struct link *l)
{
	struct row_pattern row = { .child = l->child };
	struct row_node *node = node_at(b, l->parent);

	row.parts = write_parts(b, link_key(b, l));
	if (node->patterns.n++ == 0)
		node->patterns.first = build_n(b, SECTION_PATTERN);
	(void)BUILD_ROW(b, SECTION_PATTERN, &row); /* in order */
}

static bool
write_patterns(struct build *b)
{
	size_t n = b->links.n / sizeof(struct link), n_patterns = 0;
	struct link *sorted = calloc(n + 1, sizeof(*sorted));

	if (sorted == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct link l = link_at(b, i);

		if (l.pattern)
			sorted[n_patterns++] = l;
	}
	qsort_r(sorted, n_patterns, sizeof(*sorted), pattern_order, b);
	for (size_t i = 0; i < n_patterns; i++)
		write_pattern(b, &sorted[i]);
	free(sorted);
	return true;
}

static bool
write_edges(struct build *b)
{
	uint32_t n = (uint32_t)(b->links.n / sizeof(struct link));
	uint32_t size = 1, literal = 0;
	struct row_edge *table;

	for (uint32_t i = 0; i < n; i++)
		literal += !link_at(b, i).pattern;
	if (literal == 0)
		return true;
	while (size < literal * 2)
		size *= 2;
	table = calloc(size, sizeof(*table));
	if (table == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct link l = link_at(b, i);
		uint32_t at =
		    bundle_edge_hash(l.parent, link_key(b, &l)) & (size - 1);

		if (l.pattern)
			continue;
		while (table[at].child != 0)
			at = (at + 1) & (size - 1);
		table[at] = (struct row_edge){ l.parent, l.child,
			build_text(b, link_key(b, &l)) };
		node_at(b, l.parent)->n_edges++;
	}
	buf_add(&b->rows[SECTION_EDGE], span_of(table, size * sizeof(*table)));
	free(table);
	return true;
}

/* Those of later features are left out where they have no rows. */
static bool
is_written(uint32_t s, const struct buf *rows)
{
	return s <= SECTION_TEXT || rows->n > 0;
}

static uint32_t
write_sections(const struct build *b, struct buf *to)
{
	static const char zeros[8] = { 0 };
	struct bundle_section table[SECTION__MAX] = { 0 };
	uint32_t n = 0;
	uint64_t at;

	for (uint32_t s = 1; s < SECTION__MAX; s++)
		n += is_written(s, &b->rows[s]);
	at = sizeof(struct bundle_header) + n * sizeof(*table);
	n = 0;
	for (uint32_t s = 1; s < SECTION__MAX; s++) {
		if (!is_written(s, &b->rows[s]))
			continue;
		table[n++] = (struct bundle_section){ .tag = s,
			.row_bytes = bundle_row_bytes(s),
			.offset = at,
			.n_rows = build_n(b, s) };
		at += (b->rows[s].n + 7) / 8 * 8;
	}
	buf_add(to, span_of(table, n * sizeof(*table)));
	for (uint32_t s = 1; s < SECTION__MAX; s++) {
		buf_add(to, span_of(b->rows[s].p, b->rows[s].n));
		buf_add(to, span_of(zeros, -b->rows[s].n % 8));
	}
	return n;
}

bool
build_finish(struct build *b, struct buf *bytes)
{
	struct bundle_header h = { .version = BUNDLE_VERSION };
	struct hash128 sum;

	b->failed |= !write_patterns(b) || !write_edges(b);
	for (int s = 1; s < SECTION__MAX; s++)
		b->failed |= b->rows[s].failed;
	b->failed |= b->keys.failed || b->links.failed;
	if (b->failed)
		return false;
	buf_init(bytes, BUNDLE_BYTES_MAX);
	memcpy(h.magic, BUNDLE_MAGIC, sizeof(h.magic));
	buf_add(bytes, span_of(&h, sizeof(h)));
	h.n_sections = write_sections(b, bytes);
	if (bytes->failed) {
		buf_fini(bytes);
		return false;
	}
	h.size = bytes->n;
	h.policy_lo = bundle_policy_sum(buf_span(bytes));
	memcpy(bytes->p, &h, sizeof(h));
	sum = bundle_sum(buf_span(bytes));
	h.sum_lo = sum.lo;
	h.sum_hi = sum.hi;
	memcpy(bytes->p, &h, sizeof(h));
	return true;
}
