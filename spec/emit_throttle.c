/*
 * emit_throttle - what of throttling belongs to no tier.
 *
 * Part of emit.c.
 */
#include "spec/emit_part.h"

struct range
emit_failures(struct emit *e)
{
	const struct spec_failures *f = &e->spec->policy->failures;
	struct range r = { build_n(e->b, SECTION_LIMIT), 0 };

	while (r.n < FAILURE__MAX && !f->off)
		(void)BUILD_ROW(e->b, SECTION_LIMIT, &f->limits[r.n++]);
	return r;
}
