/*
 * linger - see linger.h.
 */
#include "fcgi/linger.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

/* An upload that goes on longer is cut: its answer has long been read. */
#define LINGER_US (10 * US_PER_S)
#define LINGER_BYTES (16u << 20)
#define LINGER_MAX 256

struct upload {
	int fd;
	int64_t until_us;
	size_t left_bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct upload uploads[LINGER_MAX]; /* under lock */
static unsigned n_uploads;                /* under lock; oldest first */
static bool running, stopping;            /* under lock */
static pthread_t thread;
static int wake_fd = -1;

static void
drop(unsigned i)
{
	close(uploads[i].fd);
	n_uploads--;
	for (; i < n_uploads; i++)
		uploads[i] = uploads[i + 1];
}

/* False when this upload has ended, in one way or another. */
static bool
discard(struct upload *u, int64_t now_us)
{
	static char nowhere[64 * 1024];
	ssize_t n = recv(u->fd, nowhere, sizeof(nowhere), MSG_DONTWAIT);

	if (n == -1)
		return (errno == EAGAIN || errno == EINTR) &&
		    now_us < u->until_us;
	if (n == 0 || (size_t)n >= u->left_bytes)
		return false;
	u->left_bytes -= (size_t)n;
	return now_us < u->until_us;
}

/* Let go of what has ended and list the others for poll. */
static unsigned
look(struct pollfd *polls)
{
	int64_t now = clock_mono_us();
	unsigned n;

	for (unsigned i = 0; i < n_uploads;) {
		if (discard(&uploads[i], now))
			i++;
		else
			drop(i);
	}
	for (n = 0; n < n_uploads; n++)
		polls[n + 1] =
		    (struct pollfd){ .fd = uploads[n].fd, .events = POLLIN };
	return n;
}

static void *
run(void *nothing)
{
	static struct pollfd polls[LINGER_MAX + 1];

	for (;;) {
		uint64_t count;
		unsigned n;

		pthread_mutex_lock(&lock);
		if (stopping)
			break;
		n = look(polls);
		pthread_mutex_unlock(&lock);
		polls[0] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
		(void)poll(polls, n + 1, n > 0 ? 1000 : -1);
		/* Nothing to read when poll was woken by an upload. */
		(void)!read(wake_fd, &count, sizeof(count));
	}
	while (n_uploads > 0)
		drop(0);
	pthread_mutex_unlock(&lock);
	return nothing;
}

/* Started with the first upload: most gates never need it. */
static bool
start(void)
{
	sigset_t all, old;

	if (running)
		return true;
	if (wake_fd == -1)
		wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd == -1)
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	running = pthread_create(&thread, NULL, run, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return running;
}

static void
wake(void)
{
	uint64_t one = 1;

	/* A full counter wakes as well. */
	(void)!write(wake_fd, &one, sizeof(one));
}

void
linger_take(int fd)
{
	/* Our answer is whole: the other side need not wait for more. */
	shutdown(fd, SHUT_WR);
	pthread_mutex_lock(&lock);
	if (stopping || !start()) {
		close(fd);
	} else {
		if (n_uploads == LINGER_MAX)
			drop(0);
		uploads[n_uploads++] = (struct upload){ .fd = fd,
			.until_us = clock_mono_us() + LINGER_US,
			.left_bytes = LINGER_BYTES };
		wake();
	}
	pthread_mutex_unlock(&lock);
}

void
linger_stop(void)
{
	bool started;

	pthread_mutex_lock(&lock);
	stopping = true;
	started = running;
	pthread_mutex_unlock(&lock);
	if (started) {
		wake();
		pthread_join(thread, NULL);
	}
	pthread_mutex_lock(&lock);
	running = false;
	stopping = false;
	pthread_mutex_unlock(&lock);
}
