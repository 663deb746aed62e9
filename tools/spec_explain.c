/*
 * spec_explain - mgw-spec explain: what the gate would decide, and why.
 *
 * The request is built as a web server would build it and goes through
 * the very decide() of the gate.  Nothing is charged and nothing is
 * written, so counters are those of a first request.
 */
#include <stdlib.h>

#include "base/args.h"
#include "base/clock.h"
#include "policy/answer.h"
#include "policy/json.h"
#include "tools/spec.h"
#include "tools/world.h"

#define PARAMS_MAX 256
#define KEYS_MAX 16
#define PROXIES_MAX 64
#define ARENA_BYTES_MAX (64 * 1024 * 1024)

enum {
	OPT_HEADER,
	OPT_DATA,
	OPT_SET,
	OPT_AT,
	OPT_KEYS,
	OPT_STRIP,
	OPT_PROXY,
	OPT_JSON,
};

static const struct args_option options[] = {
	[OPT_HEADER] = { 'H', "header", "'Name: value'",
	    "a request header; @FILE and - are read" },
	[OPT_DATA] = { 'd', "data", "@FILE|TEXT", "the request's body" },
	[OPT_SET] = { 's', "set", "VARIABLE=VALUE",
	    "a variable as the web server would set it" },
	[OPT_AT] = { 0, "at", "UNIXTIME", "decide as of this time" },
	[OPT_KEYS] = { 'k', "keys", "URL=FILE",
	    "this file for the key set of URL" },
	[OPT_STRIP] = { 0, "strip-prefix", "PATH", "as in mgw.conf" },
	[OPT_PROXY] = { 0, "trusted-proxy", "ADDRESS|NETWORK",
	    "as in mgw.conf; may come again" },
	[OPT_JSON] = { 'j', "json", NULL, "print JSON" },
	{ 0, NULL, NULL, NULL },
};

static const struct args_program program = { "mgw-spec explain",
	"[OPTION]... BUNDLE METHOD URL",
	"Print every step of the decision on a request, and the answer that\n"
	"a client would get.  Exit 0: allowed, 1: refused.",
	options };

struct explain {
	struct arena arena;
	struct param params[PARAMS_MAX];
	size_t n_params;
	struct world_keys keys[KEYS_MAX];
	size_t n_keys;
	const char *bundle, *method, *url;
	struct span strip;
	struct network proxies[PROXIES_MAX];
	unsigned n_proxies;
	int64_t now_us;
	bool json;
	bool failed; /* a message was printed */
};

/* Set or, where a web server would give it twice, add a parameter. */
static void
add_param(struct explain *e, struct span name, struct span value, bool replace)
{
	size_t i = 0;

	while (replace && i < e->n_params && !span_eq(e->params[i].name, name))
		i++;
	if (!replace)
		i = e->n_params;
	if (i == PARAMS_MAX) {
		fprintf(stderr, "mgw-spec explain: too many headers\n");
		e->failed = true;
		return;
	}
	e->params[i] = (struct param){ name, value };
	if (i == e->n_params)
		e->n_params++;
}

/* "X-Api-Key" as HTTP_X_API_KEY; the two that CGI names otherwise too. */
static struct span
header_variable(struct explain *e, struct span name)
{
	bool own = span_eq_nocase(name, SPAN("Content-Type")) ||
	    span_eq_nocase(name, SPAN("Content-Length"));
	struct span s = arena_printf(
	    &e->arena, "%s%.*s", own ? "" : "HTTP_", SPAN_ARG(name));
	char *p = (char *)(uintptr_t)s.p; /* ours: just made */

	for (size_t i = 0; i < s.n; i++) {
		if (p[i] >= 'a' && p[i] <= 'z')
			p[i] = (char)(p[i] - 'a' + 'A');
		else if (p[i] == '-')
			p[i] = '_';
	}
	return s;
}

/* Web servers join equal names by a comma, cookies by a semicolon. */
static void
add_header(struct explain *e, const char *text)
{
	char *content = args_content(&program, text);
	struct span rest = arena_copy(&e->arena, span_str(content));
	struct span name = span_cut(&rest, ':'), variable, value;

	free(content);
	if (name.n == 0 || rest.p == NULL) {
		args_wrong(&program, "a header is 'Name: value'");
		e->failed = true;
		return;
	}
	variable = header_variable(e, name);
	value = span_trim(rest);
	for (size_t i = 0; i < e->n_params; i++) {
		if (span_eq(e->params[i].name, variable)) {
			value = arena_printf(&e->arena, "%.*s%s%.*s",
			    SPAN_ARG(e->params[i].value),
			    span_eq(variable, SPAN("HTTP_COOKIE")) ? "; "
								   : ", ",
			    SPAN_ARG(value));
		}
	}
	add_param(e, variable, value, true);
}

static void
add_set(struct explain *e, const char *text)
{
	struct span rest = span_str(text), name = span_cut(&rest, '=');

	if (name.n == 0 || rest.p == NULL) {
		args_wrong(&program, "--set VARIABLE=VALUE");
		e->failed = true;
		return;
	}
	add_param(e, name, rest, true);
}

static void
add_data(struct explain *e, const char *text)
{
	char *content = args_content(&program, text);

	if (content == NULL) {
		e->failed = true;
		return;
	}
	add_param(e, SPAN("CONTENT_LENGTH"),
	    arena_printf(&e->arena, "%zu", strlen(content)), true);
	free(content);
}

static void
add_keys(struct explain *e, const char *text)
{
	const char *file = strrchr(text, '=');

	if (file == NULL || e->n_keys == KEYS_MAX) {
		args_wrong(&program, "--keys URL=FILE");
		e->failed = true;
		return;
	}
	e->keys[e->n_keys].url =
	    arena_copy(&e->arena, span_of(text, (size_t)(file - text))).p;
	e->keys[e->n_keys++].file = file + 1;
}

/* "https://host/path?query", or a path alone. */
static void
add_target(struct explain *e)
{
	struct span url = span_str(e->url), rest, host = SPAN("localhost");
	bool https = span_starts(url, SPAN("https://"));

	if (https || span_starts(url, SPAN("http://"))) {
		rest = span_skip(url, https ? 8 : 7);
		host = rest;
		for (host.n = 0; host.n < rest.n && rest.p[host.n] != '/' &&
		     rest.p[host.n] != '?';)
			host.n++;
		url = span_skip(rest, host.n);
		if (url.n == 0 || url.p[0] != '/')
			url = arena_printf(&e->arena, "/%.*s", SPAN_ARG(url));
	}
	rest = url;
	span_cut(&rest, '?');
	add_param(e, SPAN("REQUEST_METHOD"), span_str(e->method), true);
	add_param(e, SPAN("REQUEST_URI"), url, true);
	add_param(
	    e, SPAN("QUERY_STRING"), rest.p != NULL ? rest : SPAN(""), true);
	add_param(e, SPAN("SERVER_PROTOCOL"), SPAN("HTTP/1.1"), true);
	add_param(e, SPAN("REMOTE_ADDR"), SPAN("127.0.0.1"), true);
	add_param(e, SPAN("HTTP_HOST"), host, true);
	add_param(e, SPAN("REQUEST_SCHEME"),
	    https ? SPAN("https") : SPAN("http"), true);
	if (https)
		add_param(e, SPAN("HTTPS"), SPAN("on"), true);
}

static bool
take_option(struct explain *e, int opt, const char *value)
{
	uint64_t at_s;

	switch (opt) {
	case OPT_HEADER:
	case OPT_DATA:
	case OPT_SET:
		return true; /* second pass: they win over the URL's */
	case OPT_AT:
		if (!span_to_u64(
			span_str(value), INT64_MAX / US_PER_S, &at_s)) {
			args_wrong(&program, "--at UNIXTIME");
			return false;
		}
		e->now_us = (int64_t)at_s * US_PER_S;
		return true;
	case OPT_KEYS:
		add_keys(e, value);
		return !e->failed;
	case OPT_STRIP:
		e->strip = span_str(value);
		return true;
	case OPT_PROXY:
		if (e->n_proxies == PROXIES_MAX ||
		    !network_parse(
			span_str(value), &e->proxies[e->n_proxies])) {
			args_wrong(&program, "--trusted-proxy ADDRESS|NETWORK");
			return false;
		}
		e->n_proxies++;
		return true;
	case OPT_JSON:
		e->json = true;
		return true;
	default:
		if (e->bundle == NULL)
			e->bundle = value;
		else if (e->method == NULL)
			e->method = value;
		else if (e->url == NULL)
			e->url = value;
		else {
			args_wrong(&program, "too many operands");
			return false;
		}
		return true;
	}
}

/* 0: go on; else the exit code plus one. */
static int
read_options(struct explain *e, int argc, char **argv)
{
	struct args a;
	int opt;

	args_init(&a, &program, argc, argv);
	while ((opt = args_next(&a)) != ARGS_END) {
		if (opt == ARGS_DONE)
			return 1;
		if (opt == ARGS_WRONG || !take_option(e, opt, a.value))
			return 3;
	}
	if (e->url == NULL)
		return 1 +
		    args_wrong(a.program, "a bundle, a method and a URL");
	add_target(e);
	args_init(&a, &program, argc, argv);
	while ((opt = args_next(&a)) != ARGS_END) {
		if (opt == OPT_HEADER)
			add_header(e, a.value);
		else if (opt == OPT_DATA)
			add_data(e, a.value);
		else if (opt == OPT_SET)
			add_set(e, a.value);
	}
	return e->failed ? 3 : 0;
}

/* What the gate's own words leave open: which route, scheme and limit. */
static struct span
step_subject(struct explain *e, const struct bundle *b,
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
		text = arena_copy(&e->arena, buf_span(&to));
	buf_fini(&to);
	return text;
}

static void
print_step(const struct world_step *s, struct span subject)
{
	printf("%-13s ", s->stage);
	if (s->alternative >= 0)
		printf("%d ", s->alternative + 1);
	spec_print(stdout, subject);
	printf("%s%s", subject.n > 0 ? ": " : "",
	    s->reason == REASON_NONE ? "ok" : reason_word(s->reason));
	printf("%s", s->detail.n > 0 ? ", " : "");
	spec_print(stdout, s->detail);
	putchar('\n');
}

static void
print_answer(const struct ruling *v, const struct answer *answer)
{
	struct span rest = answer->headers;

	if (answer->status == 0) {
		printf("\nallowed: sent to the backend\n");
		return;
	}
	if (v->decision.reason == REASON_NONE)
		printf("\nallowed: answered by the gate\n");
	else
		printf("\nrefused: %s\n", reason_word(v->decision.reason));
	printf("\nHTTP/1.1 %u\n", answer->status);
	while (rest.n > 0) {
		struct span line = span_cut(&rest, '\n');

		spec_print(
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

static bool
print_json(struct explain *e, const struct world *w, const struct request *r,
    const struct ruling *v, const struct answer *answer)
{
	struct json_object *o = json_new_object(), *steps = json_new_array();
	struct json_object *to_client;
	struct buf text;
	bool ok;

	for (unsigned i = 0; i < w->n_steps; i++)
		json_append(steps,
		    step_json(&w->steps[i],
			step_subject(e, w->bundle, &w->steps[i], r, v)));
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
	buf_init(&text, 1 << 24);
	json_write(o, true, &text);
	buf_add_char(&text, '\n');
	ok = !text.failed && fwrite(text.p, 1, text.n, stdout) == text.n;
	buf_fini(&text);
	json_free(o);
	return ok;
}

static int
run(struct explain *e, const struct bundle *b, struct world *w)
{
	struct policy policy = { .bundle = b,
		.outside = &w->outside,
		.rules = { .strip_prefix = e->strip,
		    .client = {
			.trusted = e->proxies, .n_trusted = e->n_proxies } } };
	struct request r = { .params = e->params,
		.n_params = e->n_params,
		.arena = &e->arena,
		.now_us = e->now_us,
		.id = SPAN("00000000000000000000000000000000") };
	struct answer answer = { .status = 0 };
	struct ruling v = { .preflight = false };
	bool allowed = decide(&policy, &r, &v), written = true;

	if (!allowed || v.preflight)
		answer_make(&policy, &r, &v, &answer);
	throttle_settle(&w->outside, &v.receipt, e->now_us, 0,
	    allowed ? OUTCOME_ANSWERED : OUTCOME_REFUSED);
	for (unsigned i = 0; i < w->n_steps && !e->json; i++)
		print_step(
		    &w->steps[i], step_subject(e, b, &w->steps[i], &r, &v));
	if (e->json)
		written = print_json(e, w, &r, &v, &answer);
	else
		print_answer(&v, &answer);
	if (!written || fflush(stdout) != 0) {
		perror("mgw-spec explain");
		return 2;
	}
	return allowed ? 0 : 1;
}

int
spec_explain(int argc, char **argv)
{
	static struct explain e;
	struct bundle b;
	struct world w;
	int rc;

	arena_init(&e.arena, 64 * 1024, ARENA_BYTES_MAX);
	e.now_us = clock_wall_us();
	rc = read_options(&e, argc, argv);
	if (rc != 0) {
		arena_fini(&e.arena);
		return rc - 1;
	}
	if (!spec_open(&b, e.bundle, program.name)) {
		arena_fini(&e.arena);
		return EXIT_TROUBLE;
	}
	rc = EXIT_TROUBLE;
	if (world_open(&w, &b, &e.arena, e.keys, e.n_keys, program.name))
		rc = run(&e, &b, &w);
	world_close(&w);
	bundle_close(&b);
	arena_fini(&e.arena);
	return rc;
}
