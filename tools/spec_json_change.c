/*
 * spec_json_change - changes, and bodies of refusals, as mgw-spec show has
 * them.
 */
#include "tools/spec_json.h"

#define VALUE_BYTES_MAX (64 * 1024)

static const char *const kinds[CHANGE_PLACES] = {
	[CHANGE_PATH] = "path",
	[CHANGE_QUERY] = "query",
	[CHANGE_HEADER] = "header",
	[CHANGE_ANSWER] = "answer",
};

static const char *const hows[CHANGE_HOW__MAX] = {
	[CHANGE_SET] = "set",
	[CHANGE_ADD] = "add",
	[CHANGE_REMOVE] = "remove",
};

static const char *const values[VALUE__MAX] = {
	[IDENTITY_SUBJECT] = "subject",
	[IDENTITY_APPLICATION] = "application",
	[IDENTITY_ISSUER] = "issuer",
	[IDENTITY_SCOPES] = "scopes",
	[IDENTITY_KEY_ID] = "key-id",
	[IDENTITY_TIER] = "tier",
	[IDENTITY_CLIENT_ID] = "client-id",
	[IDENTITY_KEY_TYPE] = "key-type",
	[VALUE_CLAIM] = "claim",
	[VALUE_VARIABLE] = "path",
	[VALUE_METHOD] = "method",
	[VALUE_REQUEST_ID] = "request-id",
	[VALUE_PATH] = "path",
	[VALUE_REST] = "rest",
	[VALUE_REASON] = "reason",
	[VALUE_STATUS] = "status",
	[VALUE_TITLE] = "title",
	[VALUE_DETAIL] = "detail",
	[VALUE_CODE] = "code",
};

/* As it was written, but for a "$${". */
static void
write_part(
    const struct bundle *b, const struct row_change *part, struct buf *to)
{
	struct span text = bundle_text(b, part->text);
	const char *word = values[part->how];

	if (part->kind == CHANGE_TEXT) {
		buf_add(to, text);
		return;
	}
	if (part->name != ROW_NONE) {
		const struct row_name *name = bundle_name(b, part->name);

		word = name->kind == NAME_QUERY ? "query" : "header";
		text = bundle_text(b, name->shown);
	}
	buf_add_str(to, "${");
	buf_add_str(to, word != NULL ? word : "?");
	if (text.n > 0) {
		buf_add_char(to, '.');
		buf_add(to, text);
	}
	buf_add_char(to, '}');
}

static void
put_template(struct json_object *o, const char *name, const struct bundle *b,
    struct range parts)
{
	struct buf text;

	buf_init(&text, VALUE_BYTES_MAX);
	for (uint32_t i = 0; i < parts.n; i++)
		write_part(b, bundle_change(b, parts.first + i), &text);
	if (parts.n > 0)
		(void)json_put(o, name, json_new_string(buf_span(&text)));
	buf_fini(&text);
}

struct json_object *
spec_changes_json(const struct bundle *b, struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_change *row = bundle_change(b, r.first + i);
		struct json_object *o = json_new_object();

		spec_put_word(o, "change", kinds, row->kind);
		spec_put_word(o, "how", hows, row->how);
		spec_put_text(o, "name", b, row->text);
		put_template(o, "value", b, row->parts);
		(void)json_append(list, o);
	}
	return list;
}

void
spec_put_error_bodies(
    struct json_object *o, const struct bundle *b, struct range r)
{
	struct json_object *list;

	if (r.n == 0)
		return;
	list = json_new_array();
	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_error_body *row =
		    bundle_error_body(b, r.first + i);
		struct json_object *e = json_new_object();

		spec_put_text(e, "reason", b, row->reason);
		if (row->status != 0)
			spec_put_number(e, "status", row->status);
		spec_put_text(e, "type", b, row->type);
		put_template(e, "body", b, row->parts);
		(void)json_append(list, e);
	}
	(void)json_put(o, "error_bodies", list);
}
