/*
 * Any bytes as a template, claims and a request's target, a line each:
 * whatever import takes, what is sent has no line, pair or segment more
 * than the template has.
 */
#include <stdlib.h>

#include "base/json.h"
#include "policy/change.h"
#include "policy/path.h"
#include "spec/emit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char document[] =
    "openapi: 3.0.3\n"
    "info: {title: a, version: '1'}\n"
    "servers: [{url: 'https://a.example/base'}]\n"
    "paths:\n"
    "  /a/{id}: {get: {security: [], responses: {'200': {description: x}}}}\n"
    "  /all/*: {get: {security: [], responses: {'200': {description: x}}}}\n";

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* Only CR LF at the end of each line, and a name before each colon. */
static void
check_lines(struct span lines, size_t n)
{
	size_t found = 0;

	for (; lines.n > 0; found++) {
		struct span line = span_cut(&lines, '\n');

		require(line.n > 3 && line.p[line.n - 1] == '\r');
		line.n--;
		require(span_starts(line, SPAN("X-V: ")));
		require(!span_has_control(line));
	}
	require(found <= n);
}

static void
check_query(struct span query)
{
	require(!span_has(query, '&') && !span_has(query, '#') &&
	    !span_has(query, ' ') && !span_has_control(query));
	require(query.n == 0 || span_starts(query, SPAN("v=")));
}

static void
check_path(struct span path, struct arena *a)
{
	struct decision d = { .reason = REASON_NONE };
	struct path again;

	if (path.p == NULL)
		return;
	require(path.n > 0 && path.p[0] == '/' && !span_has(path, '?'));
	require(path_parse(path, SPAN(""), SPAN(""), a, &again, &d));
	require(span_eq(again.canonical, path));
}

static void
change(const struct bundle *b, struct span claims, struct span target,
    struct arena *a)
{
	const struct param params[] = {
		{ SPAN("REQUEST_METHOD"), SPAN("GET") },
		{ SPAN("REQUEST_URI"), target },
		{ SPAN("HTTP_HOST"), SPAN("a.example") },
		{ SPAN("HTTP_X_IN"), claims },
		{ SPAN("REMOTE_ADDR"), SPAN("192.0.2.1") },
	};
	struct request_rules rules = { .strip_prefix = SPAN("") };
	struct principal who = {
		.scheme = SPAN("jwt"), .subject = claims, .claims = claims
	};
	struct request r = { .params = params, .n_params = 5, .arena = a };
	struct decision d = { .reason = REASON_NONE };
	struct match m;
	struct change c;

	if (!request_read(&r, b, &rules, &d) || !route_match(b, &r, &m, &d))
		return;
	if (!change_make(b, &r, &m, &who, &c, &d)) {
		require(d.reason != REASON_NONE);
		return;
	}
	check_path(c.path, a);
	check_query(c.query);
	check_lines(c.headers, 1);
	check_lines(c.answer, 2);
}

/* A policy with the template in one of the places, or in all others. */
static struct span
write_policy(struct span template, bool path, struct arena *a)
{
	struct buf text, b;
	struct span s;

	buf_init(&text, 1 << 20);
	buf_init(&b, 1 << 20);
	json_write_string(&text, template);
	buf_add_str(&b, "{\"apis\":{\"a.yaml\":{\"changes\":{\"request\":{");
	if (path) {
		buf_add_str(&b, "\"path\":");
		buf_add(&b, buf_span(&text));
	} else {
		buf_add_str(&b, "\"query\":{\"set\":{\"v\":");
		buf_add(&b, buf_span(&text));
		buf_add_str(&b, "}},\"headers\":{\"set\":{\"X-V\":");
		buf_add(&b, buf_span(&text));
		buf_add_str(&b, "}}");
	}
	buf_add_str(&b, "},\"response\":{\"headers\":{\"add\":{\"X-V\":[\"y\"");
	if (!path) {
		buf_add_char(&b, ',');
		buf_add(&b, buf_span(&text));
	}
	buf_add_str(&b, "]}}}}}}}");
	s = arena_copy(a, buf_span(&b));
	buf_fini(&text);
	buf_fini(&b);
	return s;
}

static void
run(struct span policy, struct span claims, struct span target)
{
	struct arena arena;
	struct diag d = { .arena = &arena };
	struct spec s = { .diag = &d };
	struct bundle b;
	struct buf bytes;
	char why[256];

	arena_init(&arena, 64 * 1024, 64 * 1024 * 1024);
	buf_init(&bytes, BUNDLE_BYTES_MAX);
	s.documents = openapi_parse(
	    span_of(document, sizeof(document) - 1), "a.yaml", &d);
	s.policy = policyfile_parse(policy, "mgw.yaml", NULL, &d);
	if (s.documents != NULL && s.policy != NULL)
		link_spec(&s);
	if (d.n_errors == 0 && !d.failed && emit_bundle(&s, &bytes)) {
		require(bundle_from(&b, buf_span(&bytes), why, sizeof(why)));
		change(&b, claims, target, &arena);
		bundle_close(&b);
	}
	buf_fini(&bytes);
	arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span rest = span_of(p, n);
	struct span template = span_cut(&rest, '\n');
	struct span claims = span_cut(&rest, '\n'), target = rest;
	struct arena arena;

	if (target.p == NULL)
		return 0;
	arena_init(&arena, 4096, 4 * 1024 * 1024);
	run(write_policy(template, false, &arena), claims, target);
	run(write_policy(template, true, &arena), claims, target);
	arena_fini(&arena);
	return 0;
}
