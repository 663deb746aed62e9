/*
 * credential_fields - see credential_fields.h.
 */
#include "policy/credential_fields.h"

#include "base/ascii.h"

char
credential_fold(char c)
{
	return ascii_is_alnum(c) ? ascii_upper(c) : '_';
}

bool
credential_name_eq(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (credential_fold(a.p[i]) != credential_fold(b.p[i]))
			return false;
	}
	return true;
}

/* The credential field of a scheme of this API, or NULL. */
static const struct row_name *
credential_name(const struct bundle *b, const struct row_api *api, uint32_t i)
{
	const struct row_scheme *s = bundle_scheme(b, api->schemes.first + i);

	if (s->field >= bundle_n(b, SECTION_NAME))
		return NULL;
	return bundle_name(b, s->field);
}

bool
credential_is(const struct bundle *b, const struct row_api *api,
    enum name_kind kind, struct span name)
{
	for (uint32_t i = 0; i < api->schemes.n; i++) {
		const struct row_name *row = credential_name(b, api, i);

		if (row == NULL || row->kind != kind)
			continue;
		if (kind == NAME_HEADER
			? credential_name_eq(bundle_text(b, row->name), name)
			: span_eq(bundle_text(b, row->name), name))
			return true;
	}
	return false;
}

bool
credential_goes(const struct bundle *b, const struct row_api *api,
    enum name_kind kind, struct span name)
{
	return (api->flags & API_KEEP_CREDENTIAL) == 0 &&
	    credential_is(b, api, kind, name);
}

static bool
is_credential_cookie(
    const struct bundle *b, const struct row_api *api, struct span pair)
{
	struct span name = span_trim(span_cut(&pair, '='));

	return credential_goes(b, api, NAME_COOKIE, name);
}

static void
add_cookie(struct buf *to, const char *before, struct span pair, bool *any)
{
	if (pair.n == 0)
		return;
	buf_add_str(to, *any ? before : "Cookie: ");
	buf_add(to, pair);
	*any = true;
}

/*
 * What stands between two ';'.  Web servers join two Cookie fields with a
 * comma, and so credentials are looked for behind commas; a value that
 * merely has some is left as it came.
 */
static void
strip_piece(const struct bundle *b, const struct row_api *api,
    struct span piece, struct buf *to, bool *any)
{
	const char *before = "; ";
	struct span rest = piece;
	bool found = false;

	while (rest.p != NULL)
		found =
		    is_credential_cookie(b, api, span_cut(&rest, ',')) || found;
	if (!found) {
		add_cookie(to, before, span_trim(piece), any);
		return;
	}
	while (piece.p != NULL) {
		struct span pair = span_cut(&piece, ',');

		if (is_credential_cookie(b, api, pair))
			continue;
		add_cookie(to, before, span_trim(pair), any);
		before = ", ";
	}
}

void
credential_strip_cookies(const struct bundle *b, const struct row_api *api,
    struct span list, struct buf *to)
{
	bool any = false;

	while (list.p != NULL)
		strip_piece(b, api, span_cut(&list, ';'), to, &any);
	if (any)
		buf_add(to, SPAN("\r\n"));
}

/* A query name as an application would read it; "to" has name.n bytes. */
static struct span
decode_name(struct span name, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '%' && name.n - i > 2 &&
		    ascii_hex(name.p[i + 1]) >= 0 &&
		    ascii_hex(name.p[i + 2]) >= 0) {
			c = (char)(ascii_hex(name.p[i + 1]) << 4 |
			    ascii_hex(name.p[i + 2]));
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		to[n++] = c;
	}
	return span_of(to, n);
}

static bool
has_credential_of(
    const struct bundle *b, const struct row_api *api, enum name_kind kind)
{
	for (uint32_t i = 0; i < api->schemes.n; i++) {
		const struct row_name *row = credential_name(b, api, i);

		if (row != NULL && row->kind == kind)
			return true;
	}
	return false;
}

bool
credential_strip_query(const struct bundle *b, const struct row_api *api,
    struct span rest, char first, struct arena *a, struct buf *to)
{
	char *room;

	if (!has_credential_of(b, api, NAME_QUERY)) {
		buf_add_char(to, first);
		buf_add(to, rest);
		return true;
	}
	room = arena_alloc(a, rest.n + 1);
	if (room == NULL)
		return false;
	while (rest.p != NULL) {
		struct span pair = span_cut(&rest, '&'), after = pair;
		struct span name = decode_name(span_cut(&after, '='), room);

		if (credential_goes(b, api, NAME_QUERY, name))
			continue;
		buf_add_char(to, first);
		buf_add(to, pair);
		first = '&';
	}
	return true;
}
