/*
 * target - the backend that the bench measures against: one thread, kept
 * connections, every request answered with the same 100 bytes.
 *
 * Prints its port.  It knows of requests only that a head ends with an
 * empty line and that none has a body.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
#define TEN "123456789\n"

static const char reply[] =
    HEAD "100\r\n\r\n" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN;

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
			if (send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL) <
			    0)
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

int
main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct epoll_event e = { .events = EPOLLIN }, events[64];
	socklen_t size = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int set = epoll_create1(0);

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
