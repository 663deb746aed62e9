/*
 * calendar - days, weeks, months and years as people of a place have them.
 *
 * A window lasts from midnight to midnight of local time; it is shorter or
 * longer by an hour where the clocks change in between.  Where midnight
 * itself is left out it begins at the first moment after.
 */
#ifndef MGW_POLICY_CALENDAR_H
#define MGW_POLICY_CALENDAR_H

#include "policy/bundle.h"

/* No place on earth is farther from UTC, nor ever was. */
#define CALENDAR_OFFSET_MAX_S (26 * 3600)

/*
 * The window of a limit by the calendar that "now_us" lies in, in Unix
 * microseconds: from <= now < until.
 */
void calendar_window(const struct bundle *b, const struct row_limit *l,
    int64_t now_us, int64_t *from_us, int64_t *until_us);

/*
 * What clocks show at "now_s", as seconds since 1970; "zone" is ZONE + 1,
 * or 0 for UTC.
 */
int64_t calendar_local_s(const struct bundle *b, uint32_t zone, int64_t now_s);

#endif
