/*
 * backend_words - what the test backend does, word by word.
 *
 * Most words are a fixed text sent as it stands; the rest are functions.
 * A word that is in no table is echoed.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "tests/e2e/backend.h"

#define HELLO "Content-Length: 6\r\n\r\nhello\n"
#define CLOSE true

static const struct {
	const char *word;
	const char *text;
	size_t n;
	bool close; /* afterwards */
} fixed[] = {
	/* A hundred bytes, for measuring. */
	{ "small",
	    STR(OK TEXT "Content-Length: 100\r\n\r\n"
			"0123456789012345678901234567890123456789012345678"
			"0123456789012345678901234567890123456789012345678"
			"9\n"),
	    false },
	{ "close", STR(""), CLOSE },
	/* Well formed, and worth a look. */
	{ "close-after", STR(OK TEXT HELLO), CLOSE },
	{ "close-said", STR(OK TEXT "Connection: close\r\n" HELLO), CLOSE },
	{ "http10", STR("HTTP/1.0 200 OK\r\n" TEXT HELLO), CLOSE },
	{ "until-close", STR(OK TEXT "\r\nto the end\n"), CLOSE },
	{ "no-content", STR("HTTP/1.1 204 No Content\r\n\r\n"), false },
	{ "not-modified",
	    STR("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n"
		"Content-Length: 6\r\n\r\n"),
	    false },
	{ "redirect",
	    STR("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/secret\r\n"
		"Content-Length: 0\r\n\r\n"),
	    false },
	{ "created",
	    STR("HTTP/1.1 201 Created\r\nLocation: /things/7\r\n"
		"Content-Length: 0\r\n\r\n"),
	    false },
	{ "cookies",
	    STR(OK TEXT "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n" HELLO),
	    false },
	{ "cors",
	    STR(OK TEXT "Access-Control-Allow-Origin: *\r\n"
			"Vary: Accept\r\n" HELLO),
	    false },
	{ "cache-public",
	    STR(OK TEXT "Cache-Control: public, max-age=60\r\n" HELLO), false },
	{ "cache-age", STR(OK TEXT "Cache-Control: max-age=60\r\n" HELLO),
	    false },
	{ "obs-text", STR(OK TEXT "X-Name: caf\xe9\r\n" HELLO), false },
	{ "trailers",
	    STR(OK TEXT "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
			"3;a=b\r\nhel\r\n3\r\nlo\n\r\n0\r\nX-Sum: 7\r\n\r\n"),
	    false },
	{ "interim",
	    STR("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" OK TEXT
		    HELLO),
	    false },
	/* Well formed, and not to be passed on as it is. */
	{ "location", STR(OK TEXT "Location: /etc/passwd\r\n" HELLO), false },
	{ "location-only",
	    STR(OK "Location: /secret.txt\r\nContent-Length: 0\r\n\r\n"),
	    false },
	{ "headers",
	    STR(OK TEXT
		"Status: 201 Mine\r\nX-Sendfile: /etc/passwd\r\n"
		"X-LIGHTTPD-send-file: /etc/passwd\r\n"
		"X-LIGHTTPD-KBytes-per-second: 1\r\n"
		"X-Accel-Redirect: /etc/passwd\r\n"
		"X-Accel-Buffering: no\r\nVariable-REMOTE_USER: root\r\n"
		"Script-Control: no-abort\r\nKeep-Alive: timeout=5\r\n"
		"Connection: keep-alive, X-Private\r\nX-Private: 1\r\n"
		"Upgrade: h2c\r\nProxy-Authenticate: Basic\r\n"
		"Proxy-Connection: keep-alive\r\nTE: trailers\r\n"
		"Trailer: X-Sum\r\nX-Public: 1\r\n" HELLO),
	    false },
	/* Broken: 502. */
	{ "garbage", STR("\x16\x03\x01 what is this\r\n\r\n"), CLOSE },
	{ "http2", STR("HTTP/2 200\r\n" HELLO), CLOSE },
	{ "status-999", STR("HTTP/1.1 999 Odd\r\n" HELLO), CLOSE },
	{ "status-099", STR("HTTP/1.1 099 Odd\r\n" HELLO), CLOSE },
	{ "switch",
	    STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
		"Connection: upgrade\r\n\r\n"),
	    CLOSE },
	{ "bare-lf", STR("HTTP/1.1 200 OK\nContent-Length: 6\n\nhello\n"),
	    CLOSE },
	{ "folded", STR(OK "X-A: 1\r\n 2\r\n" HELLO), CLOSE },
	{ "space-colon", STR(OK "X-A : 1\r\n" HELLO), CLOSE },
	{ "no-colon", STR(OK "X-A\r\n" HELLO), CLOSE },
	{ "nul", STR(OK "X-A: 1\0002\r\n" HELLO), CLOSE },
	{ "bare-cr", STR(OK "X-A: 1\r2\r\n" HELLO), CLOSE },
	{ "two-lengths",
	    STR(OK "Content-Length: 6\r\nContent-Length: 6\r\n\r\nhello\n"),
	    CLOSE },
	{ "odd-length", STR(OK "Content-Length: +6\r\n\r\nhello\n"), CLOSE },
	{ "length-and-chunked", STR(OK "Transfer-Encoding: chunked\r\n" HELLO),
	    CLOSE },
	{ "coding", STR(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"), CLOSE },
	{ "half-head", STR(OK "X-A: "), CLOSE },
	/* Broken behind its head: truncated. */
	{ "short-length", STR(OK TEXT "Content-Length: 100\r\n\r\nhello\n"),
	    CLOSE },
	{ "bad-chunk",
	    STR(OK TEXT
		"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nxyz\r\n"),
	    CLOSE },
	{ "huge-chunk",
	    STR(OK TEXT "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"
			"FFFFFFFFFFFFFFFFF\r\n"),
	    CLOSE },
	{ "cut-chunk",
	    STR(OK TEXT "Transfer-Encoding: chunked\r\n\r\n9\r\nhel"), CLOSE },
	/* The next answer must not be this one's rest. */
	{ "long-length", STR(OK TEXT HELLO "and more"), false },
	{ "twice",
	    STR(OK TEXT HELLO OK TEXT "Content-Length: 7\r\n\r\nforged\n"),
	    false },
};

/* What "do" or the end of the path asks for: word and argument. */
static void
find_word(const struct client *c, char *word, size_t room, unsigned long *n)
{
	const char *target = c->target, *query = strchr(target, '?');
	const char *end = query != NULL ? query : target + strlen(target);
	const char *by_query = query != NULL ? strstr(query, "do=") : NULL;
	const char *from;

	if (by_query != NULL) {
		target = by_query + 3;
		end = target + strcspn(target, "&");
	}
	from = end;
	while (from > target && from[-1] >= '0' && from[-1] <= '9')
		from--;
	if (from < end && from > target && from[-1] == '/') {
		*n = strtoul(from, NULL, 10);
		end = from - 1;
	}
	from = end;
	while (from > target && from[-1] != '/')
		from--;
	snprintf(word, room, "%.*s", (int)(end - from), from);
}

static size_t
add_json(char *to, size_t room, const char *p, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + 8 < room; i++) {
		unsigned char b = (unsigned char)p[i];

		if (b < 0x20 || b >= 0x7f || b == '"' || b == '\\')
			at += (size_t)snprintf(to + at, room - at, "\\u%04x",
			    b); /* other bytes as Latin-1 */
		else
			to[at++] = (char)b;
	}
	return at;
}

struct out {
	char *p;
	size_t n, room;
};

static void
add(struct out *o, const char *text)
{
	o->n += (size_t)snprintf(o->p + o->n, o->room - o->n, "%s", text);
}

static void
add_quoted(struct out *o, const char *p, size_t n)
{
	add(o, "\"");
	o->n += add_json(o->p + o->n, o->room - o->n, p, n);
	o->p[o->n] = '\0';
	add(o, "\"");
}

static void
add_headers(struct out *o, const struct client *c)
{
	const char *p = memchr(c->head, '\n', c->head_n);
	const char *end = c->head + c->head_n - 2;
	bool first = true;

	add(o, ",\"headers\":[");
	for (p = p != NULL ? p + 1 : end; p < end;) {
		const char *eol = memchr(p, '\r', (size_t)(end - p));
		const char *colon = memchr(p, ':', (size_t)(end - p));
		const char *v;

		if (eol == NULL || colon == NULL || colon > eol)
			break;
		v = colon + 1;
		while (v < eol && *v == ' ')
			v++;
		add(o, first ? "[" : ",[");
		first = false;
		add_quoted(o, p, (size_t)(colon - p));
		add(o, ",");
		add_quoted(o, v, (size_t)(eol - v));
		add(o, "]");
		p = eol + 2;
	}
	add(o, "]");
}

static bool
send_answer(struct client *c, const char *status, const char *type,
    const char *body, size_t n)
{
	bool head = strcmp(c->method, "HEAD") == 0;
	char *out = malloc(n + 512);
	bool ok = false;
	int at;

	if (out == NULL)
		return false;
	at = snprintf(out, 512,
	    "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
	    status, type, n);
	if (!head && n > 0)
		memcpy(out + at, body, n);
	ok = client_write(c, out, (size_t)at + (head ? 0 : n));
	free(out);
	return ok;
}

static bool
echo(struct client *c, const char *status)
{
	struct out o = { malloc(512 * 1024), 0, 512 * 1024 };
	char numbers[160];
	bool ok;

	if (o.p == NULL)
		return false;
	add(&o, "{\"method\":");
	add_quoted(&o, c->method, strlen(c->method));
	add(&o, ",\"target\":");
	add_quoted(&o, c->target, strlen(c->target));
	add_headers(&o, c);
	snprintf(numbers, sizeof(numbers),
	    ",\"body_bytes\":%llu,\"body_fnv\":\"%016llx\",\"connection\":%lu,"
	    "\"request\":%lu,\"tls\":%s,\"body\":",
	    c->body_bytes, c->fnv, c->serial, c->requests,
	    c->tls != NULL ? "true" : "false");
	add(&o, numbers);
	add_quoted(&o, c->body, c->body_n);
	add(&o, "}\n");
	ok = send_answer(c, status, "application/json", o.p, o.n);
	free(o.p);
	return ok;
}

/* Until the client leaves. */
static bool
silent(struct client *c, unsigned long n)
{
	(void)n;
	while (client_wait(c, 1000))
		;
	log_line("gone %s", c->target);
	return false;
}

/* Read nothing of the body, and say nothing. */
static bool
stall(struct client *c, unsigned long n)
{
	return silent(c, n);
}

/* A byte each N ms, head and all. */
static bool
trickle(struct client *c, unsigned long n)
{
	static const char text[] = OK TEXT HELLO;

	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		if (!client_write(c, text + i, 1) ||
		    !client_wait(c, n > 0 ? (unsigned)n : 20)) {
			log_line("gone %s", c->target);
			return false;
		}
	}
	return true;
}

static bool
reset(struct client *c, unsigned long n)
{
	struct linger now = { 1, 0 };

	(void)n;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return false;
}

static bool
slow(struct client *c, unsigned long n)
{
	if (!client_wait(c, (unsigned)n)) {
		log_line("gone %s", c->target);
		return false;
	}
	return echo(c, "200 OK");
}

static bool
status(struct client *c, unsigned long n)
{
	char line[32];

	snprintf(line, sizeof(line), "%03lu Chosen", n);
	return echo(c, line);
}

/* Answer an upload without reading it, and leave the connection open. */
static bool
early(struct client *c, unsigned long n)
{
	(void)n;
	if (!client_write(c,
		STR("HTTP/1.1 413 Too Much\r\n" TEXT
		    "Content-Length: 4\r\n\r\nno.\n")))
		return false;
	return silent(c, 0);
}

/* One event a second, N of them; without N, until the client leaves. */
static bool
sse(struct client *c, unsigned long n)
{
	char event[64];

	if (!client_write(c, STR(OK "Content-Type: text/event-stream\r\n\r\n")))
		return false;
	for (unsigned long i = 1; n == 0 || i <= n; i++) {
		int len = snprintf(event, sizeof(event), "data: %lu\n\n", i);

		if (!client_write(c, event, (size_t)len))
			break;
		if (i == n)
			return false;
		if (!client_wait(c, 1000))
			break;
	}
	log_line("gone %s", c->target);
	return false;
}

/* A head of N kB (default 100). */
/* A header with byte N in its value. */
static bool
value_byte(struct client *c, unsigned long n)
{
	char line[] = OK TEXT "X-A: a?X-Evil: 1\r\n" HELLO;

	*strchr(line, '?') = (char)n;
	return client_write(c, line, sizeof(line) - 1);
}

/* In its name. */
static bool
name_byte(struct client *c, unsigned long n)
{
	char line[] = OK TEXT "X-A?X-Evil: 1\r\n" HELLO;

	*strchr(line, '?') = (char)n;
	return client_write(c, line, sizeof(line) - 1);
}

static bool
huge_head(struct client *c, unsigned long n)
{
	char line[1025];

	memset(line, 'x', sizeof(line));
	memcpy(line, "X-A: ", 5);
	memcpy(line + 1022, "\r\n", 2);
	if (!client_write(c, STR(OK)))
		return false;
	for (unsigned long i = 0; i < (n > 0 ? n : 100); i++) {
		if (!client_write(c, line, 1024))
			return false;
	}
	return client_write(c, STR(HELLO));
}

static bool
interims(struct client *c, unsigned long n)
{
	for (unsigned long i = 0; i < (n > 0 ? n : 9); i++) {
		if (!client_write(c, STR("HTTP/1.1 100 Continue\r\n\r\n")))
			return false;
	}
	return client_write(c, STR(OK TEXT HELLO));
}

/* Answer, then take the next request and close without an answer. */
static bool
die_next(struct client *c, unsigned long n)
{
	(void)n;
	c->doomed = true;
	return echo(c, "200 OK");
}

/* only-NAME: for who has NAME in Authorization. */
static bool
only(struct client *c, const char *name)
{
	char value[512];

	return header(c, "Authorization", value, sizeof(value)) &&
		strstr(value, name) != NULL
	    ? echo(c, "200 OK")
	    : echo(c, "401 Not You");
}

static const struct {
	const char *word;
	bool (*run)(struct client *c, unsigned long n);
	bool unread; /* before the body is read */
} actions[] = {
	{ "silent", silent, false },
	{ "stall", stall, true },
	{ "trickle", trickle, false },
	{ "reset", reset, false },
	{ "reset-early", reset, true },
	{ "slow", slow, false },
	{ "status", status, false },
	{ "bytes", body_bytes, false },
	{ "pattern", body_pattern, false },
	{ "chunked", body_chunked, false },
	{ "early", early, true },
	{ "sse", sse, false },
	{ "huge-head", huge_head, false },
	{ "value-byte", value_byte, false },
	{ "name-byte", name_byte, false },
	{ "interims", interims, false },
	{ "die-next", die_next, false },
};

bool
answer(struct client *c)
{
	char word[64];
	unsigned long n = 0;
	bool read = false;

	find_word(c, word, sizeof(word), &n);
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (c->doomed || strcmp(word, actions[i].word) != 0)
			continue;
		read = !actions[i].unread;
		return (!read || read_body(c)) && actions[i].run(c, n);
	}
	if (!read_body(c) || c->doomed)
		return false;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		if (strcmp(word, fixed[i].word) == 0)
			return client_write(c, fixed[i].text, fixed[i].n) &&
			    !fixed[i].close;
	}
	if (strncmp(word, "only-", 5) == 0)
		return only(c, word + 5);
	return echo(c, "200 OK");
}
