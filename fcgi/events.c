/*
 * events - see events.h.
 */
#include "fcgi/events.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* A slow disk may fall behind so far; a second of a busy gate. */
#define QUEUE_MAX (8u << 20)
/* Lines are gathered for so long: the thread is not woken for each. */
#define GATHER_NS (5 * 1000000L)
#define LOOK_US US_PER_S

enum kind {
	TO_FILE,
	TO_STDERR,
	TO_SYSLOG,
	TO_NOWHERE,
};

struct events {
	enum kind kind;
	bool direct;
	char *path;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct buf queue; /* under lock */
	bool closing;     /* under lock */
	atomic_bool reopen;
	_Atomic uint64_t n_lost;
	/* Of the writing thread alone: */
	int fd;
	bool torn; /* the last write ended inside a line */
	int64_t looked_us;
};

static bool
open_file(struct events *e)
{
	int fd = open(e->path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		O_NOFOLLOW,
	    0640);

	if (fd == -1)
		return false;
	if (e->fd != -1)
		close(e->fd);
	e->fd = fd;
	return true;
}

/* The file was renamed or removed: what is opened is not what is there. */
static bool
has_moved(const struct events *e)
{
	struct stat there, ours;

	return stat(e->path, &there) != 0 || fstat(e->fd, &ours) != 0 ||
	    there.st_ino != ours.st_ino || there.st_dev != ours.st_dev;
}

static void
look(struct events *e)
{
	int64_t now = clock_mono_us();
	bool asked = atomic_exchange(&e->reopen, false);

	if (e->kind != TO_FILE || (!asked && now - e->looked_us < LOOK_US))
		return;
	e->looked_us = now;
	/* Where it cannot be opened, the old one goes on. */
	if (asked || e->fd == -1 || has_moved(e))
		(void)open_file(e);
}

static uint64_t
count_lines(struct span s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

static void
write_syslog(struct span lines)
{
	while (lines.n > 0) {
		struct span line = span_cut(&lines, '\n');

		syslog(LOG_INFO, "%.*s", SPAN_ARG(line));
	}
}

/* Whole lines in one write, so that processes do not mix in one file. */
static void
write_lines(struct events *e, struct span lines)
{
	ssize_t n;

	look(e);
	if (e->kind == TO_SYSLOG) {
		write_syslog(lines);
		return;
	}
	if (e->torn && write(e->fd, "\n", 1) == 1)
		e->torn = false;
	n = e->torn ? -1 : write(e->fd, lines.p, lines.n);
	if (n == (ssize_t)lines.n)
		return;
	if (n > 0) {
		e->torn = lines.p[n - 1] != '\n';
		lines = span_skip(lines, (size_t)n);
	}
	atomic_fetch_add(&e->n_lost, count_lines(lines));
}

static void *
run(void *arg)
{
	const struct timespec gather = { 0, GATHER_NS };
	struct events *e = arg;
	struct buf mine;
	bool closing = false;

	buf_init(&mine, QUEUE_MAX);
	while (!closing) {
		struct buf full;

		pthread_mutex_lock(&e->lock);
		while (e->queue.n == 0 && !e->closing)
			pthread_cond_wait(&e->filled, &e->lock);
		closing = e->closing;
		pthread_mutex_unlock(&e->lock);
		if (!closing)
			nanosleep(&gather, NULL);
		pthread_mutex_lock(&e->lock);
		full = e->queue;
		e->queue = mine;
		pthread_mutex_unlock(&e->lock);
		if (full.n > 0)
			write_lines(e, buf_span(&full));
		buf_reset(&full);
		/* A burst's memory is not kept for ever. */
		if (full.size > QUEUE_MAX / 8) {
			buf_fini(&full);
			buf_init(&full, QUEUE_MAX);
		}
		mine = full;
	}
	buf_fini(&mine);
	return NULL;
}

static enum kind
kind_of(const char *where)
{
	if (strcmp(where, "off") == 0)
		return TO_NOWHERE;
	if (strcmp(where, "stderr") == 0)
		return TO_STDERR;
	return strcmp(where, "syslog") == 0 ? TO_SYSLOG : TO_FILE;
}

struct events *
events_open(const char *where, bool direct, char *why, size_t why_size)
{
	struct events *e = calloc(1, sizeof(*e));

	if (e == NULL || (e->path = strdup(where)) == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		free(e);
		return NULL;
	}
	e->kind = kind_of(where);
	e->direct = direct;
	e->fd = e->kind == TO_STDERR ? STDERR_FILENO : -1;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->filled, NULL);
	buf_init(&e->queue, QUEUE_MAX);
	if (e->kind == TO_SYSLOG)
		openlog("mgw", LOG_PID, LOG_USER);
	if (e->kind == TO_FILE && !open_file(e)) {
		(void)snprintf(why, why_size, "%s: %s", where, strerror(errno));
		free(e->path);
		free(e);
		return NULL;
	}
	if (e->kind != TO_NOWHERE && !direct &&
	    pthread_create(&e->thread, NULL, run, e) != 0)
		e->direct = true;
	return e;
}

void
events_put(struct events *e, struct span line)
{
	bool first;

	if (e->kind == TO_NOWHERE || line.n == 0)
		return;
	pthread_mutex_lock(&e->lock);
	if (e->direct) {
		write_lines(e, line);
		pthread_mutex_unlock(&e->lock);
		return;
	}
	first = e->queue.n == 0;
	if (e->queue.max - e->queue.n < line.n)
		atomic_fetch_add(&e->n_lost, 1);
	else
		buf_add(&e->queue, line);
	pthread_mutex_unlock(&e->lock);
	if (first)
		pthread_cond_signal(&e->filled);
}

void
events_reopen(struct events *e)
{
	atomic_store(&e->reopen, true);
}

uint64_t
events_lost(struct events *e)
{
	return atomic_exchange(&e->n_lost, 0);
}

void
events_close(struct events *e)
{
	struct timespec until;

	if (e == NULL)
		return;
	if (e->kind != TO_NOWHERE && !e->direct) {
		pthread_mutex_lock(&e->lock);
		e->closing = true;
		pthread_cond_signal(&e->filled);
		pthread_mutex_unlock(&e->lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 2;
		/* A disk that hangs does not keep the process. */
		if (pthread_timedjoin_np(e->thread, NULL, &until) != 0)
			return;
	}
	if (e->kind == TO_FILE && e->fd != -1)
		close(e->fd);
	buf_fini(&e->queue);
	free(e->path);
	free(e);
}
