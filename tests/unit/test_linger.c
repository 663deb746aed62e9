/*
 * test_linger - where an upload that nobody wants ends and the next
 * request begins.
 */
#include "fcgi/linger.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fcgi_client.h"

#define POST "REQUEST_METHOD=POST\n"
#define GET "REQUEST_METHOD=GET\n"

static int ours, theirs;
static int back[2]; /* what is given back goes through this pipe */
static struct records walk;
static struct buf upload, next;

/* What comes right after the linger thread saw that nothing has. */
static struct span late;
static unsigned n_late;

/* In the place of the C library's, for who calls it in this program. */
ssize_t
recv(int fd, void *to, size_t room, int flags)
{
	ssize_t n = recvfrom(fd, to, room, flags, NULL, NULL);
	int error = errno;

	if (fd == ours && n == -1 && (flags & MSG_PEEK) != 0 && late.n > 0) {
		struct span s = late;

		late = SPAN("");
		n_late++;
		fcgi_send(theirs, s);
	}
	errno = error;
	return n;
}

static void
take_back(void *arg, int fd)
{
	(void)arg;
	ck_assert_int_eq(write(back[1], &fd, sizeof(fd)), sizeof(fd));
}

/* "upload" is a request with two STDIN records, forged ones in them. */
static void
setup(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(pipe(back), 0);
	ours = fds[0];
	theirs = fds[1];
	buf_init(&upload, 10000);
	buf_init(&next, 10000);
	fcgi_request(&next, true, GET, (struct span){ 0 });
	fcgi_request(&upload, true, POST, (struct span){ 0 });
	upload.n -= 8; /* the empty record */
	fcgi_record(&upload, FCGI_STDIN, 1, buf_span(&next));
	fcgi_record(&upload, FCGI_STDIN, 1, buf_span(&next));
	records_init(&walk);
	linger_give_to(take_back, NULL);
}

static void
teardown(void)
{
	late = SPAN("");
	linger_stop();
	linger_give_to(NULL, NULL);
	close(theirs);
	close(back[0]);
	close(back[1]);
	buf_fini(&upload);
	buf_fini(&next);
}

/* "n" bytes of "upload" were read and walked before it was refused. */
static void
refuse_after(size_t n)
{
	char nowhere[10000];

	ck_assert(fcgi_send(theirs, span_of(upload.p, n)));
	ck_assert_int_eq(read(ours, nowhere, n), (ssize_t)n);
	ck_assert(records_walk(&walk, span_of(nowhere, n)));
}

/* The connection is given back, and "next" is all there is to read. */
static void
expect_next(void)
{
	struct pollfd p = { .fd = back[0], .events = POLLIN };
	char got[10000];
	int fd = -1;

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_eq(read(back[0], &fd, sizeof(fd)), sizeof(fd));
	ck_assert_int_eq(fd, ours);
	ck_assert_int_eq(read(ours, got, sizeof(got)), (ssize_t)next.n);
	ck_assert_mem_eq(got, next.p, next.n);
	close(ours);
}

/* Where the first STDIN record begins. */
static size_t
stdin_at(void)
{
	return upload.n - 2 * ((next.n + 8 + 7) / 8 * 8);
}

START_TEST(request_that_comes_right_after_a_look_is_given_back_whole)
{
	refuse_after(upload.n);
	late = buf_span(&next);
	linger_take(ours, &walk);
	expect_next();
	ck_assert_uint_eq(n_late, 1);
}
END_TEST

START_TEST(upload_that_comes_right_after_a_look_is_read_over)
{
	size_t n = stdin_at();

	refuse_after(n);
	buf_add(&upload, buf_span(&next));
	late = span_skip(buf_span(&upload), n);
	linger_take(ours, &walk);
	expect_next();
	ck_assert_uint_eq(n_late, 1);
}
END_TEST

START_TEST(upload_refused_at_any_byte_ends_where_the_next_request_begins)
{
	for (size_t n = stdin_at(); n <= upload.n; n++) {
		refuse_after(n);
		ck_assert(fcgi_send(theirs, span_skip(buf_span(&upload), n)));
		ck_assert(fcgi_send(theirs, buf_span(&next)));
		linger_take(ours, &walk);
		expect_next();
		teardown();
		setup();
	}
	close(ours);
}
END_TEST

START_TEST(request_that_comes_byte_by_byte_is_given_back_whole)
{
	size_t from = stdin_at();

	refuse_after(from);
	linger_take(ours, &walk);
	for (size_t n = from; n < upload.n; n++) {
		ck_assert(fcgi_send(theirs, span_of(upload.p + n, 1)));
		usleep(200);
	}
	ck_assert(fcgi_send(theirs, span_of(next.p, 1)));
	usleep(20000);
	ck_assert(fcgi_send(theirs, span_skip(buf_span(&next), 1)));
	expect_next();
}
END_TEST

START_TEST(what_neither_goes_on_nor_begins_is_closed)
{
	static const struct {
		unsigned type, id;
	} wrong[] = {
		{ FCGI_ABORT, 1 },
		{ FCGI_PARAMS, 1 },
		{ FCGI_GET_VALUES, 0 },
		{ FCGI_STDIN, 2 },
	};
	struct pollfd p = { .fd = back[0], .events = POLLIN };
	char byte;

	refuse_after(upload.n);
	buf_reset(&upload);
	fcgi_record(&upload, wrong[_i].type, wrong[_i].id, SPAN("12345678"));
	buf_add(&upload, buf_span(&next));
	ck_assert(fcgi_send(theirs, buf_span(&upload)));
	linger_take(ours, &walk);
	/* Closed with bytes unread, which a socket may tell as an error. */
	ck_assert_int_le(read(theirs, &byte, 1), 0);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("linger");
	TCase *t = tcase_create("linger");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(
	    t, request_that_comes_right_after_a_look_is_given_back_whole);
	tcase_add_test(t, upload_that_comes_right_after_a_look_is_read_over);
	tcase_add_test(
	    t, upload_refused_at_any_byte_ends_where_the_next_request_begins);
	tcase_add_test(t, request_that_comes_byte_by_byte_is_given_back_whole);
	tcase_add_loop_test(t, what_neither_goes_on_nor_begins_is_closed, 0, 4);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
