/*
 * change - see change.h.
 */
#include "policy/change.h"

#include "policy/change_value.h"
#include "policy/credential_fields.h"
#include "policy/path.h"

struct span
change_behind(struct span path, struct span base)
{
	for (size_t i = 0; i < base.n; i++) {
		const char *slash;

		if (base.p[i] != '/' || path.n == 0)
			continue;
		slash = memchr(path.p + 1, '/', path.n - 1);
		path = span_skip(
		    path, slash != NULL ? (size_t)(slash - path.p) : path.n);
	}
	return path;
}

bool
change_drops(const struct bundle *b, const struct change *c,
    enum change_kind kind, struct span name)
{
	for (uint32_t i = 0; i < c->rows.n; i++) {
		const struct row_change *row =
		    bundle_change(b, c->rows.first + i);
		struct span own = bundle_text(b, row->text);

		if (row->kind != (uint32_t)kind || row->how == CHANGE_ADD)
			continue;
		if (kind == CHANGE_QUERY        ? span_eq(own, name)
			: kind == CHANGE_ANSWER ? span_eq_nocase(own, name)
						: credential_name_eq(own, name))
			return true;
	}
	return false;
}

/* One field or pair, or nothing where a part of its value is absent. */
static bool
add_row(struct change_writer *w, const struct row_change *row)
{
	size_t start = w->to.n, value;
	struct span name = bundle_text(w->bundle, row->text);

	if (row->kind == CHANGE_QUERY) {
		if (start > 0)
			buf_add_char(&w->to, '&');
		change_escape(&w->to, name);
		buf_add_char(&w->to, '=');
	} else if (row->kind != CHANGE_PATH) {
		buf_add(&w->to, name);
		buf_add(&w->to, SPAN(": "));
	}
	value = w->to.n;
	w->absent = false;
	if (!change_write_value(w, row))
		return false;
	if (w->absent || w->to.n == value)
		w->to.n = start;
	else if (row->kind == CHANGE_HEADER || row->kind == CHANGE_ANSWER)
		buf_add(&w->to, SPAN("\r\n"));
	return true;
}

/* All rows of one place; "*text" is absent where there are none. */
static bool
make_place(struct change_writer *w, enum change_kind place, struct span *text)
{
	bool uri = place == CHANGE_PATH || place == CHANGE_QUERY;
	struct range rows = w->match->operation->changes;
	bool any = false;

	w->place = place;
	w->to.n = 0;
	for (uint32_t i = 0; i < rows.n; i++) {
		const struct row_change *row =
		    bundle_change(w->bundle, rows.first + i);

		if (row->kind != (uint32_t)place || row->how == CHANGE_REMOVE)
			continue;
		any = true;
		if (!add_row(w, row))
			return false;
	}
	if (!any)
		return true;
	if (w->to.failed)
		return refuse(w->decision,
		    uri ? REASON_URI_TOO_LONG : REASON_HEADERS_TOO_LARGE,
		    SPAN("what is to be sent instead is too long"));
	*text = arena_copy(w->request->arena, buf_span(&w->to));
	return text->p != NULL ||
	    refuse(w->decision, REASON_FAULT, SPAN("out of memory"));
}

/* What is sent is held to what requests are held to, and spelt like them. */
static bool
make_path(struct change_writer *w, struct change *c)
{
	struct path p;

	if (!make_place(w, CHANGE_PATH, &c->path))
		return false;
	if (c->path.p == NULL)
		return true;
	if (c->path.n == 0)
		return refuse(w->decision, REASON_BAD_REQUEST,
		    SPAN("a value that the path needs is missing"));
	if (!path_parse(c->path, SPAN(""), SPAN(""), w->request->arena, &p,
		w->decision))
		return false;
	c->path = p.canonical;
	return true;
}

bool
change_make(const struct bundle *b, const struct request *r,
    const struct match *m, const struct principal *who, struct change *c,
    struct decision *d)
{
	char room[CHANGE_BYTES_MAX];
	struct change_writer w = { .bundle = b,
		.request = r,
		.match = m,
		.who = who,
		.decision = d,
		.to = {
		    .p = room, .size = sizeof(room), .max = sizeof(room) } };

	*c = (struct change){ .rows = { 0, 0 } };
	if (m->operation == NULL || m->operation->changes.n == 0)
		return true;
	c->rows = m->operation->changes;
	return make_path(&w, c) && make_place(&w, CHANGE_QUERY, &c->query) &&
	    make_place(&w, CHANGE_HEADER, &c->headers) &&
	    make_place(&w, CHANGE_ANSWER, &c->answer);
}
