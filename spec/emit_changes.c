/*
 * emit_changes - CHANGE rows, and ERROR_BODY, which are templates too.
 */
#include "spec/changes.h"
#include "spec/emit_endpoint.h"
#include "spec/emit_part.h"
#include "spec/errors.h"

static struct range
emit_template(struct emit *e, const struct spec_part *parts)
{
	struct range r = { build_n(e->b, SECTION_CHANGE), 0 };

	for (; parts != NULL; parts = parts->next, r.n++) {
		const struct template_word *w = parts->word;
		struct row_change row = { .kind = CHANGE_TEXT,
			.name = ROW_NONE };
		bool field = w != NULL && w->value == VALUE_FIELD;

		if (w != NULL) {
			row.kind = CHANGE_VALUE;
			row.how = w->value;
		}
		if (field)
			row.name =
			    emit_name(e->b, e->arena, w->field, parts->text);
		else if (w == NULL || w->which)
			row.text = build_text(e->b, parts->text);
		(void)BUILD_ROW(e->b, SECTION_CHANGE, &row);
	}
	return r;
}

struct range
emit_changes(struct emit *e, const struct spec_changed *list)
{
	const struct spec_changed *first = list;
	struct range r = { build_n(e->b, SECTION_CHANGE), 0 };

	if (list == NULL)
		return (struct range){ 0, 0 };
	if (list == e->last_changed)
		return e->last_changes;
	for (const struct spec_changed *l = list; l != NULL; l = l->next) {
		struct row_change row = { .kind = (uint32_t)l->change->kind,
			.how = (uint32_t)l->change->how,
			.name = ROW_NONE };

		if (l->change->kind != CHANGE_PATH)
			row.text = build_text(e->b, l->change->name.text);
		(void)BUILD_ROW(e->b, SECTION_CHANGE, &row);
		r.n++;
	}
	for (uint32_t i = 0; list != NULL; list = list->next, i++) {
		struct range parts = emit_template(e, list->change->parts);
		struct row_change *row =
		    build_at(e->b, SECTION_CHANGE, r.first + i);

		if (row != NULL)
			row->parts = parts;
	}
	e->last_changed = first;
	e->last_changes = r;
	return r;
}

struct range
emit_error_bodies(struct emit *e, const struct spec_error_body *list)
{
	struct range r = { build_n(e->b, SECTION_ERROR_BODY), 0 };

	for (; list != NULL; list = list->next, r.n++) {
		const struct row_error_body row = { .status = list->status,
			.escape = list->escape,
			.reason = build_text(e->b, list->reason),
			.type = build_text(e->b, list->type.text),
			.parts = emit_template(e, list->parts) };

		(void)BUILD_ROW(e->b, SECTION_ERROR_BODY, &row);
	}
	return r.n > 0 ? r : (struct range){ 0, 0 };
}
