/*
 * connect_set - where a connection is to lead, by what way, and what is
 * shown there; part of connect.
 */
#include "fcgi/connect_part.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

#include "policy/outside.h"

#define HOST_BYTES_MAX 253
#define SECRET_BYTES_MAX 4096

/* The rest is scheme and port. */
#define URL_BYTES_MAX 320

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

bool
connect_set(struct connection *c, const struct connect_call *q, long limit_ms)
{
	const struct libcurl *curl = c->curl;
	const struct backend *b = q->backend;
	CURL *h = c->handle;
	int bad = 0;

	bad |= curl->easy_setopt(h, CURLOPT_ERRORBUFFER, c->error);
	bad |= curl->easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	bad |= curl->easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
	bad |= curl->easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
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
