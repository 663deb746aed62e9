/*
 * pool_work - see pool_work.h.
 */
#include "fcgi/pool_work.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/systemd.h"
#include "fcgi/wire.h"

#define IDLE_MS 30000 /* a worker with nothing to do ends after this */
#define STACK_BYTES (512 * 1024)

struct worker {
	struct pool *pool;
	struct exchange *exchange;
	unsigned slot;
};

enum turn {
	TURN_NOW,
	TURN_LATER, /* it is parked, or nobody's any more */
	TURN_NEVER,
};

static void *worker_main(void *arg);

static bool
watch(struct pool *p, int op, int fd, enum what what, uint32_t number,
    uint32_t events)
{
	struct epoll_event e = { .events = events,
		.data.u64 = (uint64_t)what << 32 | number };

	return epoll_ctl(p->epoll_fd, op, fd, &e) == 0;
}

void
pool_arm_listener(struct pool *p, unsigned i)
{
	/* While draining it is out of the set for good. */
	if (!watch(p, EPOLL_CTL_MOD, p->listeners->list[i].fd, ABOUT_LISTENER,
		i, EPOLLIN | EPOLLONESHOT) &&
	    errno != ENOENT)
		log_error("epoll listener=%u errno=%d", i, errno);
}

/*
 * Put connection "fd" into the set until it has something to say.  That is
 * done without the lock: it may wake a worker, who would run into it.
 */
void
pool_wait(struct pool *p, int fd, bool kept)
{
	const uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
	struct connection *c = &p->connections[fd];
	bool ours;

	pthread_mutex_lock(&p->lock);
	if ((size_t)fd >= p->n_seen)
		p->n_seen = (size_t)fd + 1;
	c->state = CONNECTION_WAITING;
	c->kept = kept;
	c->since_us = clock_mono_us();
	pthread_mutex_unlock(&p->lock);
	if (watch(p, kept ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, ABOUT_CONNECTION,
		(uint32_t)fd, events) ||
	    watch(p, EPOLL_CTL_ADD, fd, ABOUT_CONNECTION, (uint32_t)fd, events))
		return;
	pthread_mutex_lock(&p->lock);
	ours = c->state == CONNECTION_WAITING;
	c->state = CONNECTION_NONE;
	pthread_mutex_unlock(&p->lock);
	if (ours)
		close(fd);
}

/* With the lock held.  False: no thread could be made. */
bool
pool_add_worker(struct pool *p)
{
	struct worker *w = calloc(1, sizeof(*w));
	pthread_attr_t attributes;
	pthread_t thread;
	bool ok = false;

	if (w == NULL)
		return false;
	w->pool = p;
	w->exchange = exchange_new();
	while (p->slot_used[w->slot])
		w->slot++;
	if (w->exchange != NULL && pthread_attr_init(&attributes) == 0) {
		pthread_attr_setdetachstate(
		    &attributes, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attributes, STACK_BYTES);
		ok = pthread_create(&thread, &attributes, worker_main, w) == 0;
		pthread_attr_destroy(&attributes);
	}
	if (!ok) {
		exchange_free(w->exchange);
		free(w);
		return false;
	}
	p->slot_used[w->slot] = true;
	p->n_workers++;
	p->n_idle++;
	p->busy_since_us = 0;
	wire_set_busy(false);
	return true;
}

/* It may have been closed as silent a moment ago: -1.  With the lock held. */
static int
take_connection(struct pool *p, uint32_t number)
{
	if (p->connections[number].state != CONNECTION_WAITING)
		return -1;
	p->connections[number].state = CONNECTION_NONE;
	return (int)number;
}

/*
 * Begin with "e"; "fd": the connection that it is about, or -1.  True:
 * more than half of the workers there may be are busy.
 */
static bool
become_busy(struct pool *p, const struct epoll_event *e, int *fd)
{
	bool half;

	pthread_mutex_lock(&p->lock);
	if (e->data.u64 >> 32 == ABOUT_CONNECTION)
		*fd = take_connection(p, (uint32_t)e->data.u64);
	p->n_idle--;
	half = p->n_workers - p->n_idle > p->set->threads / 2;
	if (p->n_idle == 0 &&
	    (p->n_workers == p->set->threads || p->stopping ||
		!pool_add_worker(p))) {
		p->busy_since_us = clock_mono_us();
		wire_set_busy(true);
		pthread_cond_signal(&p->pressed);
	}
	pthread_mutex_unlock(&p->lock);
	return half;
}

/* With the lock held. */
static void
set_idle(struct pool *p)
{
	p->n_idle++;
	p->busy_since_us = 0;
	wire_set_busy(false);
}

static void
become_idle(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	set_idle(p);
	pthread_mutex_unlock(&p->lock);
}

/* Over TCP anybody on this machine can connect: a secret tells. */
bool
pool_knows_secret(const struct pool *p, const struct exchange *x)
{
	size_t n;
	const struct param *params = exchange_params(x, &n);
	struct span want = p->set->peer_secret;

	for (size_t i = 0; i < n; i++) {
		struct span got = params[i].value;
		unsigned char differ = 0;

		if (!span_eq(params[i].name, SPAN("MGW_PEER_SECRET")))
			continue;
		/* In constant time, but for the length. */
		for (size_t k = 0; k < want.n && got.n == want.n; k++)
			differ |= (unsigned char)(got.p[k] ^ want.p[k]);
		return got.n == want.n && differ == 0;
	}
	return false;
}

void
pool_hand_over(struct pool *p, int fd)
{
	/* It goes on elsewhere: closing would not take it out of the set. */
	(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	systemd_keep(fd);
}

void
pool_keep(struct pool *p, int fd)
{
	bool draining;

	pthread_mutex_lock(&p->lock);
	draining = p->draining;
	pthread_mutex_unlock(&p->lock);
	/*
	 * Right behind the answer the web server is still busy with it, and
	 * sees the end before it could use the connection again.
	 */
	if (!draining)
		pool_wait(p, fd, true);
	else if (p->hands_over)
		pool_hand_over(p, fd);
	else
		close(fd);
}

void
pool_finish(struct pool *p, struct exchange *x, bool whole)
{
	int fd;

	if (exchange_end(x, whole, &fd))
		pool_keep(p, fd);
}

/*
 * Take a slot for a request with "k", when its share allows.  With the
 * lock held.
 */
static bool
take_share(struct pool *p, struct worker *w, const struct share_keys *k)
{
	if (!share_free(p->slots, p->set->threads, p->n_workers - p->n_idle, k))
		return false;
	share_note(&p->slots[w->slot], k);
	return true;
}

/*
 * Put aside what "w" holds until its share is free; the worker gets a new
 * exchange.  With the lock held.
 */
static bool
park(struct pool *p, struct worker *w, const struct share_keys *k)
{
	struct exchange *other;

	if (p->n_parked == p->parked_max || p->draining)
		return false;
	other = p->n_spare > 0 ? p->spare[--p->n_spare] : exchange_new();
	if (other == NULL)
		return false;
	p->parked[p->n_parked++] =
	    (struct parked){ w->exchange, *k, clock_mono_us() };
	w->exchange = other;
	pthread_cond_signal(&p->pressed);
	return true;
}

struct exchange *
pool_unpark(struct pool *p, unsigned i)
{
	struct exchange *x = p->parked[i].exchange;

	p->n_parked--;
	for (; i < p->n_parked; i++)
		p->parked[i] = p->parked[i + 1];
	return x;
}

/* Keep "x" for the next that is parked.  With the lock held. */
static void
put_spare(struct pool *p, struct exchange *x)
{
	if (p->n_spare < p->set->threads)
		p->spare[p->n_spare++] = x;
	else
		exchange_free(x);
}

/*
 * The oldest request whose share has become free, into "w"; false: none,
 * and "w" is idle.
 */
static bool
resume(struct pool *p, struct worker *w)
{
	bool found = false;

	pthread_mutex_lock(&p->lock);
	share_note(&p->slots[w->slot], &(struct share_keys){ { 0 } });
	for (unsigned i = 0; i < p->n_parked && !found; i++) {
		found = take_share(p, w, &p->parked[i].keys);
		if (found) {
			put_spare(p, w->exchange);
			w->exchange = pool_unpark(p, i);
		}
	}
	if (!found)
		set_idle(p);
	pthread_mutex_unlock(&p->lock);
	return found;
}

/* Decide whether what "w" holds is served now, later, or not at all. */
static enum turn
find_turn(struct worker *w, bool deep)
{
	struct pool *p = w->pool;
	struct share_keys k = { { 0 } };
	enum turn turn = TURN_NOW;

	p->set->keys(p->set->gate, w->exchange, deep, &k);
	pthread_mutex_lock(&p->lock);
	if (!take_share(p, w, &k))
		turn = park(p, w, &k) ? TURN_LATER : TURN_NEVER;
	pthread_mutex_unlock(&p->lock);
	return turn;
}

/* Serve what has come on "fd"; the worker is idle then. */
static void
serve_connection(struct worker *w, int fd, bool deep)
{
	struct pool *p = w->pool;
	enum turn turn = TURN_LATER;

	if (!exchange_begin(w->exchange, fd)) {
		become_idle(p);
		return;
	}
	if (p->connections[fd].tcp && !pool_knows_secret(p, w->exchange)) {
		log_warn("connection closed: MGW_PEER_SECRET is missing "
			 "or wrong");
		pool_finish(p, w->exchange, false);
	} else {
		turn = find_turn(w, deep);
	}
	if (turn == TURN_NEVER)
		pool_finish(
		    p, w->exchange, p->set->refuse(p->set->gate, w->exchange));
	if (turn != TURN_NOW) {
		become_idle(p);
		return;
	}
	do
		pool_finish(p, w->exchange,
		    p->set->serve(
			p->set->gate, w->exchange, &p->slots[w->slot]));
	while (resume(p, w));
}

/* Descriptors are spent: connections wait in the queue for a moment. */
static void
pause_accepting(struct pool *p)
{
	log_error(
	    "accept: out of descriptors or memory, pausing errno=%d", errno);
	pthread_mutex_lock(&p->lock);
	p->paused = true; /* the listener stays disarmed */
	pthread_mutex_unlock(&p->lock);
}

/* A connection that is ready to be served, or -1. */
static int
accept_one(struct pool *p, unsigned i)
{
	const struct listener *l = &p->listeners->list[i];
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (fd == -1 &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		errno == ENOMEM)) {
		pause_accepting(p);
		return -1;
	}
	pool_arm_listener(p, i);
	if (fd == -1)
		return -1;
	if ((size_t)fd >= p->n_connections ||
	    !listen_may_speak(p->listeners, l, fd)) {
		log_warn("connection closed: not from root, mgw's own user "
			 "or web-server-user");
		close(fd);
		return -1;
	}
	p->connections[fd].tcp = l->tcp;
	if (poll(&ready, 1, 0) > 0)
		return fd;
	pool_wait(p, fd, false);
	return -1;
}

/* The connection that "e" is about, taken out of waiting; or -1. */
int
pool_take(struct pool *p, const struct epoll_event *e)
{
	uint32_t number = (uint32_t)e->data.u64;
	int fd = -1;

	switch ((enum what)(e->data.u64 >> 32)) {
	case ABOUT_LISTENER:
		return accept_one(p, number);
	case ABOUT_CONNECTION:
		pthread_mutex_lock(&p->lock);
		fd = take_connection(p, number);
		pthread_mutex_unlock(&p->lock);
		return fd;
	case ABOUT_STOP:
		break;
	}
	return -1;
}

/* With nothing to do for long: all but one end. */
static bool
may_end(struct pool *p)
{
	bool end;

	pthread_mutex_lock(&p->lock);
	end = p->stopping || p->n_idle > 1;
	if (end)
		p->n_idle--;
	pthread_mutex_unlock(&p->lock);
	return end;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;

	for (;;) {
		struct epoll_event e;
		int n = epoll_wait(p->epoll_fd, &e, 1, IDLE_MS), fd = -1;
		bool half;

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0 || e.data.u64 >> 32 == ABOUT_STOP) {
			if (may_end(p))
				break;
			continue;
		}
		half = become_busy(p, &e, &fd);
		if (e.data.u64 >> 32 == ABOUT_LISTENER)
			fd = accept_one(p, (uint32_t)e.data.u64);
		if (fd != -1)
			serve_connection(w, fd, half);
		else
			become_idle(p);
	}
	pthread_mutex_lock(&p->lock);
	p->slot_used[w->slot] = false;
	p->n_workers--;
	pthread_cond_signal(&p->ended);
	pthread_mutex_unlock(&p->lock);
	exchange_free(w->exchange);
	free(w);
	return NULL;
}
