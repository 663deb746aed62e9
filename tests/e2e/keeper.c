/*
 * keeper - the part of systemd that a restart of mgw needs, for tests: the
 * owner of its socket, and keeper of the connections it hands over.
 *
 *	keeper SOCKET COMMAND...
 *
 * Runs COMMAND with the listening socket and what is kept from
 * descriptor 3 on; after each end of it begins another.  SIGHUP ends
 * COMMAND, SIGTERM both.  Prints "ended STATUS KEPT" for each end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT_MAX 200
#define FIRST 3
#define HIGH 300 /* where our own descriptors lie, above what is passed */

static int kept[KEPT_MAX];
static unsigned n_kept;
static volatile sig_atomic_t restart, end;

static void
note(int sig)
{
	if (sig == SIGHUP)
		restart = 1;
	else if (sig != SIGCHLD)
		end = 1;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
make_socket(const char *path, int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0), high;

	if (fd == -1 || strlen(path) >= sizeof(a.sun_path))
		die(path);
	memcpy(a.sun_path, path, strlen(path));
	unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    chmod(path, 0660) != 0 ||
	    (type == SOCK_STREAM && listen(fd, 512) != 0))
		die(path);
	high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
	close(fd);
	return high;
}

/* In the child: descriptors in their places, and what tells of them. */
static void
run(int listener, const char *notify, char **command)
{
	char text[40], names[KEPT_MAX * 9 + 10] = "mgw.socket";
	size_t at = strlen(names);

	for (unsigned i = 0; i < n_kept; i++) {
		if (dup2(kept[i], FIRST + 1 + (int)i) == -1)
			die("dup2");
		memcpy(names + at, ":mgw-kept", 10);
		at += 9;
	}
	if (dup2(listener, FIRST) == -1)
		die("dup2");
	(void)snprintf(text, sizeof(text), "%u", n_kept + 1);
	setenv("LISTEN_FDS", text, 1);
	(void)snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	setenv("NOTIFY_SOCKET", notify, 1);
	execv(command[0], command);
	die(command[0]);
}

static void
drop_all(void)
{
	while (n_kept > 0)
		close(kept[--n_kept]);
}

/* One message; what its descriptors are for. */
static void
take_message(int notify)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char text[256];
	struct iovec v = { text, sizeof(text) - 1 };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c;
	ssize_t n = recvmsg(notify, &m, MSG_DONTWAIT);
	int fd = -1, high = -1;

	if (n <= 0)
		return;
	text[n] = '\0';
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
		close(fd);
	}
	if (strcmp(text, "FDSTORE=1\nFDNAME=mgw-kept") == 0 && high != -1 &&
	    n_kept < KEPT_MAX) {
		kept[n_kept++] = high;
		return;
	}
	if (strcmp(text, "FDSTOREREMOVE=1\nFDNAME=mgw-kept") == 0)
		drop_all();
	else if (strcmp(text, "BARRIER=1") != 0)
		printf("unexpected %s\n", text);
	if (high != -1)
		close(high);
}

/* Until the child has ended; its status. */
static int
look_after(pid_t pid, int notify)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		struct pollfd p = { .fd = notify, .events = POLLIN };

		if (restart || end)
			kill(pid, SIGTERM);
		restart = 0;
		if (poll(&p, 1, 10) > 0)
			take_message(notify);
	}
	while (recv(notify, &(char){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		take_message(notify);
	return status;
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = note };
	char path[100];
	int listener, notify;

	if (argc < 3)
		return 2;
	sigaction(SIGHUP, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	(void)snprintf(path, sizeof(path), "%s.notify", argv[1]);
	notify = make_socket(path, SOCK_DGRAM);
	listener = make_socket(argv[1], SOCK_STREAM);
	while (!end) {
		pid_t pid = fork();

		if (pid == 0)
			run(listener, path, argv + 2);
		printf("ended %d", look_after(pid, notify));
		printf(" %u\n", n_kept);
	}
	return 0;
}
