/*
 * transfer - see transfer.h.
 */
#include "fcgi/transfer.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/passing.h"

/* A client that sends nothing of its body for so long is too slow. */
#define BODY_WAIT_US (10 * US_PER_S)

/*
 * Read at once: with the head of the answer before it this is one FastCGI
 * record, where more would leave a few bytes for another.
 */
#define READ_BYTES_MAX ((size_t)62 * 1024)

bool
transfer_sent(const struct transfer *t)
{
	return t->body_read && t->head.n == 0 && t->piece.n == 0;
}

enum progress
transfer_fail(struct transfer *t, enum reason reason, const char *why)
{
	if (reason == REASON_UPSTREAM_BROKEN ||
	    reason == REASON_UPSTREAM_TIMEOUT || t->answering)
		log_warn("reason=%s backend=%.*s id=%.*s %s%s",
		    reason_word(reason), SPAN_ARG(t->origin),
		    SPAN_ARG(t->call->request->id), why,
		    t->answering ? " (answer truncated)" : "");
	t->failed = reason == REASON_UPSTREAM_BROKEN ||
	    reason == REASON_UPSTREAM_TIMEOUT;
	if (t->answering)
		return CUT;
	refuse(t->decision, reason, span_str(why));
	return REFUSED;
}

static enum progress
client_left(struct transfer *t)
{
	if (t->answering)
		return CUT;
	refuse(t->decision, REASON_BAD_REQUEST, SPAN("the client left"));
	return REFUSED;
}

/* Put chunk framing around the "n" bytes that were read (RFC 9112 7.1). */
static struct span
frame_chunk(struct lane *lane, size_t n)
{
	char line[CHUNK_FRAME_BYTES + 1], *at = lane->up + CHUNK_FRAME_BYTES;
	int len = snprintf(line, sizeof(line), "%zx\r\n", n);

	assert(len > 0 && len <= CHUNK_FRAME_BYTES);
	memcpy(at + n, "\r\n", 2);
	memcpy(at - len, line, (size_t)len);
	return span_of(at - len, (size_t)len + n + 2);
}

static enum progress
end_upload(struct transfer *t, long how)
{
	switch (how) {
	case EXCHANGE_END:
		if (t->left_bytes > 0 &&
		    t->call->request->body_length != BODY_LENGTH_UNKNOWN)
			break;
		t->body_read = true;
		if (t->call->request->body_length == BODY_LENGTH_UNKNOWN)
			t->piece = SPAN("0\r\n\r\n");
		return GOES_ON;
	case EXCHANGE_SLOW:
		return transfer_fail(t, REASON_BODY_TIMEOUT, "body too slow");
	case EXCHANGE_BROKEN:
		return client_left(t);
	default:
		break;
	}
	return transfer_fail(
	    t, REASON_BAD_REQUEST, "body shorter than its length");
}

/* Read the next piece of the body; blocks only if none is there. */
static enum progress
read_upload(struct transfer *t)
{
	char *to = t->lane->up + CHUNK_FRAME_BYTES;
	bool chunked = t->call->request->body_length == BODY_LENGTH_UNKNOWN;
	long n = exchange_read(t->call->exchange, to, UPLOAD_BYTES_MAX);

	if (n <= 0)
		return end_upload(t, n);
	t->moved_us = clock_mono_us();
	t->call->meter->bytes_in += (uint64_t)n;
	if (t->call->meter->bytes_in > t->call->max_body_bytes)
		return transfer_fail(
		    t, REASON_BODY_TOO_LARGE, "body too large");
	if (chunked) {
		t->piece = frame_chunk(t->lane, (size_t)n);
		return GOES_ON;
	}
	if ((uint64_t)n > t->left_bytes)
		return transfer_fail(
		    t, REASON_BAD_REQUEST, "body longer than its length");
	t->left_bytes -= (uint64_t)n;
	t->body_read = t->left_bytes == 0;
	t->piece = span_of(to, (size_t)n);
	return GOES_ON;
}

/*
 * Write what is there.  An error only stops the upload: the backend may
 * have answered and closed, and its answer is still to be read.
 */
static void
write_request(struct transfer *t)
{
	long n = connection_write(t->connection, t->head, t->piece);
	size_t of_head;

	if (n == CONNECTION_LATER)
		return;
	if (n < 0) {
		t->stopped = true;
		return;
	}
	if (n > 0) {
		t->written = true;
		t->sent = true;
		t->moved_us = clock_mono_us();
	}
	of_head = (size_t)n < t->head.n ? (size_t)n : t->head.n;
	t->head = span_skip(t->head, of_head);
	t->piece = span_skip(t->piece, (size_t)n - of_head);
}

bool
transfer_has_status(const struct bundle *b, struct range list, unsigned status)
{
	for (uint32_t i = 0; i < list.n; i++) {
		if (bundle_index(b, list.first + i) == status)
			return true;
	}
	return false;
}

/* The head of the final answer was read: begin ours. */
static enum progress
begin_answer(struct transfer *t, const struct http1_head *head)
{
	const struct upstream_call *c = t->call;
	const char *why = "";
	struct span lines;

	if (head->status < 200)
		return transfer_fail(t, REASON_UPSTREAM_BROKEN, "bad status");
	if (!http1_body_begin(head, span_eq(c->request->method, SPAN("HEAD")),
		&t->body, &why))
		return transfer_fail(t, REASON_UPSTREAM_BROKEN, why);
	if (t->again != NULL &&
	    transfer_has_status(
		c->policy->bundle, t->again->statuses, head->status)) {
		refuse(t->decision, REASON_UPSTREAM_BROKEN,
		    SPAN("the backend failed"));
		c->meter->upstream_status = head->status;
		return REJECTED;
	}
	if (head->status == 401 && t->renew != NULL && t->renew(t))
		return STALE;
	if (!passing_answer_lines(c, head, &t->body, &lines))
		return transfer_fail(t, REASON_FAULT, "out of memory");
	/* An upload that the backend has refused is not wanted any more. */
	if (head->status >= 300 && !transfer_sent(t))
		t->stopped = true;
	c->meter->upstream_status = head->status;
	c->meter->status = head->status;
	t->answering = true;
	return exchange_head(c->exchange, head->status, lines) ? GOES_ON : CUT;
}

static enum progress
take_head(struct transfer *t, size_t *at)
{
	while (!t->answering) {
		struct http1_head head;
		const char *why = "";
		struct span bytes = span_of(t->lane->in + *at, t->n_in - *at);
		enum progress p;
		long n = bytes.n > 0 ? http1_parse_head(bytes,
					   t->call->request->arena, &head, &why)
				     : HTTP1_MORE;

		if (n == HTTP1_MORE && *at == 0 &&
		    t->n_in == sizeof(t->lane->in))
			return transfer_fail(
			    t, REASON_UPSTREAM_BROKEN, "head too long");
		if (n == HTTP1_MORE)
			return GOES_ON;
		if (n < 0)
			return transfer_fail(t, REASON_UPSTREAM_BROKEN, why);
		*at += (size_t)n;
		if (head.status >= 200) {
			p = begin_answer(t, &head);
			if (p != GOES_ON)
				return p;
		} else if (++t->interims > HTTP1_INTERIM_MAX) {
			return transfer_fail(t, REASON_UPSTREAM_BROKEN,
			    "too many interim answers");
		}
	}
	return GOES_ON;
}

/*
 * Take body bytes from lane->in at "*at" and send them on in one piece:
 * what stood between chunks is closed up in place.
 */
static enum progress
take_body(struct transfer *t, size_t *at)
{
	char *in = t->lane->in;
	size_t from = *at, to = from;
	const char *why = "";
	struct span piece, all;
	bool ok;
	long n = 0;

	while (!t->body.done && *at < t->n_in) {
		n = http1_body_take(
		    &t->body, span_of(in + *at, t->n_in - *at), &piece, &why);
		if (n <= 0)
			break;
		if (piece.n > 0 && piece.p != in + to)
			memmove(in + to, piece.p, piece.n);
		to += piece.n;
		*at += (size_t)n;
	}
	all = span_of(in + from, to - from);
	t->call->meter->bytes_out += all.n;
	ok = t->body.done ? exchange_write_last(t->call->exchange, all)
			  : exchange_write(t->call->exchange, all);
	if (!ok)
		return CUT;
	if (n < 0)
		return transfer_fail(t, REASON_UPSTREAM_BROKEN, why);
	t->surplus = t->body.done && *at < t->n_in;
	return t->body.done ? ANSWERED : GOES_ON;
}

static enum progress
take_input(struct transfer *t)
{
	size_t at = 0;
	enum progress p = take_head(t, &at);

	if (p == GOES_ON && t->answering)
		p = take_body(t, &at);
	if (at > 0)
		memmove(t->lane->in, t->lane->in + at, t->n_in - at);
	t->n_in -= at;
	return p;
}

static enum progress
backend_closed(struct transfer *t)
{
	if (t->answering && http1_body_close(&t->body))
		return exchange_write_last(t->call->exchange, SPAN(""))
		    ? ANSWERED
		    : CUT;
	if (!t->received && t->kept)
		return DIED;
	return transfer_fail(t, REASON_UPSTREAM_BROKEN,
	    t->received ? "closed in the middle of its answer"
			: "closed without an answer");
}

static enum progress
read_answer(struct transfer *t)
{
	struct lane *lane = t->lane;
	size_t room = sizeof(lane->in) - t->n_in;
	long n = connection_read(t->connection, lane->in + t->n_in,
	    room < READ_BYTES_MAX ? room : READ_BYTES_MAX);

	if (n == CONNECTION_LATER)
		return GOES_ON;
	if (n <= 0)
		return backend_closed(t);
	t->received = true;
	t->moved_us = clock_mono_us();
	t->n_in += (size_t)n;
	return take_input(t);
}

static bool
wants_upload(const struct transfer *t)
{
	return !t->body_read && !t->stopped && t->piece.n == 0;
}

/* A read would not block, or under CGI there is nothing to poll. */
static bool
upload_ready(const struct transfer *t)
{
	struct exchange *x = t->call->exchange;

	return wants_upload(t) &&
	    (exchange_fd(x) == -1 || exchange_readable(x));
}

/* The next moment at which waiting is over, and what it means then. */
static int64_t
next_limit(const struct transfer *t, enum reason *reason)
{
	const struct backend *b = t->call->backend;
	int64_t until_us = t->total_until_us, limit_us = INT64_MAX;

	*reason = REASON_UPSTREAM_TIMEOUT;
	if (wants_upload(t) && t->head.n == 0)
		limit_us = t->moved_us + BODY_WAIT_US;
	else if (!t->answering && b->first_byte_ms > 0)
		limit_us = t->moved_us + b->first_byte_ms * US_PER_MS;
	else if (t->answering && b->idle_ms > 0)
		limit_us = t->moved_us + b->idle_ms * US_PER_MS;
	if (limit_us >= until_us)
		return until_us;
	if (wants_upload(t) && t->head.n == 0)
		*reason = REASON_BODY_TIMEOUT;
	return limit_us;
}

/*
 * Wait for what "p" names.  When that is the body, the time counts: one
 * byte now and then is no body that comes.
 */
static enum progress
wait_ms(struct transfer *t, struct pollfd p[2], int ms)
{
	int64_t start_us = clock_mono_us();
	bool body = wants_upload(t) && t->head.n == 0;

	if (poll(p, 2, ms) == -1 && errno != EINTR)
		return transfer_fail(t, REASON_FAULT, "poll failed");
	if (body &&
	    !exchange_waited(t->call->exchange, clock_mono_us() - start_us))
		return transfer_fail(t, REASON_BODY_TIMEOUT, "body too slow");
	return GOES_ON;
}

static enum progress
wait_for_both(struct transfer *t, bool now)
{
	int fd = exchange_fd(t->call->exchange);
	struct pollfd p[2] = { { .fd = connection_fd(t->connection),
				   .events = POLLIN },
		{ .fd = fd, .events = POLLRDHUP } };
	int64_t until_us, left_ms = -1;
	enum progress waited;
	enum reason reason;

	if ((!t->stopped && t->head.n + t->piece.n > 0) ||
	    connection_wants_write(t->connection))
		p[0].events |= POLLOUT;
	if (wants_upload(t))
		p[1].events |= POLLIN;
	until_us = next_limit(t, &reason);
	if (until_us != INT64_MAX) {
		left_ms =
		    (until_us - clock_mono_us() + US_PER_MS - 1) / US_PER_MS;
		if (left_ms <= 0)
			return transfer_fail(t, reason,
			    reason == REASON_BODY_TIMEOUT
				? "body too slow"
				: "no answer in time");
	}
	if (now)
		left_ms = 0;
	waited = wait_ms(t, p, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
	if (waited != GOES_ON)
		return waited;
	if ((p[1].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0)
		return client_left(t);
	if ((p[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		return read_answer(t);
	return GOES_ON;
}

enum progress
transfer_run(struct transfer *t)
{
	enum progress p = GOES_ON;

	while (p == GOES_ON) {
		if (upload_ready(t))
			p = read_upload(t);
		if (p == GOES_ON && !t->stopped && t->head.n + t->piece.n > 0)
			write_request(t);
		/* TLS may hold bytes that poll does not tell of. */
		if (p == GOES_ON && connection_holds(t->connection))
			p = read_answer(t);
		if (p == GOES_ON)
			p = wait_for_both(t,
			    upload_ready(t) ||
				connection_has_more(t->connection));
	}
	return p;
}
