/*
 * test_failure - what counts as a failure, and who is held after how many.
 */
#include "policy/failure.h"
#include "sample.h"
#include "tests/unit/state_dir.h"

static struct sample sample;
static struct arena arena;
static struct request request;
static struct decision decision;
static struct outside world;

static enum take_result
take(void *w, struct take *takes, unsigned n, int64_t now_us)
{
	return state_take(w, takes, n, now_us);
}

static enum take_result
look(void *w, struct take *takes, unsigned n, int64_t now_us)
{
	return state_look(w, takes, n, now_us);
}

static void
begin(void)
{
	setup();
	/* Of the usual size: nobody is to share a counter. */
	state_close(state);
	unlink(shared());
	state = must_open(NULL);
	world = (struct outside){ .world = state, .take = take, .look = look };
	arena_init(&arena, 65536, 1 << 20);
	sample_begin(&sample);
	for (uint32_t i = 0; i < FAILURE__MAX; i++) {
		static const uint64_t counts[] = { 5, 20, 80, 2 };
		struct row_limit row = { .count = counts[i],
			.burst = counts[i],
			.period_us = 3600 * US_PER_S };

		(void)BUILD_ROW(sample.build, SECTION_LIMIT, &row);
	}
	sample.settings.failures = (struct range){ 0, FAILURE__MAX };
	sample_operation(sample_item(&sample, "/", "GET"), "GET");
	sample_end(&sample);
}

static void
end(void)
{
	arena_fini(&arena);
	sample_free(&sample);
	teardown();
}

static void
from(const char *address)
{
	request = (struct request){ .arena = &arena, .now_us = NOON };
	request.client.text = span_str(address);
	request.client.known =
	    network_parse_address(request.client.text, &request.client.at);
}

static void
fails(const char *address, const char *name, enum reason reason)
{
	const struct decision d = { .reason = reason,
		.claimed = span_str(name) };

	from(address);
	failure_count(&world, &sample.bundle, &request, &d);
}

static bool
may(const char *address, const char *name)
{
	const struct credential_call c = {
		.world = &world, .bundle = &sample.bundle, .request = &request
	};

	from(address);
	decision = (struct decision){ .reason = REASON_NONE };
	return failure_guard(&c, span_str(name), &decision);
}

static const struct {
	enum reason reason;
	bool counts;
} reasons[] = {
	{ REASON_NONE, false },
	{ REASON_BAD_SIGNATURE, true },
	{ REASON_KEY_INVALID, true },
	{ REASON_SCOPE_MISSING, true },
	{ REASON_BLOCKED, true },
	{ REASON_NO_ROUTE, true },
	{ REASON_BAD_REQUEST, true },
	{ REASON_PARAMETER, true },
	{ REASON_SCHEMA, true },
	{ REASON_CREDENTIAL_MISSING, false },
	{ REASON_RATE_EXCEEDED, false },
	{ REASON_QUOTA_EXCEEDED, false },
	{ REASON_OVERLOADED, false },
	{ REASON_VERIFIER_DOWN, false },
	{ REASON_UPSTREAM_TIMEOUT, false },
	{ REASON_FAULT, false },
};

START_TEST(what_a_guess_brings_counts)
{
	for (int i = 0; i < 5; i++) {
		ck_assert(may("192.0.2.1", NULL));
		fails("192.0.2.1", NULL, reasons[_i].reason);
	}
	ck_assert_int_eq(may("192.0.2.1", NULL), !reasons[_i].counts);
	if (!reasons[_i].counts)
		return;
	ck_assert_int_eq(decision.reason, REASON_RATE_EXCEEDED);
	ck_assert_str_eq(decision.level, "failures");
	ck_assert_uint_eq(decision.retry_after_s, 721);
	ck_assert(may("192.0.2.2", NULL));
}
END_TEST

START_TEST(a_look_charges_nothing_and_makes_nothing)
{
	struct state_report before, after;

	ck_assert(state_report(state, NOON, &arena, &before));
	for (int i = 0; i < 1000; i++)
		ck_assert(may("192.0.2.1", "ada"));
	ck_assert(state_report(state, NOON, &arena, &after));
	for (unsigned i = 0; i < TABLE__MAX; i++)
		ck_assert_uint_eq(before.fills[i].used, after.fills[i].used);
}
END_TEST

START_TEST(a_name_is_held_at_its_own_address)
{
	fails("192.0.2.1", "ada", REASON_BAD_SIGNATURE);
	ck_assert(may("192.0.2.1", "ada"));
	fails("192.0.2.1", "ada", REASON_BAD_SIGNATURE);
	ck_assert(!may("192.0.2.1", "ada"));
	ck_assert(may("192.0.2.1", "bob"));
	ck_assert(may("192.0.2.1", NULL));
	ck_assert(may("192.0.2.2", "ada"));
}
END_TEST

START_TEST(networks_are_held_at_growing_limits)
{
	char address[64];

	for (int net = 0; net < 4; net++)
		for (int i = 0; i < 5; i++) {
			snprintf(address, sizeof(address), "2001:db8:0:%x::%x",
			    net, i);
			ck_assert(may(address, NULL));
			fails(address, NULL, REASON_KEY_INVALID);
		}
	ck_assert(!may("2001:db8:0:3::ff", NULL));
	ck_assert(!may("2001:db8:0:ff::1", NULL));
	ck_assert(may("2001:db8:0:100::1", NULL));
	for (int net = 1; net < 4; net++)
		for (int i = 0; i < 20; i++) {
			snprintf(address, sizeof(address), "2001:db8:0:%x::%x",
			    net << 8 | i / 5, i);
			ck_assert(may(address, NULL));
			fails(address, NULL, REASON_KEY_INVALID);
		}
	ck_assert(!may("2001:db8:0:ffff::1", NULL));
	ck_assert(may("2001:db8:1::1", NULL));
}
END_TEST

START_TEST(an_address_that_fails_for_ever_holds_none_of_its_neighbours)
{
	char address[64];

	for (int i = 0; i < 500; i++)
		fails("2001:db8:0:1::1", NULL, REASON_NO_ROUTE);
	ck_assert(!may("2001:db8:0:1::2", NULL));
	ck_assert(may("2001:db8:0:2::1", NULL));
	/* Nor does a /56, however many addresses it has. */
	for (int i = 0; i < 2000; i++) {
		arena_reset(&arena);
		snprintf(address, sizeof(address), "2001:db8:0:%x::1", i % 256);
		fails(address, NULL, REASON_NO_ROUTE);
	}
	ck_assert(!may("2001:db8:0:ff::1", NULL));
	ck_assert(may("2001:db8:0:100::1", NULL));
}
END_TEST

START_TEST(a_network_that_is_full_fills_no_table_with_its_addresses)
{
	struct state_report report;
	char address[64];

	for (int i = 0; i < 2000; i++) {
		snprintf(address, sizeof(address), "2001:db8:0:%x::1", i);
		fails(address, "guess", REASON_NO_ROUTE);
	}
	ck_assert(!may("2001:db8:0:ffff::1", NULL));
	ck_assert(state_report(state, NOON, &arena, &report));
	/* Of 80 failures: the /64 and the name of each, and few wider. */
	ck_assert_uint_le(report.fills[TABLE_FAILURES].used, 80 * 2 + 8);
}
END_TEST

/* An address of a /48 of its own. */
static const char *
far(unsigned i)
{
	static char address[64];

	snprintf(address, sizeof(address), "2001:%x:%x::1", 0x1000 + i / 0xffff,
	    1 + i % 0xffff);
	return address;
}

START_TEST(a_flood_from_everywhere_holds_nobody_else_and_frees_nobody)
{
	struct row_limit l = { .algorithm = LIMIT_WINDOW,
		.count = 2,
		.period_us = 3600 * US_PER_S };
	struct take t = { .limit = &l,
		.parts = { SPAN("address"), SPAN("192.0.2.1") },
		.n_parts = 2,
		.client = true };
	struct state_report report;

	for (int i = 0; i < 5; i++)
		fails("198.51.100.1", NULL, REASON_KEY_INVALID);
	ck_assert(!may("198.51.100.1", NULL));
	for (unsigned i = 0; i < 20000; i++) {
		arena_reset(&arena);
		fails(far(i), "guess", REASON_BAD_SIGNATURE);
		/* Nobody who is new shares what they have used up. */
		if (i % 500 == 0)
			ck_assert(may("192.0.2.1", "ada"));
	}
	ck_assert(state_report(state, NOON, &arena, &report));
	ck_assert_uint_eq(report.fills[TABLE_FAILURES].used,
	    report.fills[TABLE_FAILURES].count);
	ck_assert_uint_gt(report.totals[STATE_FAILURE_FORGOTTEN], 50000);
	ck_assert_uint_eq(report.totals[STATE_TAKE_SHARED], 0);
	ck_assert_uint_eq(report.totals[STATE_TAKE_FAULT], 0);
	/* Nor is there less room for what limits clients otherwise. */
	for (unsigned i = 0; i < TABLE_FAILURES; i++)
		ck_assert_uint_eq(report.fills[i].used, 0);
	ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_ALLOWED);
	ck_assert(!may("198.51.100.1", NULL));
	/* Who is new is still counted, and held in the end. */
	for (int i = 0; i < 5; i++) {
		ck_assert(may("203.0.113.1", NULL));
		fails("203.0.113.1", NULL, REASON_KEY_INVALID);
	}
	ck_assert(!may("203.0.113.1", NULL));
}
END_TEST

START_TEST(a_held_name_can_be_reset)
{
	struct take t;
	const struct row_limit *l = bundle_limit(&sample.bundle, 3);

	fails("192.0.2.1", "ada", REASON_BAD_SIGNATURE);
	fails("192.0.2.1", "ada", REASON_BAD_SIGNATURE);
	t = (struct take){ .limit = l,
		.parts = { SPAN("failures"), SPAN("3"), SPAN("192.0.2.1"),
		    SPAN("ada") },
		.n_parts = 4,
		.failure = true };
	ck_assert_int_eq(look(state, &t, 1, NOON), TAKE_REFUSED);
	state_note(state, &t, 1, TAKE_REFUSED, NOON);
	ck_assert_uint_eq(state_reset(state, SPAN("failures"),
			      SPAN("192.0.2.1 ada"), &arena, NOON)
			      .n,
	    1);
	ck_assert(may("192.0.2.1", "ada"));
}
END_TEST

START_TEST(who_has_no_address_is_counted_with_all_such)
{
	for (int i = 0; i < 5; i++)
		fails("", NULL, REASON_KEY_INVALID);
	ck_assert(!may("unix:", NULL));
	ck_assert(may("192.0.2.1", NULL));
}
END_TEST

START_TEST(without_a_limit_or_counters_nobody_is_held)
{
	world.look = NULL;
	for (int i = 0; i < 10; i++)
		fails("192.0.2.1", "ada", REASON_KEY_INVALID);
	ck_assert(may("192.0.2.1", "ada"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("failure");
	TCase *t = tcase_create("failure");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, what_a_guess_brings_counts, 0,
	    sizeof(reasons) / sizeof(reasons[0]));
	tcase_add_test(t, a_look_charges_nothing_and_makes_nothing);
	tcase_add_test(t, a_name_is_held_at_its_own_address);
	tcase_add_test(t, networks_are_held_at_growing_limits);
	tcase_add_test(
	    t, an_address_that_fails_for_ever_holds_none_of_its_neighbours);
	tcase_add_test(
	    t, a_network_that_is_full_fills_no_table_with_its_addresses);
	tcase_add_test(
	    t, a_flood_from_everywhere_holds_nobody_else_and_frees_nobody);
	tcase_add_test(t, a_held_name_can_be_reset);
	tcase_add_test(t, who_has_no_address_is_counted_with_all_such);
	tcase_add_test(t, without_a_limit_or_counters_nobody_is_held);
	suite_add_tcase(s, t);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
