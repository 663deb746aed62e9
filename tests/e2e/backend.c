/*
 * backend - the HTTP server behind the gate in tests, demo and bench.
 *
 *	backend [--log FILE] [--tls CERT KEY] [--slow-accept MS]
 *	    --listen tcp:ADDRESS:PORT | unix:PATH ...
 *
 * It echoes what it received as JSON, and misbehaves on demand: the last
 * segment of the path (or "do=WORD" in the query) names what it does, a
 * number behind it is its argument ("/bytes/1000", "?do=bytes/1000").
 * backend_words.c has them all.
 *
 * A thread for each connection, requests on it one after the other.
 * "listening ADDRESS" is printed once each address can be connected to;
 * port 0 asks for a free one.  --tls holds for the addresses behind it.
 *
 * The log has a line for each request when its head was read: "METHOD
 * TARGET connection=N request=N", then "short TARGET" when its body did
 * not come whole, "gone TARGET" when the client left before the answer.
 */
#include "tests/e2e/backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LISTENERS_MAX 8

struct listener {
	int fd;
	SSL_CTX *tls;
};

static int log_fd = -1;
static unsigned slow_accept_ms;
static atomic_ulong serials;

static void
die(const char *what)
{
	fprintf(stderr, "backend: %s: %s\n", what, strerror(errno));
	exit(2);
}

void
log_line(const char *format, ...)
{
	char line[8192];
	va_list args;
	int n;

	if (log_fd == -1)
		return;
	va_start(args, format);
	n = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(log_fd, line, (size_t)n) == -1)
		die("log");
}

void
pause_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

long
client_read(struct client *c, void *to, size_t room)
{
	if (c->tls != NULL) {
		int n = SSL_read(c->tls, to, (int)room);

		return n > 0 ? n : 0;
	}
	return (long)recv(c->fd, to, room, 0);
}

bool
client_write(struct client *c, const char *p, size_t n)
{
	while (n > 0) {
		long put = c->tls != NULL
		    ? (long)SSL_write(c->tls, p, (int)n)
		    : (long)send(c->fd, p, n, MSG_NOSIGNAL);

		if (put <= 0)
			return false;
		p += put;
		n -= (size_t)put;
	}
	return true;
}

bool
client_wait(struct client *c, unsigned ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	return poll(&p, 1, (int)ms) == 0;
}

/* More bytes behind those in the buffer; false at the end. */
static bool
fill(struct client *c)
{
	long n;

	if (c->at > 0) {
		memmove(c->in, c->in + c->at, c->n - c->at);
		c->n -= c->at;
		c->at = 0;
	}
	if (c->n == sizeof(c->in))
		return false;
	n = client_read(c, c->in + c->n, sizeof(c->in) - c->n);
	if (n <= 0)
		return false;
	c->n += (size_t)n;
	return true;
}

/* The header's value in the head, NUL-terminated copy; false if absent. */
bool
header(const struct client *c, const char *name, char *to, size_t room)
{
	const char *p = c->head, *end = c->head + c->head_n;
	size_t n = strlen(name);

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if (eol == NULL)
			return false;
		if ((size_t)(eol - p) > n && strncasecmp(p, name, n) == 0 &&
		    p[n] == ':') {
			const char *v = p + n + 1;
			const char *e = eol[-1] == '\r' ? eol - 1 : eol;

			while (v < e && *v == ' ')
				v++;
			snprintf(to, room, "%.*s", (int)(e - v), v);
			return true;
		}
		p = eol + 1;
	}
	return false;
}

static void
count_body(struct client *c, const char *p, size_t n)
{
	if (c->body_n < sizeof(c->body) && n > 0) {
		size_t room = sizeof(c->body) - c->body_n;

		memcpy(c->body + c->body_n, p, n < room ? n : room);
		c->body_n += n < room ? n : room;
	}
	for (size_t i = 0; i < n; i++) /* FNV-1a, 64 bits */
		c->fnv = (c->fnv ^ (unsigned char)p[i]) * 0x100000001b3ULL;
	c->body_bytes += n;
}

static bool
read_counted(struct client *c, unsigned long long left)
{
	while (left > 0) {
		size_t n = c->n - c->at;

		if (n == 0) {
			if (!fill(c))
				return false;
			continue;
		}
		if (n > left)
			n = (size_t)left;
		count_body(c, c->in + c->at, n);
		c->at += n;
		left -= n;
	}
	return true;
}

/* A line of the chunked framing; false at the end of the input. */
static bool
read_line(struct client *c, char *to, size_t room)
{
	char *lf;

	while ((lf = memchr(c->in + c->at, '\n', c->n - c->at)) == NULL) {
		if (!fill(c))
			return false;
	}
	snprintf(to, room, "%.*s", (int)(lf - (c->in + c->at)), c->in + c->at);
	c->at = (size_t)(lf - c->in) + 1;
	return true;
}

static bool
read_chunked(struct client *c)
{
	char line[256];

	for (;;) {
		unsigned long long size;

		if (!read_line(c, line, sizeof(line)))
			return false;
		size = strtoull(line, NULL, 16);
		if (size == 0)
			break;
		if (!read_counted(c, size) || !read_line(c, line, sizeof(line)))
			return false;
	}
	do {
		if (!read_line(c, line, sizeof(line)))
			return false;
	} while (line[0] != '\r' && line[0] != '\0');
	return true;
}

bool
read_body(struct client *c)
{
	char value[64];
	bool whole = true;

	if (header(c, "Transfer-Encoding", value, sizeof(value)))
		whole = read_chunked(c);
	else if (header(c, "Content-Length", value, sizeof(value)))
		whole = read_counted(c, strtoull(value, NULL, 10));
	if (!whole)
		log_line("short %s", c->target);
	return whole;
}

static void
read_request_line(struct client *c)
{
	const char *p = c->head, *end = memchr(p, '\r', c->head_n);
	const char *sp1 = memchr(p, ' ', (size_t)(end - p)), *sp2 = NULL;

	c->method[0] = c->target[0] = '\0';
	if (sp1 != NULL)
		sp2 = memchr(sp1 + 1, ' ', (size_t)(end - sp1 - 1));
	if (sp2 == NULL)
		return;
	snprintf(c->method, sizeof(c->method), "%.*s", (int)(sp1 - p), p);
	snprintf(c->target, sizeof(c->target), "%.*s", (int)(sp2 - sp1 - 1),
	    sp1 + 1);
}

static bool
read_head(struct client *c)
{
	char *end;

	while ((end = memmem(c->in + c->at, c->n - c->at, "\r\n\r\n", 4)) ==
	    NULL) {
		if (!fill(c))
			return false;
	}
	c->head_n = (size_t)(end - (c->in + c->at)) + 4;
	if (c->head_n > sizeof(c->head))
		return false;
	memcpy(c->head, c->in + c->at, c->head_n);
	c->at += c->head_n;
	c->requests++;
	c->body_bytes = 0;
	c->body_n = 0;
	c->fnv = 0xcbf29ce484222325ULL;
	read_request_line(c);
	return true;
}

static void *
serve(void *user)
{
	struct client *c = user;

	if (c->tls == NULL || SSL_accept(c->tls) == 1) {
		while (read_head(c)) {
			log_line("%s %s connection=%lu request=%lu", c->method,
			    c->target, c->serial, c->requests);
			if (!answer(c))
				break;
		}
	}
	if (c->tls != NULL)
		SSL_free(c->tls);
	close(c->fd);
	free(c);
	return NULL;
}

static void *
accept_loop(void *user)
{
	struct listener *l = user;
	pthread_attr_t attr;
	int one = 1;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (;;) {
		struct client *c;
		pthread_t t;
		int fd;

		pause_ms(slow_accept_ms);
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			continue;
		/* Fails on UNIX sockets, which do not delay anyway. */
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			die("memory");
		c->fd = fd;
		c->serial = atomic_fetch_add(&serials, 1) + 1;
		if (l->tls != NULL) {
			c->tls = SSL_new(l->tls);
			SSL_set_fd(c->tls, fd);
		}
		if (pthread_create(&t, &attr, serve, c) != 0) {
			close(fd);
			free(c);
		}
	}
	return NULL;
}

static void
listen_unix(struct listener *l, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(l->fd, (struct sockaddr *)&un, sizeof(un)) != 0 ||
	    listen(l->fd, 1024) != 0)
		die(path);
	printf("listening unix:%s\n", path);
}

static void
listen_tcp(struct listener *l, char *where)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	char *port = strrchr(where, ':');
	socklen_t n = sizeof(in);
	int one = 1;

	if (port == NULL) {
		errno = EINVAL;
		die(where);
	}
	*port++ = '\0';
	in.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (inet_pton(AF_INET, where, &in.sin_addr) != 1)
		die(where);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l->fd, (struct sockaddr *)&in, sizeof(in)) != 0 ||
	    listen(l->fd, 1024) != 0 ||
	    getsockname(l->fd, (struct sockaddr *)&in, &n) != 0)
		die(where);
	printf("listening tcp:%s:%u\n", where, (unsigned)ntohs(in.sin_port));
}

static SSL_CTX *
load_tls(const char *cert, const char *key)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "backend: cannot use %s and %s\n", cert, key);
		exit(2);
	}
	return tls;
}

int
main(int argc, char **argv)
{
	static struct listener listeners[LISTENERS_MAX];
	unsigned n = 0;
	SSL_CTX *tls = NULL;

	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--log") == 0) {
			log_fd = open(value,
			    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
			if (log_fd == -1)
				die(value);
		} else if (strcmp(argv[i], "--slow-accept") == 0) {
			slow_accept_ms = (unsigned)strtoul(value, NULL, 10);
		} else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
			tls = load_tls(value, argv[++i + 1]);
		} else if (strcmp(argv[i], "--listen") == 0 &&
		    n < LISTENERS_MAX) {
			listeners[n].tls = tls;
			if (strncmp(value, "unix:", 5) == 0)
				listen_unix(&listeners[n], value + 5);
			else if (strncmp(value, "tcp:", 4) == 0)
				listen_tcp(&listeners[n], argv[i + 1] + 4);
			else
				die(value);
			n++;
		} else {
			fprintf(stderr, "backend: what is %s?\n", argv[i]);
			return 2;
		}
	}
	if (n == 0) {
		fprintf(stderr, "backend: --listen is needed\n");
		return 2;
	}
	fflush(stdout);
	for (unsigned i = 1; i < n; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, accept_loop, &listeners[i]) != 0)
			die("thread");
	}
	accept_loop(&listeners[0]);
	return 0;
}
