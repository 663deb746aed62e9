/*
 * connect - see connect.h.
 */
#include "fcgi/connect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fcgi/connect_part.h"
#include "fcgi/http2.h"

/* How often a client is looked after while a connection is made. */
#define LOOK_MS 50

/* For no limit: curl would take 0 as five minutes. */
#define CONNECT_MS_MAX (24L * 3600 * 1000)

bool
connection_has_left(int client_fd)
{
	struct pollfd p = { .fd = client_fd, .events = POLLRDHUP };

	return client_fd != -1 && poll(&p, 1, 0) > 0;
}

/* Until the connection stands or cannot; CURLE_ABORTED_BY_CALLBACK: left. */
static CURLcode
perform(struct connection *c, int client_fd)
{
	const struct libcurl *curl = c->curl;
	int running = 1, n;

	c->multi = curl->multi_init();
	if (c->multi == NULL ||
	    curl->multi_add_handle(c->multi, c->handle) != CURLM_OK)
		return CURLE_OUT_OF_MEMORY;
	for (;;) {
		const CURLMsg *m;

		if (curl->multi_perform(c->multi, &running) != CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
		m = curl->multi_info_read(c->multi, &n);
		if (m != NULL && m->msg == CURLMSG_DONE)
			return m->data.result;
		if (connection_has_left(client_fd))
			return CURLE_ABORTED_BY_CALLBACK;
		if (curl->multi_poll(c->multi, NULL, 0, LOOK_MS, NULL) !=
		    CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
	}
}

/* What a proxy has answered instead of connecting us; 0: nothing. */
static long
connect_code(const struct connection *c)
{
	long code = 0;

	if (!c->through_proxy)
		return 0;
	(void)c->curl->easy_getinfo(
	    c->handle, CURLINFO_HTTP_CONNECTCODE, &code);
	return code >= 200 && code <= 299 ? 0 : code;
}

/* The error types of RFC 9209 section 2.3 for what libcurl tells. */
static struct span
type_of(const struct connection *c, CURLcode rc)
{
	curl_off_t looked_up_us = 0;
	long error = 0;

	if (c->refused_local)
		return SPAN("destination_ip_prohibited");
	if (connect_code(c) != 0)
		return connect_code(c) == 407
		    ? SPAN("proxy_configuration_error")
		    : SPAN("destination_unavailable");
	switch (rc) {
	case CURLE_OPERATION_TIMEDOUT:
		(void)c->curl->easy_getinfo(
		    c->handle, CURLINFO_NAMELOOKUP_TIME_T, &looked_up_us);
		return looked_up_us == 0 ? SPAN("dns_timeout")
					 : SPAN("connection_timeout");
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return SPAN("dns_error");
	case CURLE_PEER_FAILED_VERIFICATION:
		return SPAN("tls_certificate_error");
	case CURLE_SSL_CONNECT_ERROR:
		return strstr(c->error, " alert ") != NULL
		    ? SPAN("tls_alert_received")
		    : SPAN("tls_protocol_error");
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return SPAN("proxy_configuration_error");
	default:
		break;
	}
	(void)c->curl->easy_getinfo(c->handle, CURLINFO_OS_ERRNO, &error);
	return error == ECONNREFUSED ? SPAN("connection_refused")
	    : error == ENETUNREACH || error == EHOSTUNREACH
	    ? SPAN("destination_ip_unroutable")
	    : SPAN("destination_unavailable");
}

static enum connect_result
result_of(struct connection *c, CURLcode rc, struct connect_problem *p)
{
	const char *why = c->curl->easy_strerror(rc);
	enum connect_result result = CONNECT_FAILED;

	p->type = type_of(c, rc);
	if (rc == CURLE_ABORTED_BY_CALLBACK) {
		why = "the client left";
		result = CONNECT_LEFT;
	} else if (rc == CURLE_OPERATION_TIMEDOUT) {
		why = "no connection in time";
		result = CONNECT_TIMEOUT;
	} else if (rc == CURLE_OUT_OF_MEMORY || rc == CURLE_FAILED_INIT) {
		result = CONNECT_FAULT;
	} else if (c->refused_local) {
		why = c->loopback_only
		    ? "a credential would be said in the clear"
		    : "the name leads to a local address";
	}
	if (connect_code(c) != 0)
		(void)snprintf(p->why, sizeof(p->why), "the proxy answered %ld",
		    connect_code(c));
	else
		(void)snprintf(p->why, sizeof(p->why), "%s", why);
	return result;
}

static enum connect_result
attempt(struct connection *c, int client_fd, struct connect_problem *p)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLcode rc = c->http2 != NULL ? http2_connect(c, client_fd)
				       : perform(c, client_fd);

	if (rc != CURLE_OK)
		return result_of(c, rc, p);
	c->made_us = clock_mono_us();
	if (c->http2 != NULL)
		return CONNECT_OK;
	if (c->curl->easy_getinfo(c->handle, CURLINFO_ACTIVESOCKET, &fd) !=
		CURLE_OK ||
	    fd == CURL_SOCKET_BAD) {
		(void)snprintf(
		    p->why, sizeof(p->why), "the connection closed at once");
		p->type = SPAN("connection_terminated");
		return CONNECT_FAILED;
	}
	c->fd = fd;
	return CONNECT_OK;
}

/* Milliseconds that a connection may take; 0: none are left. */
static long
connect_limit(const struct backend *b, int64_t until_us)
{
	int64_t limit_ms = CONNECT_MS_MAX, left_ms;

	if (b->connect_ms > 0 && b->connect_ms < limit_ms)
		limit_ms = b->connect_ms;
	if (until_us == INT64_MAX)
		return (long)limit_ms;
	left_ms = (until_us - clock_mono_us()) / US_PER_MS;
	if (left_ms < limit_ms)
		limit_ms = left_ms;
	return limit_ms > 0 ? (long)limit_ms : 0;
}

static bool
prepare(struct connection *c, const struct connect_call *q, long limit_ms)
{
	int bad = 0;

	if (!connect_set(c, q, limit_ms))
		return false;
	if (http2_is_for(q->backend)) {
		c->http2 = http2_new(c, q->backend);
		return c->http2 != NULL && http2_start(c, q->head);
	}
	bad |= c->curl->easy_setopt(c->handle, CURLOPT_CONNECT_ONLY, 1L);
	/* ALPN would let the other side choose HTTP/2. */
	bad |= c->curl->easy_setopt(c->handle, CURLOPT_SSL_ENABLE_ALPN, 0L);
	return bad == 0;
}

enum connect_result
connection_open(const struct connect_call *q, struct connection **to,
    struct connect_problem *p)
{
	const struct backend *b = q->backend;
	enum connect_result result = CONNECT_FAULT;
	long limit_ms = connect_limit(b, q->until_us);
	const struct libcurl *curl = libcurl_get(p->why, sizeof(p->why));
	struct connection *c;

	*to = NULL;
	p->type = (struct span){ NULL, 0 };
	if (curl == NULL)
		return CONNECT_FAULT;
	if (limit_ms == 0) {
		snprintf(p->why, sizeof(p->why), "no time is left");
		p->type = SPAN("connection_timeout");
		return CONNECT_TIMEOUT;
	}
	c = calloc(1, sizeof(*c));
	snprintf(p->why, sizeof(p->why), "no memory, or no secret");
	if (c == NULL)
		return CONNECT_FAULT;
	c->curl = curl;
	c->tls = b->tls;
	c->fd = -1;
	c->may_be_local = b->may_be_local;
	c->through_proxy = b->proxy != NULL;
	c->loopback_only = !b->tls && b->security != NULL &&
	    b->unix_path.p == NULL && b->security->auth != BACKEND_AUTH_NONE;
	c->handle = libcurl_handle(curl, b->ca_file);
	if (c->handle != NULL && prepare(c, q, limit_ms))
		result = attempt(c, q->client_fd, p);
	else if (c->refused_local || c->unresolved)
		result = result_of(c, CURLE_COULDNT_RESOLVE_HOST, p);
	if (result != CONNECT_OK) {
		connection_close(c);
		return result;
	}
	*to = c;
	return CONNECT_OK;
}

void
connection_close(struct connection *c)
{
	if (c == NULL)
		return;
	if (c->multi != NULL)
		c->curl->multi_remove_handle(c->multi, c->handle);
	if (c->handle != NULL)
		c->curl->easy_cleanup(c->handle);
	if (c->multi != NULL)
		c->curl->multi_cleanup(c->multi);
	c->curl->slist_free_all(c->connect_to);
	http2_free(c);
	free(c);
}

bool
connection_may_be_kept(const struct connection *c)
{
	return c->http2 == NULL;
}

bool
connection_holds(const struct connection *c)
{
	return c->tls || c->http2 != NULL;
}

bool
connection_has_more(const struct connection *c)
{
	return c->http2 != NULL && http2_has_more(c);
}

bool
connection_wants_write(const struct connection *c)
{
	return c->http2 != NULL && http2_wants_write(c);
}

int
connection_fd(const struct connection *c)
{
	return c->fd;
}

int64_t
connection_made_us(const struct connection *c)
{
	return c->made_us;
}

/* What a call on the plain socket says, in our words. */
static long
plain_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EWOULDBLOCK ? CONNECTION_LATER
						       : CONNECTION_BROKEN;
}

long
connection_read(struct connection *c, void *to, size_t room)
{
	size_t n = 0;
	CURLcode rc;

	if (c->http2 != NULL)
		return http2_read(c, to, room);
	if (!c->tls) {
		ssize_t got;

		do {
			got = recv(c->fd, to, room, MSG_DONTWAIT);
		} while (got == -1 && errno == EINTR);
		return plain_result(got);
	}
	rc = c->curl->easy_recv(c->handle, to, room, &n);
	if (rc == CURLE_AGAIN)
		return CONNECTION_LATER;
	return rc == CURLE_OK ? (long)n : CONNECTION_BROKEN;
}

long
connection_write(struct connection *c, struct span head, struct span body)
{
	struct iovec parts[2] = {
		/* sendmsg does not write through its iovec. */
		{ (void *)(uintptr_t)head.p, head.n },
		{ (void *)(uintptr_t)body.p, body.n },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	struct span first = head.n > 0 ? head : body;
	size_t n = 0;
	CURLcode rc;

	if (c->http2 != NULL)
		return http2_write(c, head, body);
	if (!c->tls) {
		ssize_t put;

		do {
			put = sendmsg(
			    c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		} while (put == -1 && errno == EINTR);
		return plain_result(put);
	}
	rc = c->curl->easy_send(c->handle, first.p, first.n, &n);
	if (rc == CURLE_AGAIN)
		return CONNECTION_LATER;
	return rc == CURLE_OK ? (long)n : CONNECTION_BROKEN;
}
