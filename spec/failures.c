/*
 * failures - see failures.h.
 */
#include "spec/failures.h"

#include "base/clock.h"
#include "policy/gauge.h"
#include "spec/fields.h"

#define LIMIT_DEFAULT 300
#define NAME_DEFAULT 30
#define PERIOD_DEFAULT_US (60 * US_PER_S)

/* A /48 counts sixteen times as many; far below what a gauge can hold. */
#define COUNT_MAX 1000000
#define PERIOD_MAX_US (UINT64_C(86400) * US_PER_S)

static struct row_limit
limit_of(uint64_t count, uint64_t period_us)
{
	return (struct row_limit){ .algorithm = LIMIT_TOKEN_BUCKET,
		.unit = LIMIT_REQUESTS,
		.count = count,
		.burst = count,
		.period_us = period_us };
}

void
failures_read(struct spec_failures *f, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "limit", "per", "per-name", NULL };
	uint64_t count = LIMIT_DEFAULT, per_name = NAME_DEFAULT;
	uint64_t period_us = PERIOD_DEFAULT_US;

	if (tree_is(n, NODE_STRING) && span_eq(n->text, SPAN("off"))) {
		f->off = true;
		return;
	}
	if (n != NULL && fields_check(n, "failures", keys, d)) {
		field_number(n, "limit", 1, COUNT_MAX, &count, d);
		field_number(n, "per-name", 1, COUNT_MAX, &per_name, d);
		field_duration(
		    n, "per", US_PER_S, PERIOD_MAX_US, &period_us, d);
	}
	f->limits[FAILURE_ADDRESS] = limit_of(count, period_us);
	f->limits[FAILURE_56] = limit_of(4 * count, period_us);
	f->limits[FAILURE_48] = limit_of(16 * count, period_us);
	f->limits[FAILURE_NAME] = limit_of(per_name, period_us);
}
