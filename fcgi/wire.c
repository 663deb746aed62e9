/*
 * wire - see wire.h.
 */
#include "fcgi/wire.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"

/* See wire_wait_taken. */
#define TAKEN_WAIT_US US_PER_S
#define TAKEN_MOMENT_MS 10

/* Answers up to this size leave in one write, with their end. */
#define HELD_MAX (16 * 1024)
#define RECORD_CONTENT_MAX 65535u
#define RECORD_HEAD 8
#define TYPE_END_REQUEST 3
#define TYPE_STDOUT 6

struct wire_limits wire_limits = { 5000, 500, 10000, 1000 };

/* How often a wait for a head looks whether workers have become rare. */
#define BUSY_LOOK_MS 100
static atomic_bool is_busy;

void
wire_set_busy(bool busy)
{
	if (atomic_load_explicit(&is_busy, memory_order_relaxed) != busy)
		atomic_store(&is_busy, busy);
}

static bool
awaits_head(const struct wire *w)
{
	return !w->cgi && w->walk.state <= RECORDS_PARAMS;
}

void
wire_reset(struct wire *w, int fd, bool cgi)
{
	struct buf held = w->held;

	if (held.max == 0)
		buf_init(&held, HELD_MAX);
	buf_reset(&held);
	*w = (struct wire){ .fd = fd, .cgi = cgi, .held = held };
	records_init(&w->walk);
}

/* Milliseconds that may still be waited at "p"; 0: none. */
static int
patience_ms(const struct wire *w, const struct pace *p)
{
	int64_t left_us;

	if (w->until_us != 0)
		left_us = w->until_us - clock_mono_us();
	else
		left_us = (int64_t)wire_limits.grace_ms * US_PER_MS +
		    (int64_t)(p->n_bytes * (uint64_t)US_PER_S /
			wire_limits.rate) -
		    p->waited_us;
	if (left_us <= 0)
		return 0;
	if (awaits_head(w) && left_us > BUSY_LOOK_MS * US_PER_MS)
		left_us = BUSY_LOOK_MS * US_PER_MS;
	if (awaits_head(w) && atomic_load(&is_busy) &&
	    p->waited_us > wire_limits.busy_ms * US_PER_MS)
		return 0;
	if (left_us > 60 * US_PER_S)
		left_us = 60 * US_PER_S;
	return (int)((left_us + US_PER_MS - 1) / US_PER_MS);
}

/* Wait until "fd" is ready; false with errno: too long, or broken. */
static bool
wait_for(struct wire *w, int fd, short events, struct pace *p)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = events };
		int64_t start = clock_mono_us();
		int ms = patience_ms(w, p), n;

		if (ms == 0) {
			w->slow = true;
			errno = ETIMEDOUT;
			return false;
		}
		n = poll(&poll_fd, 1, ms);
		p->waited_us += clock_mono_us() - start;
		if (n > 0)
			return true;
		if (n == -1 && errno != EINTR)
			return false;
	}
}

bool
wire_waited(struct wire *w, int64_t us)
{
	w->in.waited_us += us;
	return patience_ms(w, &w->in) > 0;
}

static ssize_t
read_some(struct wire *w, void *to, size_t room)
{
	for (;;) {
		ssize_t n;

		if (!w->cgi)
			n = recv(w->fd, to, room, MSG_DONTWAIT);
		else if (wait_for(w, w->fd, POLLIN, &w->in))
			n = read(w->fd, to, room);
		else
			return -1;
		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
		if (errno == EAGAIN && !wait_for(w, w->fd, POLLIN, &w->in))
			return -1;
	}
}

ssize_t
wire_read(struct wire *w, void *to, size_t room)
{
	ssize_t n = read_some(w, to, room);

	if (n <= 0)
		return n;
	w->in.n_bytes += (uint64_t)n;
	if (!w->cgi && !records_walk(&w->walk, span_of(to, (size_t)n))) {
		errno = EPROTO;
		return -1;
	}
	return n;
}

/* Cut "n" written bytes from the "*count" pieces at "v". */
static struct iovec *
advance(struct iovec *v, int *count, size_t n)
{
	while (*count > 0 && n >= v->iov_len) {
		n -= v->iov_len;
		v++;
		(*count)--;
	}
	if (*count > 0) {
		v->iov_base = (char *)v->iov_base + n;
		v->iov_len -= n;
	}
	return v;
}

/* What was held is among the pieces, and is held no longer. */
static bool
write_all(struct wire *w, struct iovec *v, int count)
{
	int fd = w->cgi ? STDOUT_FILENO : w->fd;

	v = advance(v, &count, 0);
	while (count > 0 && !w->gone) {
		struct msghdr m = { .msg_iov = v, .msg_iovlen = (size_t)count };
		ssize_t n;

		if (w->cgi)
			n = writev(fd, v, count);
		else
			n = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0) {
			w->out.n_bytes += (uint64_t)n;
			v = advance(v, &count, (size_t)n);
		} else if (errno != EINTR) {
			w->gone = errno != EAGAIN ||
			    !wait_for(w, fd, POLLOUT, &w->out);
		}
	}
	buf_reset(&w->held);
	return !w->gone;
}

/* For struct iovec, which is not const, of bytes that are only read. */
static struct iovec
piece(struct span s)
{
	return (struct iovec){ (void *)(uintptr_t)s.p, s.n };
}

/*
 * The head of a record.  None is padded: Apache reads the content and the
 * padding by a call each.
 */
static void
fill_head(const struct wire *w, char head[RECORD_HEAD], int type, size_t n)
{
	const char bytes[RECORD_HEAD] = { 1, (char)type, (char)(w->id >> 8),
		(char)w->id, (char)(n >> 8), (char)n, 0, 0 };

	memcpy(head, bytes, RECORD_HEAD);
}

/* What is held, what follows it in the same record, and what is behind. */
static bool
write_held(struct wire *w, struct span more, struct span behind)
{
	struct iovec v[4];
	char head[RECORD_HEAD];
	size_t n = w->held.n + more.n;

	fill_head(w, head, TYPE_STDOUT, n);
	v[0] = piece(span_of(head, w->cgi || n == 0 ? 0 : RECORD_HEAD));
	v[1] = piece(buf_span(&w->held));
	v[2] = piece(more);
	v[3] = piece(behind);
	return write_all(w, v, 4);
}

bool
wire_flush(struct wire *w)
{
	return write_held(w, SPAN(""), SPAN(""));
}

bool
wire_write(struct wire *w, struct span s, bool hold)
{
	while (s.n > 0 && !w->gone) {
		size_t n = RECORD_CONTENT_MAX - w->held.n;

		if (hold && s.n <= HELD_MAX - w->held.n) {
			buf_add(&w->held, s);
			w->gone = w->gone || w->held.failed;
			break;
		}
		if (n > s.n)
			n = s.n;
		write_held(w, span_of(s.p, n), SPAN(""));
		s = span_skip(s, n);
	}
	return !w->gone;
}

bool
wire_end(struct wire *w)
{
	/* Its content is all zeros: exit code 0, FCGI_REQUEST_COMPLETE. */
	char end[2 * RECORD_HEAD] = { 0 };

	fill_head(w, end, TYPE_END_REQUEST, RECORD_HEAD);
	return write_held(w, SPAN(""), span_of(end, sizeof(end)));
}

bool
wire_readable(const struct wire *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

void
wire_wait_taken(const struct wire *w)
{
	int64_t end_us = clock_mono_us() + TAKEN_WAIT_US;
	struct pollfd p = { .fd = w->fd, .events = POLLRDHUP };
	int unread = 1;

	while (unread > 0 && clock_mono_us() < end_us) {
		if (ioctl(w->fd, SIOCOUTQ, &unread) != 0)
			return;
		if (poll(&p, 1, TAKEN_MOMENT_MS) != 0)
			return; /* gone, or not to be asked */
	}
}
