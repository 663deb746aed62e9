/*
 * test_gate - the pool with its shares, its sockets and its event log.
 */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fcgi/config.h"
#include "fcgi/events.h"
#include "fcgi/pool.h"
#include "tests/fcgi_client.h"

static char folder[64], sock[96], why[512];

static void
setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/mgw-gate.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(sock, sizeof(sock), "%s/s.sock", folder);
}

static void
teardown(void)
{
	char command[96];

	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

/* A gate that sleeps for requests of "/slow". */

static void
keys(void *gate, struct exchange *x, bool deep, struct share_keys *k)
{
	size_t n;
	const struct param *p = exchange_params(x, &n);

	(void)gate;
	(void)deep;
	for (size_t i = 0; i < n; i++)
		if (span_eq(p[i].name, SPAN("REMOTE_ADDR")))
			k->key[SHARE_ADDRESS] = share_key_address(p[i].value);
}

static bool
serve(void *gate, struct exchange *x, struct share_slot *slot)
{
	size_t n;
	const struct param *p = exchange_params(x, &n);

	(void)gate;
	(void)slot;
	for (size_t i = 0; i < n; i++)
		if (span_eq(p[i].value, SPAN("/slow")))
			usleep(400 * 1000);
	return exchange_head(x, 200, SPAN("")) &&
	    exchange_write_last(x, SPAN("served"));
}

static bool
refuse_all(void *gate, struct exchange *x)
{
	(void)gate;
	return exchange_head(x, 503, SPAN(""));
}

static atomic_bool reloaded;

static void
tick(void *gate, unsigned workers, unsigned busy, bool reload)
{
	if (reload)
		reloaded = true;
	(void)gate;
	(void)workers;
	(void)busy;
}

static struct listeners listeners;
static struct pool_settings set = { .threads = 4,
	.queue_time_ms = 150,
	.keys = keys,
	.serve = serve,
	.refuse = refuse_all,
	.tick = tick };
static pthread_t pool_thread;

static void *
run(void *nothing)
{
	ck_assert(pool_run(&set, &listeners));
	return nothing;
}

static void
begin_on(const char *listen)
{
	struct config c = { .n_listen = 1, .peer_secret = set.peer_secret };

	c.listen[0] = listen;
	ck_assert(exchange_global_init());
	pool_block_signals();
	ck_assert_msg(listen_open(&listeners, &c, why, sizeof(why)), "%s", why);
	/* The name must outlive the listener. */
	if (!listeners.list[0].tcp)
		listeners.list[0].path = sock;
	ck_assert_int_eq(pthread_create(&pool_thread, NULL, run, NULL), 0);
}

static void
begin(void)
{
	static char listen[128];

	(void)snprintf(listen, sizeof(listen), "unix:%s", sock);
	begin_on(listen);
}

static void
finish(void)
{
	kill(getpid(), SIGTERM);
	pthread_join(pool_thread, NULL);
}

struct call {
	pthread_t thread;
	const char *lines;
	bool served, ended;
};

static void
call_over(int fd, struct call *c)
{
	struct fcgi_reply r;
	struct buf b;

	buf_init(&b, 4096);
	fcgi_request(&b, false, c->lines, (struct span){ 0 });
	fcgi_send(fd, buf_span(&b));
	fcgi_receive(fd, &r);
	c->ended = r.ended;
	c->served = span_starts(buf_span(&r.out), SPAN("Status: 200"));
	fcgi_reply_fini(&r);
	buf_fini(&b);
	close(fd);
}

static void *
call(void *arg)
{
	call_over(fcgi_connect(sock), arg);
	return NULL;
}

#define SLOW "REQUEST_METHOD=GET\nREQUEST_URI=/slow\nREMOTE_ADDR=192.0.2.1\n"
#define QUICK "REQUEST_METHOD=GET\nREQUEST_URI=/\nREMOTE_ADDR=192.0.2.2\n"

START_TEST(one_address_leaves_workers_for_others)
{
	struct call slow[8], quick = { .lines = QUICK };
	unsigned served = 0;

	begin();
	for (int i = 0; i < 8; i++) {
		slow[i] = (struct call){ .lines = SLOW };
		pthread_create(&slow[i].thread, NULL, call, &slow[i]);
	}
	usleep(100 * 1000);
	call(&quick);
	ck_assert(quick.served);
	for (int i = 0; i < 8; i++) {
		pthread_join(slow[i].thread, NULL);
		ck_assert(slow[i].ended);
		served += slow[i].served;
	}
	/* One of four workers; the others waited longer than allowed. */
	ck_assert_uint_eq(served, 1);
	finish();
}
END_TEST

START_TEST(what_has_begun_is_served_after_sigterm)
{
	struct call slow = { .lines = SLOW };

	begin();
	pthread_create(&slow.thread, NULL, call, &slow);
	usleep(100 * 1000);
	finish();
	pthread_join(slow.thread, NULL);
	ck_assert(slow.served);
	ck_assert_int_ne(access(sock, F_OK), 0);
}
END_TEST

START_TEST(silent_connections_take_no_worker)
{
	struct call quick = { .lines = QUICK };
	int fds[50];

	begin();
	for (int i = 0; i < 50; i++) {
		fds[i] = fcgi_connect(sock);
		ck_assert_int_ne(fds[i], -1);
	}
	call(&quick);
	ck_assert(quick.served);
	for (int i = 0; i < 50; i++)
		close(fds[i]);
	finish();
}
END_TEST

/* Half a head each, while the only worker is busy. */
START_TEST(signals_wait_for_no_client)
{
	struct call slow = { .lines = SLOW };
	int fds[40], waited = 0;

	set.threads = 1;
	set.queue_time_ms = 50;
	begin();
	pthread_create(&slow.thread, NULL, call, &slow);
	usleep(50 * 1000);
	for (int i = 0; i < 40; i++) {
		fds[i] = fcgi_connect(sock);
		fcgi_send(fds[i], SPAN("\1\1\0\1"));
	}
	usleep(100 * 1000);
	kill(getpid(), SIGHUP);
	while (!reloaded && waited++ < 20)
		usleep(10 * 1000);
	ck_assert(reloaded);
	pthread_join(slow.thread, NULL);
	ck_assert(slow.served);
	for (int i = 0; i < 40; i++)
		close(fds[i]);
	finish();
}
END_TEST

START_TEST(what_has_waited_too_long_is_refused_past_half_heads)
{
	struct call slow = { .lines = SLOW "X=1\n" },
		    quick = { .lines = QUICK };
	int fds[5];

	set.threads = 1;
	set.queue_time_ms = 50;
	begin();
	pthread_create(&slow.thread, NULL, call, &slow);
	usleep(20 * 1000);
	for (int i = 0; i < 4; i++) {
		fds[i] = fcgi_connect(sock);
		fcgi_send(fds[i], SPAN("\1\1\0\1"));
	}
	call(&quick);
	/* Before the worker is free again. */
	ck_assert(quick.ended && !quick.served);
	pthread_join(slow.thread, NULL);
	ck_assert(slow.served);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	finish();
}
END_TEST

/* What may be at a socket's place beforehand. */
START_TEST(only_a_stale_socket_is_replaced)
{
	char listen[128];
	struct config c = { .n_listen = 1 };
	struct listeners first, second;
	struct stat st;
	FILE *f;

	(void)snprintf(listen, sizeof(listen), "unix:%s", sock);
	c.listen[0] = listen;
	f = fopen(sock, "w");
	fclose(f);
	ck_assert(!listen_open(&first, &c, why, sizeof(why)));
	unlink(sock);
	ck_assert(listen_open(&first, &c, why, sizeof(why)));
	ck_assert_int_eq(stat(sock, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	ck_assert(!listen_open(&second, &c, why, sizeof(why)));
	close(first.list[0].fd);
	first.list[0].fd = -1;
	ck_assert(listen_open(&second, &c, why, sizeof(why)));
	/* The first does not remove what is the second's now. */
	listen_close(&first);
	ck_assert_int_eq(access(sock, F_OK), 0);
	listen_close(&second);
	ck_assert_int_ne(access(sock, F_OK), 0);
	chmod(folder, 0777);
	ck_assert(!listen_open(&first, &c, why, sizeof(why)));
}
END_TEST

static const struct {
	const char *listen;
	bool secret, ok;
} tcp[] = {
	{ "tcp:127.0.0.1:0", true, true },
	{ "tcp:[::1]:0", true, true },
	{ "tcp:127.0.0.1:0", false, false },
	{ "tcp:0.0.0.0:0", true, false },
	{ "tcp:127.0.0.1:65536", true, false },
	{ "tcp:localhost:9000", true, false },
	{ "tcp:[::]:0", true, false },
	{ "tcp:9000", true, false },
};

START_TEST(tcp_is_loopback_with_a_secret)
{
	struct config c = { .n_listen = 1 };
	struct listeners l;

	c.listen[0] = tcp[_i].listen;
	if (tcp[_i].secret)
		c.peer_secret = SPAN("secret");
	ck_assert_int_eq(listen_open(&l, &c, why, sizeof(why)), tcp[_i].ok);
	listen_close(&l);
}
END_TEST

/* As nobody: this thread alone, as the call goes by the library. */
static void *
call_as_another(void *arg)
{
	ck_assert_int_eq(syscall(SYS_setresuid, -1, 65534, -1), 0);
	return call(arg);
}

START_TEST(another_user_is_not_answered)
{
	struct call theirs = { .lines = QUICK }, ours = { .lines = QUICK };
	pthread_t t;

	if (geteuid() != 0)
		return; /* nobody else can be had */
	begin();
	ck_assert_int_eq(chmod(sock, 0666), 0);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(pthread_create(&t, NULL, call_as_another, &theirs), 0);
	pthread_join(t, NULL);
	ck_assert(!theirs.served && !theirs.ended);
	call(&ours);
	ck_assert(ours.served);
	finish();
}
END_TEST

static const struct {
	const char *lines;
	bool served;
} secrets[] = {
	{ QUICK, false },
	{ QUICK "MGW_PEER_SECRET=\n", false },
	{ QUICK "MGW_PEER_SECRET=secre\n", false },
	{ QUICK "MGW_PEER_SECRET=secrets\n", false },
	{ QUICK "MGW_PEER_SECRET=Secret\n", false },
	{ QUICK "HTTP_MGW_PEER_SECRET=secret\n", false },
	{ QUICK "MGW_PEER_SECRET=wrong\nMGW_PEER_SECRET=secret\n", false },
	{ QUICK "MGW_PEER_SECRET=secret\n", true },
};

START_TEST(who_speaks_over_tcp_knows_the_secret)
{
	struct call c = { .lines = secrets[_i].lines };
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	set.peer_secret = SPAN("secret");
	begin_on("tcp:127.0.0.1:0");
	ck_assert_int_eq(
	    getsockname(listeners.list[0].fd, (struct sockaddr *)&a, &n), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, n), 0);
	call_over(fd, &c);
	ck_assert_int_eq(c.served, secrets[_i].served);
	ck_assert_int_eq(c.ended, secrets[_i].served);
	finish();
}
END_TEST

START_TEST(no_address_takes_all_that_others_have_for_its_api)
{
	struct share_keys one = { { 1, 7, 9 } }, other = { { 2, 7, 9 } };

	for (unsigned n = 3; n <= 64; n++) {
		struct share_slot slots[64] = { 0 };
		unsigned taken = 0;

		while (taken < n && share_free(slots, n, taken + 1, &one))
			share_note(&slots[taken++], &one);
		ck_assert_uint_gt(taken, 0);
		ck_assert_uint_lt(taken, n);
		ck_assert(share_free(slots, n, taken + 1, &other));
	}
}
END_TEST

START_TEST(addresses_of_one_ipv6_network_share)
{
	ck_assert_uint_eq(share_key_address(SPAN("2001:db8::1")),
	    share_key_address(SPAN("2001:db8::ffff:1")));
	ck_assert_uint_ne(share_key_address(SPAN("2001:db8::1")),
	    share_key_address(SPAN("2001:db8:0:1::1")));
	ck_assert_uint_ne(share_key_address(SPAN("192.0.2.1")),
	    share_key_address(SPAN("192.0.2.2")));
}
END_TEST

static size_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

START_TEST(events_follow_a_renamed_file)
{
	char path[96], old[96];
	struct events *e;

	(void)snprintf(path, sizeof(path), "%s/events.log", folder);
	(void)snprintf(old, sizeof(old), "%s/events.log.1", folder);
	e = events_open(path, false, why, sizeof(why));
	ck_assert_ptr_nonnull(e);
	events_put(e, SPAN("one\n"));
	for (int i = 0; i < 100 && size_of(path) == 0; i++)
		usleep(20 * 1000);
	ck_assert_int_eq(rename(path, old), 0);
	events_reopen(e);
	events_put(e, SPAN("two two\n"));
	events_close(e);
	ck_assert_uint_eq(size_of(old), 4);
	ck_assert_uint_eq(size_of(path), 8);
}
END_TEST

START_TEST(events_that_a_full_disk_loses_are_counted)
{
	struct events *e = events_open("/dev/full", true, why, sizeof(why));

	ck_assert_ptr_nonnull(e);
	events_put(e, SPAN("one\n"));
	events_put(e, SPAN("two\n"));
	ck_assert_uint_eq(events_lost(e), 2);
	events_close(e);
}
END_TEST

/* Lines of mgw.conf, and what is wrong with them. */
static const struct {
	const char *line;
	const char *wrong; /* NULL: right */
} lines[] = {
	{ "threads 8", NULL },
	{ "threads 0", "must be a number" },
	{ "threads", "needs a value" },
	{ "treads 8", "unknown key" },
	{ "queue-time 2s", NULL },
	{ "queue-time 500ms", NULL },
	{ "queue-time fast", "must have a unit, such as 500ms or 2s" },
	{ "queue-time 3", "must have a unit, such as 500ms or 2s" },
	{ "queue-time fasts", "must be a number" },
	{ "health-path off", NULL },
	{ "health-path health", "must be off or begin with /" },
	{ "listen tcp:127.0.0.1:9000", NULL },
	{ "listen 9000", "must be unix:PATH or tcp:" },
	{ "endpoint \"My API\" 0 http://h/", NULL },
	{ "endpoint x http://h/", "must be" },
	{ "env NAME a value", NULL },
	{ "trusted-proxy 10.0.0.0/8", NULL },
	{ "trusted-proxy 10.0.0.1/8", "must be an address, or a network" },
	{ "trusted-proxy proxy.example", "must be an address, or a network" },
	{ "allow-root maybe", "must be yes or no" },
	{ "log-level loud", "must be error" },
	{ "# threads", NULL },
};

START_TEST(a_wrong_line_is_named)
{
	char path[96], name[] = "mgw", option[] = "--config";
	char *argv[] = { name, option, path, NULL };
	char *environment[] = { NULL };
	struct config c;
	FILE *f;
	bool ok;

	(void)snprintf(path, sizeof(path), "%s/mgw.conf", folder);
	f = fopen(path, "w");
	fprintf(f, "# a comment\n%s\n", lines[_i].line);
	fclose(f);
	chmod(path, 0600);
	ok = config_load(&c, 3, argv, environment, why, sizeof(why));
	ck_assert_msg(ok == (lines[_i].wrong == NULL), "%s", why);
	if (!ok) {
		ck_assert_ptr_nonnull(strstr(why, "mgw.conf:2: "));
		ck_assert_ptr_nonnull(strstr(why, lines[_i].wrong));
	}
	config_fini(&c);
}
END_TEST

START_TEST(options_win_over_variables_over_the_file)
{
	char path[96], name[] = "mgw", config[] = "--config";
	char threads[] = "--threads=3", e[] = "-eQUEUE_TIME=7ms";
	char v1[] = "MGW_THREADS=2", v2[] = "MGW_HEALTH_PATH=/up";
	char *argv[] = { name, config, path, threads, e, NULL };
	char *environment[] = { v1, v2, NULL };
	struct config c;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/mgw.conf", folder);
	f = fopen(path, "w");
	fprintf(f, "threads 1\nhealth-path /a\nqueue-time 1s\n");
	fclose(f);
	chmod(path, 0600);
	ck_assert_msg(
	    config_load(&c, 5, argv, environment, why, sizeof(why)), "%s", why);
	ck_assert_uint_eq(c.threads, 3);
	ck_assert_uint_eq(c.queue_time_ms, 7);
	ck_assert_str_eq(c.health_path, "/up");
	ck_assert(span_ends(span_str(c.bundle), SPAN("/mgw.bundle")));
	config_fini(&c);
}
END_TEST

START_TEST(cgi_files_below_the_document_root_are_refused)
{
	char path[96], name[] = "mgw", config[] = "--config", root[96];
	char method[] = "REQUEST_METHOD=GET";
	char *argv[] = { name, config, path, NULL };
	char *environment[] = { method, root, NULL };
	struct config c;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/mgw.conf", folder);
	(void)snprintf(root, sizeof(root), "DOCUMENT_ROOT=%s", folder);
	f = fopen(path, "w");
	fclose(f);
	chmod(path, 0600);
	ck_assert(!config_load(&c, 3, argv, environment, why, sizeof(why)));
	ck_assert_msg(strstr(why, "document root") != NULL, "%s", why);
	config_fini(&c);
}
END_TEST

START_TEST(variables_of_the_web_server_are_no_secrets)
{
	struct config c = { 0 };

	setenv("HTTP_X_SECRET", "x", 1);
	setenv("QUERY_STRING", "x", 1);
	setenv("MY_SECRET", "x", 1);
	ck_assert_ptr_null(config_env(&c, SPAN("HTTP_X_SECRET")).p);
	ck_assert_ptr_null(config_env(&c, SPAN("QUERY_STRING")).p);
	ck_assert_ptr_null(config_env(&c, SPAN("MISSING_SECRET")).p);
	ck_assert_ptr_nonnull(config_env(&c, SPAN("MY_SECRET")).p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("gate");
	TCase *t = tcase_create("gate");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, one_address_leaves_workers_for_others);
	tcase_add_test(t, what_has_begun_is_served_after_sigterm);
	tcase_add_test(t, silent_connections_take_no_worker);
	tcase_add_test(t, signals_wait_for_no_client);
	tcase_add_test(t, what_has_waited_too_long_is_refused_past_half_heads);
	tcase_add_test(t, only_a_stale_socket_is_replaced);
	tcase_add_loop_test(
	    t, tcp_is_loopback_with_a_secret, 0, sizeof(tcp) / sizeof(tcp[0]));
	tcase_add_test(t, another_user_is_not_answered);
	tcase_add_loop_test(t, who_speaks_over_tcp_knows_the_secret, 0,
	    sizeof(secrets) / sizeof(secrets[0]));
	tcase_add_test(t, no_address_takes_all_that_others_have_for_its_api);
	tcase_add_test(t, addresses_of_one_ipv6_network_share);
	tcase_add_test(t, events_follow_a_renamed_file);
	tcase_add_test(t, events_that_a_full_disk_loses_are_counted);
	tcase_add_loop_test(
	    t, a_wrong_line_is_named, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(t, options_win_over_variables_over_the_file);
	tcase_add_test(t, cgi_files_below_the_document_root_are_refused);
	tcase_add_test(t, variables_of_the_web_server_are_no_secrets);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
