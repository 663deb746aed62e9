/*
 * connect - see connect.h.
 */
#include "fcgi/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/libcurl.h"

/* Host names are at most 253 bytes; the rest is scheme and port. */
#define URL_BYTES_MAX 320

struct connection {
	const struct libcurl *curl;
	CURL *handle;
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
set_up(struct connection *c, const struct backend *b)
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
	if (b->connect_ms > 0) {
		bad |= curl->easy_setopt(
		    h, CURLOPT_CONNECTTIMEOUT_MS, (long)b->connect_ms);
	}
	if (b->unix_path.p != NULL)
		bad |= !set_unix_path(c, b->unix_path);
	bad |= !set_url(c, b);
	return bad == 0;
}

static enum connect_result
attempt(struct connection *c, char *why, size_t why_size)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLcode rc = c->curl->easy_perform(c->handle);

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

enum connect_result
connection_open(
    const struct backend *b, struct connection **to, char *why, size_t why_size)
{
	enum connect_result result = CONNECT_FAULT;
	const struct libcurl *curl = libcurl_get(why, why_size);
	struct connection *c;

	*to = NULL;
	if (curl == NULL)
		return CONNECT_FAULT;
	c = calloc(1, sizeof(*c));
	snprintf(why, why_size, "out of memory");
	if (c == NULL)
		return CONNECT_FAULT;
	c->curl = curl;
	c->tls = b->tls;
	c->fd = -1;
	c->may_be_local = b->may_be_local;
	c->handle = libcurl_handle(curl, b->ca_file);
	if (c->handle != NULL && set_up(c, b))
		result = attempt(c, why, why_size);
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
	if (c->handle != NULL)
		c->curl->easy_cleanup(c->handle);
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
	return errno == EAGAIN || errno == EWOULDBLOCK ? -2 : -1;
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
		return -2;
	return rc == CURLE_OK ? (long)n : -1;
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
		return -2;
	return rc == CURLE_OK ? (long)n : -1;
}
