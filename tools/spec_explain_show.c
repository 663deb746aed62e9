/*
 * spec_explain_show - what mgw-spec explain prints.
 */
#include "base/shown.h"
#include "policy/json.h"
#include "tools/explain.h"
#include "tools/spec.h"

/* What the gate's own words leave open: which route, scheme and limit. */
static struct span
step_subject(struct arena *a, const struct bundle *b,
    const struct world_step *s, const struct request *r, const struct ruling *v)
{
	const struct row_operation *op = v->match.operation;
	struct span stage = span_str(s->stage), text = { NULL, 0 };
	struct buf to;

	buf_init(&to, 1 << 20);
	if (span_eq(stage, SPAN("route")) && op != NULL) {
		buf_add(&to, bundle_text(b, op->method));
		buf_add_char(&to, ' ');
		buf_add(&to, bundle_text(b, v->match.item->path));
		buf_add_str(&to, " of ");
		buf_add(&to, bundle_text(b, v->match.api->title));
		buf_add_char(&to, ' ');
		buf_add(&to, bundle_text(b, v->match.api->version));
	} else if (span_eq(stage, SPAN("shape")) && r->client.proxied) {
		buf_add_str(&to, "client ");
		buf_add(&to, r->client.text);
	} else if (s->alternative >= 0 && op != NULL) {
		spec_write_alternative(
		    b, op->alternatives.first + (uint32_t)s->alternative, &to);
	} else if (span_eq(stage, SPAN("throttle"))) {
		for (unsigned i = 0; i < v->receipt.n; i++) {
			buf_printf(&to, "%s%s ", i > 0 ? ", " : "",
			    v->receipt.levels[i]);
			buf_add(&to, bundle_text(b, v->receipt.tiers[i]->name));
		}
	}
	if (to.n > 0)
		text = arena_copy(a, buf_span(&to));
	buf_fini(&to);
	return text;
}

void
explain_step(struct arena *a, const struct world *w, unsigned i,
    const struct request *r, const struct ruling *v)
{
	const struct world_step *s = &w->steps[i];
	struct span subject = step_subject(a, w->bundle, s, r, v);

	printf("%-13s ", s->stage);
	if (s->alternative >= 0)
		printf("%d ", s->alternative + 1);
	shown_print(stdout, subject);
	printf("%s%s", subject.n > 0 ? ": " : "",
	    s->reason == REASON_NONE ? "ok" : reason_word(s->reason));
	printf("%s", s->detail.n > 0 ? ", " : "");
	shown_print(stdout, s->detail);
	putchar('\n');
}

void
explain_answer(const struct ruling *v, const struct answer *answer)
{
	struct span rest = answer->headers;

	if (answer->status == 0) {
		printf("\nallowed: %s\n",
		    v->issue != NULL ? "answered by the gate, with an API key"
				     : "sent to the backend");
		return;
	}
	if (v->decision.reason == REASON_NONE)
		printf("\nallowed: answered by the gate\n");
	else
		printf("\nrefused: %s\n", reason_word(v->decision.reason));
	printf("\nHTTP/1.1 %u\n", answer->status);
	while (rest.n > 0) {
		struct span line = span_cut(&rest, '\n');

		shown_print(
		    stdout, span_of(line.p, line.n > 0 ? line.n - 1 : 0));
		putchar('\n');
	}
	printf("\n%.*s", SPAN_ARG(answer->body));
}

static struct json_object *
step_json(const struct world_step *s, struct span subject)
{
	struct json_object *o = json_new_object();

	if (o == NULL)
		return NULL;
	json_put(o, "stage", json_new_string(span_str(s->stage)));
	if (s->alternative >= 0)
		json_put(o, "alternative", json_new_int(s->alternative + 1));
	if (subject.n > 0)
		json_put(o, "subject", json_new_string(subject));
	json_put(o, "passed", json_new_bool(s->reason == REASON_NONE));
	if (s->reason != REASON_NONE)
		json_put(o, "reason",
		    json_new_string(span_str(reason_word(s->reason))));
	if (s->detail.n > 0)
		json_put(o, "detail", json_new_string(s->detail));
	return o;
}

bool
explain_json(struct arena *a, const struct world *w, const struct request *r,
    const struct ruling *v, const struct answer *answer)
{
	struct json_object *o = json_new_object(), *steps = json_new_array();
	struct json_object *to_client;
	struct buf text;
	bool ok;

	for (unsigned i = 0; i < w->n_steps; i++)
		json_append(steps,
		    step_json(&w->steps[i],
			step_subject(a, w->bundle, &w->steps[i], r, v)));
	json_put(
	    o, "allowed", json_new_bool(v->decision.reason == REASON_NONE));
	json_put(o, "steps", steps);
	if (v->decision.reason != REASON_NONE)
		json_put(o, "reason",
		    json_new_string(span_str(reason_word(v->decision.reason))));
	if (answer->status != 0) {
		to_client = json_new_object();
		json_put(to_client, "status", json_new_int(answer->status));
		json_put(
		    to_client, "headers", json_new_string(answer->headers));
		json_put(to_client, "body", json_new_string(answer->body));
		json_put(o, "answer", to_client);
	}
	if (answer->status == 0 && v->change.rows.n > 0)
		explain_sent_json(o, w->bundle, r, v);
	buf_init(&text, 1 << 24);
	json_write(o, true, &text);
	buf_add_char(&text, '\n');
	ok = !text.failed && fwrite(text.p, 1, text.n, stdout) == text.n;
	buf_fini(&text);
	json_free(o);
	return ok;
}
