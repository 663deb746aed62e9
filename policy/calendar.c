/*
 * calendar - see calendar.h.
 */
#include "policy/calendar.h"

#include "base/clock.h"

#define DAY_S INT64_C(86400)

/* Days from 1970-01-01 to 0000-03-01 of the proleptic Gregorian calendar. */
#define EPOCH_DAYS INT64_C(719468)
#define DAYS_400_YEARS INT64_C(146097)

struct zone {
	const struct row_shift *shifts; /* NULL: UTC */
	uint32_t n;
};

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/*
 * Years are counted from March, so that the day that comes and goes is the
 * last of its year; 153 days are in five months from March on.
 */
static int64_t
days_of(int64_t year, int month)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = floor_div(y, 400), of_era = y - era * 400;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return era * DAYS_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 +
	    (153 * m + 2) / 5 - EPOCH_DAYS;
}

static void
civil_of(int64_t days, int64_t *year, int *month)
{
	int64_t z = days + EPOCH_DAYS, era = floor_div(z, DAYS_400_YEARS);
	int64_t day = z - era * DAYS_400_YEARS;
	int64_t y = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t m = (5 * (day - (365 * y + y / 4 - y / 100)) + 2) / 153;

	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = era * 400 + y + (*month <= 2);
}

/* Local midnights, in days since 1970: the last one and the next. */
static void
days_around(uint32_t calendar, int64_t day, int64_t *first, int64_t *next)
{
	int64_t year;
	int month;

	*first = day;
	*next = day + 1;
	civil_of(day, &year, &month);
	switch (calendar) {
	case CALENDAR_WEEK: /* 1970-01-01 was a Thursday */
		*first = day - (day + 3 - floor_div(day + 3, 7) * 7);
		*next = *first + 7;
		break;
	case CALENDAR_MONTH:
		*first = days_of(year, month);
		*next = month == 12 ? days_of(year + 1, 1)
				    : days_of(year, month + 1);
		break;
	case CALENDAR_YEAR:
		*first = days_of(year, 1);
		*next = days_of(year + 1, 1);
		break;
	default:
		break;
	}
}

/* The shift in force at "at_s". */
static uint32_t
shift_at(const struct zone *z, int64_t at_s)
{
	uint32_t low = 0, high = z->n;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (z->shifts[mid].from_s <= at_s)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* The first moment at which local time is "local_s" or later. */
static int64_t
first_moment(const struct zone *z, int64_t local_s)
{
	if (z->shifts == NULL)
		return local_s;
	for (uint32_t i = shift_at(z, local_s - CALENDAR_OFFSET_MAX_S);; i++) {
		int64_t at_s = local_s - z->shifts[i].offset_s;

		if (i > 0 && at_s < z->shifts[i].from_s)
			at_s = z->shifts[i].from_s;
		if (i + 1 == z->n || at_s < z->shifts[i + 1].from_s)
			return at_s;
	}
}

static struct zone
zone_of(const struct bundle *b, uint32_t zone)
{
	const struct row_zone *row;

	if (zone == 0)
		return (struct zone){ NULL, 0 };
	row = bundle_zone(b, zone - 1);
	return (
	    struct zone){ bundle_shift(b, row->shifts.first), row->shifts.n };
}

void
calendar_window(const struct bundle *b, const struct row_limit *l,
    int64_t now_us, int64_t *from_us, int64_t *until_us)
{
	struct zone z = zone_of(b, l->zone);
	int64_t now_s = floor_div(now_us, US_PER_S), first, next;
	int64_t local_s = now_s;

	if (z.shifts != NULL)
		local_s += z.shifts[shift_at(&z, now_s)].offset_s;
	days_around(l->calendar, floor_div(local_s, DAY_S), &first, &next);
	/* Clocks that were set back over midnight have the day twice. */
	while (first_moment(&z, next * DAY_S) <= now_s)
		days_around(l->calendar, next, &first, &next);
	*from_us = first_moment(&z, first * DAY_S) * US_PER_S;
	*until_us = first_moment(&z, next * DAY_S) * US_PER_S;
}

int64_t
calendar_local_s(const struct bundle *b, uint32_t zone, int64_t now_s)
{
	struct zone z = zone_of(b, zone);

	if (z.shifts != NULL)
		now_s += z.shifts[shift_at(&z, now_s)].offset_s;
	return now_s;
}
