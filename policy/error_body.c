/*
 * error_body - see error_body.h.
 */
#include "policy/error_body.h"

#include "base/json.h"
#include "policy/bundle_check_part.h"

/* Of one value, escaped; none is nearly as long. */
#define VALUE_BYTES_MAX 4096

/* How well a row fits: 0 is not at all. */
static unsigned
fits(const struct bundle *b, const struct row_error_body *row,
    enum reason reason)
{
	if (row->reason.n > 0)
		return span_eq(bundle_text(b, row->reason),
			   span_str(reason_word(reason)))
		    ? 3
		    : 0;
	if (row->status != 0)
		return row->status == reason_status(reason) ? 2 : 0;
	return 1;
}

static const struct row_error_body *
find_in(const struct bundle *b, struct range rows, enum reason reason)
{
	const struct row_error_body *best = NULL;
	unsigned most = 0;

	for (uint32_t i = 0; i < rows.n; i++) {
		const struct row_error_body *row =
		    bundle_error_body(b, rows.first + i);
		unsigned how = fits(b, row, reason);

		if (how > most) {
			most = how;
			best = row;
		}
	}
	return best;
}

const struct row_error_body *
error_body_find(
    const struct bundle *b, const struct row_api *api, enum reason reason)
{
	const struct row_error_body *own = NULL;

	if (api != NULL)
		own = find_in(b, api->error_bodies, reason);
	return own != NULL
	    ? own
	    : find_in(b, bundle_settings(b, 0)->error_bodies, reason);
}

/* Without the quotes, which are the policy's. */
static void
add_json(struct buf *to, struct span s)
{
	struct buf quoted;

	buf_init(&quoted, VALUE_BYTES_MAX);
	json_write_string(&quoted, s);
	if (quoted.n >= 2)
		buf_add(to, span_of(quoted.p + 1, quoted.n - 2));
	to->failed = to->failed || quoted.failed;
	buf_fini(&quoted);
}

static void
add_markup(struct buf *to, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '<':
			buf_add_str(to, "&lt;");
			break;
		case '>':
			buf_add_str(to, "&gt;");
			break;
		case '&':
			buf_add_str(to, "&amp;");
			break;
		case '"':
			buf_add_str(to, "&quot;");
			break;
		case '\'':
			buf_add_str(to, "&#39;");
			break;
		default:
			buf_add_char(to, s.p[i]);
		}
	}
}

static void
add_value(struct buf *to, uint32_t escape, struct span s)
{
	if (escape == ERROR_ESCAPE_JSON)
		add_json(to, s);
	else if (escape == ERROR_ESCAPE_MARKUP)
		add_markup(to, s);
	else
		buf_add(to, s);
}

static void
add_part(const struct bundle *b, uint32_t escape, const struct row_change *part,
    const struct request *r, const struct decision *d, struct buf *to)
{
	struct span title = span_str(reason_title(d->reason));

	if (part->kind == CHANGE_TEXT) {
		buf_add(to, bundle_text(b, part->text));
		return;
	}
	switch (part->how) {
	case VALUE_REASON:
		add_value(to, escape, span_str(reason_word(d->reason)));
		break;
	case VALUE_STATUS:
		buf_add_u64(to, reason_status(d->reason));
		break;
	case VALUE_CODE:
		buf_add_u64(to, reason_wso2_code(d->reason));
		break;
	case VALUE_TITLE:
		add_value(to, escape, title);
		break;
	case VALUE_DETAIL:
		add_value(to, escape, d->detail.n > 0 ? d->detail : title);
		break;
	default:
		add_value(to, escape, r->id);
	}
}

void
error_body_write(const struct bundle *b, const struct row_error_body *row,
    const struct request *r, const struct decision *d, struct buf *to)
{
	for (uint32_t i = 0; i < row->parts.n; i++)
		add_part(b, row->escape, bundle_change(b, row->parts.first + i),
		    r, d, to);
}

static bool
part_ok(const struct row_change *part)
{
	if (part->kind == CHANGE_TEXT)
		return true;
	return part->kind == CHANGE_VALUE && part->name == ROW_NONE &&
	    part->text.n == 0 &&
	    (part->how >= VALUE_REASON || part->how == VALUE_REQUEST_ID);
}

bool
error_body_check(const struct bundle *b, char *why, size_t why_size)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ERROR_BODY); i++) {
		const struct row_error_body *row = bundle_error_body(b, i);
		bool ok = row->type.n > 0;

		for (uint32_t k = 0; ok && k < row->parts.n; k++)
			ok = part_ok(bundle_change(b, row->parts.first + k));
		if (!ok)
			return bundle_bad_row(
			    why, why_size, SECTION_ERROR_BODY, i, "value");
	}
	return true;
}
