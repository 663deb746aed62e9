/*
 * http2 - see http2.h.
 *
 * libcurl has the request from the start, and calls back: prerequest() when
 * it is connected, read_body() for what it may send, and the functions of
 * http2_answer.c with what it has read.
 * What was read waits in "in"; when that is full, libcurl waits.
 */
#include "fcgi/http2_part.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_MS 50

bool
http2_is_for(const struct backend *b)
{
	return b->unix_path.p == NULL &&
	    (b->http2 == HTTP2_PRIOR_KNOWLEDGE ||
		(b->http2 == HTTP2_AUTO && b->tls));
}

/* Whom libcurl waits for; it has one socket once it is connected. */
static int
note_socket(
    CURL *handle, curl_socket_t fd, int what, void *user, void *of_socket)
{
	struct connection *c = user;

	(void)handle;
	(void)of_socket;
	c->http2->wants_write =
	    what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
	if (what != CURL_POLL_REMOVE)
		c->fd = fd;
	else if (c->fd == fd)
		c->fd = -1;
	return 0;
}

struct http2 *
http2_new(struct connection *c, const struct backend *b)
{
	struct http2 *h = calloc(1, sizeof(*h));
	const struct libcurl *curl = c->curl;
	int bad = 0;

	if (h == NULL)
		return NULL;
	c->http2 = h;
	h->prior = b->http2 == HTTP2_PRIOR_KNOWLEDGE;
	buf_init(&h->head, HTTP1_HEAD_BYTES_MAX);
	buf_init(&h->in, IN_BYTES_MAX);
	c->multi = curl->multi_init();
	if (c->multi != NULL) {
		bad |= curl->multi_setopt(
		    c->multi, CURLMOPT_SOCKETFUNCTION, note_socket);
		bad |= curl->multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
		bad |= curl->multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, 1L);
	}
	/* What there is of it goes with "c". */
	return c->multi != NULL && bad == 0 ? h : NULL;
}

void
http2_free(struct connection *c)
{
	struct http2 *h = c->http2;

	if (h == NULL)
		return;
	c->curl->slist_free_all(h->lines);
	if (h->head.p != NULL)
		explicit_bzero(h->head.p, h->head.size);
	buf_fini(&h->head);
	buf_fini(&h->in);
	free(h);
}

/* Connected, and about to send: the first time only. */
static int
prerequest(void *user, char *ip, char *local_ip, int port, int local_port)
{
	struct http2 *h = user;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	if (h->sent)
		return CURL_PREREQFUNC_ABORT;
	h->sent = true;
	return CURL_PREREQFUNC_OK;
}

/* What of the body is there, without its frames. */
static size_t
read_body(char *to, size_t size, size_t n, void *user)
{
	struct http2 *h = user;
	const char *why;
	struct span piece;
	long used;

	n *= size;
	while (h->pending.n > 0 && !h->frames.done) {
		if (n > h->pending.n)
			n = h->pending.n;
		if (h->upload == UPLOAD_LENGTH) {
			memcpy(to, h->pending.p, n);
			h->pending = span_skip(h->pending, n);
			return n;
		}
		used = http1_body_take(
		    &h->frames, span_of(h->pending.p, n), &piece, &why);
		if (used <= 0)
			return CURL_READFUNC_ABORT;
		h->pending = span_skip(h->pending, (size_t)used);
		if (piece.n > 0) {
			memcpy(to, piece.p, piece.n);
			return piece.n;
		}
	}
	if (h->frames.done)
		return 0;
	h->read_paused = true;
	return CURL_READFUNC_PAUSE;
}

/* What was begun is at its end, well or not. */
static void
note_end(struct connection *c)
{
	struct http2 *h = c->http2;
	const CURLMsg *m;
	int n;

	while ((m = c->curl->multi_info_read(c->multi, &n)) != NULL) {
		if (m->msg != CURLMSG_DONE || h->done)
			continue;
		h->done = true;
		h->result = m->data.result;
		h->broken = h->result != CURLE_OK || !h->begun;
		if (!h->broken && h->chunked)
			buf_add_str(&h->in, "0\r\n\r\n");
		h->broken = h->broken || h->in.failed;
	}
}

/* Let libcurl do what it can without waiting. */
static void
drive(struct connection *c)
{
	const struct libcurl *curl = c->curl;
	int running;

	(void)curl->multi_socket_action(
	    c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	if (c->fd != -1)
		(void)curl->multi_socket_action(c->multi, c->fd,
		    CURL_CSELECT_IN | CURL_CSELECT_OUT, &running);
	note_end(c);
}

static void
go_on(struct connection *c)
{
	struct http2 *h = c->http2;

	h->read_paused = h->write_paused = false;
	if (c->curl->easy_pause(c->handle, CURLPAUSE_CONT) != CURLE_OK) {
		h->done = h->broken = true;
		return;
	}
	drive(c);
}

static bool
add_text(struct http2 *h, const struct libcurl *curl, const char *text)
{
	struct curl_slist *longer = curl->slist_append(h->lines, text);

	if (longer == NULL)
		return false;
	h->lines = longer;
	return true;
}

static bool
add_line(struct http2 *h, const struct libcurl *curl, struct span line)
{
	char text[HTTP1_HEAD_BYTES_MAX];
	struct span value = line;
	struct span name = span_cut(&value, ':');
	bool ok;

	if (line.n + 2 > sizeof(text))
		return false;
	/* Without a value libcurl wants a semicolon, or drops the field. */
	if (span_trim(value).n == 0)
		(void)snprintf(text, sizeof(text), "%.*s;", SPAN_ARG(name));
	else
		(void)snprintf(text, sizeof(text), "%.*s", SPAN_ARG(line));
	ok = add_text(h, curl, text);
	explicit_bzero(text, line.n + 2);
	return ok;
}

/* The fields of our own head, but for those that frame it. */
static bool
add_lines(
    struct http2 *h, const struct libcurl *curl, struct span rest, uint64_t *n)
{
	bool accept = false;

	h->upload = UPLOAD_NONE;
	while (rest.n > 2) {
		const char *end = memmem(rest.p, rest.n, "\r\n", 2);
		struct span line = span_of(rest.p, (size_t)(end - rest.p));
		struct span value = line;
		struct span name = span_cut(&value, ':');

		rest = span_skip(rest, line.n + 2);
		if (span_eq_nocase(name, SPAN("Transfer-Encoding"))) {
			h->upload = UPLOAD_CHUNKED;
		} else if (span_eq_nocase(name, SPAN("Content-Length"))) {
			h->upload = UPLOAD_LENGTH;
			if (!span_to_u64(span_trim(value), INT64_MAX, n))
				return false;
		} else if (!add_line(h, curl, line)) {
			return false;
		}
		accept = accept || span_eq_nocase(name, SPAN("Accept"));
	}
	/* What libcurl would add of itself. */
	return (accept || add_text(h, curl, "Accept:")) &&
	    add_text(h, curl, "Expect:");
}

static bool
set_text(struct connection *c, CURLoption option, struct span text)
{
	char copy[HTTP1_HEAD_BYTES_MAX];

	if (text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	return c->curl->easy_setopt(c->handle, option, copy) == CURLE_OK;
}

static bool
set_calls(struct connection *c)
{
	const struct libcurl *curl = c->curl;
	struct http2 *h = c->http2;
	CURL *e = c->handle;
	int bad = 0;

	bad |= curl->easy_setopt(e, CURLOPT_PREREQFUNCTION, prerequest);
	bad |= curl->easy_setopt(e, CURLOPT_PREREQDATA, h);
	bad |= curl->easy_setopt(e, CURLOPT_READFUNCTION, read_body);
	bad |= curl->easy_setopt(e, CURLOPT_READDATA, h);
	bad |= curl->easy_setopt(e, CURLOPT_HEADERFUNCTION, http2_take_line);
	bad |= curl->easy_setopt(e, CURLOPT_HEADERDATA, h);
	bad |= curl->easy_setopt(e, CURLOPT_WRITEFUNCTION, http2_take_body);
	bad |= curl->easy_setopt(e, CURLOPT_WRITEDATA, h);
	bad |= curl->easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	bad |= curl->easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	bad |= curl->easy_setopt(e, CURLOPT_HTTP_VERSION,
	    h->prior ? (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
		     : (long)CURL_HTTP_VERSION_2TLS);
	return bad == 0;
}

static bool
set_request(struct connection *c, struct span method, struct span target,
    uint64_t body_bytes)
{
	const struct libcurl *curl = c->curl;
	struct http2 *h = c->http2;
	CURL *e = c->handle;
	int bad = 0;

	h->head_only = span_eq(method, SPAN("HEAD"));
	bad |= !set_text(c, CURLOPT_REQUEST_TARGET, target);
	bad |= curl->easy_setopt(e, CURLOPT_UPLOAD, 0L);
	bad |= curl->easy_setopt(e, CURLOPT_HTTPGET, 1L);
	bad |= curl->easy_setopt(e, CURLOPT_NOBODY, h->head_only ? 1L : 0L);
	if (h->upload != UPLOAD_NONE) {
		bad |= curl->easy_setopt(e, CURLOPT_UPLOAD, 1L);
		bad |= curl->easy_setopt(e, CURLOPT_INFILESIZE_LARGE,
		    h->upload == UPLOAD_LENGTH ? (curl_off_t)body_bytes
					       : (curl_off_t)-1);
	}
	bad |= !set_text(c, CURLOPT_CUSTOMREQUEST, method);
	bad |= curl->easy_setopt(e, CURLOPT_HTTPHEADER, h->lines);
	return bad == 0;
}

bool
http2_start(struct connection *c, struct span head)
{
	const char *end = memmem(head.p, head.n, "\r\n", 2);
	struct http2 *h = c->http2;
	struct span line, method, target;
	uint64_t body_bytes = 0;

	if (end == NULL)
		return false;
	line = span_of(head.p, (size_t)(end - head.p));
	method = span_cut(&line, ' ');
	target = span_cut(&line, ' ');
	h->frames = (struct http1_body){ .framing = HTTP1_CHUNKED };
	return add_lines(h, c->curl,
		   span_skip(head, (size_t)(end + 2 - head.p)), &body_bytes) &&
	    set_calls(c) && set_request(c, method, target, body_bytes) &&
	    c->curl->multi_add_handle(c->multi, c->handle) == CURLM_OK;
}

CURLcode
http2_connect(struct connection *c, int client_fd)
{
	struct http2 *h = c->http2;

	for (;;) {
		drive(c);
		/* What came of it after that is told when it is read. */
		if (h->sent)
			return CURLE_OK;
		if (h->done)
			return h->result != CURLE_OK ? h->result
						     : CURLE_COULDNT_CONNECT;
		if (connection_has_left(client_fd))
			return CURLE_ABORTED_BY_CALLBACK;
		if (c->curl->multi_poll(c->multi, NULL, 0, LOOK_MS, NULL) !=
		    CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
	}
}

static size_t
take(struct http2 *h, void *to, size_t room)
{
	size_t n = h->in.n - h->in_at;

	if (n > room)
		n = room;
	if (n > 0)
		memcpy(to, h->in.p + h->in_at, n);
	h->in_at += n;
	if (h->in_at == h->in.n)
		h->in.n = h->in_at = 0;
	return n;
}

long
http2_read(struct connection *c, void *to, size_t room)
{
	struct http2 *h = c->http2;
	size_t n;

	n = take(h, to, room);
	if (n == 0 && !h->done) {
		if (h->write_paused)
			go_on(c);
		else
			drive(c);
		n = take(h, to, room);
	}
	if (n > 0)
		return (long)n;
	if (!h->done)
		return CONNECTION_LATER;
	return h->broken ? CONNECTION_BROKEN : 0;
}

long
http2_write(struct connection *c, struct span head, struct span body)
{
	struct http2 *h = c->http2;
	size_t n = body.n;

	/* It went out when the connection was made. */
	if (head.n > 0)
		return (long)head.n;
	if (h->done)
		return CONNECTION_BROKEN;
	h->pending = body;
	if (h->read_paused)
		go_on(c);
	else
		drive(c);
	n -= h->pending.n;
	h->pending = (struct span){ NULL, 0 };
	return n > 0 ? (long)n : CONNECTION_LATER;
}

bool
http2_has_more(const struct connection *c)
{
	const struct http2 *h = c->http2;

	return h->in.n > h->in_at || h->write_paused || h->done;
}

bool
http2_wants_write(const struct connection *c)
{
	return c->http2->wants_write && !c->http2->done;
}
