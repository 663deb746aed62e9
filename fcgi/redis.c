/*
 * redis - see redis.h.
 */
#include "fcgi/redis.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "fcgi/redis_library.h"
#include "fcgi/redis_tls.h"

#define WORDS_MAX 128
#define ADDRESSES_MAX 8

/* A server has so long to answer, however late it was asked. */
#define ANSWER_LEAST_US US_PER_MS

struct redis {
	const struct redis_hiredis *library;
	int fd;
	struct redis_tls *tls;
	redisReader *reader;
	struct redis_answer *answer; /* what the reader fills */
};

/* Replaced as a whole, by the one thread that resolves. */
struct redis_addresses {
	pthread_mutex_t lock;
	unsigned n;
	struct {
		struct sockaddr_storage address;
		socklen_t n_bytes;
	} list[ADDRESSES_MAX];
};

bool
redis_is_there(char *why, size_t why_size)
{
	return redis_hiredis_get(why, why_size) != NULL;
}

static struct redis_addresses *
addresses_of(struct redis_target *t)
{
	struct redis_addresses *a = t->addresses;

	if (a == NULL && (a = calloc(1, sizeof(*a))) != NULL) {
		pthread_mutex_init(&a->lock, NULL);
		t->addresses = a;
	}
	return a;
}

static void
set_unix(struct redis_addresses *a, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	/* Its length was checked when the place was read. */
	strncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	memcpy(&a->list[0].address, &un, sizeof(un));
	a->list[0].n_bytes = sizeof(un);
	a->n = 1;
}

bool
redis_resolve(struct redis_target *t, char *why, size_t why_size)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	struct redis_addresses *a = addresses_of(t);
	struct addrinfo *found = NULL;
	char port[8];
	int rc;

	if (a == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return false;
	}
	if (t->host == NULL) {
		set_unix(a, t->unix_path);
		return true;
	}
	(void)snprintf(port, sizeof(port), "%u", (unsigned)t->port & 0xffff);
	rc = getaddrinfo(t->host, port, &hints, &found);
	if (rc != 0) {
		(void)snprintf(
		    why, why_size, "%s: %s", t->host, gai_strerror(rc));
		return false;
	}
	pthread_mutex_lock(&a->lock);
	a->n = 0;
	for (struct addrinfo *i = found; i != NULL; i = i->ai_next) {
		if (a->n == ADDRESSES_MAX ||
		    i->ai_addrlen > sizeof(a->list[0].address))
			break;
		memcpy(&a->list[a->n].address, i->ai_addr, i->ai_addrlen);
		a->list[a->n++].n_bytes = i->ai_addrlen;
	}
	pthread_mutex_unlock(&a->lock);
	freeaddrinfo(found);
	return true;
}

void
redis_target_fini(struct redis_target *t)
{
	if (t->addresses != NULL)
		pthread_mutex_destroy(&t->addresses->lock);
	free(t->addresses);
	t->addresses = NULL;
}

/*
 * False: the deadline has passed.  What has come by the time that we are
 * let run again has come in time: on a machine that is overloaded that
 * may be long after.
 */
static bool
wait_until(int fd, short events, int64_t until_us)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = until_us - clock_mono_us();
		bool last = left <= 0;
		struct timespec ts = { 0 };
		int rc;

		if (!last)
			ts = (struct timespec){ left / US_PER_S,
				left % US_PER_S * 1000 };
		rc = ppoll(&p, 1, &ts, NULL);
		if (rc > 0)
			return true;
		if (last || (rc < 0 && errno != EINTR))
			return false;
	}
}

/* The functions of the reader.  They return anything that is not NULL. */

static struct redis_answer *
answer_of(const redisReadTask *task)
{
	return ((struct redis *)task->privdata)->answer;
}

static void *
take_text(const redisReadTask *task, char *p, size_t n)
{
	struct redis_answer *a = answer_of(task);
	size_t i;

	if (task->parent != NULL)
		return NULL;
	a->error = task->type == REDIS_REPLY_ERROR;
	for (i = 0; i < n && i < sizeof(a->text) - 1; i++)
		a->text[i] = p[i] < 0x20 || p[i] > 0x7e ? '?' : p[i];
	a->text[i] = '\0';
	return a;
}

static void *
take_list(const redisReadTask *task, int n)
{
	return task->parent == NULL && n <= REDIS_NUMBERS_MAX ? answer_of(task)
							      : NULL;
}

static void *
take_number(const redisReadTask *task, long long v)
{
	struct redis_answer *a = answer_of(task);

	if (a->n == REDIS_NUMBERS_MAX)
		return NULL;
	a->numbers[a->n++] = v;
	return a;
}

static void *
take_nothing(const redisReadTask *task)
{
	return task->parent == NULL ? answer_of(task) : NULL;
}

static void
let_go(void *object)
{
	(void)object; /* it was the answer, which belongs to the caller */
}

static redisReplyObjectFunctions functions = { take_text, take_list,
	take_number, take_nothing, let_go };

static enum redis_result
send_all(struct redis *r, struct span bytes, int64_t until_us)
{
	while (bytes.n > 0) {
		short events = POLLOUT;
		ssize_t n = r->tls != NULL
		    ? redis_tls_write(r->tls, bytes, &events)
		    : send(r->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n > 0)
			bytes = span_skip(bytes, (size_t)n);
		else if (errno == EINTR)
			continue;
		else if (errno != EAGAIN)
			return REDIS_LOST;
		else if (!wait_until(r->fd, events, until_us))
			return REDIS_SLOW;
	}
	return REDIS_ANSWERED;
}

/* Some bytes more to the reader; "*total" is bounded. */
static enum redis_result
feed(struct redis *r, size_t *total, int64_t until_us)
{
	char bytes[1024];
	short events = POLLIN;
	ssize_t n = r->tls != NULL
	    ? redis_tls_read(r->tls, bytes, sizeof(bytes), &events)
	    : recv(r->fd, bytes, sizeof(bytes), 0);

	if (n == 0)
		return REDIS_LOST;
	if (n < 0 && errno == EAGAIN)
		return wait_until(r->fd, events, until_us) ? REDIS_ANSWERED
							   : REDIS_SLOW;
	if (n < 0)
		return errno == EINTR ? REDIS_ANSWERED : REDIS_LOST;
	*total += (size_t)n;
	if (*total > REDIS_ANSWER_BYTES_MAX ||
	    r->library->ReaderFeed(r->reader, bytes, (size_t)n) != REDIS_OK)
		return REDIS_BROKEN;
	return REDIS_ANSWERED;
}

static enum redis_result
receive(struct redis *r, int64_t until_us, struct redis_answer *a)
{
	enum redis_result result = REDIS_ANSWERED;
	void *whole = NULL;
	size_t total = 0;

	*a = (struct redis_answer){ 0 };
	r->answer = a;
	while (result == REDIS_ANSWERED) {
		if (r->library->ReaderGetReply(r->reader, &whole) != REDIS_OK)
			return REDIS_BROKEN;
		if (whole != NULL) /* and nothing behind it */
			return r->reader->pos == r->reader->len ? REDIS_ANSWERED
								: REDIS_BROKEN;
		result = feed(r, &total, until_us);
	}
	return result;
}

enum redis_result
redis_call(struct redis *r, const struct span *words, unsigned n,
    int64_t until_us, struct redis_answer *a)
{
	const char *argv[WORDS_MAX];
	size_t lengths[WORDS_MAX];
	enum redis_result result;
	char *command = NULL;
	int64_t least_us;
	int bytes;

	*a = (struct redis_answer){ 0 };
	if (n > WORDS_MAX)
		return REDIS_BROKEN;
	for (unsigned i = 0; i < n; i++) {
		argv[i] = words[i].p;
		lengths[i] = words[i].n;
	}
	bytes = r->library->FormatCommandArgv(&command, (int)n, argv, lengths);
	if (bytes < 0)
		return REDIS_BROKEN;
	result = send_all(r, span_of(command, (size_t)bytes), until_us);
	explicit_bzero(command, (size_t)bytes); /* it may be a password */
	free(command);
	if (result != REDIS_ANSWERED)
		return result;
	/* Who was not let run until now has not asked before now. */
	least_us = clock_mono_us() + ANSWER_LEAST_US;
	return receive(r, until_us > least_us ? until_us : least_us, a);
}

bool
redis_is_stale(const struct redis *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

/* A socket that is connected or about to be; -1 with errno, or 0: no more. */
static int
begin_connect(const struct redis_target *t, unsigned i)
{
	struct redis_addresses *a = t->addresses;
	struct sockaddr_storage address;
	socklen_t n;
	int fd, on = 1;

	pthread_mutex_lock(&a->lock);
	address = a->list[i].address;
	n = i < a->n ? a->list[i].n_bytes : 0;
	pthread_mutex_unlock(&a->lock);
	errno = 0;
	if (n == 0)
		return -1;
	fd = socket(
	    address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	/* It has no effect on a UNIX socket, and none is needed. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&address, n) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

static int
connect_one(const struct redis_target *t, unsigned i, int64_t until_us)
{
	int fd = begin_connect(t, i), error = 0;
	socklen_t n = sizeof(error);

	if (fd == -1)
		return -1;
	if (!wait_until(fd, POLLOUT, until_us))
		error = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

static int
connect_any(
    const struct redis_target *t, int64_t until_us, char *why, size_t why_size)
{
	int fd = -1;

	for (unsigned i = 0; i < ADDRESSES_MAX && fd == -1; i++) {
		fd = connect_one(t, i, until_us);
		if (fd == -1 && errno == 0)
			break;
		if (fd == -1)
			(void)snprintf(why, why_size, "cannot connect: %s",
			    strerror(errno));
	}
	return fd;
}

static bool
shake(struct redis *r, const struct redis_target *t, int64_t until_us,
    char *why, size_t why_size)
{
	short events;
	int done;

	r->tls = redis_tls_new(r->fd, t->host, t->ca_file, why, why_size);
	if (r->tls == NULL)
		return false;
	while ((done = redis_tls_shake(r->tls, &events, why, why_size)) == 0)
		if (!wait_until(r->fd, events, until_us)) {
			(void)snprintf(why, why_size, "TLS: too slow");
			return false;
		}
	return done == 1;
}

/* One command that must succeed. */
static bool
greet(struct redis *r, const struct span *words, unsigned n, int64_t until_us,
    char *why, size_t why_size)
{
	struct redis_answer a;
	enum redis_result result = redis_call(r, words, n, until_us, &a);

	if (result == REDIS_ANSWERED && !a.error)
		return true;
	(void)snprintf(why, why_size, "%.*s: %s", SPAN_ARG(words[0]),
	    result == REDIS_ANSWERED ? a.text : redis_result_text(result));
	return false;
}

static bool
log_in(struct redis *r, const struct redis_target *t, int64_t until_us,
    char *why, size_t why_size)
{
	struct span auth[3] = { SPAN("AUTH"), t->user, t->password };
	struct span base[2] = { SPAN("SELECT") };
	char number[16];

	if (t->password.p != NULL && t->user.p == NULL)
		auth[1] = t->password;
	if (t->password.p != NULL &&
	    !greet(r, auth, t->user.p != NULL ? 3 : 2, until_us, why, why_size))
		return false;
	if (t->database == 0)
		return true;
	(void)snprintf(number, sizeof(number), "%u", (unsigned)t->database);
	base[1] = span_str(number);
	return greet(r, base, 2, until_us, why, why_size);
}

struct redis *
redis_open(
    const struct redis_target *t, int64_t until_us, char *why, size_t why_size)
{
	struct redis *r = calloc(1, sizeof(*r));

	(void)snprintf(why, why_size, "%s",
	    r == NULL ? "out of memory" : "no address is known");
	if (r == NULL)
		return NULL;
	r->fd = -1;
	r->library = redis_hiredis_get(why, why_size);
	if (r->library != NULL && t->addresses != NULL)
		r->fd = connect_any(t, until_us, why, why_size);
	if (r->fd != -1) {
		r->reader = r->library->ReaderCreateWithFunctions(&functions);
		if (r->reader == NULL)
			(void)snprintf(why, why_size, "out of memory");
		else
			r->reader->privdata = r;
	}
	if (r->reader != NULL &&
	    (!t->tls || shake(r, t, until_us, why, why_size)) &&
	    log_in(r, t, until_us, why, why_size))
		return r;
	redis_close(r);
	return NULL;
}

void
redis_close(struct redis *r)
{
	if (r == NULL)
		return;
	redis_tls_free(r->tls);
	if (r->reader != NULL)
		r->library->ReaderFree(r->reader);
	if (r->fd != -1)
		close(r->fd);
	free(r);
}

const char *
redis_result_text(enum redis_result result)
{
	static const char *const texts[] = {
		[REDIS_ANSWERED] = "answered",
		[REDIS_SLOW] = "too slow",
		[REDIS_LOST] = "connection lost",
		[REDIS_BROKEN] = "not an answer that is understood",
	};

	return texts[result];
}
