/*
 * gauge_part - what gauge.c has of gauge_slide.c; private to the two.
 */
#ifndef MGW_POLICY_GAUGE_PART_H
#define MGW_POLICY_GAUGE_PART_H

#include "policy/gauge.h"

/*
 * A request brings the time at which it began, so that two processes may
 * differ by as long as one waits for a key set; it must not take the
 * other's charge for a clock that was set back.
 */
#define GAUGE_SKEW_US UINT64_C(10000000)

void gauge_slide_init(struct gauge *g, const struct row_limit *l);
bool gauge_slide_admit(
    const struct gauge *g, struct take *t, uint64_t held, uint64_t *next);
uint64_t gauge_slide_charge(const struct gauge *g, uint64_t held, uint64_t n);
uint64_t gauge_slide_refund(uint64_t charged, uint64_t held);
uint64_t gauge_slide_start(const struct gauge *g, uint64_t used);
uint64_t gauge_slide_ends_us(const struct gauge *g, uint64_t held);

#endif
