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

/* A proof is of no use to a backend, and of some to who overhears it. */
static bool
is_proof(const struct bundle *b, const struct row_api *api, struct span name)
{
	const struct row_name *proof;

	for (uint32_t i = 0; i < api->schemes.n; i++) {
		if ((bundle_scheme(b, api->schemes.first + i)->flags &
			SCHEME_DPOP) == 0)
			continue;
		proof = bundle_name(b, bundle_dpop(b, 0)->field);
		return credential_name_eq(bundle_text(b, proof->name), name);
	}
	return false;
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
	return kind == NAME_HEADER && is_proof(b, api, name);
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

bool
credential_has(
    const struct bundle *b, const struct row_api *api, enum name_kind kind)
{
	for (uint32_t i = 0; i < api->schemes.n; i++) {
		const struct row_name *row = credential_name(b, api, i);

		if (row != NULL && row->kind == kind)
			return true;
	}
	return false;
}
