/*
 * test_connect - how long a connection to a backend may take.
 *
 * A backend that accepts and then says nothing, where TLS is spoken to it.
 */
#include "tests/unit/upstream_rig.h"

#include "fcgi/kept.h"

static const struct {
	uint32_t connect_ms, total_ms;
	bool client_gone;
	enum reason reason;
} limits[] = {
	{ 200, 5000, false, REASON_UPSTREAM_TIMEOUT },
	{ 5000, 200, false, REASON_UPSTREAM_TIMEOUT },
	{ 0, 200, false, REASON_UPSTREAM_TIMEOUT },
	{ 200, 0, false, REASON_UPSTREAM_TIMEOUT },
	{ 5000, 5000, true, REASON_BAD_REQUEST },
	{ 0, 0, true, REASON_BAD_REQUEST },
};

START_TEST(connecting_ends_with_the_first_limit_or_the_client)
{
	struct rig *g = rig_new();
	int64_t start_us = clock_mono_us();

	g->backend.tls = true;
	g->backend.connect_ms = limits[_i].connect_ms;
	g->backend.total_ms = limits[_i].total_ms;
	g->client_gone = limits[_i].client_gone;
	ask(g, "GET", "", NULL, -1);
	ck_assert(!g->answered);
	ck_assert_int_eq(g->decision.reason, limits[_i].reason);
	ck_assert_int_lt(clock_mono_us() - start_us, 2 * US_PER_S);
	ck_assert(!saw(g, "GET "));
	ck_assert(g->client_gone || got(g, "Status: 500"));
	rig_free(g);
}
END_TEST

START_TEST(what_connecting_took_is_taken_from_the_total)
{
	struct rig *g = rig_new();
	int64_t start_us = clock_mono_us();

	g->server.script[0] = SILENCE;
	g->backend.first_byte_ms = 0;
	g->backend.total_ms = 300;
	ask(g, "GET", "", NULL, -1);
	ck_assert_int_eq(g->decision.reason, REASON_UPSTREAM_TIMEOUT);
	ck_assert_int_ge(clock_mono_us() - start_us, 250 * US_PER_MS);
	ck_assert_int_lt(clock_mono_us() - start_us, 2 * US_PER_S);
	rig_free(g);
}
END_TEST

START_TEST(a_connection_made_at_leisure_is_used_twice)
{
	struct rig *g = rig_new();

	g->backend.connect_ms = g->backend.total_ms = 0;
	g->server.script[0] = g->server.script[1] = HELLO;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello"));
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello"));
	ck_assert_uint_eq(g->server.n_connections, 1);
	rig_free(g);
}
END_TEST

START_TEST(a_connection_that_is_old_is_not_used_again)
{
	struct rig *g = rig_new();

	kept_age_us_max = 0;
	g->server.script[0] = g->server.script[1] = HELLO;
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello"));
	ask(g, "GET", "", NULL, -1);
	ck_assert(g->whole && got(g, "\r\n\r\nhello"));
	ck_assert_uint_eq(g->server.n_connections, 2);
	rig_free(g);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("connect");
	TCase *tc = tcase_create("connect");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc,
	    connecting_ends_with_the_first_limit_or_the_client, 0,
	    (int)(sizeof(limits) / sizeof(*limits)));
	tcase_add_test(tc, what_connecting_took_is_taken_from_the_total);
	tcase_add_test(tc, a_connection_made_at_leisure_is_used_twice);
	tcase_add_test(tc, a_connection_that_is_old_is_not_used_again);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
