/*
 * spec_explain_sent - what a backend and a client would see of changes.
 */
#include "base/shown.h"
#include "policy/endpoint.h"
#include "policy/json.h"
#include "policy/target.h"
#include "tools/explain.h"

/* The request line's target at the first endpoint of the list. */
static struct span
make_target(
    const struct bundle *b, const struct request *r, const struct ruling *v)
{
	struct range list = endpoint_list(&v->match, v->sandbox);
	struct target t = { .bundle = b,
		.api = v->match.api,
		.request = r,
		.change = &v->change };
	struct span text = { NULL, 0 };
	struct buf to;

	if (list.n > 0) {
		const struct row_endpoint *e = bundle_endpoint(b, list.first);

		t.path = bundle_text(b, e->path);
		t.query = bundle_text(b, e->query);
	}
	buf_init(&to, target_bytes_max(&t));
	if (target_write(&t, &to) && !to.failed)
		text = arena_copy(r->arena, buf_span(&to));
	buf_fini(&to);
	return text;
}

static void
print_lines(struct span lines)
{
	while (lines.n > 0) {
		struct span line = span_cut(&lines, '\n');

		shown_print(
		    stdout, span_of(line.p, line.n > 0 ? line.n - 1 : 0));
		putchar('\n');
	}
}

/* What came by these names does not go on. */
static void
print_dropped(
    const struct bundle *b, const struct ruling *v, enum change_kind kind)
{
	struct range rows = v->change.rows;

	for (uint32_t i = 0; i < rows.n; i++) {
		const struct row_change *row = bundle_change(b, rows.first + i);

		if (row->kind != (uint32_t)kind || row->how != CHANGE_REMOVE)
			continue;
		printf("(without ");
		shown_print(stdout, bundle_text(b, row->text));
		printf(")\n");
	}
}

void
explain_sent(
    const struct bundle *b, const struct request *r, const struct ruling *v)
{
	printf("\nsent as\n");
	shown_print(stdout, r->method);
	putchar(' ');
	shown_print(stdout, make_target(b, r, v));
	putchar('\n');
	print_lines(v->change.headers);
	print_dropped(b, v, CHANGE_HEADER);
	printf("\nanswered with\n");
	print_lines(v->change.answer);
	print_dropped(b, v, CHANGE_ANSWER);
}

static struct json_object *
dropped_json(
    const struct bundle *b, const struct ruling *v, enum change_kind kind)
{
	struct range rows = v->change.rows;
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < rows.n; i++) {
		const struct row_change *row = bundle_change(b, rows.first + i);

		if (row->kind == (uint32_t)kind && row->how == CHANGE_REMOVE)
			json_append(
			    list, json_new_string(bundle_text(b, row->text)));
	}
	return list;
}

static struct json_object *
side_json(const struct bundle *b, const struct ruling *v, enum change_kind kind,
    struct span lines)
{
	struct json_object *o = json_new_object();

	json_put(o, "headers", json_new_string(lines));
	json_put(o, "removed", dropped_json(b, v, kind));
	return o;
}

void
explain_sent_json(struct json_object *o, const struct bundle *b,
    const struct request *r, const struct ruling *v)
{
	struct json_object *sent =
	    side_json(b, v, CHANGE_HEADER, v->change.headers);

	json_put(sent, "target", json_new_string(make_target(b, r, v)));
	json_put(o, "sent", sent);
	json_put(
	    o, "answered", side_json(b, v, CHANGE_ANSWER, v->change.answer));
}
