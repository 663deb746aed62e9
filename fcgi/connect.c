/*
 * connect - see connect.h.
 */
#include "fcgi/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fcgi/libcurl.h"

/* Host names are at most 253 bytes; the rest is scheme and port. */
#define URL_BYTES_MAX 320

/* How often a client is looked after while a connection is made. */
#define LOOK_MS 50

/* For no limit: curl would take 0 as five minutes. */
#define CONNECT_MS_MAX (24L * 3600 * 1000)

struct connection {
	const struct libcurl *curl;
	CURL *handle;
	CURLM *multi; /* holds the connection; NULL once it is of no use */
	int fd;
	bool tls;
	bool may_be_local;
	bool refused_local; /* an address was found, and is not allowed */
};

/*
 * Called by libcurl with each address that a name resolved to: a document
 * may not reach what only this machine can, whatever its names say.
 */
static curl_socket_t
open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct connection *c = user;

	(void)purpose;
	if (!c->may_be_local && libcurl_address_is_local(&address->addr)) {
		c->refused_local = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
}

static bool
set_unix_path(struct connection *c, struct span path)
{
	char text[108]; /* sun_path */

	if (path.n >= sizeof(text))
		return false;
	memcpy(text, path.p, path.n);
	text[path.n] = '\0';
	return c->curl->easy_setopt(
		   c->handle, CURLOPT_UNIX_SOCKET_PATH, text) == CURLE_OK;
}

static bool
set_url(struct connection *c, const struct backend *b)
{
	bool v6 = span_has(b->host, ':');
	char url[URL_BYTES_MAX];
	struct span host = b->host;
	int n;

	if (host.n == 0)
		host = SPAN("localhost");
	if (host.n > 253)
		return false;
	n = snprintf(url, sizeof(url), "%s://%s%.*s%s:%u/",
	    b->tls ? "https" : "http", v6 ? "[" : "", SPAN_ARG(host),
	    v6 ? "]" : "", b->port != 0 ? b->port : (b->tls ? 443U : 80U));
	return n > 0 && (size_t)n < sizeof(url) &&
	    c->curl->easy_setopt(c->handle, CURLOPT_URL, url) == CURLE_OK;
}

static bool
set_up(struct connection *c, const struct backend *b, long limit_ms)
{
	const struct libcurl *curl = c->curl;
	CURL *h = c->handle;
	int bad = 0;

	bad |= curl->easy_setopt(h, CURLOPT_CONNECT_ONLY, 1L);
	bad |= curl->easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	bad |= curl->easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
	bad |= curl->easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
	/* ALPN would let the other side choose HTTP/2. */
	bad |= curl->easy_setopt(h, CURLOPT_SSL_ENABLE_ALPN, 0L);
	bad |= curl->easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, limit_ms);
	/* Since 7.87: a resolver that hangs is not waited for any longer. */
	(void)curl->easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);
	if (b->unix_path.p != NULL)
		bad |= !set_unix_path(c, b->unix_path);
	bad |= !set_url(c, b);
	return bad == 0;
}

/* The web server has closed its end. */
static bool
has_left(int client_fd)
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
		if (has_left(client_fd))
			return CURLE_ABORTED_BY_CALLBACK;
		if (curl->multi_poll(c->multi, NULL, 0, LOOK_MS, NULL) !=
		    CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
	}
}

static enum connect_result
attempt(struct connection *c, int client_fd, char *why, size_t why_size)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLcode rc = perform(c, client_fd);

	if (rc == CURLE_ABORTED_BY_CALLBACK) {
		snprintf(why, why_size, "the client left");
		return CONNECT_LEFT;
	}
	if (rc == CURLE_OPERATION_TIMEDOUT) {
		snprintf(why, why_size, "no connection in time");
		return CONNECT_TIMEOUT;
	}
	if (rc == CURLE_OUT_OF_MEMORY || rc == CURLE_FAILED_INIT) {
		snprintf(why, why_size, "%s", c->curl->easy_strerror(rc));
		return CONNECT_FAULT;
	}
	if (rc != CURLE_OK) {
		snprintf(why, why_size, "%s",
		    c->refused_local ? "the name leads to a local address"
				     : c->curl->easy_strerror(rc));
		return CONNECT_FAILED;
	}
	if (c->curl->easy_getinfo(c->handle, CURLINFO_ACTIVESOCKET, &fd) !=
		CURLE_OK ||
	    fd == CURL_SOCKET_BAD) {
		snprintf(why, why_size, "the connection closed at once");
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

enum connect_result
connection_open(const struct backend *b, int64_t until_us, int client_fd,
    struct connection **to, char *why, size_t why_size)
{
	enum connect_result result = CONNECT_FAULT;
	long limit_ms = connect_limit(b, until_us);
	const struct libcurl *curl = libcurl_get(why, why_size);
	struct connection *c;

	*to = NULL;
	if (curl == NULL)
		return CONNECT_FAULT;
	if (limit_ms == 0) {
		snprintf(why, why_size, "no time is left");
		return CONNECT_TIMEOUT;
	}
	c = calloc(1, sizeof(*c));
	snprintf(why, why_size, "out of memory");
	if (c == NULL)
		return CONNECT_FAULT;
	c->curl = curl;
	c->tls = b->tls;
	c->fd = -1;
	c->may_be_local = b->may_be_local;
	c->handle = libcurl_handle(curl, b->ca_file);
	if (c->handle != NULL && set_up(c, b, limit_ms))
		result = attempt(c, client_fd, why, why_size);
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
	free(c);
}

int
connection_fd(const struct connection *c)
{
	return c->fd;
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
