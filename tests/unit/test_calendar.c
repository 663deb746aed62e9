/*
 * Days, weeks, months and years, also where the clocks change.
 *
 * The zones here are made up of a few shifts, so that nothing depends on
 * what the machine knows.
 */
#include "policy/calendar.h"

#include "base/clock.h"
#include "sample.h"

static struct sample sample;

enum zone {
	UTC,
	BERLIN,   /* 2026: summer time from March 29 to October 25, 01:00 UTC */
	SANTIAGO, /* midnight left out: 2026-09-06 00:00 becomes 01:00 */
	HAVANA,   /* midnight twice: 2026-11-01 01:00 becomes 00:00 */
	BACK,     /* 2026-02-01 00:30 becomes 23:30 of the day before */
};

static void
add_zone(const char *name, const struct row_shift *shifts, uint32_t n)
{
	struct row_zone z = { .shifts = {
				  build_n(sample.build, SECTION_SHIFT), n } };

	for (uint32_t i = 0; i < n; i++)
		(void)BUILD_ROW(sample.build, SECTION_SHIFT, &shifts[i]);
	z.name = build_text(sample.build, span_str(name));
	(void)BUILD_ROW(sample.build, SECTION_ZONE, &z);
}

static void
setup(void)
{
	static const struct row_shift berlin[] = { { 1577836800, 3600, 0 },
		{ 1774746000, 7200, 0 }, { 1792890000, 3600, 0 } };
	static const struct row_shift santiago[] = { { 1577836800, -14400, 0 },
		{ 1788667200, -10800, 0 } };
	static const struct row_shift havana[] = { { 1577836800, -14400, 0 },
		{ 1793509200, -18000, 0 } };
	static const struct row_shift back[] = { { 1577836800, 3600, 0 },
		{ 1769902200, 0, 0 } };

	sample_begin(&sample);
	(void)sample_operation(sample_item(&sample, "/a", "GET"), "GET");
	add_zone("Berlin", berlin, 3);
	add_zone("Santiago", santiago, 2);
	add_zone("Havana", havana, 2);
	add_zone("Back", back, 2);
	sample_end(&sample);
}

static void
teardown(void)
{
	sample_free(&sample);
}

static const struct {
	uint32_t calendar, zone;
	int64_t now_s, from_s, until_s;
} windows[] = {
	/* 2026-11-21 12:00 UTC, a Saturday */
	{ CALENDAR_DAY, UTC, 1795262400, 1795219200, 1795305600 },
	{ CALENDAR_WEEK, UTC, 1795262400, 1794787200, 1795392000 },
	{ CALENDAR_MONTH, UTC, 1795262400, 1793491200, 1796083200 },
	{ CALENDAR_YEAR, UTC, 1795262400, 1767225600, 1798761600 },
	/* 2028-02-29 23:59:59, and the second after */
	{ CALENDAR_DAY, UTC, 1835481599, 1835395200, 1835481600 },
	{ CALENDAR_MONTH, UTC, 1835481599, 1832976000, 1835481600 },
	{ CALENDAR_MONTH, UTC, 1835481600, 1835481600, 1838160000 },
	{ CALENDAR_YEAR, UTC, 1835481599, 1830297600, 1861920000 },
	/* 1970-01-01, a Thursday: its week began before the epoch */
	{ CALENDAR_DAY, UTC, 5, 0, 86400 },
	{ CALENDAR_WEEK, UTC, 5, -259200, 345600 },
	/* Midnight of Berlin is 23:00 or 22:00 of UTC. */
	{ CALENDAR_DAY, BERLIN, 1795262400, 1795215600, 1795302000 },
	{ CALENDAR_DAY, BERLIN, 1782907200, 1782856800, 1782943200 },
	/* The days of 23 and of 25 hours */
	{ CALENDAR_DAY, BERLIN, 1774749600, 1774738800, 1774821600 },
	{ CALENDAR_DAY, BERLIN, 1792893600, 1792879200, 1792969200 },
	/* A month that begins in summer time and ends without it */
	{ CALENDAR_MONTH, BERLIN, 1792893600, 1790805600, 1793487600 },
	{ CALENDAR_YEAR, BERLIN, 1782907200, 1767222000, 1798758000 },
	/* Midnight is left out: the day begins where it would have been. */
	{ CALENDAR_DAY, SANTIAGO, 1788667200, 1788667200, 1788750000 },
	{ CALENDAR_DAY, SANTIAGO, 1788667199, 1788580800, 1788667200 },
	/* Midnight comes twice: the first one counts. */
	{ CALENDAR_DAY, HAVANA, 1793505600, 1793505600, 1793595600 },
	{ CALENDAR_DAY, HAVANA, 1793509200, 1793505600, 1793595600 },
	/* Back over midnight: the new day goes on. */
	{ CALENDAR_DAY, BACK, 1769901000, 1769900400, 1769990400 },
	{ CALENDAR_DAY, BACK, 1769902300, 1769900400, 1769990400 },
	{ CALENDAR_DAY, BACK, 1769905000, 1769900400, 1769990400 },
};
#define WINDOWS ((int)(sizeof(windows) / sizeof(windows[0])))

START_TEST(a_window_goes_from_midnight_to_midnight)
{
	struct row_limit l = { .algorithm = LIMIT_WINDOW,
		.calendar = windows[_i].calendar,
		.zone = windows[_i].zone };
	int64_t from_us, until_us;

	calendar_window(&sample.bundle, &l, windows[_i].now_s * US_PER_S,
	    &from_us, &until_us);
	ck_assert_int_eq(from_us / US_PER_S, windows[_i].from_s);
	ck_assert_int_eq(until_us / US_PER_S, windows[_i].until_s);
}
END_TEST

/* Windows follow each other without a gap, and now lies in its own. */
START_TEST(windows_follow_each_other)
{
	for (uint32_t zone = UTC; zone <= BACK; zone++) {
		for (uint32_t c = CALENDAR_DAY; c <= CALENDAR_YEAR; c++) {
			struct row_limit l = { .calendar = c, .zone = zone };
			int64_t from_us = 0, until_us = 0;
			int wrong = 0;

			for (int64_t s = 1735689600; s < 1861920000;
			     s += 17890) {
				int64_t last_us = from_us, end_us = until_us;

				calendar_window(&sample.bundle, &l,
				    s * US_PER_S, &from_us, &until_us);
				wrong += from_us > s * US_PER_S ||
				    until_us <= s * US_PER_S ||
				    (end_us != 0 && from_us != last_us &&
					from_us != end_us);
			}
			ck_assert_int_eq(wrong, 0);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("calendar");
	TCase *c = tcase_create("calendar");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(
	    c, a_window_goes_from_midnight_to_midnight, 0, WINDOWS);
	tcase_add_test(c, windows_follow_each_other);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
