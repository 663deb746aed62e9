/*
 * target - the backend that the bench measures against: one thread, kept
 * connections, every request answered with the same bytes: 100, or as many
 * as its argument says.
 *
 * Prints its port.  It knows of requests only that a head ends with an
 * empty line and that none has a body.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX (1024 * 1024)

static char reply[256 + BODY_MAX];
static size_t reply_n;

/* How much of the end of a head has been seen, by descriptor. */
static unsigned char seen[65536];

/* False: the connection is over. */
static int
serve(int fd)
{
	static const char end[] = "\r\n\r\n";
	char bytes[16384];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	if (n <= 0)
		return 0;
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] != end[seen[fd]])
			seen[fd] = bytes[i] == '\r';
		else if (++seen[fd] == 4) {
			seen[fd] = 0;
			if (send(fd, reply, reply_n, MSG_NOSIGNAL) < 0)
				return 0;
		}
	}
	return 1;
}

static void
take(int set, int listener)
{
	struct epoll_event e = { .events = EPOLLIN };
	int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (fd >= (int)sizeof(seen)) {
		close(fd);
		return;
	}
	seen[fd] = 0;
	e.data.fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
}

static void
make_reply(size_t n)
{
	reply_n = (size_t)snprintf(reply, 256,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    n);
	for (size_t i = 0; i < n; i++)
		reply[reply_n++] = "123456789\n"[i % 10];
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct epoll_event e = { .events = EPOLLIN }, events[64];
	socklen_t size = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int set = epoll_create1(0);
	size_t n_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;

	make_reply(n_bytes < BODY_MAX ? n_bytes : BODY_MAX);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&a, size) != 0 ||
	    listen(listener, 1024) != 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &size) != 0) {
		perror("target");
		return 1;
	}
	e.data.fd = listener;
	epoll_ctl(set, EPOLL_CTL_ADD, listener, &e);
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(set, events, 64, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.fd == listener)
				take(set, listener);
			else if (!serve(events[i].data.fd))
				close(events[i].data.fd);
	}
}
