/*
 * Any bytes as the place of a store, and any numbers as its answer: what
 * is believed cannot let pass more than the limit.
 */
#include <stdlib.h>

#include "fcgi/store_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct row_limit limits[] = {
	{ .algorithm = LIMIT_WINDOW, .count = 10, .period_us = 60000000 },
	{ .algorithm = LIMIT_TOKEN_BUCKET,
	    .count = 60,
	    .period_us = 60000000,
	    .burst = 5 },
	{ .algorithm = LIMIT_SLIDING, .count = 10, .period_us = 60000000 },
};

static void
read_answer(const uint8_t *p, size_t n, bool pass_over)
{
	struct take t[3] = { { .n_parts = 0 } };
	struct redis_answer a = { .n = (unsigned)(n / 8) };
	bool refused = false, any = false;

	if (a.n > REDIS_NUMBERS_MAX)
		a.n = REDIS_NUMBERS_MAX;
	memcpy(a.numbers, p, a.n * 8);
	for (unsigned i = 0; i < 3; i++) {
		t[i].limit = &limits[i];
		t[i].pass_over = pass_over;
	}
	if (!store_call_read(&a, t, 3, &refused))
		return;
	for (unsigned i = 0; i < 3; i++) {
		any = any || t[i].refused;
		if (t[i].remaining > limits[i].count ||
		    t[i].wait_us > 2 * limits[i].period_us)
			abort();
	}
	if (any != refused || (pass_over && refused))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct store_place place;
	const char *why = NULL;

	if (!store_place_parse(span_of(p, n), &place, &why) && why == NULL)
		abort();
	read_answer(p, n, false);
	read_answer(p, n, true);
	return 0;
}
