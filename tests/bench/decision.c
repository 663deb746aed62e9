/*
 * decision - what one decision costs inside the gate, with its sources and
 * its state, but without web server, backend and event.
 *
 *	decision CONFIG TOKENS		as the gate finds them in mgw.conf
 *	decision CONFIG TOKENS STATE	how much more it costs with a million
 *					entries revoked, in that state
 *
 * The request is a GET of /orders/v1/items/7 with each token of the file
 * in turn, as lighttpd would bring it.  Costs are of this thread alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "fcgi/config.h"
#include "fcgi/live.h"
#include "policy/jwt.h"
#include "policy/keyset.h"
#include "policy/revocation_list.h"

#define LOOPS 20000
#define TOKENS_MAX 1000
#define TOKEN_BYTES 4096

static char tokens[TOKENS_MAX][TOKEN_BYTES];
static unsigned n_tokens;

static struct param params[] = {
	{ SPAN_INIT("CONTENT_LENGTH"), SPAN_INIT("0") },
	{ SPAN_INIT("QUERY_STRING"), SPAN_INIT("") },
	{ SPAN_INIT("REQUEST_URI"), SPAN_INIT("/orders/v1/items/7") },
	{ SPAN_INIT("REDIRECT_STATUS"), SPAN_INIT("200") },
	{ SPAN_INIT("SCRIPT_NAME"), SPAN_INIT("") },
	{ SPAN_INIT("PATH_INFO"), SPAN_INIT("/orders/v1/items/7") },
	{ SPAN_INIT("REQUEST_METHOD"), SPAN_INIT("GET") },
	{ SPAN_INIT("SERVER_PROTOCOL"), SPAN_INIT("HTTP/1.1") },
	{ SPAN_INIT("SERVER_SOFTWARE"), SPAN_INIT("lighttpd/1.4") },
	{ SPAN_INIT("GATEWAY_INTERFACE"), SPAN_INIT("CGI/1.1") },
	{ SPAN_INIT("REQUEST_SCHEME"), SPAN_INIT("http") },
	{ SPAN_INIT("SERVER_PORT"), SPAN_INIT("80") },
	{ SPAN_INIT("SERVER_ADDR"), SPAN_INIT("127.0.0.1") },
	{ SPAN_INIT("REMOTE_ADDR"), SPAN_INIT("127.0.0.1") },
	{ SPAN_INIT("HTTP_HOST"), SPAN_INIT("api.example") },
	{ SPAN_INIT("HTTP_AUTHORIZATION"), SPAN_INIT("") },
};
#define N_PARAMS (sizeof(params) / sizeof(params[0]))

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "decision: %s\n", what);
	exit(1);
}

static void
read_tokens(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[TOKEN_BYTES - 16];

	while (f != NULL && n_tokens < TOKENS_MAX &&
	    fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		(void)snprintf(
		    tokens[n_tokens++], TOKEN_BYTES, "Bearer %s", line);
	}
	if (n_tokens == 0)
		die("no tokens");
	(void)fclose(f);
}

static double
spent_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Microseconds for each of "loops" decisions, which must all allow. */
static double
decisions(const struct policy *p, unsigned loops, struct arena *a)
{
	double start = spent_us();

	for (unsigned i = 0; i < loops; i++) {
		struct request r = { .params = params,
			.n_params = N_PARAMS,
			.arena = a,
			.now_us = clock_wall_us(),
			.id = SPAN("0") };
		struct ruling v;

		params[N_PARAMS - 1].value = span_str(tokens[i % n_tokens]);
		if (!decide(p, &r, &v))
			die(reason_word(v.decision.reason));
		arena_reset(a);
	}
	return (spent_us() - start) / loops;
}

static double
best(const struct policy *p, unsigned loops, struct arena *a)
{
	double least = decisions(p, loops, a);

	for (int i = 0; i < 4; i++) {
		double us = decisions(p, loops, a);

		if (us < least)
			least = us;
	}
	return least;
}

/* The same, of OpenSSL's work alone: the signatures of the tokens. */
static double
signatures(const struct generation *g, unsigned loops, struct arena *a)
{
	const struct policy *p = &g->policy;
	uint32_t row = bundle_issuer(p->bundle, 0)->sources.first;
	double start, us = 0;
	struct source s;

	if (p->outside->source(p->outside->world, row, &s) != SOURCE_OK)
		die("no keys");
	for (unsigned i = 0; i < loops; i++) {
		struct span token = span_str(tokens[i % n_tokens] + 7);
		struct span signature = { NULL, 0 };
		enum algorithm alg = ALG_RS256;
		const char *why = "not base64url";
		struct jwt t;

		if (!jwt_split(token, a, &t, &why) ||
		    !base64url_decode(t.signature, a, &signature) ||
		    !algorithm_parse(t.header.alg, &alg))
			die(why);
		start = spent_us();
		if (key_set_verify(s.keys, alg, t.header.kid, t.signed_text,
			signature) != KEY_GOOD)
			die("bad signature");
		us += spent_us() - start;
		arena_reset(a);
	}
	return us / loops;
}

static double
best_signatures(const struct generation *g, unsigned loops, struct arena *a)
{
	double least = signatures(g, loops, a);

	for (int i = 0; i < 4; i++) {
		double us = signatures(g, loops, a);

		if (us < least)
			least = us;
	}
	return least;
}

#define REVOKED 1000000

/* A third each by token, by "jti" and by subject, and none of ours. */
static void
revoke_million(const char *dir, struct state *s)
{
	char path[4096], why[512], id[32];
	struct hash128 sum = { 0, 0 };
	struct revoked_entry e = { .time_s = 1, .author = SPAN("bench") };
	struct file_identity now;
	struct buf text;

	buf_init(&text, REVOKED_BYTES_MAX);
	for (e.seq = 1; e.seq <= REVOKED; e.seq++) {
		int n = snprintf(
		    id, sizeof(id), "%031llx", (unsigned long long)e.seq);

		e.kind = e.seq % 3 == 0 ? REVOKED_TOKEN
		    : e.seq % 3 == 1    ? REVOKED_JTI
					: REVOKED_SUBJECT;
		e.value = span_of(id, e.kind == REVOKED_TOKEN ? 32 : (size_t)n);
		e.issuer = e.kind == REVOKED_TOKEN
		    ? SPAN("")
		    : SPAN("https://id.example/");
		revoked_line_write(&e, &sum, &text);
	}
	(void)snprintf(path, sizeof(path), "%s/" REVOKED_FILE, dir);
	if (text.failed ||
	    !file_write(path, buf_span(&text), 0600, why, sizeof(why)) ||
	    !file_identify(path, &now))
		die(path);
	buf_fini(&text);
	state_revoked_raise(s, STATE_REVOKED_SEQ, REVOKED);
}

static double
wall_us(void)
{
	return (double)clock_mono_us();
}

/* The difference, and what a process of one request pays to begin with. */
static void
measure_revoked(const struct config *c, struct state *s,
    const struct generation *g, struct arena *a)
{
	double without = best(&g->policy, LOOPS, a), with, start;
	char why[512];
	struct live *l;

	revoke_million(c->state, s);
	with = best(&g->policy, LOOPS, a);
	printf("a million revoked, more than with none %.2f\n",
	    with > without ? with - without : 0.0);
	start = wall_us();
	l = live_open(c, s, false, why, sizeof(why));
	if (l == NULL)
		die(why);
	printf("a million revoked, to open lists and bundle %.0f\n",
	    wall_us() - start);
	live_close(l);
}

int
main(int argc, char **argv)
{
	char with[] = "--config";
	char *options[] = { argv[0], with, argv[argc > 1], NULL };
	char *nothing[] = { NULL }, why[1024] = "";
	struct config c = { 0 };
	struct outside forgetful;
	struct policy uncached;
	const struct generation *g;
	struct arena a;
	struct state *s;
	struct live *l;
	double us;

	if ((argc != 3 && argc != 4) ||
	    !config_load(&c, 3, options, nothing, why, sizeof(why)))
		die(why[0] != '\0' ? why : "decision CONFIG TOKENS");
	read_tokens(argv[2]);
	if (argc == 4)
		c.state = argv[3];
	s = state_open(c.state, NULL, why, sizeof(why));
	l = s != NULL ? live_open(&c, s, false, why, sizeof(why)) : NULL;
	if (l == NULL)
		die(why);
	arena_init(&a, 16 * 1024, 4 * 1024 * 1024);
	g = live_get(l);
	if (argc == 4) {
		measure_revoked(&c, s, g, &a);
		return 0;
	}
	us = best(&g->policy, LOOPS, &a);
	printf("a decision, %u token%s, cached %.2f\n", n_tokens,
	    n_tokens == 1 ? "" : "s", us);
	forgetful = *g->policy.outside;
	forgetful.recall = NULL;
	forgetful.remember = NULL;
	uncached = g->policy;
	uncached.outside = &forgetful;
	if (bundle_n(g->policy.bundle, SECTION_ISSUER) > 0) {
		us = best(&uncached, LOOPS / 20, &a);
		printf("a decision, %u token%s, uncached %.2f\n", n_tokens,
		    n_tokens == 1 ? "" : "s", us);
		printf("the same, more than its signature alone %.2f\n",
		    us - best_signatures(g, LOOPS / 20, &a));
	}
	live_put(l, g);
	live_close(l);
	state_close(s);
	arena_fini(&a);
	return 0;
}
