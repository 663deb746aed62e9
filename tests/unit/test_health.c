/*
 * test_health - when an endpoint counts as up or down, what a check takes
 * for well, and what requests that fail tell all processes.
 */
#include "tests/unit/upstream_rig.h"

#include <sys/wait.h>

#include "fcgi/checker.h"
#include "policy/state_health.h"
#include "tests/unit/state_dir.h"

#define NOW (INT64_C(1800000000) * US_PER_S)
#define URL SPAN("http://a.example/")

static const struct row_health rule = {
	.period_ms = 1000, .timeout_ms = 500, .healthy = 2, .unhealthy = 3
};
static const struct hash128 id = { 7, 9 };

/* One check a second: '+' is well, '-' is not; what is known behind it. */
static const struct {
	const char *checks;
	enum health_verdict verdict;
} runs[] = {
	{ "", HEALTH_NOT_KNOWN },
	{ "+", HEALTH_UP },
	{ "-", HEALTH_NOT_KNOWN },
	{ "--", HEALTH_NOT_KNOWN },
	{ "---", HEALTH_DOWN },
	{ "+--", HEALTH_UP },
	{ "+--+--", HEALTH_UP },
	{ "+---", HEALTH_DOWN },
	{ "---+", HEALTH_DOWN },
	{ "---+-+", HEALTH_DOWN },
	{ "---++", HEALTH_UP },
	{ "---++--", HEALTH_UP },
};

static enum health_verdict
verdict(int64_t now_us)
{
	return state_health_verdict(state, id, now_us);
}

START_TEST(so_many_checks_in_a_row_turn_the_verdict)
{
	int64_t now_us = NOW;

	for (const char *p = runs[_i].checks; *p != '\0'; p++) {
		now_us += US_PER_S;
		(void)state_health_checked(
		    state, id, URL, &rule, *p == '+', 200, now_us);
	}
	ck_assert_int_eq(verdict(now_us), runs[_i].verdict);
}
END_TEST

static void
check(bool well, int64_t now_us)
{
	(void)state_health_checked(state, id, URL, &rule, well, 0, now_us);
}

START_TEST(a_verdict_that_nobody_renews_is_none)
{
	for (int i = 0; i < 3; i++)
		check(false, NOW);
	ck_assert_int_eq(verdict(NOW + 3 * US_PER_S), HEALTH_DOWN);
	ck_assert_int_eq(verdict(NOW + 4 * US_PER_S), HEALTH_NOT_KNOWN);
	/* A clock that was far ahead. */
	ck_assert_int_eq(verdict(NOW - 30000 * US_PER_S), HEALTH_NOT_KNOWN);
}
END_TEST

START_TEST(what_fails_is_left_aside_longer_each_time_in_all_processes)
{
	int64_t now_us = NOW;

	for (int i = 0; i < 8; i++) {
		int64_t us = i < 5 ? (500 * US_PER_MS) << i : 10 * US_PER_S;
		int code;

		if (us > 10 * US_PER_S)
			us = 10 * US_PER_S;
		if (fork() == 0) {
			state_health_fail(state, id, URL, now_us);
			_exit(0);
		}
		ck_assert(wait(&code) > 0 && code == 0);
		ck_assert(state_health_is_aside(state, id, now_us + us - 1));
		ck_assert(!state_health_is_aside(state, id, now_us + us));
		now_us += us;
	}
	state_health_fail(state, id, URL, now_us);
	state_health_well(state, id, now_us);
	ck_assert(!state_health_is_aside(state, id, now_us));
	state_health_fail(state, id, URL, now_us);
	ck_assert(!state_health_is_aside(state, id, now_us + 501 * US_PER_MS));
}
END_TEST

START_TEST(without_a_place_nothing_is_known)
{
	for (uint64_t i = 0; i < 40; i++)
		state_health_fail(
		    state, (struct hash128){ 1000 + i, i }, URL, NOW);
	for (uint64_t i = 0; i < 40; i++) {
		const struct hash128 h = { 1000, 100 + i };

		state_health_fail(state, h, URL, NOW);
		ck_assert(!state_health_is_aside(state, h, NOW));
	}
}
END_TEST

START_TEST(what_is_known_can_be_told)
{
	struct state_report r;
	struct arena a;

	arena_init(&a, 4096, 1 << 20);
	check(true, NOW);
	state_health_fail(
	    state, (struct hash128){ 1, 2 }, SPAN("http://b.example/"), NOW);
	ck_assert(state_report(state, NOW, &a, &r));
	ck_assert_uint_eq(r.n_endpoints, 2);
	ck_assert(r.endpoints[0].aside != r.endpoints[1].aside);
	for (unsigned i = 0; i < 2; i++)
		ck_assert(span_eq(r.endpoints[i].url,
		    r.endpoints[i].aside ? SPAN("http://b.example/") : URL));
	arena_fini(&a);
}
END_TEST

/* What a backend answers to a check. */
static const struct {
	const char *script;
	uint32_t only; /* status that is expected; 0: 200 to 399 */
	bool well;
	unsigned status;
} answers[] = {
	{ HELLO, 0, true, 200 },
	{ "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", 0, true, 302 },
	{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 0, false, 404 },
	{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 404, true, 404 },
	{ HELLO, 204, false, 200 },
	{ "HTTP/1.1 100 Continue\r\n\r\n" HELLO, 0, true, 200 },
	{ "~HTTP/1.1 200", 0, false, 0 },
	{ "~", 0, false, 0 },
	{ "~rubbish\r\n\r\n", 0, false, 0 },
	{ SILENCE, 0, false, 0 },
};

struct asked {
	struct rig *rig;
	struct sample sample;
	struct row_health row;
	unsigned status;
	char why[160];
};

static bool
ask_once(struct asked *a, const char *script, uint32_t only, int left_fd)
{
	sample_begin(&a->sample);
	a->row = rule;
	a->row.path = build_text(a->sample.build, SPAN("/how?are=you"));
	if (only != 0)
		a->row.statuses = build_indices(a->sample.build, &only, 1);
	(void)sample_operation(sample_item(&a->sample, "/a", "GET"), "GET");
	sample_end(&a->sample);
	a->rig = rig_new();
	a->rig->server.script[0] = script;
	a->rig->backend.health = &a->row;
	return checker_ask(&(struct policy){ .bundle = &a->sample.bundle },
	    &a->rig->backend, left_fd, &a->status, a->why, sizeof(a->why));
}

static void
asked_free(struct asked *a)
{
	rig_free(a->rig);
	sample_free(&a->sample);
}

START_TEST(an_answer_is_well_by_its_status)
{
	struct asked a = { 0 };
	bool well = ask_once(&a, answers[_i].script, answers[_i].only, -1);

	ck_assert_msg(well == answers[_i].well, "%s", a.why);
	ck_assert_uint_eq(a.status, answers[_i].status);
	ck_assert(saw(a.rig, "GET /how?are=you HTTP/1.1\r\nHost: 127.0.0.1:"));
	ck_assert(!saw(a.rig, "Authorization"));
	asked_free(&a);
}
END_TEST

START_TEST(the_host_is_the_one_that_requests_have)
{
	struct asked a = { 0 };
	struct rig *g;

	ck_assert(ask_once(&a, HELLO, 0, -1));
	g = a.rig;
	ck_assert(!saw(g, "Host: api.example\r\n"));
	g->server.script[1] = HELLO;
	g->backend.host_rule = HOST_NAME;
	g->backend.host_name = SPAN("api.example");
	ck_assert_msg(
	    checker_ask(&(struct policy){ .bundle = &a.sample.bundle },
		&g->backend, -1, &a.status, a.why, sizeof(a.why)),
	    "%s", a.why);
	ck_assert(saw(g, "Host: api.example\r\n"));
	asked_free(&a);
}
END_TEST

START_TEST(a_check_that_is_given_up_ends_at_once)
{
	int64_t start_us = clock_mono_us();
	struct asked a = { 0 };
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	close(fds[1]);
	ck_assert(!ask_once(&a, SILENCE, 0, fds[0]));
	ck_assert_int_lt(clock_mono_us() - start_us, 400 * US_PER_MS);
	close(fds[0]);
	asked_free(&a);
}
END_TEST

START_TEST(what_a_document_names_is_not_looked_for_on_this_machine)
{
	struct asked a = { 0 };
	struct rig *g;

	ck_assert(ask_once(&a, HELLO, 0, -1));
	g = a.rig;
	g->backend.may_be_local = false;
	ck_assert(!checker_ask(&(struct policy){ .bundle = &a.sample.bundle },
	    &g->backend, -1, &a.status, a.why, sizeof(a.why)));
	ck_assert_uint_eq(g->server.n_requests, 1);
	asked_free(&a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("health");
	TCase *t = tcase_create("state"), *c = tcase_create("checks");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, so_many_checks_in_a_row_turn_the_verdict, 0,
	    sizeof(runs) / sizeof(runs[0]));
	tcase_add_test(t, a_verdict_that_nobody_renews_is_none);
	tcase_add_test(
	    t, what_fails_is_left_aside_longer_each_time_in_all_processes);
	tcase_add_test(t, without_a_place_nothing_is_known);
	tcase_add_test(t, what_is_known_can_be_told);
	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, an_answer_is_well_by_its_status, 0,
	    sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(c, the_host_is_the_one_that_requests_have);
	tcase_add_test(c, a_check_that_is_given_up_ends_at_once);
	tcase_add_test(
	    c, what_a_document_names_is_not_looked_for_on_this_machine);
	suite_add_tcase(s, t);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
