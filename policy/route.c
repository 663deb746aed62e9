/*
 * route - see route.h.
 */
#include "policy/route.h"

struct search {
	const struct bundle *b;
	const struct request *r;
	struct span variables[BUNDLE_VARIABLES_MAX];
	uint32_t item;
	const struct row_api *api;
};

static bool
slash_ignored(const struct search *s, uint32_t item)
{
	const struct row_item *row = bundle_item(s->b, item);

	return (bundle_api(s->b, row->api)->flags & API_SLASH_IGNORE) != 0;
}

/* The place of "part" in "s" at or behind "from"; s.n + 1: none. */
static size_t
find_part(struct span s, size_t from, struct span part)
{
	const char *at;

	if (from > s.n)
		return s.n + 1;
	if (part.n == 0)
		return from;
	at = memmem(s.p + from, s.n - from, part.p, part.n);
	return at != NULL ? (size_t)(at - s.p) : s.n + 1;
}

/*
 * Fit "segment" to the parts of a pattern; the variables go to "to".
 * Taking the shortest run each time finds a fit whenever there is one,
 * since the last part alone is anchored.
 */
static bool
fit_pattern(const struct bundle *b, const struct row_pattern *p,
    struct span segment, struct span *to)
{
	struct span part = bundle_string(b, p->parts.first);
	size_t at = part.n, end;

	if (!span_starts(segment, part))
		return false;
	for (uint32_t i = 1; i + 1 < p->parts.n; i++) {
		part = bundle_string(b, p->parts.first + i);
		end = find_part(segment, at + 1, part);
		if (end > segment.n)
			return false;
		*to++ = span_of(segment.p + at, end - at);
		at = end + part.n;
	}
	part = bundle_string(b, p->parts.first + p->parts.n - 1);
	if (!span_ends(segment, part) || segment.n - part.n <= at)
		return false;
	*to = span_of(segment.p + at, segment.n - part.n - at);
	return true;
}

/*
 * Search below "node" for segments from "i" on; "n" variables are taken.
 * Children come behind their parents and have one parent each, which
 * bundle_check has proved: the recursion ends, and is as deep as the tree.
 */
static bool
search(struct search *s, uint32_t node, size_t i, uint32_t n)
{
	const struct row_node *row = bundle_node(s->b, node);
	const struct request *r = s->r;
	bool end = i == r->n_segments;
	bool slash = i + 1 == r->n_segments && r->segments[i].n == 0;
	uint32_t child;

	if (row->api != ROW_NONE)
		s->api = bundle_api(s->b, row->api);
	if (end && row->item != ROW_NONE) {
		s->item = row->item;
		return true;
	}
	if (!end && row->n_edges > 0 &&
	    bundle_find_edge(s->b, node, r->segments[i], &child) &&
	    search(s, child, i + 1, n))
		return true;
	for (uint32_t k = 0; !end && k < row->patterns.n; k++) {
		const struct row_pattern *p =
		    bundle_pattern(s->b, row->patterns.first + k);

		if (fit_pattern(s->b, p, r->segments[i], s->variables + n) &&
		    search(s, p->child, i + 1, n + p->parts.n - 1))
			return true;
	}
	if (slash && row->item != ROW_NONE && slash_ignored(s, row->item)) {
		s->item = row->item;
		return true;
	}
	if (end && row->n_edges > 0 &&
	    bundle_find_edge(s->b, node, SPAN(""), &child) &&
	    bundle_node(s->b, child)->item != ROW_NONE &&
	    slash_ignored(s, bundle_node(s->b, child)->item)) {
		s->item = bundle_node(s->b, child)->item;
		return true;
	}
	if (row->wildcard == ROW_NONE)
		return false;
	s->item = row->wildcard;
	return true;
}

static const struct row_operation *
find_operation(
    const struct bundle *b, const struct row_item *item, struct span method)
{
	for (uint32_t i = 0; i < item->operations.n; i++) {
		const struct row_operation *op =
		    bundle_operation(b, item->operations.first + i);

		if (span_eq(bundle_text(b, op->method), method))
			return op;
	}
	return NULL;
}

/* The method of a path that was found. */
static bool
match_method(const struct bundle *b, const struct request *r, struct match *m,
    struct decision *d)
{
	/* Whatever the document says: it would show what proxies added. */
	if (span_eq(r->method, SPAN("TRACE")))
		return refuse(
		    d, REASON_METHOD_NOT_ALLOWED, SPAN("TRACE is not served"));
	m->operation = find_operation(b, m->item, r->method);
	if (m->operation == NULL && span_eq(r->method, SPAN("HEAD"))) {
		m->operation = find_operation(b, m->item, SPAN("GET"));
		m->head = m->operation != NULL;
	}
	if (m->operation != NULL || span_eq(r->method, SPAN("OPTIONS")))
		return true;
	return refuse(d, REASON_METHOD_NOT_ALLOWED,
	    SPAN("the resource has no such method"));
}

/*
 * Servers for Java cut ";name=value" off each segment before they compare
 * it: "/admin;x" is "/{id}" here and "/admin" there.  True when the path
 * so cut would be another item; "*item" is it, or ROW_NONE for a fault.
 */
static bool
is_other_when_cut(const struct search *found, uint32_t *item)
{
	const struct request *r = found->r;
	struct request cut = *r;
	struct search s = { .b = found->b, .r = &cut };
	bool any = false;

	for (size_t i = 0; i < r->n_segments; i++)
		any = any || span_has(r->segments[i], ';');
	if (!any)
		return false;
	*item = ROW_NONE;
	cut.segments =
	    arena_alloc(r->arena, r->n_segments * sizeof(*cut.segments));
	if (cut.segments == NULL)
		return true;
	for (size_t i = 0; i < r->n_segments; i++) {
		struct span segment = r->segments[i];

		cut.segments[i] = span_cut(&segment, ';');
		/* Nothing before it: an empty segment there. */
		if (cut.segments[i].n == 0 && segment.p != NULL) {
			*item = found->item;
			return true;
		}
	}
	*item = search(&s, 0, 0, 0) ? s.item : found->item;
	return *item != found->item;
}

bool
route_match(const struct bundle *b, const struct request *r, struct match *m,
    struct decision *d)
{
	struct search s = { .b = b, .r = r };
	uint32_t other;
	size_t n;

	*m = (struct match){ 0 };
	if (r->n_segments == 0) /* "OPTIONS *", see request.h */
		return true;
	if (!search(&s, 0, 0, 0)) {
		m->api = s.api;
		return refuse(d, REASON_NO_ROUTE, SPAN("no such path"));
	}
	if (is_other_when_cut(&s, &other)) {
		m->api = s.api;
		return other == ROW_NONE
		    ? refuse(d, REASON_FAULT, SPAN("out of memory"))
		    : refuse(d, REASON_PATH_AMBIGUOUS,
			  SPAN("without what follows ';' it is another path"));
	}
	m->item = bundle_item(b, s.item);
	m->api = bundle_api(b, m->item->api);
	n = m->item->variables.n * sizeof(*m->variables);
	m->variables = arena_alloc(r->arena, n);
	if (m->variables == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	memcpy(m->variables, s.variables, n);
	return match_method(b, r, m, d);
}
