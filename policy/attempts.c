/*
 * attempts - see attempts.h.
 */
#include "policy/attempts.h"

#include "base/clock.h"

static const unsigned bits[ATTEMPTS__MAX] = {
	[ATTEMPTS_ADDRESS] = 64, [ATTEMPTS_56] = 56, [ATTEMPTS_48] = 48
};

static const struct span numbers[ATTEMPTS__MAX] = { SPAN_INIT("0"),
	SPAN_INIT("1"), SPAN_INIT("2") };

/* The counters of a request, the widest first; 0: the arena is full. */
static unsigned
collect(const struct bundle *b, const struct request *r,
    const struct row_api *api, struct take takes[ATTEMPTS__MAX])
{
	const struct client *c = &r->client;
	bool v6 = c->known && !network_is_v4(&c->at);
	unsigned n = 0;

	for (int i = v6 ? ATTEMPTS_48 : ATTEMPTS_ADDRESS; i >= 0; i--) {
		struct span address = client_key(c, bits[i], r->arena);

		if (address.p == NULL)
			return 0;
		takes[n++] =
		    (struct take){ .parts = { SPAN("attempts"), numbers[i],
				       bundle_text(b, api->title),
				       bundle_text(b, api->version), address },
			    .n_parts = 5,
			    .limit = bundle_limit(
				b, api->attempts.first + (uint32_t)i),
			    .failure = true };
	}
	return n;
}

static uint64_t
longest_wait_us(const struct take *takes, unsigned n)
{
	uint64_t us = 0;

	for (unsigned i = 0; i < n; i++)
		if (takes[i].refused && takes[i].wait_us > us)
			us = takes[i].wait_us;
	return us;
}

bool
attempts_allow(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct row_api *api, struct decision *d)
{
	struct take takes[ATTEMPTS__MAX];
	unsigned n;

	if (api->attempts.n == 0 || world->look == NULL)
		return true;
	n = collect(b, r, api, takes);
	if (n == 0)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	switch (world->look(world->world, takes, n, r->now_us)) {
	case TAKE_ALLOWED:
		return true;
	case TAKE_REFUSED:
		break;
	case TAKE_DOWN: /* it is asked of this machine alone */
	case TAKE_FAULT:
		return refuse(
		    d, REASON_FAULT, SPAN("the counters cannot tell"));
	}
	(void)refuse(d, REASON_RATE_EXCEEDED,
	    SPAN("too much was refused to this address"));
	d->level = "attempts";
	d->retry_after_s = (uint32_t)(longest_wait_us(takes, n) / US_PER_S) + 1;
	return false;
}

void
attempts_count(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct row_api *api, unsigned status)
{
	struct take takes[ATTEMPTS__MAX];
	unsigned n;

	if (api->attempts.n == 0 || world->look == NULL ||
	    (status != 400 && status != 401 && status != 403))
		return;
	n = collect(b, r, api, takes);
	/* None where one is full, and else each alone; see failure.c. */
	if (world->look(world->world, takes, n, r->now_us) != TAKE_ALLOWED)
		return;
	for (unsigned i = 0; i < n; i++)
		if (world->take(world->world, &takes[i], 1, r->now_us) !=
		    TAKE_ALLOWED)
			return;
}
