/*
 * pool - see pool.h.
 */
#include "fcgi/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/linger.h"
#include "fcgi/pool_work.h"
#include "fcgi/systemd.h"

/* A new connection says something within this, or is closed. */
#define SILENT_US (10 * US_PER_S)
#define FDS_MAX 65536
/* After SIGTERM, what is being answered may take this long. */
#define DRAIN_US (30 * US_PER_S)
/* New connections may still bring what was under way at SIGTERM. */
#define FAREWELL_US (US_PER_S / 2)
/*
 * Kept ones are closed when they have rested for so long: a web server
 * that has just been answered is about to use the connection again.
 */
#define REST_US (50 * US_PER_MS)
#define TICK_MS 1000
#define DRAIN_TICK_MS 20
/* How often it is looked at what waits, and patience with who is refused. */
#define REFUSE_TICK_MS 20
#define REFUSE_MS 50
/* Requests that wait for their share: for each worker, and at least. */
#define PARKED_EACH 4
#define PARKED_MIN 64

/* No request is on its way, as far as can be seen from here. */
static bool
is_quiet(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 0 || (p.revents & (POLLHUP | POLLERR)) != 0;
}

/*
 * Close what waits and has said nothing since the one time, or, where it
 * has carried a request before, since the other.
 */
static void
close_silent(struct pool *p, int64_t new_us, int64_t kept_us)
{
	pthread_mutex_lock(&p->lock);
	for (size_t fd = 0; fd < p->n_seen; fd++) {
		struct connection *c = &p->connections[fd];

		if (c->state == CONNECTION_WAITING &&
		    c->since_us < (c->kept ? kept_us : new_us) &&
		    is_quiet((int)fd)) {
			c->state = CONNECTION_NONE;
			close((int)fd);
		}
	}
	pthread_mutex_unlock(&p->lock);
}

/* Requests that have waited for their share too long. */
static void
refuse_parked(struct pool *p, int64_t before_us)
{
	for (;;) {
		struct exchange *x = NULL;

		pthread_mutex_lock(&p->lock);
		if (p->n_parked > 0 && p->parked[0].since_us < before_us)
			x = pool_unpark(p, 0);
		pthread_mutex_unlock(&p->lock);
		if (x == NULL)
			return;
		exchange_hurry(x, REFUSE_MS);
		pool_finish(p, x, p->set->refuse(p->set->gate, x));
		exchange_free(x);
	}
}

static bool
is_overloaded(struct pool *p, int64_t before_us)
{
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = !p->stopping && p->busy_since_us != 0 &&
	    p->busy_since_us < before_us;
	pthread_mutex_unlock(&p->lock);
	return yes;
}

/* Answer in the workers' place, as long as all of them are busy. */
static void
refuse_waiting(struct pool *p, struct exchange *x, int64_t before_us)
{
	struct epoll_event e;

	while (is_overloaded(p, before_us) &&
	    epoll_wait(p->epoll_fd, &e, 1, 0) > 0) {
		int fd = pool_take(p, &e);

		if (fd == -1 || !exchange_begin(x, fd))
			continue;
		if (p->connections[fd].tcp && !pool_knows_secret(p, x))
			pool_finish(p, x, false);
		else
			pool_finish(p, x, p->set->refuse(p->set->gate, x));
	}
}

static void
sleep_ms(long ms)
{
	const struct timespec t = { 0, ms * 1000000L };

	/* Signals are blocked: nothing cuts it short. */
	(void)nanosleep(&t, NULL);
}

/* The thread that says no; it rests as long as nothing waits. */
static void *
run_refuser(void *arg)
{
	struct pool *p = arg;
	struct exchange *x = exchange_new();
	bool stopping = x == NULL;

	if (x != NULL)
		exchange_hurry(x, REFUSE_MS);
	while (!stopping) {
		int64_t late_us;

		pthread_mutex_lock(&p->lock);
		while (
		    !p->stopping && p->n_parked == 0 && p->busy_since_us == 0)
			pthread_cond_wait(&p->pressed, &p->lock);
		stopping = p->stopping;
		pthread_mutex_unlock(&p->lock);
		late_us = clock_mono_us() -
		    (int64_t)p->set->queue_time_ms * US_PER_MS;
		refuse_parked(p, late_us);
		refuse_waiting(p, x, late_us);
		sleep_ms(REFUSE_TICK_MS);
	}
	exchange_free(x);
	return NULL;
}

static void
resume_accepting(struct pool *p)
{
	bool paused;

	pthread_mutex_lock(&p->lock);
	paused = p->paused;
	p->paused = false;
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; paused && i < p->listeners->n; i++)
		pool_arm_listener(p, i);
}

/* The signals that pool_run waits for. */
static void
fill_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

void
pool_block_signals(void)
{
	sigset_t set;

	fill_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* What is looked after every "tick", while serving and while draining. */
static void
look_after(struct pool *p)
{
	close_silent(p, clock_mono_us() - SILENT_US, INT64_MIN);
	resume_accepting(p);
}

/* One wait for signals; the signal, or -1. */
static int
wait_signal(void)
{
	const struct timespec t = { TICK_MS / 1000, 0 };
	sigset_t set;

	fill_signals(&set);
	return sigtimedwait(&set, NULL, &t);
}

static void
tick(struct pool *p, bool reload)
{
	unsigned workers, busy;

	pthread_mutex_lock(&p->lock);
	workers = p->n_workers;
	busy = p->n_workers - p->n_idle;
	pthread_mutex_unlock(&p->lock);
	p->set->tick(p->set->gate, workers, busy, reload);
}

static void
run(struct pool *p)
{
	int64_t next_us = 0;

	for (;;) {
		int sig = wait_signal();

		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGHUP || clock_mono_us() >= next_us) {
			tick(p, sig == SIGHUP);
			next_us = clock_mono_us() + TICK_MS * US_PER_MS;
		}
		look_after(p);
	}
}

/*
 * Listen no more.  What waits in the queue of a socket that ends with us
 * is still served; an inherited one goes on without us.
 */
static void
stop_listening(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->draining = true;
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->listeners->n; i++) {
		const struct listener *l = &p->listeners->list[i];
		int fd;

		(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
		while (l->path != NULL &&
		    (fd = accept4(l->fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK)) != -1) {
			if ((size_t)fd < p->n_connections &&
			    listen_may_speak(p->listeners, l, fd))
				pool_wait(p, fd, false);
			else
				close(fd);
		}
	}
	listen_close(p->listeners);
}

static bool
is_busy(struct pool *p)
{
	bool busy;

	pthread_mutex_lock(&p->lock);
	busy = p->n_idle < p->n_workers || p->n_parked > 0;
	pthread_mutex_unlock(&p->lock);
	return busy;
}

/*
 * What waits between two requests, whether the next has come or not, goes
 * to the process that follows.
 */
static void
hand_over(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	for (size_t fd = 0; fd < p->n_seen; fd++) {
		if (p->connections[fd].state != CONNECTION_WAITING)
			continue;
		p->connections[fd].state = CONNECTION_NONE;
		pool_hand_over(p, (int)fd);
	}
	pthread_mutex_unlock(&p->lock);
}

/* To the end of what has begun; true while it goes on. */
static bool
drain_tick(struct pool *p, int64_t start)
{
	int64_t now;

	sleep_ms(DRAIN_TICK_MS);
	look_after(p);
	now = clock_mono_us();
	if (p->hands_over)
		hand_over(p);
	else
		close_silent(p, now - FAREWELL_US, now - REST_US);
	return (!p->hands_over && now - start < FAREWELL_US) ||
	    (is_busy(p) && now - start < DRAIN_US);
}

static void
end_refuser(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_signal(&p->pressed);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->refuser, NULL);
}

static void
end_workers(struct pool *p)
{
	uint64_t one = 1;

	/* The counter stays up, so that it wakes every worker. */
	if (write(p->stop_fd, &one, sizeof(one)) != sizeof(one))
		log_error("eventfd errno=%d", errno);
	pthread_mutex_lock(&p->lock);
	while (p->n_workers > 0) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		if (pthread_cond_timedwait(&p->ended, &p->lock, &until) != 0 &&
		    p->n_idle < p->n_workers)
			break; /* one is stuck: the process ends anyway */
	}
	pthread_mutex_unlock(&p->lock);
}

static void
drain(struct pool *p)
{
	int64_t start = clock_mono_us();

	stop_listening(p);
	while (drain_tick(p, start))
		;
	if (!p->hands_over)
		close_silent(p, INT64_MAX, INT64_MAX);
	end_refuser(p);
	end_workers(p);
	linger_stop();
	linger_give_to(NULL, NULL);
	if (p->hands_over) {
		hand_over(p);
		systemd_settle();
	}
}

/* Connections that the process before us kept. */
static void
take_over(struct pool *p)
{
	struct sockaddr_storage a = { 0 };
	unsigned n = systemd_n();

	if (!systemd_keeps())
		return;
	/* Else the service manager would hold them open with us. */
	systemd_release();
	for (unsigned i = 0; i < n; i++) {
		int fd = SYSTEMD_FIRST + (int)i;
		struct listener from = { .fd = -1 };
		socklen_t size = sizeof(a);

		if (!systemd_is_kept(i))
			continue;
		if ((size_t)fd >= p->n_connections ||
		    getsockname(fd, (struct sockaddr *)&a, &size) != 0) {
			close(fd);
			continue;
		}
		from.tcp = p->connections[fd].tcp = a.ss_family != AF_UNIX;
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
		    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0 &&
		    listen_may_speak(p->listeners, &from, fd))
			pool_wait(p, fd, true);
		else
			close(fd);
	}
}

static bool
begin(struct pool *p)
{
	struct rlimit r;
	struct epoll_event stop = { .events = EPOLLIN,
		.data.u64 = (uint64_t)ABOUT_STOP << 32 };
	bool ok;

	p->n_connections = FDS_MAX;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < FDS_MAX)
		p->n_connections = (size_t)r.rlim_cur;
	p->parked_max = p->set->threads * PARKED_EACH;
	if (p->parked_max < PARKED_MIN)
		p->parked_max = PARKED_MIN;
	p->slots = calloc(p->set->threads, sizeof(*p->slots));
	p->slot_used = calloc(p->set->threads, sizeof(*p->slot_used));
	p->connections = calloc(p->n_connections, sizeof(*p->connections));
	p->parked = calloc(p->parked_max, sizeof(*p->parked));
	p->spare = calloc(p->set->threads, sizeof(*p->spare));
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->slots == NULL || p->slot_used == NULL ||
	    p->connections == NULL || p->parked == NULL || p->spare == NULL ||
	    p->epoll_fd == -1 || p->stop_fd == -1 ||
	    epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->stop_fd, &stop) != 0)
		return false;
	for (unsigned i = 0; i < p->listeners->n; i++) {
		struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT,
			.data.u64 = (uint64_t)ABOUT_LISTENER << 32 | i };

		if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD,
			p->listeners->list[i].fd, &e) != 0)
			return false;
	}
	take_over(p);
	pthread_mutex_lock(&p->lock);
	ok = pool_add_worker(p);
	pthread_mutex_unlock(&p->lock);
	return ok && pthread_create(&p->refuser, NULL, run_refuser, p) == 0;
}

/* From the linger thread: the next request is there. */
static void
take_back(void *arg, int fd)
{
	pool_keep(arg, fd);
}

bool
pool_run(const struct pool_settings *s, struct listeners *l)
{
	static struct pool p; /* a worker that is stuck outlives the call */
	bool ok;

	p = (struct pool){ .set = s,
		.listeners = l,
		.hands_over = systemd_keeps(),
		.epoll_fd = -1,
		.stop_fd = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
		.pressed = PTHREAD_COND_INITIALIZER };
	linger_give_to(take_back, &p);
	ok = begin(&p);
	if (ok) {
		run(&p);
		drain(&p);
	}
	if (p.n_workers > 0)
		return ok; /* it still uses what is freed below */
	while (p.n_spare > 0)
		exchange_free(p.spare[--p.n_spare]);
	free(p.spare);
	free(p.slots);
	free(p.slot_used);
	free(p.connections);
	free(p.parked);
	if (p.epoll_fd != -1)
		close(p.epoll_fd);
	if (p.stop_fd != -1)
		close(p.stop_fd);
	return ok;
}
