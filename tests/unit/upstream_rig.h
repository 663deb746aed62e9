/*
 * upstream_rig - a web server, a gate and a backend, for test_upstream.c.
 *
 * A thread plays the backend: it reads whole requests and answers each
 * with the next line of a script.  The web server is a socket pair.
 */
#ifndef MGW_TESTS_UPSTREAM_RIG_H
#define MGW_TESTS_UPSTREAM_RIG_H

#include "fcgi/upstream.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fcgi/linger.h"
#include "tests/fcgi_client.h"
#include "tests/unit/sample.h"

#define SCRIPT_MAX 8
#define OK "HTTP/1.1 200 OK\r\n"
#define HELLO OK "Content-Length: 5\r\n\r\nhello"

/* Script: text to send; one that begins with '~' closes afterwards. */
#define SILENCE "silence"

struct server {
	pthread_t thread;
	int fd;
	uint16_t port;
	const char *script[SCRIPT_MAX];
	unsigned n_requests;
	unsigned n_connections;
	bool unread; /* answer before the body is read */
	char seen[65536];
	size_t n_seen;
};

/* The request in "p" is there whole, its body included. */
static bool
is_whole(const char *p, size_t n, bool unread)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4);
	const char *length = memmem(p, n, "Content-Length: ", 16);

	if (end == NULL)
		return false;
	if (memmem(p, n, "Transfer-Encoding: chunked", 26) != NULL)
		return unread || memcmp(p + n - 5, "0\r\n\r\n", 5) == 0;
	return unread || length == NULL ||
	    n - (size_t)(end + 4 - p) >= strtoul(length + 16, NULL, 10);
}

/* False: close the connection. */
static bool
serve_one(struct server *s, int fd)
{
	size_t from = s->n_seen;
	const char *text;

	while (!is_whole(s->seen + from, s->n_seen - from, s->unread)) {
		ssize_t n = read(
		    fd, s->seen + s->n_seen, sizeof(s->seen) - s->n_seen - 1);

		if (n <= 0)
			return false;
		s->n_seen += (size_t)n;
	}
	text = s->n_requests < SCRIPT_MAX ? s->script[s->n_requests] : NULL;
	s->n_requests++;
	if (text == NULL)
		return false;
	if (strcmp(text, SILENCE) == 0) {
		struct pollfd p = { .fd = fd, .events = POLLRDHUP };

		poll(&p, 1, 10000);
		return false;
	}
	text += text[0] == '~';
	if (write(fd, text, strlen(text)) == -1)
		return false;
	return text[-(text != s->script[s->n_requests - 1])] != '~';
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) != -1) {
		s->n_connections++;
		while (serve_one(s, fd))
			;
		close(fd);
	}
	return NULL;
}

struct rig {
	struct server server;
	struct sample sample;
	struct policy policy;
	struct ruling ruling;
	struct backend backend;
	struct upstreams *upstreams;
	struct exchange *exchange;
	struct arena arena;
	struct meter meter;
	struct decision decision;
	uint64_t max_body_bytes;
	bool client_gone;
	bool proxied;     /* the client is a trusted proxy */
	bool upload_open; /* the body never ends */
	bool whole;
	bool answered;
	struct fcgi_reply reply;
};

static void
add_scheme(struct rig *g, enum name_kind kind, const char *name)
{
	struct build *b = g->sample.build;
	struct row_name row = { .kind = kind,
		.name = build_text(b, span_str(name)),
		.shown = build_text(b, span_str(name)) };
	struct row_scheme scheme = { .name = build_text(b, span_str(name)),
		.kind = SCHEME_NO_VERIFIER,
		.field = BUILD_ROW(b, SECTION_NAME, &row),
		.source = ROW_NONE };

	(void)BUILD_ROW(b, SECTION_SCHEME, &scheme);
	g->sample.api.schemes.n++;
}

static void
listen_on(struct server *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof(in);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(s->fd, 16), 0);
	getsockname(s->fd, (struct sockaddr *)&in, &n);
	s->port = ntohs(in.sin_port);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

static struct rig *
rig_new(void)
{
	struct rig *g = calloc(1, sizeof(*g));

	ck_assert(exchange_global_init());
	sample_begin(&g->sample);
	sample_operation(sample_item(&g->sample, "/pets/cats", "GET"), "GET");
	g->sample.api.base_path = build_text(g->sample.build, SPAN("/pets"));
	add_scheme(g, NAME_HEADER, "HTTP_AUTHORIZATION");
	add_scheme(g, NAME_HEADER, "HTTP_X_API_KEY");
	add_scheme(g, NAME_QUERY, "api key");
	add_scheme(g, NAME_COOKIE, "session");
	(void)build_text(g->sample.build, SPAN("X-Key")); /* for test_login.c */
	sample_end(&g->sample);
	g->policy.bundle = &g->sample.bundle;
	g->ruling.match.api = bundle_api(&g->sample.bundle, 0);
	g->ruling.match.operation = bundle_operation(&g->sample.bundle, 0);
	listen_on(&g->server);
	g->backend = (struct backend){ .host = SPAN("127.0.0.1"),
		.port = g->server.port,
		.may_be_local = true,
		.path = SPAN("/api"),
		.connect_ms = 5000,
		.first_byte_ms = 5000,
		.total_ms = 20000 };
	g->upstreams = upstreams_new(4);
	g->exchange = exchange_new();
	arena_init(&g->arena, 65536, 1 << 20);
	g->max_body_bytes = UINT64_MAX;
	return g;
}

static void
rig_free(struct rig *g)
{
	upstreams_free(g->upstreams);
	shutdown(g->server.fd, SHUT_RDWR);
	pthread_join(g->server.thread, NULL);
	close(g->server.fd);
	exchange_free(g->exchange);
	fcgi_reply_fini(&g->reply);
	sample_free(&g->sample);
	arena_fini(&g->arena);
	linger_stop();
	free(g);
}

static struct request
make_request(struct rig *g, const char *method, int64_t body_length)
{
	struct request r = { .arena = &g->arena,
		.id = SPAN("0123456789abcdef0123456789abcdef"),
		.method = span_str(method),
		.path = SPAN("/pets/cats"),
		.host = SPAN("api.example"),
		.address = SPAN("192.0.2.1"),
		.body_length = body_length };

	r.params = exchange_params(g->exchange, &r.n_params);
	for (size_t i = 0; i < r.n_params; i++) {
		if (span_eq(r.params[i].name, SPAN("QUERY_STRING")))
			r.query = r.params[i].value;
		if (span_eq(r.params[i].name, SPAN("CONTENT_TYPE")))
			r.content_type = r.params[i].value;
	}
	return r;
}

/* One request through everything; "length" is what the client says. */
static inline void
ask(struct rig *g, const char *method, const char *lines, const char *body,
    int64_t length)
{
	struct request r;
	struct upstream_call c = { .upstreams = g->upstreams,
		.policy = &g->policy,
		.request = &r,
		.ruling = &g->ruling,
		.backend = &g->backend,
		.exchange = g->exchange,
		.proxied = g->proxied,
		.meter = &g->meter,
		.max_body_bytes = g->max_body_bytes };
	int fds[2], fd;
	struct buf b;
	char text[2048];

	fcgi_reply_fini(&g->reply);
	arena_reset(&g->arena);
	g->decision = (struct decision){ 0 };
	g->meter = (struct meter){ 0 };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	snprintf(text, sizeof(text), "REQUEST_METHOD=%s\n%s", method, lines);
	if (length >= 0)
		snprintf(text + strlen(text), 64, "CONTENT_LENGTH=%lld\n",
		    (long long)length);
	buf_init(&b, 200000);
	fcgi_request(&b, false, text, (struct span){ 0 });
	if (body != NULL) {
		b.n -= 8; /* the empty STDIN record */
		fcgi_stdin(&b, 1, span_str(body));
	}
	if (g->upload_open)
		b.n -= 8;
	ck_assert(fcgi_send(fds[1], buf_span(&b)));
	buf_fini(&b);
	if (g->client_gone)
		shutdown(fds[1], SHUT_RDWR);
	ck_assert(exchange_begin(g->exchange, fds[0]));
	r = make_request(g, method, body != NULL ? length : 0);
	g->answered = upstream_run(&c, &g->whole, &g->decision);
	if (!g->answered)
		exchange_head(g->exchange, 500, SPAN(""));
	if (exchange_end(g->exchange, !g->answered || g->whole, &fd))
		close(fd);
	fcgi_receive(fds[1], &g->reply);
	close(fds[1]);
}

static bool
saw(const struct rig *g, const char *text)
{
	return memmem(g->server.seen, g->server.n_seen, text, strlen(text)) !=
	    NULL;
}

static inline bool
got(const struct rig *g, const char *text)
{
	return g->reply.out.n > 0 &&
	    memmem(g->reply.out.p, g->reply.out.n, text, strlen(text)) != NULL;
}

#endif
