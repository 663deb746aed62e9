/*
 * change_value - see change_value.h.
 *
 * Nothing that comes out of a value can end a segment, a pair or a line:
 * the bytes that could are escaped, and '%' with them, so that what was
 * escaped already is not taken for what it stands for.
 */
#include "policy/change_value.h"

#include "base/ascii.h"
#include "policy/claim_path.h"
#include "policy/identity.h"

static void
add_escaped(struct buf *to, char c)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char byte = (unsigned char)c;

	buf_add_char(to, '%');
	buf_add_char(to, hex[byte >> 4]);
	buf_add_char(to, hex[byte & 15]);
}

void
change_escape(struct buf *to, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (ascii_is_alnum(s.p[i]) || span_has(SPAN("-._~"), s.p[i]))
			buf_add_char(to, s.p[i]);
		else
			add_escaped(to, s.p[i]);
	}
}

/* A blank at an end would be lost; of a list, commas separate. */
static void
add_field_value(struct buf *to, struct span s, bool list)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool plain =
		    c > 0x20 && c < 0x7f && c != '%' && (c != ',' || !list);

		if (plain || (c == ' ' && i > 0 && i + 1 < s.n))
			buf_add_char(to, s.p[i]);
		else
			add_escaped(to, s.p[i]);
	}
}

static void
add_value(struct change_writer *w, struct span s, bool list)
{
	if (s.n == 0)
		w->absent = true;
	else if (w->place == CHANGE_PATH || w->place == CHANGE_QUERY)
		change_escape(&w->to, s);
	else
		add_field_value(&w->to, s, list);
}

static bool
add_claim(struct change_writer *w, struct span path)
{
	struct span values[CHANGE_LIST_MAX];
	size_t n = 0;

	if (w->who->scheme.p != NULL && w->who->claims.n > 0)
		n = claim_path_values(w->who->claims, path, w->request->arena,
		    values, CHANGE_LIST_MAX);
	if (n > CHANGE_LIST_MAX)
		return refuse(w->decision, REASON_HEADERS_TOO_LARGE,
		    SPAN("a claim that the backend is told has too many "
			 "values"));
	w->absent = w->absent || n == 0;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_add_char(&w->to, ',');
		add_value(w, values[i], n > 1);
	}
	return true;
}

static struct span
variable(const struct change_writer *w, struct span name)
{
	struct range names = w->match->item->variables;

	for (uint32_t i = 0; i < names.n; i++)
		if (span_eq(bundle_string(w->bundle, names.first + i), name))
			return w->match->variables[i];
	return (struct span){ NULL, 0 };
}

/* Which of two was meant, nobody can tell. */
static bool
add_field(struct change_writer *w, uint32_t name)
{
	const struct field *f = &w->request->fields[name];

	if (f->n > 1)
		return refuse(w->decision, REASON_BAD_REQUEST,
		    SPAN("a field that the backend is told comes twice"));
	add_value(w, f->n == 1 ? f->value : (struct span){ NULL, 0 }, false);
	return true;
}

/* Canonical already: as it is, but where '/' or '%' would mean more. */
static void
add_path(struct change_writer *w, struct span path)
{
	if (w->place == CHANGE_QUERY)
		change_escape(&w->to, path);
	else
		buf_add(&w->to, path);
}

static struct span
own_path(const struct change_writer *w)
{
	return change_behind(
	    w->request->path, bundle_text(w->bundle, w->match->api->base_path));
}

/* Behind all segments of the template but its '*'. */
static struct span
rest(const struct change_writer *w)
{
	struct span template = bundle_text(w->bundle, w->match->item->path);

	while (template.n > 0 && template.p[template.n - 1] != '/')
		template.n--;
	if (template.n > 0)
		template.n--;
	return span_skip(change_behind(w->request->path, template), 1);
}

static bool
add_part(struct change_writer *w, const struct row_change *part)
{
	struct span text = bundle_text(w->bundle, part->text);

	if (part->kind == CHANGE_TEXT) {
		if (w->place == CHANGE_QUERY)
			change_escape(&w->to, text);
		else
			buf_add(&w->to, text);
		return true;
	}
	switch (part->how) {
	case VALUE_CLAIM:
		return add_claim(w, text);
	case VALUE_VARIABLE:
		add_value(w, variable(w, text), false);
		return true;
	case VALUE_FIELD:
		return add_field(w, part->name);
	case VALUE_METHOD:
		add_value(w, w->request->method, false);
		return true;
	case VALUE_REQUEST_ID:
		add_value(w, w->request->id, false);
		return true;
	case VALUE_PATH:
		add_path(w, own_path(w));
		return true;
	case VALUE_REST:
		add_path(w, rest(w));
		return true;
	default:
		add_value(
		    w, identity_value(w->who, (enum identity)part->how), false);
		return true;
	}
}

bool
change_write_value(struct change_writer *w, const struct row_change *row)
{
	for (uint32_t i = 0; i < row->parts.n; i++)
		if (!add_part(
			w, bundle_change(w->bundle, row->parts.first + i)))
			return false;
	return true;
}
