/*
 * test_store - where a store is, what its counters are called, and what
 * is asked of it and believed.
 */
#include "policy/store.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "fcgi/store_call.h"
#include "policy/gauge.h"

#define NOW (INT64_C(1800000000) * US_PER_S) /* a multiple of a minute */
#define MINUTE UINT64_C(60000000)

static const struct siphash_key key = { 1, 2 };
static const struct store_names names = {
	.key = { 1, 2 }, .prefix = { "p", 1 }, .script = "SHA"
};

static const struct row_limit window = {
	.algorithm = LIMIT_WINDOW, .count = 10, .period_us = MINUTE
};
static const struct row_limit bucket = { .algorithm = LIMIT_TOKEN_BUCKET,
	.count = 60,
	.period_us = MINUTE,
	.burst = 5 };
static const struct row_limit slide = {
	.algorithm = LIMIT_SLIDING, .count = 10, .period_us = MINUTE
};

static const struct row_limit bytes = { .algorithm = LIMIT_WINDOW,
	.unit = LIMIT_BYTES,
	.count = 10,
	.period_us = MINUTE };
static const struct row_limit byte_bucket = { .algorithm = LIMIT_TOKEN_BUCKET,
	.unit = LIMIT_BYTES,
	.count = 6000,
	.period_us = MINUTE,
	.burst = 1000 };
static const struct row_limit byte_slide = { .algorithm = LIMIT_SLIDING,
	.unit = LIMIT_BYTES,
	.count = 10,
	.period_us = MINUTE };

static const struct {
	const char *text, *host, *unix_path;
	unsigned port, database;
	bool tls, private;
} places[] = {
	{ "redis://a", "a", NULL, 6379, 0, false, false },
	{ "redis://127.0.0.1:7000/3", "127.0.0.1", NULL, 7000, 3, false,
	    false },
	{ "rediss://cache.example", "cache.example", NULL, 6379, 0, true,
	    true },
	{ "rediss://[::1]:1/0", "::1", NULL, 1, 0, true, true },
	{ "unix:/run/r.sock", NULL, "/run/r.sock", 0, 0, false, true },
	{ "unix:/run/r.sock:/15", NULL, "/run/r.sock", 0, 15, false, true },
};

START_TEST(a_place_is_read_in_all_its_forms)
{
	struct store_place p;
	const char *why = "";

	ck_assert_msg(
	    store_place_parse(span_str(places[_i].text), &p, &why), "%s", why);
	ck_assert(span_eq(p.host, span_str(places[_i].host)));
	ck_assert(span_eq(p.unix_path, span_str(places[_i].unix_path)));
	ck_assert_uint_eq(p.port, places[_i].port);
	ck_assert_uint_eq(p.database, places[_i].database);
	ck_assert_int_eq(p.tls, places[_i].tls);
	ck_assert_int_eq(store_place_is_private(&p), places[_i].private);
}
END_TEST

static const char *const wrong_places[] = { "", "redis:", "redis://",
	"http://a", "redis://u:secret@a", "redis://a:0", "redis://a:99999",
	"redis://a/x", "redis://a/1024", "redis://a/1/2", "redis://a?x",
	"redis://1.2.3", "unix:run", "unix:", "unix:/a:x", "unix:/a:/x",
	"REDIS://a", "rediss://a#b" };

START_TEST(what_is_no_place_is_refused)
{
	struct store_place p;
	const char *why = NULL;

	ck_assert(!store_place_parse(span_str(wrong_places[_i]), &p, &why));
	ck_assert_ptr_nonnull(why);
}
END_TEST

static struct take
take_of(const struct row_limit *l)
{
	return (
	    struct take){ .parts = { SPAN("api"), SPAN("Title"), SPAN("1") },
		.n_parts = 3,
		.limit = l };
}

static void
name_of(const struct take *t, const struct siphash_key *k, char name[33])
{
	struct buf b = { .p = name, .size = 32, .max = 32 };

	store_name_write(&b, k, t);
	ck_assert(!b.failed);
	name[32] = '\0';
}

START_TEST(a_name_depends_on_the_key_the_parts_and_the_window)
{
	const struct siphash_key other = { 1, 3 };
	struct row_limit longer = window, more = window;
	struct take t = take_of(&window);
	char name[33], another[33];

	name_of(&t, &key, name);
	name_of(&t, &other, another);
	ck_assert_str_ne(name, another);
	t.parts[1] = SPAN("Title1");
	t.parts[2] = SPAN("");
	name_of(&t, &key, another);
	ck_assert_str_ne(name, another);
	longer.period_us *= 2;
	t = take_of(&longer);
	name_of(&t, &key, another);
	ck_assert_str_ne(name, another);
	/* A changed limit applies to what was used already. */
	more.count = 99;
	t = take_of(&more);
	name_of(&t, &key, another);
	ck_assert_str_eq(name, another);
}
END_TEST

START_TEST(secrets_make_keys_of_their_own)
{
	struct siphash_key a, b;

	ck_assert(store_key_make(SPAN("0123456789abcdef"), &a));
	ck_assert(store_key_make(SPAN("0123456789abcdeg"), &b));
	ck_assert(a.k0 != b.k0 && a.k1 != b.k1);
}
END_TEST

/* A word of the call as the server would get it. */
static void
expect_word(const struct store_call *c, unsigned i, const char *text)
{
	ck_assert_msg(i < c->n && span_eq(c->words[i], span_str(text)),
	    "word %u is %.*s, not %s", i, SPAN_ARG(c->words[i]), text);
}

START_TEST(a_call_names_all_counters_and_their_limits)
{
	const struct row_limit month = { .algorithm = LIMIT_WINDOW,
		.count = 7,
		.period_us = 31 * 1440 * MINUTE,
		.calendar = CALENDAR_MONTH };
	struct take t[4] = { take_of(&window), take_of(&bucket),
		take_of(&slide), take_of(&month) };
	struct store_call c;

	t[1].pass_over = true;
	t[3].from_us = NOW;
	t[3].until_us = NOW + 1000;
	ck_assert(store_call_take(&c, &names, t, 4));
	expect_word(&c, 0, "EVALSHA");
	expect_word(&c, 1, "SHA");
	expect_word(&c, 2, "4");
	ck_assert_uint_eq(c.words[3].n, 2 + 32);
	ck_assert(span_starts(c.words[3], SPAN("p:")));
	expect_word(&c, 7, "w");
	expect_word(&c, 8, "0");
	expect_word(&c, 9, "10");
	expect_word(&c, 10, "60000000");
	expect_word(&c, 12, "b");
	expect_word(&c, 13, "1");
	expect_word(&c, 14, "16000000");
	expect_word(&c, 15, "80000000");
	expect_word(&c, 17, "s");
	expect_word(&c, 20, "483871");
	expect_word(&c, 21, "124");
	expect_word(&c, 22, "c");
	expect_word(&c, 25, "1800000000000000");
	expect_word(&c, 26, "1800000000001000");
	ck_assert_uint_eq(c.n, 27);
	store_call_spell_out(&c);
	expect_word(&c, 0, "EVAL");
	ck_assert(span_starts(c.words[1], SPAN("local ")));
}
END_TEST

START_TEST(bytes_are_asked_for_first_and_charged_later)
{
	struct take t[3] = { take_of(&bytes), take_of(&byte_bucket),
		take_of(&byte_slide) };
	struct store_call c;

	t[2].pass_over = true;
	ck_assert(store_call_take(&c, &names, t, 3));
	expect_word(&c, 7, "2");
	expect_word(&c, 8, "10");
	expect_word(&c, 12, "2");
	expect_word(&c, 13, "160000"); /* of one byte */
	expect_word(&c, 14, "160000000");
	expect_word(&c, 15, "57760000000"); /* and the debt of an hour */
	expect_word(&c, 17, "3");
	ck_assert(store_call_charge(&c, &names, t, 3, 700));
	expect_word(&c, 7, "4");
	expect_word(&c, 8, "700");
	expect_word(&c, 12, "4");
	expect_word(&c, 13, "112000000");
	expect_word(&c, 18, "700");
	ck_assert(store_call_charge(&c, &names, t, 3, UINT64_MAX));
	expect_word(&c, 8, "4503599627370496");
	expect_word(&c, 13, "57760000000");
}
END_TEST

START_TEST(a_charge_is_known_by_an_answer_of_its_length)
{
	struct redis_answer a = { .n = 4, .numbers = { 0, NOW, 1, 0 } };

	ck_assert(store_call_charged(&a, 1));
	ck_assert(!store_call_charged(&a, 2));
	a.numbers[0] = 1;
	ck_assert(!store_call_charged(&a, 1));
	a.numbers[0] = 0;
	a.error = true;
	ck_assert(!store_call_charged(&a, 1));
}
END_TEST

START_TEST(what_no_store_counts_is_asked_of_none)
{
	const struct row_limit held = {
		.algorithm = LIMIT_WINDOW, .unit = LIMIT_CONCURRENT, .count = 10
	};
	struct row_limit huge = window;
	struct take t[STORE_TAKES_MAX + 1];
	struct store_call c;

	for (unsigned i = 0; i <= STORE_TAKES_MAX; i++)
		t[i] = take_of(&bucket);
	ck_assert(store_call_take(&c, &names, t, STORE_TAKES_MAX));
	ck_assert(!store_call_take(&c, &names, t, STORE_TAKES_MAX + 1));
	ck_assert(!store_call_take(&c, &names, t, 0));
	t[0] = take_of(&held);
	ck_assert(!store_call_take(&c, &names, t, 1));
	t[0] = take_of(&window);
	ck_assert(!store_call_charge(&c, &names, t, 1, 5));
	t[0] = take_of(&bytes);
	ck_assert(store_call_charge(&c, &names, t, 1, 5));
	ck_assert(!store_call_charge(&c, &names, t, 1, 0));
	huge.count = UINT64_C(1) << 53;
	t[0] = take_of(&huge);
	ck_assert(!store_call_take(&c, &names, t, 1));
}
END_TEST

static const struct {
	const char *name;
	const struct row_limit *limit;
	unsigned n;
	int64_t numbers[5];
	bool believed, refused;
	uint64_t remaining, wait_us;
} answers[] = {
	{ "an empty window", &window, 4, { 0, NOW, 0, 0 }, true, false, 9, 0 },
	{ "the last of one", &window, 4, { 0, NOW, 9, 0 }, true, false, 0, 0 },
	{ "a full one", &window, 4, { 1, NOW + 1, 10, 0 }, true, true, 0,
	    MINUTE - 1 },
	{ "one above", &window, 4, { 1, NOW, 11, 0 }, true, true, 0, MINUTE },
	{ "an empty bucket", &bucket, 4, { 0, NOW, 0, 0 }, true, false, 4, 0 },
	{ "a full one", &bucket, 4, { 1, NOW, 80000000, 0 }, true, true, 0,
	    US_PER_S },
	{ "a slide", &slide, 4, { 0, NOW, 3, 0 }, true, false, 6, 0 },
	{ "a full one", &slide, 4, { 1, NOW, 10, 5 }, true, true, 0, 5 },
	{ "some bytes", &bytes, 4, { 0, NOW, 9, 0 }, true, false, 1, 0 },
	{ "no bytes", &bytes, 4, { 1, NOW, 10, 0 }, true, true, 0, MINUTE },
	{ "a bucket of bytes", &byte_bucket, 4, { 0, NOW, 80000000, 0 }, true,
	    false, 500, 0 },
	{ "an empty one", &byte_bucket, 4, { 1, NOW, 160000000, 0 }, true, true,
	    0, 10000 },
	{ "one in debt", &byte_bucket, 4, { 1, NOW, 57760000000, 0 }, true,
	    true, 0, INT64_C(3600010000) },
	{ "one farther ahead", &byte_bucket, 4,
	    { 1, NOW, 57760000000 + 11 * 16 * US_PER_S, 0 }, false, false, 0,
	    0 },
	{ "a slide of bytes", &byte_slide, 4, { 0, NOW, 9, 0 }, true, false, 1,
	    0 },
	{ "allowed and full", &window, 4, { 0, NOW, 10, 0 }, false, false, 0,
	    0 },
	{ "refused and not full", &window, 4, { 1, NOW, 9, 0 }, false, false, 0,
	    0 },
	{ "neither", &window, 4, { 2, NOW, 9, 0 }, false, false, 0, 0 },
	{ "a negative count", &window, 4, { 0, NOW, -1, 0 }, false, false, 0,
	    0 },
	{ "the most negative", &bucket, 4, { 0, NOW, INT64_MIN, 0 }, false,
	    false, 0, 0 },
	{ "the largest", &window, 4, { 1, NOW, INT64_MAX, 0 }, false, false, 0,
	    0 },
	{ "no time", &window, 4, { 0, 0, 0, 0 }, false, false, 0, 0 },
	{ "a time before all", &window, 4, { 0, INT64_MIN, 0, 0 }, false, false,
	    0, 0 },
	{ "a time after all", &window, 4, { 0, INT64_MAX, 0, 0 }, false, false,
	    0, 0 },
	{ "too few numbers", &window, 3, { 0, NOW, 0 }, false, false, 0, 0 },
	{ "too many", &window, 5, { 0, NOW, 0, 0, 0 }, false, false, 0, 0 },
	{ "a bucket far ahead", &bucket, 4,
	    { 1, NOW, 80000000 + 11 * 16 * US_PER_S, 0 }, false, false, 0, 0 },
	{ "a slide that waits for nothing", &slide, 4, { 0, NOW, 3, 5 }, false,
	    false, 0, 0 },
	{ "and one that waits too long", &slide, 4,
	    { 1, NOW, 10, 90 * US_PER_S }, false, false, 0, 0 },
};

START_TEST(an_answer_is_believed_when_it_can_be)
{
	struct take t = take_of(answers[_i].limit);
	struct redis_answer a = { .n = answers[_i].n };
	bool refused = !answers[_i].refused;

	memcpy(a.numbers, answers[_i].numbers, sizeof(answers[_i].numbers));
	ck_assert_msg(
	    store_call_read(&a, &t, 1, &refused) == answers[_i].believed, "%s",
	    answers[_i].name);
	if (!answers[_i].believed)
		return;
	ck_assert_int_eq(refused, answers[_i].refused);
	ck_assert_int_eq(t.refused, answers[_i].refused);
	ck_assert_uint_eq(t.remaining, answers[_i].remaining);
	ck_assert_uint_eq(t.wait_us, answers[_i].wait_us);
	a.error = true;
	ck_assert(!store_call_read(&a, &t, 1, &refused));
}
END_TEST

START_TEST(a_request_that_is_refused_leaves_what_the_others_had)
{
	struct take t[2] = { take_of(&window), take_of(&bucket) };
	const struct redis_answer a = { .n = 6,
		.numbers = { 1, NOW, 4, 0, 80000000, 0 } };
	bool refused;

	ck_assert(store_call_read(&a, t, 2, &refused) && refused);
	ck_assert(!t[0].refused && t[1].refused);
	ck_assert_uint_eq(t[0].remaining, 6);
}
END_TEST

START_TEST(a_machine_behind_the_server_reads_its_calendar_all_the_same)
{
	const struct row_limit day = { .algorithm = LIMIT_WINDOW,
		.count = 10,
		.period_us = 1440 * MINUTE,
		.calendar = CALENDAR_DAY };
	const struct redis_answer late = { .n = 4,
		.numbers = { 1, NOW + 5000, 10, 0 } };
	struct take t = take_of(&day);
	bool refused;

	t.from_us = NOW - US_PER_S;
	t.until_us = NOW;
	ck_assert(store_call_read(&late, &t, 1, &refused) && refused);
	ck_assert_uint_le(t.wait_us, US_PER_S);
}
END_TEST

/* A server of one connection, which answers after a while. */
struct server {
	char path[64];
	int fd;
	useconds_t pause_us;
	pthread_t thread;
};

static void *
serve(void *server)
{
	const struct server *s = server;
	int fd = accept(s->fd, NULL, NULL);
	char got[256];

	while (fd != -1 && read(fd, got, sizeof(got)) > 0) {
		usleep(s->pause_us);
		if (send(fd, "+PONG\r\n", 7, MSG_NOSIGNAL) != 7)
			break;
	}
	close(fd);
	return NULL;
}

static void
server_start(struct server *s, useconds_t pause_us)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	s->pause_us = pause_us;
	(void)snprintf(
	    s->path, sizeof(s->path), "/tmp/test_store.%ld", (long)getpid());
	(void)unlink(s->path);
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert(bind(s->fd, (const struct sockaddr *)&un, sizeof(un)) == 0 &&
	    listen(s->fd, 1) == 0 &&
	    pthread_create(&s->thread, NULL, serve, s) == 0);
}

static const struct {
	useconds_t pause_us;
	int64_t limit_us;
	enum redis_result result;
} late[] = {
	/* A worker that was not let run has not asked before it runs. */
	{ 0, -5000, REDIS_ANSWERED },
	{ 0, 100000, REDIS_ANSWERED },
	{ 20000, 500000, REDIS_ANSWERED },
	{ 200000, -5000, REDIS_SLOW },
	{ 200000, 20000, REDIS_SLOW },
};

START_TEST(a_server_has_its_time_from_when_it_was_asked)
{
	const struct span ping = SPAN("PING");
	struct redis_target t = { 0 };
	struct redis_answer a;
	struct server s;
	struct redis *r;
	char why[200] = "";

	if (!redis_is_there(why, sizeof(why)))
		return;
	server_start(&s, late[_i].pause_us);
	t.unix_path = s.path;
	ck_assert(redis_resolve(&t, why, sizeof(why)));
	r = redis_open(&t, clock_mono_us() + US_PER_S, why, sizeof(why));
	ck_assert_msg(r != NULL, "%s", why);
	ck_assert_int_eq(
	    redis_call(r, &ping, 1, clock_mono_us() + late[_i].limit_us, &a),
	    late[_i].result);
	redis_close(r);
	pthread_join(s.thread, NULL);
	close(s.fd);
	unlink(s.path);
	redis_target_fini(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store");
	TCase *c = tcase_create("store");
	SRunner *r;
	int failed;

	tcase_add_loop_test(c, a_place_is_read_in_all_its_forms, 0,
	    sizeof(places) / sizeof(places[0]));
	tcase_add_loop_test(c, what_is_no_place_is_refused, 0,
	    sizeof(wrong_places) / sizeof(wrong_places[0]));
	tcase_add_test(c, a_name_depends_on_the_key_the_parts_and_the_window);
	tcase_add_test(c, secrets_make_keys_of_their_own);
	tcase_add_test(c, a_call_names_all_counters_and_their_limits);
	tcase_add_test(c, bytes_are_asked_for_first_and_charged_later);
	tcase_add_test(c, a_charge_is_known_by_an_answer_of_its_length);
	tcase_add_test(c, what_no_store_counts_is_asked_of_none);
	tcase_add_loop_test(c, an_answer_is_believed_when_it_can_be, 0,
	    sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(c, a_request_that_is_refused_leaves_what_the_others_had);
	tcase_add_test(
	    c, a_machine_behind_the_server_reads_its_calendar_all_the_same);
	tcase_add_loop_test(c, a_server_has_its_time_from_when_it_was_asked, 0,
	    sizeof(late) / sizeof(late[0]));
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
