/*
 * checker - see checker.h.
 */
#include "fcgi/checker.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "fcgi/connect.h"
#include "fcgi/passing.h"
#include "policy/state_health.h"

#define THREADS_MAX 8
#define STACK_BYTES (512 * 1024)

/* How often it is looked for what is due. */
#define LOOK_MS 250

/* A head that is longer tells nothing of health. */
#define HEAD_BYTES_MAX (16 * 1024)
#define REQUEST_BYTES_MAX 4096

#define LEASE_NAME SPAN("health")

struct checker {
	struct live *live;
	struct state *state;
	pthread_mutex_t lock; /* of what follows but for the atomics */
	pthread_cond_t wake;
	bool stopping;
	atomic_bool leased; /* it is we who check */
	int stop_fds[2];    /* a pipe: closed to give up */
	unsigned n_threads;
	pthread_t threads[THREADS_MAX];
};

static bool
write_request(
    const struct bundle *bundle, const struct backend *b, struct buf *to)
{
	struct span none = { NULL, 0 };

	buf_add_str(to, "GET ");
	buf_add(to, bundle_text(bundle, b->health->path));
	buf_add_str(to, " HTTP/1.1\r\n");
	/* There is no client whose Host it could be. */
	passing_add_host(
	    to, b, b->host_rule == HOST_NAME ? b->host_name : none);
	buf_add_str(to,
	    "User-Agent: mgw/" MGW_VERSION " (health check)\r\n"
	    "Accept: */*\r\nConnection: close\r\n\r\n");
	return !to->failed;
}

/* Until the connection can go on; false: no time is left, or given up. */
static bool
wait(struct connection *c, short events, int left_fd, int64_t until_us)
{
	struct pollfd p[2] = { { .fd = connection_fd(c), .events = events },
		{ .fd = left_fd, .events = POLLIN } };
	int64_t left_us = until_us - clock_mono_us();

	if (connection_wants_write(c))
		p[0].events |= POLLOUT;
	if (left_us <= 0)
		return false;
	return poll(p, left_fd != -1 ? 2 : 1, (int)(left_us / US_PER_MS) + 1) >
	    0 &&
	    (left_fd == -1 || p[1].revents == 0);
}

static bool
send_all(struct connection *c, struct span s, int left_fd, int64_t until_us)
{
	while (s.n > 0) {
		long n = connection_write(c, s, SPAN(""));

		if (n == CONNECTION_LATER) {
			if (!wait(c, POLLOUT, left_fd, until_us))
				return false;
		} else if (n <= 0) {
			return false;
		} else {
			s = span_skip(s, (size_t)n);
		}
	}
	return true;
}

/* The status of the final answer, or 0 with "*why". */
static unsigned
read_status(struct connection *c, int left_fd, int64_t until_us,
    struct arena *a, const char **why)
{
	char *bytes = arena_alloc(a, HEAD_BYTES_MAX);
	struct http1_head head;
	size_t n = 0;

	*why = "no answer in time";
	while (bytes != NULL && n < HEAD_BYTES_MAX) {
		long got = connection_read(c, bytes + n, HEAD_BYTES_MAX - n);
		long used = HTTP1_MORE;

		if (got == CONNECTION_LATER) {
			if (!wait(c, POLLIN, left_fd, until_us))
				return 0;
			continue;
		}
		*why = "closed without an answer";
		if (got <= 0)
			return 0;
		n += (size_t)got;
		while ((used = http1_parse_head(
			    span_of(bytes, n), a, &head, why)) > 0) {
			if (head.status >= 200)
				return head.status;
			n -= (size_t)used;
			memmove(bytes, bytes + used, n);
		}
		if (used == HTTP1_BAD)
			return 0;
		*why = "no answer in time";
	}
	*why = "a head that is too long";
	return 0;
}

static bool
is_expected(const struct bundle *b, struct range statuses, unsigned status)
{
	for (uint32_t i = 0; i < statuses.n; i++)
		if (bundle_index(b, statuses.first + i) == status)
			return true;
	return statuses.n == 0 && status >= 200 && status <= 399;
}

bool
checker_ask(const struct policy *policy, const struct backend *b, int left_fd,
    unsigned *status, char *why, size_t why_size)
{
	int64_t until_us =
	    clock_mono_us() + (int64_t)b->health->timeout_ms * US_PER_MS;
	struct connect_call q = { .backend = b,
		.outside = policy->outside,
		.until_us = until_us,
		.client_fd = left_fd };
	const struct bundle *bundle = policy->bundle;
	struct connect_problem problem = { .why = "" };
	struct connection *c;
	const char *text = "not sent";
	struct arena a;
	struct buf request;

	*status = 0;
	buf_init(&request, REQUEST_BYTES_MAX);
	/* HTTP/2 takes the head when it connects. */
	if (write_request(bundle, b, &request))
		q.head = buf_span(&request);
	if (connection_open(&q, &c, &problem) != CONNECT_OK) {
		buf_fini(&request);
		(void)snprintf(why, why_size, "%s", problem.why);
		return false;
	}
	arena_init(&a, 4096, 256 * 1024);
	if (q.head.n > 0 && send_all(c, q.head, left_fd, until_us))
		*status = read_status(c, left_fd, until_us, &a, &text);
	(void)snprintf(why, why_size, "%s",
	    *status > 0 ? "another status is expected" : text);
	buf_fini(&request);
	arena_fini(&a);
	connection_close(c);
	return *status > 0 && is_expected(bundle, b->health->statuses, *status);
}

static void
check(struct checker *c, const struct policy *policy, const struct backend *b)
{
	char why[160] = "";
	unsigned status;
	bool well =
	    checker_ask(policy, b, c->stop_fds[0], &status, why, sizeof(why));

	if (!atomic_load(&c->leased))
		return; /* given up: it tells nothing */
	if (!state_health_checked(c->state, b->life->health, b->url, b->health,
		well, status, clock_wall_us()))
		return;
	if (well)
		log_info(
		    "endpoint up url=%.*s status=%u", SPAN_ARG(b->url), status);
	else
		log_warn("endpoint down url=%.*s status=%u %s",
		    SPAN_ARG(b->url), status, why);
}

/* Do what is due and nobody else is at. */
static void
check_due(struct checker *c)
{
	const struct generation *g = live_get(c->live);
	struct backend *const *list;
	unsigned n;

	list = live_checked(g, &n);
	for (unsigned i = 0; i < n && atomic_load(&c->leased); i++) {
		struct backend_life *life = list[i]->life;
		int64_t at_us = atomic_load(&life->check_at_us);

		if (at_us > clock_mono_us() ||
		    !atomic_compare_exchange_strong(
			&life->check_at_us, &at_us, INT64_MAX))
			continue;
		check(c, &g->policy, list[i]);
		atomic_store(&life->check_at_us,
		    clock_mono_us() +
			(int64_t)list[i]->health->period_ms * US_PER_MS);
	}
	live_put(c->live, g);
}

static void *
run(void *arg)
{
	struct checker *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		struct timespec until;

		pthread_mutex_unlock(&c->lock);
		check_due(c);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += LOOK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_mutex_lock(&c->lock);
		if (!c->stopping)
			(void)pthread_cond_timedwait(
			    &c->wake, &c->lock, &until); /* in time, or not */
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct checker *
checker_new(struct live *live, struct state *state)
{
	struct checker *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->live = live;
	c->state = state;
	if (pipe2(c->stop_fds, O_CLOEXEC) != 0) {
		free(c);
		return NULL;
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	return c;
}

static void
add_thread(struct checker *c)
{
	pthread_attr_t attributes;

	if (pthread_attr_init(&attributes) != 0)
		return;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (pthread_create(&c->threads[c->n_threads], &attributes, run, c) == 0)
		c->n_threads++;
	pthread_attr_destroy(&attributes);
}

void
checker_tick(struct checker *c)
{
	const struct generation *g = live_get(c->live);
	unsigned n;

	(void)live_checked(g, &n); /* how many, alone */
	live_put(c->live, g);
	if (n == 0 && atomic_load(&c->leased)) {
		atomic_store(&c->leased, false);
		state_lease_end(c->state, LEASE_NAME);
	}
	if (n > 0 && !atomic_load(&c->leased))
		atomic_store(&c->leased, state_lease(c->state, LEASE_NAME));
	if (!atomic_load(&c->leased))
		return;
	while (c->n_threads < n && c->n_threads < THREADS_MAX) {
		unsigned before = c->n_threads;

		add_thread(c);
		if (c->n_threads == before)
			return; /* again with the next tick */
	}
}

void
checker_stop(struct checker *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->lock);
	if (atomic_exchange(&c->leased, false))
		state_lease_end(c->state, LEASE_NAME);
	close(c->stop_fds[1]);
	for (unsigned i = 0; i < c->n_threads; i++)
		pthread_join(c->threads[i], NULL);
	close(c->stop_fds[0]);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
