/*
 * field - see field.h.
 */
#include "policy/field.h"

#include "base/ascii.h"
#include "policy/path.h"

#define BLOCK 16

static bool
is_made_of(struct span s, struct span others)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_alnum(s.p[i]) && !span_has(others, s.p[i]))
			return false;
	}
	return true;
}

bool
field_is_token(struct span s)
{
	return s.n > 0 && is_made_of(s, SPAN("!#$%&'*+-.^_`|~"));
}

bool
field_is_name(struct span s)
{
	return s.n > 0 && is_made_of(s, SPAN("_-."));
}

bool
field_is_host(struct span s)
{
	return is_made_of(s, SPAN("-._~:[]%"));
}

/* 1 for a control byte other than the tab, else 0. */
static inline unsigned char
is_control_byte(unsigned char c)
{
	unsigned char low = c < 0x20, tab = c == '\t', del = c == 0x7f;

	return (unsigned char)(low - tab + del);
}

bool
field_is_value(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char seen = 0;

	/* By blocks, whose bytes the compiler looks at all at once. */
	for (; s.n >= BLOCK; p += BLOCK, s.n -= BLOCK) {
		for (int i = 0; i < BLOCK; i++)
			seen |= is_control_byte(p[i]);
	}
	while (s.n > 0)
		seen |= is_control_byte(p[--s.n]);
	return seen == 0;
}

bool
field_is_single(struct span s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (quoted && s.p[i] == '\\')
			i++;
		else if (!quoted && s.p[i] == ',')
			return false;
	}
	return true;
}

static bool
asks_for(const struct bundle *b, enum name_kind kind)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_NAME); i++) {
		if (bundle_name(b, i)->kind == (uint32_t)kind)
			return true;
	}
	return false;
}

/*
 * '+' is a space, then %XX.  "*good" is false for a bad escape; false
 * when the arena is full.
 */
static bool
decode(struct span s, struct arena *a, struct span *to, bool *good)
{
	char *p;

	*good = true;
	*to = s;
	if (!span_has(s, '%') && !span_has(s, '+'))
		return true;
	p = arena_alloc(a, s.n + 1);
	if (p == NULL)
		return false;
	*good = path_unescape(s, p, &to->n);
	to->p = p;
	for (size_t i = 0, k = 0; *good && i < s.n; k++) {
		if (s.p[i] == '+')
			p[k] = ' ';
		i += s.p[i] == '%' ? 3 : 1;
	}
	return true;
}

/* Count a query pair for the row that names it. */
static bool
note_pair(struct request *r, const struct bundle *b, struct span name,
    struct span value, struct decision *d)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_NAME); i++) {
		const struct row_name *row = bundle_name(b, i);
		struct field *f = &r->fields[i];
		bool good;

		if (row->kind != NAME_QUERY || row->name.n != name.n ||
		    !span_eq(bundle_text(b, row->name), name))
			continue;
		if (f->n++ > 0)
			continue;
		if (!decode(value, r->arena, &f->value, &good))
			return refuse(d, REASON_FAULT, SPAN("out of memory"));
		if (!good)
			return refuse(d, REASON_BAD_REQUEST,
			    SPAN("bad escape in a query parameter"));
	}
	return true;
}

bool
field_read_query(struct request *r, const struct bundle *b, struct decision *d)
{
	struct span rest = r->query;

	if (!asks_for(b, NAME_QUERY))
		return true;
	while (rest.p != NULL) {
		struct span value = span_cut(&rest, '&');
		struct span name = span_cut(&value, '=');
		bool good;

		if (value.p == NULL)
			value = SPAN("");
		if (!decode(name, r->arena, &name, &good))
			return refuse(d, REASON_FAULT, SPAN("out of memory"));
		if (good && !note_pair(r, b, name, value, d))
			return false;
	}
	return true;
}

static void
note_cookie(struct request *r, const struct bundle *b, struct span pair)
{
	struct span value = span_trim(pair), name = span_cut(&value, '=');

	if (value.p == NULL)
		return; /* no '=': not a pair */
	name = span_trim(name);
	value = span_trim(value);
	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = span_of(value.p + 1, value.n - 2);
	for (uint32_t i = 0; i < bundle_n(b, SECTION_NAME); i++) {
		const struct row_name *row = bundle_name(b, i);

		if (row->kind == NAME_COOKIE && row->name.n == name.n &&
		    span_eq(bundle_text(b, row->name), name) &&
		    r->fields[i].n++ == 0)
			r->fields[i].value = value;
	}
}

void
field_read_cookies(struct request *r, const struct bundle *b)
{
	if (!asks_for(b, NAME_COOKIE))
		return;
	for (size_t i = 0; i < r->n_params; i++) {
		struct span rest = r->params[i].value;

		if (!span_eq(r->params[i].name, SPAN("HTTP_COOKIE")))
			continue;
		while (rest.p != NULL) {
			struct span pairs = span_cut(&rest, ';');

			while (pairs.p != NULL)
				note_cookie(r, b, span_cut(&pairs, ','));
		}
	}
}
