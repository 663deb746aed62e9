/*
 * spec_explain - mgw-spec explain: what the gate would decide, and why.
 *
 * The request is built as a web server would build it and goes through
 * the very decide() of the gate.  Nothing is charged and nothing is
 * written, so counters are those of a first request.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/clock.h"
#include "policy/control.h"
#include "policy/published.h"
#include "tools/explain.h"
#include "tools/spec.h"

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
	OPT_CERT,
	OPT_CERT_HEADER,
	OPT_STATE,
	OPT_JSON,
};

static const struct args_option options[] = {
	[OPT_HEADER] = { 'H', "header", "'Name: value'",
	    "a request header; @FILE and - are read" },
	[OPT_DATA] = { 'd', "data", "@FILE|TEXT", "the request's body" },
	[OPT_SET] = { 's', "set", "VARIABLE=VALUE",
	    "a variable as the web server would set it; @FILE is read" },
	[OPT_AT] = { 0, "at", "UNIXTIME", "decide as of this time" },
	[OPT_KEYS] = { 'k', "keys", "URL=FILE",
	    "this file for the key set or the answer of URL" },
	[OPT_STRIP] = { 0, "strip-prefix", "PATH", "as in mgw.conf" },
	[OPT_PROXY] = { 0, "trusted-proxy", "ADDRESS|NETWORK",
	    "as in mgw.conf; may come again" },
	[OPT_CERT] = { 0, "cert", "FILE",
	    "the client's certificate, verified by the web server" },
	[OPT_CERT_HEADER] = { 0, "client-cert-header", "'NAME [FORM]'",
	    "as in mgw.conf; the proxy's secret counts as shown" },
	[OPT_STATE] = { 0, "state", "DIR",
	    "the deny rules and tiers that are set there, and what is "
	    "revoked" },
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
	struct certificate_rules certificate;
	int64_t now_us;
	const char *state;       /* its folder, or NULL */
	struct control *control; /* or NULL */
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
	if (span_starts(rest, SPAN("@"))) {
		char *content = args_content(&program, rest.p);

		rest = arena_copy(&e->arena, span_str(content));
		free(content);
		e->failed |= rest.p == NULL;
	}
	add_param(e, name, rest, true);
}

/* As mod_ssl and mod_openssl tell of a certificate that they verified. */
static void
add_cert(struct explain *e, const char *file)
{
	const char *set[] = { "SSL_CLIENT_VERIFY=SUCCESS",
		arena_printf(&e->arena, "SSL_CLIENT_CERT=@%s", file).p };

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		add_set(e, set[i] != NULL ? set[i] : "");
}

/* What the gate asks of a proxy besides is not known here. */
static bool
take_cert_header(struct explain *e, const char *text)
{
	static const struct span secret = SPAN_INIT("as shown by the proxy");
	struct span form = span_str(text), name = span_cut(&form, ' ');

	form = span_trim(form);
	if (name.n == 0 ||
	    (form.n > 0 &&
		!certificate_form_parse(form, &e->certificate.form))) {
		args_wrong(
		    &program, "--client-cert-header 'NAME [rfc9440|pem]'");
		return false;
	}
	e->certificate.header = header_variable(e, name);
	e->certificate.secret_header = SPAN("HTTP_MGW_EXPLAIN");
	e->certificate.secret = secret;
	return true;
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
	char why[512];

	switch (opt) {
	case OPT_HEADER:
	case OPT_DATA:
	case OPT_SET:
	case OPT_CERT:
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
	case OPT_CERT_HEADER:
		return take_cert_header(e, value);
	case OPT_STATE:
		e->state = value;
		control_free(e->control);
		e->control = control_load(value, 0, NULL, why, sizeof(why));
		if (e->control == NULL)
			fprintf(stderr, "%s: %s\n", program.name, why);
		return e->control != NULL;
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
		else if (opt == OPT_CERT)
			add_cert(e, a.value);
	}
	if (e->certificate.header.n > 0)
		add_param(e, e->certificate.secret_header,
		    e->certificate.secret, true);
	return e->failed ? 3 : 0;
}

/* A folder with rules alone will do. */
static void
look_at_revocations(const struct explain *e, struct world *w)
{
	char path[4096], why[512];

	if (e->state == NULL ||
	    snprintf(path, sizeof(path), "%s/shared", e->state) >=
		(int)sizeof(path) ||
	    access(path, F_OK) != 0)
		return;
	if (!world_revocations(w, e->state, why, sizeof(why)))
		fprintf(stderr, "%s: what is revoked is not known: %s\n",
		    program.name, why);
}

/* Before all routes, as the gate does. */
static bool
is_published(const struct policy *p, const struct request *r, struct world *w,
    struct answer *answer)
{
	if (!published_find(p, request_param(r, SPAN("REQUEST_METHOD")),
		request_param(r, SPAN("REQUEST_URI")), r->arena, answer))
		return false;
	w->outside.note(w->outside.world, "published", -1, REASON_NONE,
	    SPAN("a document of the gate's own, for anybody"));
	return true;
}

static int
run(struct explain *e, const struct bundle *b, struct world *w)
{
	struct policy policy = { .bundle = b,
		.outside = &w->outside,
		.rules = { .strip_prefix = e->strip,
		    .client = { .trusted = e->proxies,
			.n_trusted = e->n_proxies },
		    .certificate = e->certificate } };
	struct request r = { .params = e->params,
		.n_params = e->n_params,
		.arena = &e->arena,
		.now_us = e->now_us,
		.control = e->control,
		.id = SPAN("00000000000000000000000000000000") };
	struct answer answer = { .status = 0 };
	struct ruling v = { .preflight = false };
	bool published = is_published(&policy, &r, w, &answer);
	bool allowed = published || decide(&policy, &r, &v), written = true;

	if (!published && (!allowed || v.preflight))
		answer_make(&policy, &r, &v, &answer);
	throttle_settle(&w->outside, &v.receipt, e->now_us, 0,
	    allowed ? OUTCOME_ANSWERED : OUTCOME_REFUSED);
	for (unsigned i = 0; i < w->n_steps && !e->json; i++)
		explain_step(&e->arena, w, i, &r, &v);
	if (e->json)
		written = explain_json(&e->arena, w, &r, &v, &answer);
	else
		explain_answer(&v, &answer);
	if (answer.status == 0 && v.change.rows.n > 0 && !e->json)
		explain_sent(b, &r, &v);
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
		rc--;
		goto out;
	}
	rc = EXIT_TROUBLE;
	if (!spec_open(&b, e.bundle, program.name))
		goto out;
	if (world_open(&w, &b, &e.arena, e.keys, e.n_keys, program.name)) {
		look_at_revocations(&e, &w);
		rc = run(&e, &b, &w);
	}
	world_close(&w);
	bundle_close(&b);
out:
	control_free(e.control);
	arena_fini(&e.arena);
	return rc;
}
