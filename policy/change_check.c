/*
 * change_check - that CHANGE rows are as format.h says.
 */
#include "policy/bundle_check_part.h"
#include "policy/change.h"
#include "policy/change_name.h"

static bool
value_ok(const struct bundle *b, const struct row_change *part)
{
	bool field = part->how == VALUE_FIELD;
	bool named = part->how == VALUE_CLAIM || part->how == VALUE_VARIABLE;

	if ((part->how >= IDENTITY__MAX && part->how < VALUE_CLAIM) ||
	    part->how >= VALUE_REASON)
		return false;
	if (field != (part->name != ROW_NONE) || named != (part->text.n > 0))
		return false;
	return !field || bundle_name(b, part->name)->kind != NAME_COOKIE;
}

/* The bytes that a value cannot have, the policy's text cannot either. */
static bool
text_ok(const struct bundle *b, const struct row_change *part, uint32_t place)
{
	struct span s = bundle_text(b, part->text);

	return part->name == ROW_NONE && !span_has_control(s) &&
	    (place != CHANGE_PATH ||
		(!span_has(s, '?') && !span_has(s, '#') && !span_has(s, ' ')));
}

static bool
row_ok(const struct bundle *b, uint32_t i)
{
	const struct row_change *row = bundle_change(b, i);

	if (row->kind == CHANGE_PLACES)
		return false;
	if (row->kind > CHANGE_PLACES)
		return row->parts.n == 0;
	if (row->how >= CHANGE_HOW__MAX ||
	    (row->how == CHANGE_REMOVE) != (row->parts.n == 0) ||
	    (row->parts.n > 0 && row->parts.first <= i) ||
	    change_name_wrong((enum change_kind)row->kind,
		(enum change_how)row->how, bundle_text(b, row->text)) != NULL)
		return false;
	for (uint32_t k = 0; k < row->parts.n; k++) {
		const struct row_change *part =
		    bundle_change(b, row->parts.first + k);

		if (part->kind == CHANGE_TEXT
			? !text_ok(b, part, row->kind)
			: part->kind != CHANGE_VALUE || !value_ok(b, part))
			return false;
	}
	return true;
}

/* Whole changes, and one path at most. */
static bool
list_ok(const struct bundle *b, struct range r)
{
	unsigned paths = 0;

	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_change *row = bundle_change(b, r.first + i);

		if (row->kind >= CHANGE_PLACES)
			return false;
		paths += row->kind == CHANGE_PATH;
	}
	return paths <= 1;
}

bool
change_check(const struct bundle *b, char *why, size_t why_size)
{
	struct range last = { 0, 0 };

	for (uint32_t i = 0; i < bundle_n(b, SECTION_CHANGE); i++)
		if (!row_ok(b, i))
			return bundle_bad_row(
			    why, why_size, SECTION_CHANGE, i, "value");
	for (uint32_t i = 0; i < bundle_n(b, SECTION_OPERATION); i++) {
		struct range r = bundle_operation(b, i)->changes;

		/* Most operations share those of their API. */
		if (r.first == last.first && r.n == last.n)
			continue;
		if (!list_ok(b, r))
			return bundle_bad_row(
			    why, why_size, SECTION_OPERATION, i, "changes");
		last = r;
	}
	return true;
}
