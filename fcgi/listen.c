/*
 * listen - see listen.h.
 */
#include "fcgi/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi/systemd.h"

/*
 * A full queue makes a web server answer by itself: Apache 503, lighttpd
 * 500, when it has tried again and sent the same request several times on
 * one connection.  So the queue is as long as Linux lets it be unless told
 * otherwise (net.core.somaxconn), and what is too much is refused here.
 */
#define BACKLOG 4096

union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static bool
fail(char *why, size_t why_size, const char *what, const char *text)
{
	(void)snprintf(why, why_size, "%s: %s", what, text);
	return false;
}

static bool
fail_secret(char *why, size_t why_size)
{
	return fail(why, why_size, "TCP",
	    "needs MGW_PEER_SECRET, here and as a parameter that the web "
	    "server sets");
}

/* A folder in which nobody else can put a socket in our place. */
static bool
check_folder(const char *path, char *why, size_t why_size)
{
	const char *slash = strrchr(path, '/');
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	size_t n = slash == path ? 1 : (size_t)(slash - path);
	struct stat st;

	memcpy(folder, path, n);
	folder[n] = '\0';
	if (stat(folder, &st) != 0)
		return fail(why, why_size, folder, strerror(errno));
	if (!S_ISDIR(st.st_mode) ||
	    (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return fail(why, why_size, folder,
		    "the socket's folder must be owned by root or mgw's user "
		    "and writable by nobody else");
	return true;
}

static void
set_path(union address *a, const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	*a = (union address){ .un = { .sun_family = AF_UNIX } };
	memcpy(a->un.sun_path, path, n);
	memcpy(a->un.sun_path + n, suffix, m);
}

/* "path" is free to be taken: absent, or a socket nobody listens on. */
static bool
check_stale(const char *path, char *why, size_t why_size)
{
	union address a;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ||
		    fail(why, why_size, path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(why, why_size, path, "exists and is no socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return fail(why, why_size, path, strerror(errno));
	set_path(&a, path, "");
	rc = connect(fd, &a.any, sizeof(a.un));
	/* EAGAIN is a full queue: somebody listens. */
	if (rc == -1 && errno == ECONNREFUSED) {
		close(fd);
		return true;
	}
	close(fd);
	return fail(why, why_size, path, "another process listens there");
}

static bool
set_group(const char *path, const char *group, char *why, size_t why_size)
{
	const struct group *g;

	if (group != NULL) {
		g = getgrnam(group);
		if (g == NULL)
			return fail(why, why_size, group, "no such group");
		if (lchown(path, (uid_t)-1, g->gr_gid) != 0)
			return fail(why, why_size, group, strerror(errno));
	}
	return chmod(path, 0660) == 0 ||
	    fail(why, why_size, path, strerror(errno));
}

/* A path at which a socket may be made. */
static bool
check_path(const char *path, char *why, size_t why_size)
{
	if (strlen(path) + sizeof(".new") >
	    sizeof(((struct sockaddr_un *)0)->sun_path))
		return fail(why, why_size, path, "too long for a socket");
	return check_folder(path, why, why_size);
}

static bool
open_unix(struct listener *l, const char *path, const char *group, char *why,
    size_t why_size)
{
	union address a;
	struct stat st;
	mode_t mask;
	int rc;

	if (!check_path(path, why, why_size) ||
	    !check_stale(path, why, why_size))
		return false;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd == -1)
		return fail(why, why_size, path, strerror(errno));
	set_path(&a, path, ".new");
	if (lstat(a.un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(a.un.sun_path);
	mask = umask(0177);
	rc = bind(l->fd, &a.any, sizeof(a.un));
	umask(mask);
	if (rc != 0 || listen(l->fd, BACKLOG) != 0)
		return fail(why, why_size, path, strerror(errno));
	if (!set_group(a.un.sun_path, group, why, why_size) ||
	    lstat(a.un.sun_path, &st) != 0 ||
	    rename(a.un.sun_path, path) != 0) {
		if (why[0] == '\0')
			fail(why, why_size, path, strerror(errno));
		unlink(a.un.sun_path);
		return false;
	}
	l->path = path;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return true;
}

static bool
is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
	return a->any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* "127.0.0.1:9000" or "[::1]:9000". */
static bool
parse_tcp(struct span s, union address *a, socklen_t *n)
{
	struct span host = s, port = s;
	char text[INET6_ADDRSTRLEN];
	bool six = span_starts(s, SPAN("["));
	uint64_t number;

	*a = (union address){ 0 };
	if (six) {
		port = span_skip(s, 1);
		host = span_cut(&port, ']');
		if (!span_starts(port, SPAN(":")))
			return false;
		port = span_skip(port, 1);
	} else {
		host = span_cut(&port, ':');
	}
	if (port.p == NULL || !span_to_u64(port, 65535, &number) ||
	    host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (six) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)number);
		*n = sizeof(a->in6);
		return inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1;
	}
	a->in.sin_family = AF_INET;
	a->in.sin_port = htons((uint16_t)number);
	*n = sizeof(a->in);
	return inet_pton(AF_INET, text, &a->in.sin_addr) == 1;
}

static bool
check_tcp(const char *what, union address *a, socklen_t *n, char *why,
    size_t why_size)
{
	if (!parse_tcp(span_skip(span_str(what), 4), a, n))
		return fail(why, why_size, what,
		    "must be tcp:127.0.0.1:PORT or tcp:[::1]:PORT");
	return is_loopback(a) ||
	    fail(why, why_size, what, "must be a loopback address");
}

static bool
open_tcp(struct listener *l, const char *what, char *why, size_t why_size)
{
	union address a;
	socklen_t n;
	int one = 1;

	if (!check_tcp(what, &a, &n, why, why_size))
		return false;
	l->tcp = true;
	l->fd = socket(
	    a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd == -1)
		return fail(why, why_size, what, strerror(errno));
	(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l->fd, &a.any, n) != 0 || listen(l->fd, BACKLOG) != 0)
		return fail(why, why_size, what, strerror(errno));
	return true;
}

/* A listening stream socket, whoever made it. */
static bool
is_listening(int fd)
{
	int type = 0, listening = 0;
	socklen_t n = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 ||
	    type != SOCK_STREAM)
		return false;
	n = sizeof(listening);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) == 0 &&
	    listening != 0;
}

static bool
take_inherited(struct listener *l, int fd, char *why, size_t why_size)
{
	union address a = { 0 };
	socklen_t n = sizeof(a);

	l->fd = fd;
	if (getsockname(fd, &a.any, &n) != 0)
		return fail(why, why_size, "socket", strerror(errno));
	l->tcp = a.any.sa_family != AF_UNIX;
	if (l->tcp && !is_loopback(&a))
		return fail(why, why_size, "the socket that was passed",
		    "must be a UNIX socket or on a loopback address");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
		return fail(why, why_size, "socket", strerror(errno));
	return true;
}

static bool
open_all(
    struct listeners *l, const struct config *c, char *why, size_t why_size)
{
	unsigned n = systemd_n();

	for (unsigned i = 0; i < c->n_listen; i++) {
		struct listener *one = &l->list[l->n++];
		const char *what = c->listen[i];
		bool ok = span_starts(span_str(what), SPAN("unix:"))
		    ? open_unix(one, what + 5, c->listen_group, why, why_size)
		    : open_tcp(one, what, why, why_size);

		if (!ok)
			return false;
	}
	if (c->n_listen > 0)
		return true;
	for (unsigned i = 0; i < n; i++) {
		if (systemd_is_kept(i))
			continue;
		if (l->n == LISTENERS_MAX)
			return fail(why, why_size, "LISTEN_FDS", "too many");
		if (!is_listening(SYSTEMD_FIRST + (int)i))
			return fail(why, why_size, "LISTEN_FDS",
			    "not a listening stream socket");
		if (!take_inherited(&l->list[l->n++], SYSTEMD_FIRST + (int)i,
			why, why_size))
			return false;
	}
	if (n == 0 && is_listening(STDIN_FILENO))
		return take_inherited(
		    &l->list[l->n++], STDIN_FILENO, why, why_size);
	return true;
}

/* The account of web-server-user; false with "why". */
static bool
find_web_server(const struct config *c, uid_t *uid, char *why, size_t why_size)
{
	const struct passwd *pw = getpwnam(c->web_server_user);

	if (pw == NULL)
		return fail(why, why_size, c->web_server_user, "no such user");
	*uid = pw->pw_uid;
	return true;
}

bool
listen_check_user(const struct config *c, char *why, size_t why_size)
{
	uid_t uid;

	why[0] = '\0';
	return find_web_server(c, &uid, why, why_size);
}

bool
listen_check(const struct config *c, unsigned i, char *why, size_t why_size)
{
	const char *what = c->listen[i], *path = what + 5;
	union address a;
	socklen_t n;
	struct stat st;

	why[0] = '\0';
	if (span_starts(span_str(what), SPAN("tcp:")))
		return check_tcp(what, &a, &n, why, why_size) &&
		    (c->peer_secret.p != NULL || fail_secret(why, why_size));
	if (!check_path(path, why, why_size))
		return false;
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return fail(why, why_size, path, "exists and is no socket");
	if (c->listen_group != NULL && getgrnam(c->listen_group) == NULL)
		return fail(why, why_size, c->listen_group, "no such group");
	return true;
}

bool
listen_open(
    struct listeners *l, const struct config *c, char *why, size_t why_size)
{
	bool ok;

	*l = (struct listeners){ .own = geteuid(), .web_server = (uid_t)-1 };
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		l->list[i].fd = -1;
	why[0] = '\0';
	if (c->web_server_user != NULL &&
	    !find_web_server(c, &l->web_server, why, why_size))
		return false;
	ok = open_all(l, c, why, why_size);
	for (unsigned i = 0; ok && i < l->n; i++)
		if (l->list[i].tcp && c->peer_secret.p == NULL)
			ok = fail_secret(why, why_size);
	if (!ok)
		listen_close(l);
	return ok;
}

void
listen_close(struct listeners *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct listener *one = &l->list[i];
		struct stat st;

		/* Not one that another process has put there since. */
		if (one->path != NULL && lstat(one->path, &st) == 0 &&
		    st.st_dev == one->device && st.st_ino == one->inode)
			unlink(one->path);
		if (one->fd != -1)
			close(one->fd);
	}
	l->n = 0;
}

bool
listen_may_speak(const struct listeners *l, const struct listener *from, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (from->tcp)
		return true; /* its secret is checked with each request */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return false;
	return peer.uid == 0 || peer.uid == l->own ||
	    (l->web_server != (uid_t)-1 && peer.uid == l->web_server);
}
