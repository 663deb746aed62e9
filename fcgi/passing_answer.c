/*
 * passing_answer - the head of an answer; see passing.h.
 */
#include "fcgi/passing.h"

#include "policy/cors.h"
#include "policy/request_id.h"
#include "policy/reserved.h"

/* Room for what is added: RateLimit fields, X-Request-Id, Cache-Control. */
#define ADDED_BYTES_MAX 4096

/* Some Connection field names it: it was meant for us alone. */
static bool
is_listed(const struct http1_head *head, struct span name)
{
	for (size_t i = 0; i < head->n_fields; i++) {
		const struct http1_field *f = &head->fields[i];

		if (span_eq_nocase(f->name, SPAN("Connection")) &&
		    http1_list_has(f->value, name))
			return true;
	}
	return false;
}

/* What we say ourselves, of which two voices would say nothing. */
struct ours {
	bool limits, cors;
};

static bool
may_pass(const struct http1_head *head, struct span name, struct ours ours)
{
	bool moved =
	    head->status == 201 || (head->status >= 300 && head->status <= 399);

	if (reserved_in_answer(name))
		return false;
	/* With 200, it makes Apache serve a local file under CGI. */
	if (!moved && span_eq_nocase(name, SPAN("Location")))
		return false;
	if (ours.cors && cors_is_field(name))
		return false;
	if (ours.limits &&
	    (span_eq_nocase(name, SPAN("RateLimit")) ||
		span_eq_nocase(name, SPAN("RateLimit-Policy"))))
		return false;
	return !is_listed(head, name);
}

/* Instructions to caches, which may not be ours or the client's own. */
static bool
is_for_caches(struct span name)
{
	static const char *const names[] = { "Cache-Control",
		"CDN-Cache-Control", "Surrogate-Control" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (span_eq_nocase(name, span_str(names[i])))
			return true;
	}
	return false;
}

/* What lets a cache that serves many clients store an answer. */
static bool
is_for_many(struct span directive)
{
	struct span rest = directive, word = span_trim(span_cut(&rest, '='));

	return span_eq_nocase(word, SPAN("public")) ||
	    span_eq_nocase(word, SPAN("s-maxage")) ||
	    span_eq_nocase(word, SPAN("private"));
}

/*
 * The answer of a secured operation is one client's: a backend that does
 * not know of our credentials may well call it public.  What else it says
 * stays, but for a line with a quoted string, whose commas mean nothing
 * (and private="..." is not private at all, RFC 9111 section 5.2.2.7).
 */
static void
add_private(struct buf *b, const struct http1_head *head)
{
	buf_add(b, SPAN("Cache-Control: private"));
	for (size_t i = 0; i < head->n_fields; i++) {
		struct span list = head->fields[i].value;

		if (!span_eq_nocase(
			head->fields[i].name, SPAN("Cache-Control")) ||
		    span_has(list, '"'))
			continue;
		while (list.p != NULL) {
			struct span word = span_trim(span_cut(&list, ','));

			if (word.n == 0 || is_for_many(word))
				continue;
			buf_add(b, SPAN(", "));
			buf_add(b, word);
		}
	}
	buf_add(b, SPAN("\r\n"));
}

/* Of an answer to HEAD the length is what GET would have; else the body's. */
static void
add_length(
    struct buf *b, const struct http1_head *head, const struct http1_body *body)
{
	if (body->framing != HTTP1_LENGTH &&
	    (body->framing != HTTP1_NO_BODY || head->status == 204 ||
		head->status == 304))
		return;
	for (size_t i = 0; i < head->n_fields; i++) {
		if (span_eq_nocase(
			head->fields[i].name, SPAN("Content-Length"))) {
			passing_add_line(
			    b, SPAN("Content-Length"), head->fields[i].value);
			return;
		}
	}
}

bool
passing_answer_lines(const struct upstream_call *c,
    const struct http1_head *head, const struct http1_body *body,
    struct span *lines)
{
	const struct row_operation *op = c->ruling->match.operation;
	bool private = op == NULL || (op->flags & OPERATION_SECURED) != 0;
	size_t room = ADDED_BYTES_MAX + c->ruling->change.answer.n;
	const struct row_cors *cors =
	    cors_of(c->policy->bundle, c->ruling->match.api);
	struct ours ours = { .cors = cors != NULL };
	struct buf b;

	for (size_t i = 0; i < head->n_fields; i++)
		room +=
		    head->fields[i].name.n + 2 * head->fields[i].value.n + 4;
	if (cors != NULL)
		room += request_param(c->request, SPAN("HTTP_ORIGIN")).n +
		    cors->exposed.n;
	if (!passing_begin(&b, c->request->arena, room))
		return false;
	throttle_write_headers(c->policy->bundle, &c->ruling->receipt, &b);
	ours.limits = b.n > 0;
	cors_write(c->policy->bundle, c->request, &c->ruling->match, false, &b);
	passing_add_line(
	    &b, request_id_name(c->policy->bundle), c->request->id);
	for (size_t i = 0; i < head->n_fields; i++) {
		struct span name = head->fields[i].name;
		struct span value = head->fields[i].value;

		if (!may_pass(head, name, ours) ||
		    (private && is_for_caches(name)) ||
		    request_id_is(c->policy->bundle, name) ||
		    change_drops(c->policy->bundle, &c->ruling->change,
			CHANGE_ANSWER, name))
			continue;
		passing_add_line(&b, name, value);
	}
	buf_add(&b, c->ruling->change.answer);
	if (private)
		add_private(&b, head);
	add_length(&b, head, body);
	*lines = passing_end(&b, c->request->arena);
	return !b.failed;
}
