/*
 * test_remote - key sets from a server on loopback that is slow, broken,
 * down, or has new keys.
 */
#include "fcgi/remote.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "fcgi/discovery.h"
#include "fcgi/remote_file.h"
#include "tests/unit/guard.h"
#include "tests/unit/state_dir.h"

/* RFC 7517, appendix A.1. */
#define KEY(kid)                                                 \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"" kid "\"," \
	"\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\"," \
	"\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define SET(kid) "{\"keys\":[" KEY(kid) "]}"
#define FINE(more, kid) \
	"HTTP/1.1 200 OK\r\n" more "Connection: close\r\n\r\n" SET(kid)

/* What the server does with a request, instead of a text. */
#define SLOW "slow"
#define LARGE "large"

static int server_fd = -1;
static pthread_t server;
static _Atomic(const char *) script;
static atomic_uint n_requests;
static char url[64];
static struct remote *remote;
static struct buf body;
static uint64_t version;

static void
answer(int fd, const char *text)
{
	static char page[4096];
	char request[4096];

	if (read(fd, request, sizeof(request)) <= 0)
		return;
	atomic_fetch_add(&n_requests, 1);
	if (strcmp(text, SLOW) == 0) {
		usleep(800 * 1000);
		text = FINE("", "slow");
	}
	if (strcmp(text, LARGE) != 0) {
		(void)!write(fd, text, strlen(text));
		return;
	}
	(void)!write(fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
	memset(page, ' ', sizeof(page));
	for (int i = 0; i < 200; i++)
		if (send(fd, page, sizeof(page), MSG_NOSIGNAL) == -1)
			return;
}

static void *
serve(void *nothing)
{
	int fd;

	while ((fd = accept(server_fd, NULL, NULL)) != -1) {
		answer(fd, script);
		close(fd);
	}
	return nothing;
}

static void
start_server(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof(in);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server_fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    bind(server_fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(server_fd, 16), 0);
	getsockname(server_fd, (struct sockaddr *)&in, &n);
	snprintf(
	    url, sizeof(url), "http://127.0.0.1:%u/jwks", ntohs(in.sin_port));
	ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
}

static void
stop_server(void)
{
	shutdown(server_fd, SHUT_RDWR);
	pthread_join(server, NULL);
	close(server_fd);
	server_fd = -1;
}

static struct remote_settings set = {
	.folder = dir, .max_waiting = 4, .cool_down_ms = 300, .wait_ms = 400
};

static void
begin(void)
{
	setup();
	buf_init(&body, 1 << 20);
	set.state = state;
	script = FINE("", "a");
	start_server();
	remote = remote_open(&set);
}

static void
finish(void)
{
	char command[128];

	remote_close(remote);
	if (server_fd != -1)
		stop_server();
	buf_fini(&body);
	snprintf(command, sizeof(command), "rm -rf %s/jwks", dir);
	ck_assert_int_eq(system(command), 0);
	teardown();
}

static bool
get(void)
{
	buf_reset(&body);
	return remote_get(remote, span_str(url), &body, &version);
}

static enum refresh_result
ask(const char *kid)
{
	return remote_refresh(remote, span_str(url), span_str(kid), version);
}

static bool
has(const char *kid)
{
	char text[64];

	snprintf(text, sizeof(text), "\"kid\":\"%s\"", kid);
	return get() && memmem(body.p, body.n, text, strlen(text)) != NULL;
}

static void
first_fetch(void)
{
	(void)get();
	(void)ask("a");
	ck_assert(has("a"));
}

static void
let_cool(void)
{
	usleep(350 * 1000);
}

START_TEST(the_first_request_waits_for_the_first_fetch)
{
	ck_assert(!get());
	ck_assert_int_eq(ask("a"), REFRESH_CHANGED);
	ck_assert(has("a"));
	ck_assert_uint_eq(n_requests, 1);
}
END_TEST

START_TEST(an_issuer_that_comes_up_late_is_found)
{
	const char *later = script;

	script = "";
	ck_assert(!get());
	ck_assert_int_eq(ask("a"), REFRESH_DOWN);
	script = later;
	for (int i = 0; i < 50 && !get(); i++)
		usleep(100 * 1000);
	ck_assert(has("a"));
}
END_TEST

START_TEST(a_new_key_is_fetched_while_its_token_waits)
{
	first_fetch();
	script = FINE("", "b");
	/* Not within the pause. */
	ck_assert_int_eq(ask("b"), REFRESH_SAME);
	ck_assert_uint_eq(n_requests, 1);
	let_cool();
	/* Either it was fetched just now, or it is while we wait. */
	ck_assert_int_eq(ask("b"), REFRESH_CHANGED);
	ck_assert(has("b"));
	ck_assert_uint_eq(n_requests, 2);
}
END_TEST

START_TEST(a_key_sought_in_vain_is_not_sought_again_soon)
{
	first_fetch();
	let_cool();
	ck_assert_int_eq(ask("stranger"), REFRESH_SAME);
	ck_assert_uint_eq(n_requests, 2);
	let_cool();
	ck_assert_int_eq(ask("stranger"), REFRESH_SAME);
	ck_assert_uint_eq(n_requests, 2);
	ck_assert_int_eq(ask("another"), REFRESH_SAME);
	ck_assert_uint_eq(n_requests, 3);
}
END_TEST

START_TEST(names_without_end_cost_a_fetch_each_pause_only)
{
	char kid[16];

	first_fetch();
	let_cool();
	for (int i = 0; i < 1000; i++) {
		snprintf(kid, sizeof(kid), "k%d", i);
		ck_assert_int_eq(ask(kid), REFRESH_SAME);
	}
	ck_assert_uint_le(n_requests, 3);
}
END_TEST

static const char *const broken[] = {
	"",
	"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot a set",
	"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"keys\":[]}",
	"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" SET("b"),
	"HTTP/1.1 302 There\r\nLocation: /jwks\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08 no",
	LARGE,
	SLOW,
};

START_TEST(what_is_no_key_set_does_not_replace_one)
{
	first_fetch();
	script = broken[_i];
	let_cool();
	ck_assert_int_eq(ask("b"), REFRESH_DOWN);
	ck_assert(has("a"));
}
END_TEST

START_TEST(a_server_that_is_gone_leaves_the_old_set_in_use)
{
	first_fetch();
	stop_server();
	let_cool();
	ck_assert_int_eq(ask("b"), REFRESH_DOWN);
	ck_assert(has("a"));
	/* And the next process has it, too. */
	remote_close(remote);
	remote = remote_open(&set);
	ck_assert(has("a"));
}
END_TEST

static void *
ask_twice(void *result)
{
	*(enum refresh_result *)result = ask("b");
	return NULL;
}

START_TEST(only_so_many_wait_at_once)
{
	enum refresh_result first = REFRESH_SAME;
	int64_t start_us;
	pthread_t t;

	remote_close(remote);
	set.max_waiting = 1;
	remote = remote_open(&set);
	set.max_waiting = 4;
	script = SLOW;
	(void)get();
	pthread_create(&t, NULL, ask_twice, &first);
	usleep(100 * 1000);
	start_us = clock_mono_us();
	ck_assert_int_eq(ask("c"), REFRESH_DOWN);
	ck_assert_int_lt(clock_mono_us() - start_us, 200 * US_PER_MS);
	pthread_join(t, NULL);
	/* It waited as long as it may. */
	ck_assert_int_eq(first, REFRESH_DOWN);
	ck_assert_int_ge(clock_mono_us() - start_us, 200 * US_PER_MS);
	usleep(1200 * 1000);
	ck_assert(has("slow"));
}
END_TEST

START_TEST(what_was_kept_keeps_its_lifetime)
{
	struct remote_kept kept;

	script = FINE("Cache-Control: max-age=3600\r\n", "a");
	first_fetch();
	remote_close(remote);
	n_requests = 0;
	remote = remote_open(&set);
	ck_assert(has("a"));
	usleep(200 * 1000);
	ck_assert_uint_eq(n_requests, 0);
	buf_reset(&body);
	ck_assert(remote_file_read(dir, state, span_str(url), &body, &kept));
	/* Ahead of its end. */
	ck_assert_int_gt(kept.left_us, 3200 * US_PER_S);
	ck_assert_int_le(kept.left_us, 3240 * US_PER_S);
}
END_TEST

START_TEST(what_is_over_is_fetched_anew_at_start)
{
	remote_close(remote);
	remote_file_write(dir, state, span_str(url), SPAN(SET("old")), 0);
	remote = remote_open(&set);
	ck_assert(has("old"));
	for (int i = 0; i < 50 && !has("a"); i++)
		usleep(50 * 1000);
	ck_assert(has("a"));
}
END_TEST

START_TEST(a_kept_set_that_somebody_changed_is_not_used)
{
	struct remote_kept kept;
	char command[256];

	remote_file_write(
	    dir, state, span_str(url), SPAN(SET("a")), 3600 * US_PER_S);
	ck_assert(remote_file_read(dir, state, span_str(url), &body, &kept));
	buf_reset(&body);
	ck_assert(!remote_file_read(
	    dir, state, SPAN("http://127.0.0.1/x"), &body, &kept));
	snprintf(command, sizeof(command),
	    "sed -i 's/\"kid\":\"a\"/\"kid\":\"b\"/' %s/jwks/*.json", dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert(!remote_file_read(dir, state, span_str(url), &body, &kept));
	ck_assert_uint_eq(body.n, 0);
}
END_TEST

START_TEST(processes_of_one_request_do_not_all_fetch)
{
	remote_close(remote);
	set.direct = true;
	set.cool_down_ms = 0;
	script = "";
	for (int i = 0; i < 3; i++) {
		remote = remote_open(&set);
		ck_assert(!get());
		ck_assert_int_eq(ask("a"), REFRESH_DOWN);
		remote_close(remote);
	}
	ck_assert_uint_eq(n_requests, 1);
	remote = remote_open(&set);
}
END_TEST

/* Another process, as far as the state can tell. */
struct other {
	struct remote_settings set;
	struct remote *remote;
	struct state *state;
};

static void
other_begin(struct other *o)
{
	char cause[200];

	o->state = state_open(dir, NULL, cause, sizeof(cause));
	ck_assert_msg(o->state != NULL, "%s", cause);
	o->set = set;
	o->set.state = o->state;
	o->remote = remote_open(&o->set);
}

static bool
other_has(struct other *o, const char *kid)
{
	uint64_t seen;
	bool there;
	struct buf b;

	buf_init(&b, 1 << 20);
	there = remote_get(o->remote, span_str(url), &b, &seen) &&
	    memmem(b.p, b.n, kid, strlen(kid)) != NULL;
	buf_fini(&b);
	return there;
}

static void
other_end(struct other *o)
{
	remote_close(o->remote);
	state_close(o->state);
}

START_TEST(of_two_processes_one_fetches_and_both_have_it)
{
	struct other o;

	script = SLOW;
	other_begin(&o);
	(void)get();
	(void)other_has(&o, "slow");
	for (int i = 0; i < 60 && !(has("slow") && other_has(&o, "slow")); i++)
		usleep(50 * 1000);
	ck_assert(has("slow"));
	ck_assert(other_has(&o, "slow"));
	ck_assert_uint_eq(n_requests, 1);
	other_end(&o);
}
END_TEST

START_TEST(names_without_end_cost_all_processes_together_no_more)
{
	struct other o;
	struct buf first;
	uint64_t seen;
	char kid[16];

	first_fetch();
	let_cool();
	other_begin(&o);
	buf_init(&first, 1 << 20);
	(void)remote_get(o.remote, span_str(url), &first, &seen);
	for (int i = 0; i < 500; i++) {
		snprintf(kid, sizeof(kid), "k%d", i);
		ck_assert_int_eq(ask(kid), REFRESH_SAME);
		snprintf(kid, sizeof(kid), "o%d", i);
		ck_assert_int_eq(remote_refresh(o.remote, span_str(url),
				     span_str(kid), seen),
		    REFRESH_SAME);
	}
	ck_assert_uint_le(n_requests, 3);
	buf_fini(&first);
	other_end(&o);
}
END_TEST

START_TEST(what_one_process_fetched_the_others_notice)
{
	struct other o;

	other_begin(&o);
	first_fetch();
	ck_assert(other_has(&o, "\"a\""));
	script = FINE("", "b");
	let_cool();
	ck_assert_int_eq(ask("b"), REFRESH_CHANGED);
	(void)remote_version(o.remote, span_str(url));
	ck_assert(other_has(&o, "\"b\""));
	/* And do not fetch for a key of the set just seen. */
	n_requests = 0;
	ck_assert_int_eq(remote_refresh(o.remote, span_str(url), SPAN("c"),
			     remote_version(o.remote, span_str(url))),
	    REFRESH_SAME);
	ck_assert_uint_eq(n_requests, 0);
	other_end(&o);
}
END_TEST

START_TEST(a_restart_does_not_ask_again_right_away)
{
	remote_close(remote);
	set.cool_down_ms = 0;
	remote = remote_open(&set);
	first_fetch();
	remote_close(remote);
	remote = remote_open(&set);
	n_requests = 0;
	ck_assert(has("a"));
	ck_assert_int_eq(ask("b"), REFRESH_SAME);
	ck_assert_uint_eq(n_requests, 0);
}
END_TEST

START_TEST(a_lease_is_held_by_one_process_until_it_ends)
{
	char cause[200];
	struct state *other = state_open(dir, NULL, cause, sizeof(cause));

	ck_assert(state_lease(state, SPAN("x")));
	ck_assert(!state_lease(other, SPAN("x")));
	ck_assert(state_lease(other, SPAN("y")));
	state_lease_end(state, SPAN("x"));
	ck_assert(state_lease(other, SPAN("x")));
	state_close(other);
	ck_assert(state_lease(state, SPAN("x")));
	state_lease_end(state, SPAN("x"));
}
END_TEST

#define META(issuer, keys) \
	"{\"issuer\":\"" issuer "\",\"jwks_uri\":\"" keys "\"}"

static const struct {
	const char *metadata, *keys; /* NULL: refused */
} metadata[] = {
	{ META("https://id.example", "https://id.example/k"),
	    "https://id.example/k" },
	{ "{\"x\":[{\"issuer\":\"y\"}],\"jwks_uri\":\"https:\\/\\/a\\/k\","
	  "\"issuer\":\"https://id.example\"}",
	    "https://a/k" },
	{ META("https://id.example", "http://127.0.0.1:8080/k"),
	    "http://127.0.0.1:8080/k" },
	{ META("https://id.example/", "https://id.example/k"), NULL },
	{ META("https://ID.example", "https://id.example/k"), NULL },
	{ META("http://id.example", "https://id.example/k"), NULL },
	{ META("", "https://id.example/k"), NULL },
	{ META("https://id.example", "http://id.example/k"), NULL },
	{ META("https://id.example", "file:///etc/passwd"), NULL },
	{ META("https://id.example", "https://id.example/k k"), NULL },
	{ META("https://id.example", ""), NULL },
	{ "{\"issuer\":\"https://id.example\"}", NULL },
	{ "{\"issuer\":[\"https://id.example\"],\"jwks_uri\":\"https://a/\"}",
	    NULL },
	{ "{\"issuer\":\"https://id.example\",\"jwks_uri\":\"https://a/\","
	  "\"issuer\":\"https://id.example\"}",
	    NULL },
	{ META("https://id.example", "https://id.example/k") "x", NULL },
	{ "[]", NULL },
	{ "", NULL },
};

START_TEST(metadata_of_another_issuer_lead_nowhere)
{
	struct guard g = guard_new(span_str(metadata[_i].metadata));
	const char *reason = NULL;
	struct span keys;
	struct arena a;

	arena_init(&a, 4096, 1 << 20);
	keys = discovery_read(g.text, SPAN("https://id.example"), &a, &reason);
	ck_assert_msg(span_eq(keys, span_str(metadata[_i].keys)) &&
		(keys.p == NULL) == (metadata[_i].keys == NULL),
	    "%s", metadata[_i].metadata);
	ck_assert_ptr_nonnull(reason);
	arena_fini(&a);
	guard_free(&g);
}
END_TEST

START_TEST(documents_nobody_wants_leave_room)
{
	char other[80];

	for (int i = 0; i < 100; i++) {
		snprintf(other, sizeof(other), "%s/%d", url, i);
		(void)remote_version(remote, span_str(other));
	}
	/* Too many at once: nothing, and nothing breaks. */
	ck_assert(!get());
	ck_assert_int_eq(ask("a"), REFRESH_DOWN);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remote");
	TCase *tc = tcase_create("remote");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, the_first_request_waits_for_the_first_fetch);
	tcase_add_test(tc, an_issuer_that_comes_up_late_is_found);
	tcase_add_test(tc, a_new_key_is_fetched_while_its_token_waits);
	tcase_add_test(tc, a_key_sought_in_vain_is_not_sought_again_soon);
	tcase_add_test(tc, names_without_end_cost_a_fetch_each_pause_only);
	tcase_add_loop_test(tc, what_is_no_key_set_does_not_replace_one, 0,
	    (int)(sizeof(broken) / sizeof(*broken)));
	tcase_add_test(tc, a_server_that_is_gone_leaves_the_old_set_in_use);
	tcase_add_test(tc, only_so_many_wait_at_once);
	tcase_add_test(tc, what_was_kept_keeps_its_lifetime);
	tcase_add_test(tc, what_is_over_is_fetched_anew_at_start);
	tcase_add_test(tc, a_kept_set_that_somebody_changed_is_not_used);
	tcase_add_test(tc, processes_of_one_request_do_not_all_fetch);
	tcase_add_test(tc, of_two_processes_one_fetches_and_both_have_it);
	tcase_add_test(
	    tc, names_without_end_cost_all_processes_together_no_more);
	tcase_add_test(tc, what_one_process_fetched_the_others_notice);
	tcase_add_test(tc, a_restart_does_not_ask_again_right_away);
	tcase_add_test(tc, a_lease_is_held_by_one_process_until_it_ends);
	tcase_add_loop_test(tc, metadata_of_another_issuer_lead_nowhere, 0,
	    (int)(sizeof(metadata) / sizeof(*metadata)));
	tcase_add_test(tc, documents_nobody_wants_leave_room);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
