/*
 * exchange - see exchange.h.
 *
 * libfcgi keeps the request (its parameters and the STDIN stream); what
 * goes out are our own records, because its writer copies everything
 * through 8 kB and ends a request by two more.  It touches its descriptor
 * only through the functions of exchange_os.c, which are told the wire by
 * each function here that enters libfcgi.
 */
#include "fcgi/exchange.h"

#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/exchange_os.h"
#include "fcgi/linger.h"
#include "fcgi/params.h"
#include "fcgi/wire.h"

/* FastCGI specification 1.0, section 8; libfcgi does not install these. */
#define FCGI_RESPONDER 1
#define FCGI_AUTHORIZER 2

/* What is read over at the end of a request to keep its connection. */
#define DRAIN_BYTES_MAX (64 * 1024)
#define DRAIN_MS 1000
/* Most requests fit into the first; the second bounds any of them. */
#define ARENA_FIRST (16 * 1024)
#define ARENA_MAX (4 * 1024 * 1024)

struct exchange {
	FCGX_Request fcgi;
	struct wire wire;
	struct arena arena;
	struct params params;
	bool no_body;    /* of the answer: HEAD, 204, 304 */
	int64_t length;  /* CONTENT_LENGTH, or BODY_LENGTH_UNKNOWN */
	uint64_t n_read; /* bytes of the body so far */
	bool ended;      /* the body needs no more reading ... */
	int end;         /* ... because EXCHANGE_* */
	bool head_sent;
	unsigned hurry_ms; /* 0: as patient as wire_limits */
};

struct exchange *
exchange_new(void)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x != NULL)
		arena_init(&x->arena, ARENA_FIRST, ARENA_MAX);
	return x;
}

void
exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	buf_fini(&x->wire.held);
	arena_fini(&x->arena);
	free(x->params.list);
	free(x);
}

static void
reset(struct exchange *x, int fd, bool cgi)
{
	struct params params = x->params;
	struct wire wire = x->wire;
	struct arena arena = x->arena;
	unsigned hurry_ms = x->hurry_ms;

	params.n = 0;
	wire_reset(&wire, fd, cgi);
	*x = (struct exchange){ .wire = wire,
		.arena = arena,
		.params = params,
		.length = BODY_LENGTH_UNKNOWN,
		.hurry_ms = hurry_ms };
	exchange_os_wire(&x->wire);
}

/* False when there are too many, or no memory. */
static bool
add_params(struct exchange *x, char *const *pairs)
{
	for (; *pairs != NULL; pairs++)
		if (!params_add(&x->params, *pairs))
			return false;
	for (size_t i = 0; i < x->params.n; i++) {
		const struct param *p = &x->params.list[i];
		uint64_t n;

		if (span_eq(p->name, SPAN("REQUEST_METHOD")))
			x->no_body = span_eq(p->value, SPAN("HEAD"));
		/* Two lengths are refused by who reads the parameters. */
		if (span_eq(p->name, SPAN("CONTENT_LENGTH")) &&
		    span_to_u64(p->value, INT64_MAX, &n))
			x->length = (int64_t)n;
	}
	return true;
}

/* The connection is closed and no request has begun. */
static bool
give_up(struct exchange *x, const char *why)
{
	if (why != NULL)
		log_warn("connection closed: %s", why);
	close(x->wire.fd);
	x->wire.fd = -1;
	return false;
}

/* The deadline of waits that may take "ms", or 0 where pace is the limit. */
static int64_t
deadline(const struct exchange *x, unsigned ms)
{
	if (x->hurry_ms > 0 && (ms == 0 || x->hurry_ms < ms))
		ms = x->hurry_ms;
	return ms > 0 ? clock_mono_us() + ms * US_PER_MS : 0;
}

void
exchange_hurry(struct exchange *x, unsigned ms)
{
	x->hurry_ms = ms;
	x->wire.until_us = deadline(x, 0);
}

bool
exchange_begin(struct exchange *x, int fd)
{
	reset(x, fd, false);
	x->fcgi = (FCGX_Request){
		.listen_sock = -1, .ipcFd = fd, .keepConnection = 1
	};
	x->wire.until_us = deadline(x, wire_limits.head_ms);
	if (FCGX_Accept_r(&x->fcgi) != 0)
		return give_up(x,
		    x->wire.slow ? "parameters came too slowly"
				 : x->wire.walk.why);
	/*
	 * libfcgi takes a read that failed for the end of the parameters,
	 * and half of them must not be decided on.
	 */
	if (x->wire.walk.state != RECORDS_STDIN &&
	    x->wire.walk.state != RECORDS_END) {
		FCGX_Free(&x->fcgi, 0);
		return give_up(x,
		    x->wire.walk.why != NULL ? x->wire.walk.why
					     : "parameters ended early");
	}
	x->wire.until_us = deadline(x, 0);
	x->wire.id = (unsigned)x->fcgi.requestId;
	/* The first is FCGI_ROLE, put there by libfcgi. */
	if (add_params(x, x->fcgi.envp + 1))
		return true;
	FCGX_Free(&x->fcgi, 0);
	return give_up(x, "too many parameters");
}

bool
exchange_begin_cgi(struct exchange *x, char *const *environment)
{
	reset(x, STDIN_FILENO, true);
	return add_params(x, environment);
}

enum exchange_role
exchange_role(const struct exchange *x)
{
	if (x->wire.cgi || x->fcgi.role == FCGI_RESPONDER)
		return ROLE_RESPONDER;
	return x->fcgi.role == FCGI_AUTHORIZER ? ROLE_AUTHORIZER : ROLE_OTHER;
}

const struct param *
exchange_params(const struct exchange *x, size_t *n)
{
	*n = x->params.n;
	return x->params.list;
}

struct arena *
exchange_arena(struct exchange *x)
{
	return &x->arena;
}

static long
end_body(struct exchange *x, int how)
{
	x->ended = true;
	x->end = how;
	return how;
}

/* Some bytes of STDIN; 0 at its end, -1 on error. */
static long
stdin_some(struct exchange *x, char *to, size_t room)
{
	FCGX_Stream *in = x->fcgi.in;
	size_t more;
	int c;

	exchange_os_wire(&x->wire);
	c = FCGX_GetChar(in);
	if (c == EOF)
		return FCGX_GetError(in) == 0 ? 0 : -1;
	to[0] = (char)c;
	more = (size_t)(in->stop - in->rdNext);
	if (more > room - 1)
		more = room - 1;
	/* These bytes are in its buffer: nothing is waited for. */
	if (more > 0 && FCGX_GetStr(to + 1, (int)more, in) != (int)more)
		return -1;
	return (long)more + 1;
}

static int
read_failed(const struct exchange *x)
{
	if (x->wire.slow)
		return EXCHANGE_SLOW;
	if (x->wire.walk.state == RECORDS_BAD)
		log_warn("connection closed: %s", x->wire.walk.why);
	return EXCHANGE_BROKEN;
}

long
exchange_read(struct exchange *x, void *to, size_t room)
{
	uint64_t left = UINT64_MAX;
	char extra;
	long n;

	if (exchange_role(x) != ROLE_RESPONDER)
		return EXCHANGE_END;
	if (x->ended)
		return x->end;
	if (x->length != BODY_LENGTH_UNKNOWN)
		left = (uint64_t)x->length - x->n_read;
	if (left == 0 &&
	    x->wire.cgi) /* RFC 3875 section 4.2: read no further */
		return end_body(x, EXCHANGE_END);
	if (room > INT32_MAX)
		room = INT32_MAX;
	if (left == 0)
		n = stdin_some(x, &extra, 1);
	else if (x->wire.cgi)
		n = wire_read(&x->wire, to, room < left ? room : left);
	else
		n = stdin_some(x, to, room < left ? room : left);
	if (n == -1)
		return end_body(x, read_failed(x));
	if (n == 0)
		return end_body(x,
		    left == 0 || left == UINT64_MAX ? EXCHANGE_END
						    : EXCHANGE_SHORT);
	if (left == 0) /* longer than its Content-Length */
		return end_body(x, EXCHANGE_BROKEN);
	x->n_read += (uint64_t)n;
	return n;
}

int
exchange_fd(const struct exchange *x)
{
	return x->wire.cgi ? -1 : x->wire.fd;
}

bool
exchange_readable(const struct exchange *x)
{
	if (x->ended || exchange_role(x) != ROLE_RESPONDER)
		return true;
	/* What has come may lie in libfcgi's buffer, where poll sees none. */
	if (!x->wire.cgi &&
	    (records_done(&x->wire.walk) ||
		records_stdin_come(&x->wire.walk) > x->n_read))
		return true;
	return wire_readable(&x->wire);
}

bool
exchange_waited(struct exchange *x, int64_t us)
{
	return wire_waited(&x->wire, us);
}

bool
exchange_head(struct exchange *x, unsigned status, struct span headers)
{
	char line[32];
	struct buf b = { .p = line, .size = sizeof(line), .max = sizeof(line) };
	struct wire *w = &x->wire;

	if (x->head_sent)
		return false;
	x->head_sent = true;
	/* RFC 9110 section 6.4.1: these have no body. */
	if (status == 204 || status == 304)
		x->no_body = true;
	buf_add_str(&b, "Status: ");
	buf_add_u64(&b, status);
	buf_add_str(&b, "\r\n");
	return wire_write(w, buf_span(&b), true) &&
	    wire_write(w, headers, true) && wire_write(w, SPAN("\r\n"), true);
}

static bool
write_piece(struct exchange *x, struct span bytes, bool last)
{
	if (!x->head_sent)
		return false;
	if (x->no_body)
		bytes.n = 0;
	if (bytes.n > 0)
		return wire_write(&x->wire, bytes, last);
	return last ? !x->wire.gone : wire_flush(&x->wire);
}

bool
exchange_write(struct exchange *x, struct span bytes)
{
	return write_piece(x, bytes, false);
}

bool
exchange_write_last(struct exchange *x, struct span bytes)
{
	return write_piece(x, bytes, true);
}

bool
exchange_has_body(const struct exchange *x)
{
	return x->head_sent && !x->no_body;
}

/*
 * Bring STDIN to its end if that takes no waiting to speak of.  Only then
 * may the connection carry another request: what stays unread would be
 * taken for records, and its bytes are the client's.
 */
static bool
drain(struct exchange *x)
{
	char nowhere[4096];
	size_t n_bytes = 0;
	bool all_came;

	if (exchange_role(x) != ROLE_RESPONDER)
		return false;
	x->wire.until_us = deadline(x, DRAIN_MS);
	while (!x->ended && n_bytes < DRAIN_BYTES_MAX) {
		long n;

		/* The end itself may be waited for: it was sent already. */
		all_came = x->length == (int64_t)x->n_read ||
		    (x->length == BODY_LENGTH_UNKNOWN && x->n_read == 0);
		if (!all_came && !exchange_readable(x))
			return false;
		n = exchange_read(x, nowhere, sizeof(nowhere));
		if (n > 0)
			n_bytes += (size_t)n;
	}
	return x->ended &&
	    (x->end == EXCHANGE_END || x->end == EXCHANGE_SHORT) &&
	    records_done(&x->wire.walk);
}

bool
exchange_end(struct exchange *x, bool complete, int *fd)
{
	bool wanted = x->fcgi.keepConnection != 0, drained;
	struct wire *w = &x->wire;

	exchange_os_wire(&x->wire);
	*fd = -1;
	arena_reset(&x->arena);
	if (w->cgi) {
		if (complete)
			wire_flush(w);
		close(STDOUT_FILENO);
		return false;
	}
	if (!complete || w->gone) {
		/* Without END_REQUEST the web server knows it is not whole. */
		if (!w->gone)
			wire_wait_taken(w);
		FCGX_Free(&x->fcgi, 0);
		close(w->fd);
		return false;
	}
	drained = drain(x);
	w->until_us = deadline(x, 0);
	wire_end(w);
	FCGX_Free(&x->fcgi, 0);
	if (w->gone || (drained && !wanted)) {
		close(w->fd);
		return false;
	}
	if (!drained) {
		bool whole = w->walk.state == RECORDS_STDIN ||
		    w->walk.state == RECORDS_END;

		linger_take(w->fd, wanted && whole ? &w->walk : NULL);
		return false;
	}
	*fd = w->fd;
	return true;
}

/* A record that must be refused, to see that it is OS_Read that sees it. */
bool
exchange_global_init(void)
{
	static const char probe[8] = { 1, 9 };
	struct exchange *x;
	bool ours = false;
	int fds[2];

	if (FCGX_Init() != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return false;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	x = exchange_new();
	if (x != NULL && write(fds[1], probe, sizeof(probe)) == sizeof(probe)) {
		reset(x, fds[0], false);
		x->fcgi = (FCGX_Request){
			.listen_sock = -1, .ipcFd = fds[0], .keepConnection = 1
		};
		x->wire.until_us = clock_mono_us() + US_PER_S;
		ours = FCGX_Accept_r(&x->fcgi) != 0 &&
		    x->wire.walk.state == RECORDS_BAD;
	}
	exchange_os_wire(NULL);
	exchange_free(x);
	close(fds[0]);
	close(fds[1]);
	return ours;
}
