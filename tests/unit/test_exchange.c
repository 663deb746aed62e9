/*
 * test_exchange - one request over FastCGI, by a well-behaved web server
 * and by others.
 *
 * A thread serves one end of a socket pair as a worker would, and answers
 * each request with how its body ended.
 */
#include "fcgi/exchange.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/linger.h"
#include "fcgi/wire.h"
#include "tests/fcgi_client.h"

struct server {
	pthread_t thread;
	int fd;
	bool read_body; /* else the request is refused unread */
	size_t answer_n;
	bool cut;     /* the answer is not whole */
	bool lingers; /* its connection comes back by the linger thread */
	int back[2];
	unsigned n_begun;
};

static void
answer(struct exchange *x, const struct server *s)
{
	char nowhere[1000], *body;
	unsigned long n = 0;
	struct buf b;
	long got = 1;
	size_t n_params;

	buf_init(&b, 1000);
	exchange_params(x, &n_params);
	while (s->read_body && (got = exchange_read(x, nowhere, 1000)) > 0)
		n += (unsigned long)got;
	buf_printf(&b, "%zu %lu %ld", n_params, n, got);
	exchange_head(x, 200, SPAN("Content-Type: text/plain\r\n"));
	if (s->answer_n > 0) {
		body = calloc(1, s->answer_n);
		exchange_write(x, span_of(body, s->answer_n));
		free(body);
	} else {
		exchange_write_last(x, buf_span(&b));
	}
	buf_fini(&b);
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	struct exchange *x = exchange_new();
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	for (;;) {
		p.fd = s->fd;
		poll(&p, 1, -1);
		if (!exchange_begin(x, s->fd))
			break;
		s->n_begun++;
		if (exchange_role(x) == ROLE_AUTHORIZER)
			exchange_head(x, 503, SPAN(""));
		else
			answer(x, s);
		if (exchange_end(x, !s->cut, &s->fd))
			continue;
		if (!s->lingers ||
		    read(s->back[0], &s->fd, sizeof(s->fd)) != sizeof(s->fd))
			break;
	}
	exchange_free(x);
	return NULL;
}

static void
take_back(void *arg, int fd)
{
	struct server *s = arg;

	ck_assert_int_eq(write(s->back[1], &fd, sizeof(fd)), sizeof(fd));
}

/* Starts "s" and gives the web server's end. */
static int
start(struct server *s)
{
	struct timeval patience = { 10, 0 };
	int fds[2];

	ck_assert(exchange_global_init());
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(
	    fds[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	s->fd = fds[0];
	if (s->lingers) {
		ck_assert_int_eq(pipe(s->back), 0);
		linger_give_to(take_back, s);
	}
	ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
	return fds[1];
}

static void
stop(struct server *s, int fd)
{
	close(fd);
	if (s->lingers)
		close(s->back[1]);
	pthread_join(s->thread, NULL);
	linger_stop();
}

static bool
has(const struct fcgi_reply *r, const char *text)
{
	return r->out.n > 0 &&
	    memmem(r->out.p, r->out.n, text, strlen(text)) != NULL;
}

#define GET "REQUEST_METHOD=GET\nREQUEST_URI=/\n"
#define POST "REQUEST_METHOD=POST\nREQUEST_URI=/\n"

/* The bytes of the head, with its empty line; 0: not in the first record. */
static size_t
head_bytes(const struct fcgi_reply *r)
{
	const char *end = memmem(r->out.p, r->first_n, "\r\n\r\n", 4);

	return end != NULL ? (size_t)(end - r->out.p) + 4 : 0;
}

START_TEST(status_is_the_first_line_in_the_first_record)
{
	struct server s = { .read_body = true };
	struct fcgi_reply r;
	int fd = start(&s);
	struct buf b;

	buf_init(&b, 1000);
	fcgi_request(&b, false, GET, (struct span){ 0 });
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	ck_assert(span_starts(buf_span(&r.out), SPAN("Status: 200\r\n")));
	ck_assert_uint_gt(head_bytes(&r), 0);
	/* Held to the end, it goes out in one piece. */
	ck_assert_uint_eq(r.first_n, r.out.n);
	ck_assert(has(&r, "\r\n\r\n2 0 0"));
	ck_assert(r.ended);
	ck_assert_uint_eq(r.n_unexpected, 0);
	fcgi_reply_fini(&r);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

START_TEST(connection_is_kept_when_asked_and_all_was_read)
{
	struct server s = { .read_body = true };
	struct fcgi_reply r;
	int fd = start(&s);

	for (int i = 0; i < 100; i++) {
		char body[20000] = { 0 };
		struct buf b;

		buf_init(&b, 50000);
		fcgi_request(&b, true, i % 2 ? POST : GET,
		    i % 2 ? span_of(body, sizeof(body)) : (struct span){ 0 });
		fcgi_send(fd, buf_span(&b));
		fcgi_receive(fd, &r);
		ck_assert(r.ended);
		ck_assert(has(&r, i % 2 ? "3 20000 0" : "2 0 0"));
		fcgi_reply_fini(&r);
		buf_fini(&b);
	}
	ck_assert_uint_eq(s.n_begun, 100);
	stop(&s, fd);
}
END_TEST

START_TEST(head_has_no_body)
{
	struct server s = { .read_body = true };
	struct fcgi_reply r;
	int fd = start(&s);
	struct buf b;

	buf_init(&b, 1000);
	fcgi_request(&b, false, "REQUEST_METHOD=HEAD\nREQUEST_URI=/\n",
	    (struct span){ 0 });
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	ck_assert(r.ended);
	ck_assert(span_ends(buf_span(&r.out), SPAN("\r\n\r\n")));
	fcgi_reply_fini(&r);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

START_TEST(large_answer_comes_whole)
{
	struct server s = { .read_body = true, .answer_n = 10000001 };
	struct fcgi_reply r;
	int fd = start(&s);
	struct buf b;

	buf_init(&b, 1000);
	fcgi_request(&b, false, GET, (struct span){ 0 });
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	ck_assert(r.ended);
	ck_assert_uint_eq(r.out.n - head_bytes(&r), 10000001);
	fcgi_reply_fini(&r);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

START_TEST(answer_that_is_not_whole_has_no_end)
{
	struct server s = { .read_body = true, .answer_n = 70000, .cut = true };
	struct fcgi_reply r;
	int fd = start(&s);
	struct buf b;

	buf_init(&b, 1000);
	fcgi_request(&b, true, GET, (struct span){ 0 });
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	ck_assert(r.closed);
	ck_assert(!r.ended);
	fcgi_reply_fini(&r);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

/* A body whose bytes are a request of their own, left unread. */
START_TEST(unread_body_is_never_taken_for_records)
{
	struct server s = { .read_body = false };
	struct fcgi_reply r;
	struct buf forged, body, b;
	int fd = start(&s);

	buf_init(&forged, 10000);
	buf_init(&body, 1 << 20);
	buf_init(&b, 2 << 20);
	fcgi_request(
	    &forged, true, GET "REMOTE_USER=admin\n", (struct span){ 0 });
	while (body.n < 300000)
		buf_add(&body, buf_span(&forged));
	fcgi_request(&b, true, POST, buf_span(&body));
	/* Not all fits into the socket: the answer comes early. */
	ck_assert_int_gt(send(fd, b.p, b.n, MSG_DONTWAIT), 0);
	fcgi_receive(fd, &r);
	ck_assert(r.ended);
	fcgi_reply_fini(&r);
	fcgi_receive(fd, &r);
	ck_assert(r.closed);
	ck_assert_uint_eq(r.out.n, 0);
	ck_assert_uint_eq(s.n_begun, 1);
	fcgi_reply_fini(&r);
	buf_fini(&forged);
	buf_fini(&body);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

/* As Apache does once it has read the answer. */
START_TEST(request_behind_a_broken_off_upload_is_served)
{
	struct server s = { .lingers = true };
	struct fcgi_reply r;
	struct buf forged, b;
	int fd = start(&s);

	buf_init(&forged, 10000);
	buf_init(&b, 1 << 20);
	fcgi_request(
	    &forged, true, GET "REMOTE_USER=admin\n", (struct span){ 0 });
	for (unsigned i = 1; i <= 20; i++) {
		buf_reset(&b);
		fcgi_request(&b, true, POST, (struct span){ 0 });
		/* Without the empty record at its end ... */
		b.n -= 8;
		for (unsigned k = 0; k < i; k++)
			fcgi_record(&b, FCGI_STDIN, 1, buf_span(&forged));
		fcgi_send(fd, buf_span(&b));
		fcgi_receive(fd, &r);
		ck_assert(r.ended);
		fcgi_reply_fini(&r);
		ck_assert_uint_eq(s.n_begun, 2 * i - 1);
		/* ... though some of it may come late ... */
		buf_reset(&b);
		if (i % 2)
			fcgi_record(&b, FCGI_STDIN, 1, buf_span(&forged));
		/* ... comes the next. */
		fcgi_request(&b, true, GET, (struct span){ 0 });
		fcgi_send(fd, buf_span(&b));
		fcgi_receive(fd, &r);
		ck_assert(r.ended);
		ck_assert_uint_eq(s.n_begun, 2 * i);
		fcgi_reply_fini(&r);
	}
	buf_fini(&forged);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

START_TEST(small_unread_body_is_drained_and_the_connection_kept)
{
	struct server s = { .read_body = false };
	struct fcgi_reply r;
	int fd = start(&s);

	for (int i = 0; i < 3; i++) {
		struct buf b;

		buf_init(&b, 100000);
		fcgi_request(&b, true, POST, SPAN("twenty bytes of it ."));
		fcgi_send(fd, buf_span(&b));
		fcgi_receive(fd, &r);
		ck_assert(r.ended);
		fcgi_reply_fini(&r);
		buf_fini(&b);
	}
	ck_assert_uint_eq(s.n_begun, 3);
	stop(&s, fd);
}
END_TEST

START_TEST(authorizer_without_stdin_is_answered_at_once)
{
	struct server s = { .read_body = true };
	struct fcgi_reply r;
	int fd = start(&s);
	struct buf b;

	buf_init(&b, 1000);
	fcgi_begin(&b, 1, 2, false);
	fcgi_params(&b, 1, SPAN("\x0b\4REQUEST_URI/foo"));
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	ck_assert(span_starts(buf_span(&r.out), SPAN("Status: 503\r\n")));
	ck_assert(r.ended);
	fcgi_reply_fini(&r);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

/* Bodies unlike their CONTENT_LENGTH. */
static const struct {
	const char *lines;
	const char *body;
	const char *answer;
	bool kept;
} lengths[] = {
	{ POST "CONTENT_LENGTH=5", "12345", "3 5 0", true },
	{ POST "CONTENT_LENGTH=6", "12345", "3 5 -3", true },
	{ POST "CONTENT_LENGTH=4", "12345", "3 4 -1", false },
	{ POST "CONTENT_LENGTH=0", "", "3 0 0", true },
	{ POST "CONTENT_LENGTH=0", "12345", "3 0 -1", false },
	{ POST, "12345", "2 5 0", true },
	{ POST, "", "2 0 0", true },
};

START_TEST(body_is_held_to_its_length)
{
	struct server s = { .read_body = true };
	struct buf pairs, b;
	struct fcgi_reply r;
	struct pollfd p;
	int fd = start(&s);
	struct span rest = span_str(lengths[_i].lines);

	buf_init(&pairs, 1000);
	buf_init(&b, 1000);
	while (rest.p != NULL) {
		struct span value = span_cut(&rest, '\n'), name;

		name = span_cut(&value, '=');
		if (name.n > 0)
			fcgi_pair(&pairs, name, value);
	}
	fcgi_begin(&b, 1, 1, true);
	fcgi_params(&b, 1, buf_span(&pairs));
	fcgi_stdin(&b, 1, span_str(lengths[_i].body));
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	ck_assert_msg(
	    has(&r, lengths[_i].answer), "%.*s", (int)r.out.n, r.out.p);
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 300), lengths[_i].kept ? 0 : 1);
	fcgi_reply_fini(&r);
	buf_fini(&pairs);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

enum wrong {
	WRONG_GARBAGE,
	WRONG_VERSION,
	WRONG_HALF_RECORD,
	WRONG_VALUES_FIRST,
	WRONG_VALUES_MIDDLE,
	WRONG_UNKNOWN_TYPE,
	WRONG_TWO_AT_ONCE,
	WRONG_MANY_PARAMS,
	WRONG_HUGE_PARAM,
	WRONG_HALF_PARAM,
	WRONG_ABORT,
	WRONG_NUL,
	WRONG_SILENT,
	WRONG__MAX
};

static void
add_values(struct buf *b)
{
	struct buf pairs;

	buf_init(&pairs, 1000);
	for (int i = 0; i < 8; i++)
		fcgi_pair(&pairs, SPAN("FCGI_MPXS_CONNS"), SPAN(""));
	fcgi_record(b, FCGI_GET_VALUES, 0, buf_span(&pairs));
	buf_fini(&pairs);
}

static void
make_wrong(enum wrong w, struct buf *b)
{
	static char value[60000];

	if (w == WRONG_GARBAGE) {
		buf_add_str(b, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
		return;
	}
	if (w == WRONG_VALUES_FIRST)
		add_values(b);
	fcgi_begin(b, 1, 1, true);
	if (w == WRONG_VERSION)
		b->p[0] = 2;
	if (w == WRONG_VALUES_MIDDLE)
		add_values(b);
	if (w == WRONG_UNKNOWN_TYPE)
		fcgi_record(b, 77, 1, SPAN("12345678"));
	if (w == WRONG_TWO_AT_ONCE)
		fcgi_begin(b, 2, 1, true);
	if (w == WRONG_ABORT)
		fcgi_record(b, FCGI_ABORT, 1, SPAN(""));
	if (w == WRONG_HALF_RECORD)
		buf_add(b, SPAN("\1\4\0\1\0\377\0\0half"));
	if (w == WRONG_HUGE_PARAM)
		fcgi_record(b, FCGI_PARAMS, 1, SPAN("\1\377\377\377\377x"));
	if (w == WRONG_NUL)
		fcgi_record(b, FCGI_PARAMS, 1, SPAN("\1\3xa\0b"));
	if (w == WRONG_HALF_PARAM) {
		fcgi_record(b, FCGI_PARAMS, 1, SPAN("\1\5xhalf"));
		fcgi_record(b, FCGI_PARAMS, 1, SPAN(""));
	}
	if (w == WRONG_MANY_PARAMS) {
		struct buf pairs;

		buf_init(&pairs, 1 << 20);
		for (int i = 0; i < 2; i++)
			fcgi_pair(&pairs, SPAN("HTTP_X"),
			    span_of(memset(value, 'x', sizeof(value)),
				sizeof(value)));
		fcgi_params(b, 1, buf_span(&pairs));
		buf_fini(&pairs);
	}
}

START_TEST(who_does_not_speak_fastcgi_right_is_closed)
{
	struct server s = { .read_body = true };
	struct fcgi_reply r;
	int fd;
	struct buf b;

	wire_limits.head_ms = 300;
	fd = start(&s);
	buf_init(&b, 1 << 20);
	make_wrong((enum wrong)_i, &b);
	if (_i == WRONG_SILENT)
		b.n = 1;
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	ck_assert(r.closed);
	ck_assert_uint_eq(r.out.n + r.n_unexpected, 0);
	ck_assert_uint_eq(s.n_begun, 0);
	fcgi_reply_fini(&r);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

START_TEST(management_record_after_the_request_closes_the_connection)
{
	struct server s = { .read_body = true };
	struct fcgi_reply r;
	int fd = start(&s);
	struct buf b;

	buf_init(&b, 10000);
	fcgi_request(&b, true, GET, (struct span){ 0 });
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	ck_assert(r.ended);
	fcgi_reply_fini(&r);
	buf_reset(&b);
	add_values(&b);
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	ck_assert(r.closed);
	ck_assert_uint_eq(r.n_unexpected, 0);
	fcgi_reply_fini(&r);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

START_TEST(slow_body_is_given_up)
{
	struct server s = { .read_body = true };
	struct fcgi_reply r;
	struct buf b;
	int fd;

	wire_limits.grace_ms = 200;
	fd = start(&s);
	buf_init(&b, 10000);
	fcgi_request(&b, true, POST, SPAN("0123456789"));
	fcgi_send(fd, span_of(b.p, b.n - 16)); /* not the last bytes */
	fcgi_receive(fd, &r);
	ck_assert(has(&r, " -2"));
	ck_assert(r.ended);
	fcgi_reply_fini(&r);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

START_TEST(request_in_single_bytes_is_the_same_request)
{
	struct server s = { .read_body = true };
	struct fcgi_reply r;
	struct buf b;
	int fd = start(&s);

	buf_init(&b, 10000);
	fcgi_request(&b, true, POST, SPAN("0123456789"));
	for (size_t i = 0; i < b.n; i++) {
		fcgi_send(fd, span_of(b.p + i, 1));
		usleep(50);
	}
	fcgi_receive(fd, &r);
	ck_assert(has(&r, "3 10 0"));
	fcgi_reply_fini(&r);
	buf_fini(&b);
	stop(&s, fd);
}
END_TEST

START_TEST(cgi_keeps_duplicates_and_splits_at_the_first_equals_sign)
{
	char *const environment[] = { (char[]){ "HTTP_X=a" },
		(char[]){ "HTTP_X=b=c" }, (char[]){ "noequals" }, NULL };
	struct exchange *x = exchange_new();
	const struct param *p;
	size_t n;

	ck_assert(exchange_begin_cgi(x, environment));
	p = exchange_params(x, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert(span_eq(p[1].name, SPAN("HTTP_X")));
	ck_assert(span_eq(p[1].value, SPAN("b=c")));
	ck_assert_int_eq(exchange_fd(x), -1);
	exchange_free(x);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("exchange");
	TCase *t = tcase_create("exchange");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, status_is_the_first_line_in_the_first_record);
	tcase_add_test(t, connection_is_kept_when_asked_and_all_was_read);
	tcase_add_test(t, head_has_no_body);
	tcase_add_test(t, large_answer_comes_whole);
	tcase_add_test(t, answer_that_is_not_whole_has_no_end);
	tcase_add_test(t, unread_body_is_never_taken_for_records);
	tcase_add_test(t, request_behind_a_broken_off_upload_is_served);
	tcase_add_test(t, small_unread_body_is_drained_and_the_connection_kept);
	tcase_add_test(t, authorizer_without_stdin_is_answered_at_once);
	tcase_add_loop_test(t, body_is_held_to_its_length, 0,
	    sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_loop_test(
	    t, who_does_not_speak_fastcgi_right_is_closed, 0, WRONG__MAX);
	tcase_add_test(
	    t, management_record_after_the_request_closes_the_connection);
	tcase_add_test(t, slow_body_is_given_up);
	tcase_add_test(t, request_in_single_bytes_is_the_same_request);
	tcase_add_test(
	    t, cgi_keeps_duplicates_and_splits_at_the_first_equals_sign);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
