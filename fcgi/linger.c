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

/* Of records, each time an upload is looked at. */
#define PIECES 32
/* FastCGI specification 1.0, section 8. */
#define TYPE_BEGIN_REQUEST 1

struct upload {
	int fd;
	int64_t until_us;
	size_t left_bytes;
	bool kept; /* walk is of use, the connection is wanted again */
	struct records walk;
};

enum fate {
	STAYS,   /* until more comes */
	GOES_ON, /* more may have come */
	GOES_BACK,
	ENDS,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct upload uploads[LINGER_MAX]; /* under lock */
static unsigned n_uploads;                /* under lock; oldest first */
static bool running, stopping;            /* under lock */
static pthread_t thread;
static int wake_fd = -1;
static void (*give_back)(void *arg, int fd); /* under lock */
static void *give_back_arg;

static void
drop(unsigned i, enum fate fate)
{
	if (fate == GOES_BACK)
		give_back(give_back_arg, uploads[i].fd);
	else
		close(uploads[i].fd);
	n_uploads--;
	for (; i < n_uploads; i++)
		uploads[i] = uploads[i + 1];
}

/* Bytes up to the end of the record at hand; 0: a record begins here. */
static size_t
record_left(const struct records *w)
{
	if (w->n_head > 0)
		return sizeof(w->head) - w->n_head;
	return w->content_left + w->padding_left;
}

static enum fate
without_bytes(const struct upload *u, int64_t now_us)
{
	if ((errno == EAGAIN || errno == EINTR) && now_us < u->until_us)
		return STAYS;
	return ENDS;
}

/*
 * Where a record begins: is it another request?  Only what was seen here
 * to be none may be read: a request can come right after the look.
 */
static enum fate
look_ahead(const struct upload *u, int64_t now_us)
{
	char head[2];
	ssize_t n;

	if (u->walk.state == RECORDS_END)
		return GOES_BACK;
	n = recv(u->fd, head, sizeof(head), MSG_DONTWAIT | MSG_PEEK);
	if (n == sizeof(head))
		return head[1] == TYPE_BEGIN_REQUEST ? GOES_BACK : GOES_ON;
	/* The type is in the second byte, which is on its way. */
	if (n == 1 && now_us < u->until_us)
		return STAYS;
	/* Silent so long: no upload goes on. */
	if (n == -1 && errno == EAGAIN && now_us >= u->until_us)
		return GOES_BACK;
	return n == -1 ? without_bytes(u, now_us) : ENDS;
}

/* Read over one piece. */
static enum fate
discard_piece(struct upload *u, int64_t now_us)
{
	static char nowhere[64 * 1024];
	size_t room = sizeof(nowhere), left;
	ssize_t n;

	if (u->kept && (left = record_left(&u->walk)) > 0) {
		room = left < room ? left : room;
	} else if (u->kept) {
		enum fate fate = look_ahead(u, now_us);

		if (fate != GOES_ON)
			return fate;
		room = sizeof(u->walk.head);
	}
	n = recv(u->fd, nowhere, room, MSG_DONTWAIT);
	if (n == -1)
		return without_bytes(u, now_us);
	if (n == 0 || (size_t)n >= u->left_bytes ||
	    (u->kept && !records_walk(&u->walk, span_of(nowhere, (size_t)n))))
		return ENDS;
	u->left_bytes -= (size_t)n;
	if (now_us >= u->until_us)
		return ENDS;
	return u->kept ? GOES_ON : STAYS;
}

/* A bounded part of what has come, so that every upload has its turn. */
static enum fate
discard(struct upload *u, int64_t now_us)
{
	enum fate fate = GOES_ON;

	for (int i = 0; i < PIECES && fate == GOES_ON; i++)
		fate = discard_piece(u, now_us);
	return fate;
}

/* Let go of what has ended and list the others for poll. */
static unsigned
look(struct pollfd *polls)
{
	int64_t now = clock_mono_us();
	unsigned n;

	for (unsigned i = 0; i < n_uploads;) {
		enum fate fate = discard(&uploads[i], now);

		if (fate == STAYS || fate == GOES_ON)
			i++;
		else
			drop(i, fate);
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
	while (n_uploads > 0) {
		const struct upload *u = &uploads[0];

		drop(0,
		    u->kept && record_left(&u->walk) == 0 ? GOES_BACK : ENDS);
	}
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
linger_give_to(void (*back)(void *arg, int fd), void *arg)
{
	pthread_mutex_lock(&lock);
	give_back = back;
	give_back_arg = arg;
	pthread_mutex_unlock(&lock);
}

void
linger_take(int fd, const struct records *walk)
{
	struct upload u = { .fd = fd,
		.until_us = clock_mono_us() + LINGER_US,
		.left_bytes = LINGER_BYTES };

	pthread_mutex_lock(&lock);
	u.kept = walk != NULL && give_back != NULL;
	if (u.kept)
		u.walk = *walk;
	else
		/* Our answer is whole: nobody need wait for more. */
		shutdown(fd, SHUT_WR);
	if (stopping || !start()) {
		close(fd);
	} else {
		if (n_uploads == LINGER_MAX)
			drop(0, ENDS);
		uploads[n_uploads++] = u;
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
