/*
 * test_upstream - what reaches a backend, what comes back from it, and
 * what becomes of backends and clients that do not keep to HTTP.
 *
 * A thread plays the backend: it reads whole requests and answers each
 * with the next line of a script.
 */
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
static void
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

static bool
got(const struct rig *g, const char *text)
{
	return g->reply.out.n > 0 &&
	    memmem(g->reply.out.p, g->reply.out.n, text, strlen(text)) != NULL;
}

START_TEST(the_backend_gets_what_was_decided_on_and_nothing_posing_as_us)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO;
	g->backend.query = SPAN("v=1");
	g->ruling.who = (struct principal){ .scheme = SPAN("jwt"),
		.subject = SPAN("j\xc3\xb6 %\r\nX-Evil: 1"),
		.scopes = SPAN("read write"),
		.issuer = SPAN("https://id.example/") };
	ask(g, "GET",
	    "QUERY_STRING=a=1&api%20key=secret&%61pi+key=secret&b=%20\n"
	    "HTTP_HOST=api.example\nHTTP_ACCEPT=text/plain\n"
	    "HTTP_AUTHORIZATION=Bearer secret\nHTTP_X_API_KEY=secret\n"
	    "HTTP_COOKIE=a=b; session=secret; c=d\n"
	    "HTTP_CONNECTION=keep-alive, X-Hidden\nHTTP_X_HIDDEN=posing\n"
	    "HTTP_TE=posing\nHTTP_UPGRADE=posing\nHTTP_EXPECT=posing\n"
	    "HTTP_CONTENT_LENGTH=99\nHTTP_TRANSFER_ENCODING=chunked\n"
	    "HTTP_X_MGW_SUBJECT=posing\nHTTP_X_FORWARDED_FOR=posing\n"
	    "HTTP_X_HTTP_METHOD_OVERRIDE=posing\nHTTP_X_ORIGINAL_URL=posing\n"
	    "HTTP_X_JWT_ASSERTION=posing\nHTTP_PROXY=posing\n"
	    "HTTP_FORWARDED=posing\nHTTP_VIA=1.0 first\n"
	    "HTTP_CONTENT_ENCODING=gzip\nHTTP_X_FOO_BAR=baz\n",
	    NULL, -1);
	ck_assert(g->answered && g->whole && g->reply.ended);
	ck_assert(saw(g, "GET /api/cats?v=1&a=1&b=%20 HTTP/1.1\r\n"));
	ck_assert(saw(g, "\r\nHost: 127.0.0.1:"));
	ck_assert(saw(g, "\r\nAccept: text/plain\r\n"));
	ck_assert(saw(g, "\r\nX-Foo-Bar: baz\r\n"));
	ck_assert(saw(g, "\r\nContent-Encoding: gzip\r\n"));
	ck_assert(saw(g, "\r\nCookie: a=b; c=d\r\n"));
	ck_assert(saw(g, "\r\nVia: 1.0 first\r\n"));
	ck_assert(saw(g, "\r\nVia: 1.1 mgw\r\n"));
	ck_assert(saw(g, "\r\nX-Forwarded-For: 192.0.2.1\r\n"));
	ck_assert(saw(g, "\r\nX-Forwarded-Host: api.example\r\n"));
	ck_assert(saw(g, "\r\nX-Forwarded-Proto: http\r\n"));
	ck_assert(
	    saw(g, "\r\nX-Mgw-Subject: j%C3%B6%20%25%0D%0AX-Evil:%201\r\n"));
	ck_assert(saw(g, "\r\nX-Mgw-Scopes: read write\r\n"));
	ck_assert(!saw(g, "posing"));
	ck_assert(!saw(g, "secret"));
	ck_assert(!saw(g, "Content-Length"));
	ck_assert(!saw(g, "chunked"));
	rig_free(g);
}
END_TEST

START_TEST(fields_that_command_the_web_server_do_not_pass)
{
	struct rig *g = rig_new();

	g->server.script[0] =
	    OK "Status: 201\r\nX-Sendfile: /x\r\nx-sendfile2: /x\r\n"
	       "X-LIGHTTPD-send-file: /x\r\nX-Accel-Redirect: /x\r\n"
	       "Variable-A: /x\r\nScript-Control: /x\r\nLocation: /x\r\n"
	       "Connection: X-Hop\r\nX-Hop: /x\r\nKeep-Alive: /x\r\n"
	       "Proxy-Authenticate: /x\r\nUpgrade: /x\r\nTrailer: /x\r\n"
	       "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Name: caf\xe9\r\n"
	       "Content-Length: 5\r\n\r\nhello";
	g->server.script[1] = "HTTP/1.1 302 Found\r\nLocation: /moved\r\n"
			      "Content-Length: 0\r\n\r\n";
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->answered && g->whole);
	ck_assert(
	    span_starts(buf_span(&g->reply.out), SPAN("Status: 200\r\n")));
	ck_assert(!got(g, "/x"));
	ck_assert(!got(g, "Status: 201"));
	ck_assert(got(g, "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
	ck_assert(got(g, "X-Name: caf\xe9\r\n"));
	ck_assert(got(g, "Content-Length: 5\r\n"));
	ck_assert(got(g, "\r\n\r\nhello"));
	ask(g, "GET", "", NULL, -1);
	ck_assert(got(g, "Location: /moved\r\n"));
	ck_assert_uint_eq(g->server.n_connections, 1);
	rig_free(g);
}
END_TEST

static const struct {
	const char *field; /* of the backend */
	bool secured;
	bool added;
} caching[] = {
	{ "", true, true },
	{ "", false, false },
	{ "Cache-Control: max-age=9\r\n", true, true },
	{ "Cache-Control: max-age=9, public\r\n", true, false },
	{ "Cache-Control: No-Store\r\n", true, false },
};

START_TEST(answers_of_secured_operations_are_private_unless_said_otherwise)
{
	struct rig *g = rig_new();
	struct row_operation op = *g->ruling.match.operation;
	char text[200];

	if (caching[_i].secured)
		op.flags |= OPERATION_SECURED;
	g->ruling.match.operation = &op;
	snprintf(text, sizeof(text), OK "%sContent-Length: 0\r\n\r\n",
	    caching[_i].field);
	g->server.script[0] = text;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole);
	ck_assert(got(g, "Cache-Control: private\r\n") == caching[_i].added);
	ck_assert(got(g, caching[_i].field));
	rig_free(g);
}
END_TEST

static const struct {
	const char *answer; /* NULL: close */
	enum reason reason; /* NONE: an answer went out, truncated */
} broken[] = {
	{ NULL, REASON_UPSTREAM_BROKEN },
	{ "~garbage\r\n\r\n", REASON_UPSTREAM_BROKEN },
	{ "~HTTP/1.1 999 Odd\r\n\r\n", REASON_UPSTREAM_BROKEN },
	{ "~HTTP/1.1 101 Switch\r\n\r\n", REASON_UPSTREAM_BROKEN },
	{ "~" OK "A: 1", REASON_UPSTREAM_BROKEN },
	{ "~" OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	    REASON_UPSTREAM_BROKEN },
	{ SILENCE, REASON_UPSTREAM_TIMEOUT },
	{ "~" OK "Content-Length: 9\r\n\r\nhello", REASON_NONE },
	{ "~" OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n",
	    REASON_NONE },
	{ "~" OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	    REASON_NONE },
};

START_TEST(a_broken_answer_is_refused_or_seen_as_truncated)
{
	struct rig *g = rig_new();

	g->backend.first_byte_ms = 300;
	g->server.script[0] = broken[_i].answer;
	ask(g, "GET", "", NULL, -1);
	ck_assert(!g->whole);
	ck_assert_int_eq(g->decision.reason, broken[_i].reason);
	ck_assert(g->answered == (broken[_i].reason == REASON_NONE));
	if (g->answered)
		ck_assert(got(g, "\r\n\r\nhello") && !g->reply.ended);
	rig_free(g);
}
END_TEST

START_TEST(bodies_are_sent_with_a_length_or_in_chunks)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO;
	g->server.script[1] = HELLO;
	g->server.script[2] = HELLO;
	ask(g, "POST", "CONTENT_TYPE=text/plain\n", "0123456789", 10);
	ck_assert(g->whole);
	ck_assert(saw(g, "\r\nContent-Length: 10\r\n"));
	ck_assert(saw(g, "\r\nContent-Type: text/plain\r\n"));
	ck_assert(saw(g, "\r\n\r\n0123456789"));
	ck_assert_uint_eq(g->meter.bytes_in, 10);
	ck_assert_uint_eq(g->meter.bytes_out, 5);
	ask(g, "POST", "", "abcdefghij", BODY_LENGTH_UNKNOWN);
	ck_assert(g->whole);
	ck_assert(saw(g, "\r\n\r\na\r\nabcdefghij\r\n0\r\n\r\n"));
	ask(g, "POST", "", NULL, 0);
	ck_assert(saw(g, "\r\nContent-Length: 0\r\n"));
	ck_assert_uint_eq(g->server.n_connections, 1);
	rig_free(g);
}
END_TEST

START_TEST(a_body_shorter_than_said_is_never_whole)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO;
	ask(g, "POST", "", "01234", 10);
	ck_assert(!g->answered);
	ck_assert_int_eq(g->decision.reason, REASON_BAD_REQUEST);
	ck_assert_uint_eq(g->server.n_requests, 0);
	rig_free(g);
}
END_TEST

START_TEST(a_body_over_the_limit_is_refused_as_soon_as_known)
{
	struct rig *g = rig_new();

	g->max_body_bytes = 9;
	ask(g, "POST", "", "0123456789", 10);
	ck_assert_int_eq(g->decision.reason, REASON_BODY_TOO_LARGE);
	ck_assert_uint_eq(g->server.n_connections, 0);
	ask(g, "POST", "", "0123456789", BODY_LENGTH_UNKNOWN);
	ck_assert_int_eq(g->decision.reason, REASON_BODY_TOO_LARGE);
	ck_assert_uint_eq(g->server.n_requests, 0);
	rig_free(g);
}
END_TEST

START_TEST(what_follows_an_answer_is_never_the_next_one)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO OK "Content-Length: 6\r\n\r\nforged";
	g->server.script[1] = HELLO;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello") && !got(g, "forged"));
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && !got(g, "forged"));
	ck_assert_uint_eq(g->server.n_connections, 2);
	rig_free(g);
}
END_TEST

static const struct {
	const char *method;
	const char *body;
	bool repeated;
} dying[] = {
	{ "GET", NULL, true },
	{ "HEAD", NULL, true },
	{ "DELETE", NULL, false },
	{ "POST", "12345", false },
	{ "GET", "12345", false },
};

/* The second request dies after it was read on the kept connection. */
START_TEST(only_a_safe_request_without_a_body_is_sent_twice)
{
	struct rig *g = rig_new();

	g->server.script[0] = HELLO;
	g->server.script[1] = NULL;
	g->server.script[2] = OK "Content-Length: 0\r\n\r\n";
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole);
	ask(g, dying[_i].method, "", dying[_i].body,
	    dying[_i].body != NULL ? 5 : -1);
	ck_assert(g->whole == dying[_i].repeated);
	ck_assert_int_eq(g->decision.reason,
	    dying[_i].repeated ? REASON_NONE : REASON_UPSTREAM_BROKEN);
	ck_assert_uint_eq(g->server.n_requests, dying[_i].repeated ? 3 : 2);
	rig_free(g);
}
END_TEST

START_TEST(an_early_answer_ends_the_upload_and_the_connection)
{
	struct rig *g = rig_new();

	g->server.unread = true;
	g->server.script[0] =
	    "HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nno\n";
	g->server.script[1] = HELLO;
	g->upload_open = true;
	ask(g, "POST", "", "01234", 10);
	ck_assert(g->answered && g->whole && got(g, "Status: 413\r\n"));
	g->upload_open = false;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello"));
	ck_assert_uint_eq(g->server.n_connections, 2);
	rig_free(g);
}
END_TEST

START_TEST(a_client_that_leaves_during_its_upload_is_not_waited_for)
{
	struct rig *g = rig_new();

	g->upload_open = true;
	g->client_gone = true;
	ask(g, "POST", "", "01234", 10);
	ck_assert(!g->answered);
	ck_assert_uint_eq(g->server.n_requests, 0);
	rig_free(g);
}
END_TEST

START_TEST(a_client_that_has_gone_ends_the_wait)
{
	struct rig *g = rig_new();
	int64_t start_us = clock_mono_us();

	g->client_gone = true;
	g->server.script[0] = SILENCE;
	ask(g, "GET", "", NULL, -1);
	ck_assert(!g->answered);
	ck_assert_int_lt(clock_mono_us() - start_us, 2 * US_PER_S);
	rig_free(g);
}
END_TEST

START_TEST(interim_answers_are_read_over_up_to_eight)
{
	struct rig *g = rig_new();
	char text[1000] = "";

	g->server.script[0] = "HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" HELLO;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello") && !got(g, "Link"));
	for (int i = 0; i < 9; i++)
		snprintf(
		    text + strlen(text), 40, "HTTP/1.1 100 Continue\r\n\r\n");
	snprintf(text + strlen(text), 100, "%s", HELLO);
	g->server.script[1] = text;
	ask(g, "GET", "", NULL, -1);
	ck_assert_int_eq(g->decision.reason, REASON_UPSTREAM_BROKEN);
	rig_free(g);
}
END_TEST

START_TEST(unreachable_and_local_backends_are_told_apart_from_slow_ones)
{
	struct rig *g = rig_new();

	g->backend.may_be_local = false;
	ask(g, "GET", "", NULL, -1);
	ck_assert_int_eq(g->decision.reason, REASON_UPSTREAM_CONNECT);
	ck_assert_uint_eq(g->server.n_connections, 0);
	g->backend.may_be_local = true;
	g->backend.port = 1;
	ask(g, "GET", "", NULL, -1);
	ck_assert_int_eq(g->decision.reason, REASON_UPSTREAM_CONNECT);
	rig_free(g);
}
END_TEST

START_TEST(answers_without_a_length_end_with_the_connection)
{
	struct rig *g = rig_new();

	g->server.script[0] = "~" OK "\r\nto the end";
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && g->reply.ended);
	ck_assert(got(g, "\r\n\r\nto the end"));
	ck_assert(!got(g, "Content-Length"));
	rig_free(g);
}
END_TEST

START_TEST(head_keeps_the_length_and_has_no_body)
{
	struct rig *g = rig_new();

	g->server.script[0] = OK "Content-Length: 5\r\n\r\n";
	ask(g, "HEAD", "", NULL, -1);
	ck_assert(saw(g, "HEAD /api/cats HTTP/1.1\r\n"));
	ck_assert(g->whole && got(g, "Content-Length: 5\r\n"));
	ck_assert(span_ends(buf_span(&g->reply.out), SPAN("\r\n\r\n")));
	rig_free(g);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("upstream");
	TCase *tc = tcase_create("upstream");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_test(
	    tc, the_backend_gets_what_was_decided_on_and_nothing_posing_as_us);
	tcase_add_test(tc, fields_that_command_the_web_server_do_not_pass);
	tcase_add_loop_test(tc,
	    answers_of_secured_operations_are_private_unless_said_otherwise, 0,
	    (int)(sizeof(caching) / sizeof(*caching)));
	tcase_add_loop_test(tc, a_broken_answer_is_refused_or_seen_as_truncated,
	    0, (int)(sizeof(broken) / sizeof(*broken)));
	tcase_add_test(tc, bodies_are_sent_with_a_length_or_in_chunks);
	tcase_add_test(tc, a_body_shorter_than_said_is_never_whole);
	tcase_add_test(tc, a_body_over_the_limit_is_refused_as_soon_as_known);
	tcase_add_test(tc, what_follows_an_answer_is_never_the_next_one);
	tcase_add_loop_test(tc,
	    only_a_safe_request_without_a_body_is_sent_twice, 0,
	    (int)(sizeof(dying) / sizeof(*dying)));
	tcase_add_test(tc, an_early_answer_ends_the_upload_and_the_connection);
	tcase_add_test(tc, a_client_that_has_gone_ends_the_wait);
	tcase_add_test(
	    tc, a_client_that_leaves_during_its_upload_is_not_waited_for);
	tcase_add_test(tc, interim_answers_are_read_over_up_to_eight);
	tcase_add_test(
	    tc, unreachable_and_local_backends_are_told_apart_from_slow_ones);
	tcase_add_test(tc, answers_without_a_length_end_with_the_connection);
	tcase_add_test(tc, head_keeps_the_length_and_has_no_body);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
