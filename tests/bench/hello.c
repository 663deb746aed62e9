/*
 * hello - the least that a FastCGI program does: the floor of the bench.
 *
 * hello -l PATH [-t THREADS] listens on a UNIX socket, without -l on
 * descriptor 0.  Threads wait on one epoll set for connections that the
 * web server keeps, as mgw's own workers do; so the difference to mgw is
 * what mgw does, not how it waits.  It is no example: it trusts whoever
 * connects.  Answers with the request's method and path, also under CGI.
 */
#include <fcgiapp.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int epoll_fd, listen_fd;

static void
answer(FCGX_Request *r)
{
	const char *method = FCGX_GetParam("REQUEST_METHOD", r->envp);
	const char *uri = FCGX_GetParam("REQUEST_URI", r->envp);
	char unread[4096];

	/* What is left unread would be parsed as the next request. */
	while (FCGX_GetStr(unread, sizeof(unread), r->in) > 0)
		continue;
	FCGX_FPrintF(r->out,
	    "Status: 200\r\nContent-Type: text/plain\r\n\r\nhello %s %s\n",
	    method != NULL ? method : "-", uri != NULL ? uri : "-");
}

static void
watch(int operation, int fd)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT };

	e.data.fd = fd;
	if (epoll_ctl(epoll_fd, operation, fd, &e) != 0)
		close(fd);
}

static void *
work(void *unused)
{
	FCGX_Request r;
	struct epoll_event e;
	int fd;

	(void)unused;
	for (;;) {
		if (epoll_wait(epoll_fd, &e, 1, -1) != 1)
			continue;
		if (e.data.fd == listen_fd) {
			fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
			watch(EPOLL_CTL_MOD, listen_fd);
			if (fd >= 0)
				watch(EPOLL_CTL_ADD, fd);
			continue;
		}
		memset(&r, 0, sizeof(r));
		r.listen_sock = -1;
		r.ipcFd = e.data.fd;
		r.keepConnection = 1;
		if (FCGX_Accept_r(&r) != 0)
			continue;
		answer(&r);
		FCGX_Finish_r(&r);
		if (r.ipcFd >= 0)
			watch(EPOLL_CTL_MOD, r.ipcFd);
	}
	return NULL;
}

static int
listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    chmod(path, 0666) != 0 || listen(fd, 1024) != 0)
		return -1;
	return fd;
}

static int
once(void)
{
	FCGX_Request r;

	if (FCGX_InitRequest(&r, 0, 0) != 0 || FCGX_Accept_r(&r) != 0)
		return 1;
	answer(&r);
	FCGX_Finish_r(&r);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *path = NULL;
	long threads = 1;
	pthread_t id;
	int c;

	while ((c = getopt(argc, argv, "l:t:")) != -1)
		if (c == 'l')
			path = optarg;
		else if (c == 't')
			threads = strtol(optarg, NULL, 10);
		else
			return 2;
	FCGX_Init();
	signal(SIGTERM, SIG_DFL);
	if (path == NULL && FCGX_IsCGI())
		return once();
	listen_fd = path != NULL ? listen_at(path) : 0;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (listen_fd < 0 || epoll_fd < 0) {
		perror(path);
		return 1;
	}
	watch(EPOLL_CTL_ADD, listen_fd);
	for (long i = 1; i < threads; i++)
		if (pthread_create(&id, NULL, work, NULL) != 0)
			return 1;
	work(NULL);
	return 0;
}
