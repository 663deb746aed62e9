/*
 * systemd - see systemd.h.
 */
#include "fcgi/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/span.h"

#define KEPT_NAME "mgw-kept"
#define PASSED_MAX 65536
#define SETTLE_MS 5000
#define SEND_S 2

unsigned
systemd_n(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	uint64_t v;

	if (pid == NULL || n == NULL ||
	    !span_to_u64(span_str(pid), INT32_MAX, &v) ||
	    v != (uint64_t)getpid() ||
	    !span_to_u64(span_str(n), PASSED_MAX, &v))
		return 0;
	return (unsigned)v;
}

bool
systemd_is_kept(unsigned i)
{
	const char *text = getenv("LISTEN_FDNAMES");
	struct span names = span_str(text != NULL ? text : ""), name = names;

	for (unsigned k = 0; k <= i; k++)
		name = span_cut(&names, ':');
	return span_eq(name, SPAN(KEPT_NAME));
}

bool
systemd_keeps(void)
{
	return systemd_n() > 0 && getenv("NOTIFY_SOCKET") != NULL;
}

/* The address in NOTIFY_SOCKET; its length, or 0. */
static socklen_t
notify_address(struct sockaddr_un *a)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path != NULL ? strlen(path) : 0;

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n < 2 || n >= sizeof(a->sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return 0;
	memcpy(a->sun_path, path, n);
	if (path[0] == '@')
		a->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

/* Send "text" with a copy of "fd" (-1: without). */
static bool
notify(const char *text, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	const struct timeval patience = { SEND_S, 0 };
	struct sockaddr_un a;
	struct iovec v = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr m = { .msg_name = &a,
		.msg_namelen = notify_address(&a),
		.msg_iov = &v,
		.msg_iovlen = 1 };
	bool ok;
	int to;

	if (m.msg_namelen == 0)
		return false;
	if (fd != -1) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		control.head =
		    (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
			    .cmsg_level = SOL_SOCKET,
			    .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (to == -1)
		return false;
	(void)setsockopt(
	    to, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	ok = sendmsg(to, &m, MSG_NOSIGNAL) != -1;
	if (!ok)
		log_warn("NOTIFY_SOCKET errno=%d", errno);
	close(to);
	return ok;
}

void
systemd_keep(int fd)
{
	(void)notify("FDSTORE=1\nFDNAME=" KEPT_NAME, fd);
	close(fd);
}

void
systemd_settle(void)
{
	int ends[2];

	/* The other end is closed once the messages before were read. */
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	if (notify("BARRIER=1", ends[1])) {
		struct pollfd p = { .fd = ends[0] };

		close(ends[1]);
		if (poll(&p, 1, SETTLE_MS) == 0)
			log_warn("NOTIFY_SOCKET is not read");
	} else {
		close(ends[1]);
	}
	close(ends[0]);
}

void
systemd_release(void)
{
	(void)notify("FDSTOREREMOVE=1\nFDNAME=" KEPT_NAME, -1);
	systemd_settle();
}
