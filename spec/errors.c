/*
 * errors - see errors.h.
 */
#include "spec/errors.h"

#include "base/file.h"
#include "base/json.h"
#include "policy/decision.h"
#include "spec/fields.h"

static const struct template_word words[] = {
	{ "reason", VALUE_REASON, false, NAME_HEADER },
	{ "status", VALUE_STATUS, false, NAME_HEADER },
	{ "title", VALUE_TITLE, false, NAME_HEADER },
	{ "detail", VALUE_DETAIL, false, NAME_HEADER },
	{ "code", VALUE_CODE, false, NAME_HEADER },
	{ "request-id", VALUE_REQUEST_ID, false, NAME_HEADER },
	{ NULL, 0, false, NAME_HEADER },
};

/* Which refusals a key of "bodies" means; false after an error. */
static bool
read_key(const struct node *n, struct spec_error_body *e, struct diag *d)
{
	struct diag_guess g = { .word = n->name };
	uint64_t status;
	bool known = false;
	struct span hint;

	if (span_eq(n->name, SPAN("default")))
		return true;
	known = span_to_u64(n->name, 599, &status);
	for (unsigned r = REASON_NONE + 1; r < REASON__MAX; r++) {
		struct span word = span_str(reason_word((enum reason)r));

		diag_guess_try(&g, word);
		if (span_eq(n->name, word)) {
			e->reason = word;
			return true;
		}
		if (known && reason_status((enum reason)r) == status) {
			e->status = (uint32_t)status;
			return true;
		}
	}
	hint = diag_guess_hint(&g, d->arena);
	diag_error(d, n->name_place, "error-body",
	    "'%.*s' is no reason, nor the status of one, nor default%.*s",
	    SPAN_ARG(n->name), SPAN_ARG(hint));
	return false;
}

static bool
is_like(struct span type, const char *prefix, const char *suffix)
{
	return span_starts(type, span_str(prefix)) &&
	    span_ends(type, span_str(suffix));
}

/* Only types whose values we know how to escape. */
static bool
read_type(const struct node *n, struct spec_error_body *e, struct diag *d)
{
	struct span rest, type, charset;

	e->type.text = SPAN("application/json");
	field_text(n, "type", &e->type, d);
	rest = e->type.text;
	type = span_cut(&rest, ';');
	charset = span_trim(rest);
	if (is_like(type, "application/json", "/json") ||
	    is_like(type, "application/", "+json"))
		e->escape = ERROR_ESCAPE_JSON;
	else if (is_like(type, "text/html", "/html") ||
	    is_like(type, "text/xml", "/xml") ||
	    is_like(type, "application/xml", "/xml") ||
	    is_like(type, "application/", "+xml"))
		e->escape = ERROR_ESCAPE_MARKUP;
	else if (is_like(type, "text/plain", "/plain"))
		e->escape = ERROR_ESCAPE_NONE;
	else
		charset = SPAN("?");
	if (charset.n == 0 || span_eq_nocase(charset, SPAN("charset=utf-8")))
		return true;
	diag_error(d, e->type.place, "error-body",
	    "type must be JSON, XML, text/html or text/plain, with no "
	    "parameter but charset=utf-8");
	return false;
}

/* What the client would get, with values that end nothing. */
static bool
is_json(const struct spec_part *parts, struct arena *a)
{
	struct json_scan scan;
	struct buf b;
	enum json_event e;

	buf_init(&b, TEMPLATE_BYTES_MAX + TEMPLATE_PARTS_MAX);
	for (; parts != NULL; parts = parts->next) {
		bool number = parts->word != NULL &&
		    (parts->word->value == VALUE_STATUS ||
			parts->word->value == VALUE_CODE);

		buf_add(&b,
		    parts->word == NULL ? parts->text
			: number        ? SPAN("1")
					: SPAN("x"));
	}
	json_scan_init(&scan, buf_span(&b), JSON_DEPTH_MAX, a);
	do
		e = json_scan_next(&scan);
	while (e != JSON_ERROR && e != JSON_END);
	buf_fini(&b);
	return e == JSON_END;
}

/* The text of a file, beside mgw.yaml. */
static bool
read_file(struct spec_text *t, const char *file, struct diag *d)
{
	struct span path = file_beside(t->text, span_str(file), d->arena);
	struct buf bytes = { 0 };
	char why[512];
	bool ok;

	if (path.p == NULL) {
		d->failed = true;
		return false;
	}
	ok = file_read(path.p, FILE_ANY, TEMPLATE_BYTES_MAX, &bytes, NULL, why,
	    sizeof(why));
	if (ok)
		t->text = arena_copy(d->arena, buf_span(&bytes));
	else
		diag_error(d, t->place, "file", "%s", why);
	buf_fini(&bytes);
	return ok && t->text.p != NULL;
}

static void
read_body(const struct node *n, const char *file, struct spec_error_body *e,
    struct diag *d)
{
	static const char *const keys[] = { "type", "body", "file", NULL };
	const struct node *body = tree_get(n, "body");
	struct spec_text t = { { NULL, 0 }, n->place };

	if (!fields_check(n, "an entry of bodies", keys, d) ||
	    !read_type(n, e, d))
		return;
	if ((body != NULL) == (tree_get(n, "file") != NULL)) {
		diag_error(d, n->name_place, "error-body",
		    "an entry of bodies has either body or file");
		return;
	}
	if (body == NULL) {
		field_text(n, "file", &t, d);
		if (t.text.p == NULL || !read_file(&t, file, d))
			return;
	} else if (body->kind != NODE_STRING) {
		diag_error(d, body->place, "kind",
		    "body must be a string, not %s",
		    tree_kind_name(body->kind));
		return;
	} else {
		t = (struct spec_text){ body->text, body->place };
	}
	if (!span_is_utf8(t.text) || span_has(t.text, '\0'))
		diag_error(
		    d, t.place, "error-body", "a body must be text in UTF-8");
	else if (template_read(&t, "a body", words, &e->parts, d) &&
	    e->escape == ERROR_ESCAPE_JSON && !is_json(e->parts, d->arena))
		diag_error(d, t.place, "error-body",
		    "the body is not JSON once its values are filled in");
}

static void
read_bodies(const struct node *n, const char *file,
    struct spec_error_body **bodies, struct diag *d)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind", "bodies must be a map, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		struct spec_error_body *e = arena_alloc(d->arena, sizeof(*e));

		if (e == NULL) {
			d->failed = true;
			return;
		}
		*bodies = e;
		bodies = &e->next;
		if (read_key(m, e, d))
			read_body(m, file, e, d);
	}
}

void
errors_read(const struct node *map, const char *file, int *format,
    struct spec_error_body **bodies, struct diag *d)
{
	static const char *const keys[] = { "format", "bodies", NULL };
	static const char *const formats[] = { "problem", "wso2", NULL };
	const struct node *n = tree_get(map, "errors");

	if (!tree_is(n, NODE_MAP)) {
		field_choice(map, "errors", formats, format, d);
		return;
	}
	if (!fields_check(n, "errors", keys, d))
		return;
	field_choice(n, "format", formats, format, d);
	read_bodies(tree_get(n, "bodies"), file, bodies, d);
}
