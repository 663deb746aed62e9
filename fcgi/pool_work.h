/*
 * pool_work - what the workers of a pool do; private to the pool.
 *
 * Everything in struct pool that changes is under its lock, except where
 * noted.
 */
#ifndef MGW_FCGI_POOL_WORK_H
#define MGW_FCGI_POOL_WORK_H

#include <pthread.h>
#include <sys/epoll.h>

#include "fcgi/pool.h"

/* What an epoll event is about: the low half is a number, the high this. */
enum what {
	ABOUT_LISTENER,
	ABOUT_CONNECTION,
	ABOUT_STOP,
};

enum connection_state {
	CONNECTION_NONE,    /* or busy: not ours to close */
	CONNECTION_WAITING, /* in the epoll set */
};

struct connection {
	enum connection_state state;
	bool tcp;
	bool kept;        /* has carried a request */
	int64_t since_us; /* waiting */
};

struct parked {
	struct exchange *exchange;
	struct share_keys keys;
	int64_t since_us;
};

struct pool {
	const struct pool_settings *set; /* immutable */
	struct listeners *listeners;
	int epoll_fd, stop_fd; /* immutable */
	pthread_mutex_t lock;
	pthread_cond_t ended;     /* the last worker has ended */
	struct share_slot *slots; /* one a worker; keys are atomic */
	bool *slot_used;
	unsigned n_workers, n_idle;
	int64_t busy_since_us; /* no worker has been idle since; 0: one is */
	struct connection *connections; /* by descriptor */
	size_t n_connections;
	size_t n_seen;         /* descriptors beyond have never waited */
	struct parked *parked; /* oldest first */
	unsigned n_parked, parked_max;
	struct exchange **spare; /* at most one a worker */
	unsigned n_spare;
	bool paused;   /* listeners are out of the set: no descriptors left */
	bool draining; /* nothing is accepted or kept any more */
	bool stopping;
	bool hands_over; /* immutable: connections outlive us */
	pthread_t refuser;
	pthread_cond_t pressed; /* something waits, and may be refused soon */
};

/* With the lock held.  False: no thread could be made. */
bool pool_add_worker(struct pool *p);

/* Put listener "i" into the set again, after one event took it out. */
void pool_arm_listener(struct pool *p, unsigned i);

/* Put connection "fd" into the set until it has something to say. */
void pool_wait(struct pool *p, int fd, bool kept);

/* The connection that "e" is about, taken out of waiting; or -1. */
int pool_take(struct pool *p, const struct epoll_event *e);

/* The connection of "x", a TCP one, brought MGW_PEER_SECRET. */
bool pool_knows_secret(const struct pool *p, const struct exchange *x);

/* Give "fd", between two requests, to the process that follows. */
void pool_hand_over(struct pool *p, int fd);

/* "fd", between two requests, is to bring the next. */
void pool_keep(struct pool *p, int fd);

/* End the request of "x" and wait for the connection's next. */
void pool_finish(struct pool *p, struct exchange *x, bool whole);

/* With the lock held: the exchange that was parked at place "i". */
struct exchange *pool_unpark(struct pool *p, unsigned i);

#endif
