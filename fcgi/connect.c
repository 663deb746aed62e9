/*
 * connect - see connect.h.
 */
#include "fcgi/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fcgi/libcurl.h"
#include "policy/outside.h"

#define HOST_BYTES_MAX 253
#define SECRET_BYTES_MAX 4096

/* The rest is scheme and port. */
#define URL_BYTES_MAX 320

/* How often a client is looked after while a connection is made. */
#define LOOK_MS 50

/* For no limit: curl would take 0 as five minutes. */
#define CONNECT_MS_MAX (24L * 3600 * 1000)

struct connection {
	const struct libcurl *curl;
	CURL *handle;
	CURLM *multi; /* holds the connection; NULL once it is of no use */
	struct curl_slist *connect_to;
	int fd;
	int64_t made_us;
	bool tls;
	bool may_be_local;
	bool loopback_only; /* a credential is going to be said in the clear */
	bool through_proxy;
	bool unresolved;
	bool refused_local; /* an address was found, and is not allowed */
	char error[CURL_ERROR_SIZE];
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
	/* Then this is the proxy's address, which the policy names. */
	if (c->through_proxy)
		return socket(address->family, address->socktype | SOCK_CLOEXEC,
		    address->protocol);
	if ((!c->may_be_local && libcurl_address_is_local(&address->addr)) ||
	    (c->loopback_only &&
		!libcurl_address_is_loopback(&address->addr))) {
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

static unsigned
port_of(const struct backend *b)
{
	return b->port != 0 ? b->port : (b->tls ? 443U : 80U);
}

static struct span
host_of(const struct backend *b)
{
	return b->host.n > 0 ? b->host : SPAN("localhost");
}

/* The name that its certificate must have is also the one of the SNI. */
static bool
set_url(struct connection *c, const struct backend *b)
{
	struct span host = b->tls_name.n > 0 ? b->tls_name : host_of(b);
	bool v6 = span_has(host, ':');
	char url[URL_BYTES_MAX];
	int n;

	if (host.n > HOST_BYTES_MAX)
		return false;
	n = snprintf(url, sizeof(url), "%s://%s%.*s%s:%u/",
	    b->tls ? "https" : "http", v6 ? "[" : "", SPAN_ARG(host),
	    v6 ? "]" : "", port_of(b));
	return n > 0 && (size_t)n < sizeof(url) &&
	    c->curl->easy_setopt(c->handle, CURLOPT_URL, url) == CURLE_OK;
}

/*
 * Through a proxy, no address is seen here: what a document names is looked
 * up before, and the proxy gets the address, so that no name can lead it to
 * what a document may not reach.  False: none, or a local one.
 */
static bool
look_up(struct connection *c, struct span host, char to[static NI_MAXHOST])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char name[HOST_BYTES_MAX + 1];
	struct addrinfo *list = NULL;
	bool ok;

	memcpy(name, host.p, host.n);
	name[host.n] = '\0';
	if (getaddrinfo(name, NULL, &hints, &list) != 0 || list == NULL) {
		c->unresolved = true;
		return false;
	}
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		c->refused_local =
		    c->refused_local || libcurl_address_is_local(a->ai_addr);
	ok = !c->refused_local &&
	    getnameinfo(list->ai_addr, list->ai_addrlen, to, NI_MAXHOST, NULL,
		0, NI_NUMERICHOST) == 0;
	freeaddrinfo(list);
	return ok;
}

/* Where it is, when that is not what the URL says. */
static bool
set_place(struct connection *c, const struct backend *b)
{
	struct span host = host_of(b);
	char text[URL_BYTES_MAX], address[NI_MAXHOST];
	bool v6;
	int n;

	if (host.n > HOST_BYTES_MAX)
		return false;
	if (c->through_proxy && !b->may_be_local) {
		if (!look_up(c, host, address))
			return false;
		host = span_str(address);
	} else if (b->tls_name.n == 0 || b->unix_path.p != NULL) {
		return true;
	}
	v6 = span_has(host, ':');
	n = snprintf(text, sizeof(text), "::%s%.*s%s:%u", v6 ? "[" : "",
	    SPAN_ARG(host), v6 ? "]" : "", port_of(b));
	if (n <= 0 || (size_t)n >= sizeof(text))
		return false;
	c->connect_to = c->curl->slist_append(NULL, text);
	return c->connect_to != NULL &&
	    c->curl->easy_setopt(
		c->handle, CURLOPT_CONNECT_TO, c->connect_to) == CURLE_OK;
}

static bool
set_text(struct connection *c, CURLoption option, struct span text)
{
	char copy[SECRET_BYTES_MAX];
	bool ok;

	if (text.n >= sizeof(copy) || span_has_control(text))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	ok = c->curl->easy_setopt(c->handle, option, copy) == CURLE_OK;
	explicit_bzero(copy, sizeof(copy));
	return ok;
}

/* Always by CONNECT: the proxy sees where to, and no request. */
static bool
set_proxy(
    struct connection *c, const struct backend *b, const struct outside *w)
{
	struct source s;
	int bad = 0;

	if (b->proxy == NULL)
		return true;
	bad |= c->curl->easy_setopt(c->handle, CURLOPT_NOPROXY, "");
	bad |= c->curl->easy_setopt(c->handle, CURLOPT_HTTPPROXYTUNNEL, 1L);
	bad |= !set_text(c, CURLOPT_PROXY, b->proxy_url);
	if (b->proxy->password == ROW_NONE)
		return bad == 0;
	if (w == NULL ||
	    w->source(w->world, b->proxy->password, &s) != SOURCE_OK)
		return false;
	bad |= c->curl->easy_setopt(
	    c->handle, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
	bad |= !set_text(c, CURLOPT_PROXYUSERNAME, b->proxy_user);
	bad |= !set_text(c, CURLOPT_PROXYPASSWORD, s.secret);
	return bad == 0;
}

/* libcurl takes a copy. */
static bool
set_blob(struct connection *c, const struct outside *w, uint32_t row,
    CURLoption option)
{
	struct curl_blob blob = { .flags = CURL_BLOB_COPY };
	struct source s;

	if (w == NULL || w->source(w->world, row, &s) != SOURCE_OK)
		return false;
	blob.data = (void *)(uintptr_t)s.secret.p;
	blob.len = s.secret.n;
	return c->curl->easy_setopt(c->handle, option, &blob) == CURLE_OK;
}

static bool
set_certificate(
    struct connection *c, const struct backend *b, const struct outside *w)
{
	if (b->security == NULL || b->security->certificate == ROW_NONE)
		return true;
	return b->tls &&
	    set_blob(c, w, b->security->certificate, CURLOPT_SSLCERT_BLOB) &&
	    set_blob(c, w, b->security->key, CURLOPT_SSLKEY_BLOB);
}

static bool
set_up(struct connection *c, const struct connect_call *q, long limit_ms)
{
	const struct libcurl *curl = c->curl;
	const struct backend *b = q->backend;
	CURL *h = c->handle;
	int bad = 0;

	bad |= curl->easy_setopt(h, CURLOPT_CONNECT_ONLY, 1L);
	bad |= curl->easy_setopt(h, CURLOPT_ERRORBUFFER, c->error);
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
	bad |= !set_url(c, b) || !set_place(c, b);
	bad |= !set_proxy(c, b, q->outside);
	bad |= !set_certificate(c, b, q->outside);
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
	CURLcode rc = perform(c, client_fd);

	if (rc != CURLE_OK)
		return result_of(c, rc, p);
	if (c->curl->easy_getinfo(c->handle, CURLINFO_ACTIVESOCKET, &fd) !=
		CURLE_OK ||
	    fd == CURL_SOCKET_BAD) {
		(void)snprintf(
		    p->why, sizeof(p->why), "the connection closed at once");
		p->type = SPAN("connection_terminated");
		return CONNECT_FAILED;
	}
	c->fd = fd;
	c->made_us = clock_mono_us();
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
	if (c->handle != NULL && set_up(c, q, limit_ms))
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
	free(c);
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
