/*
 * attempts - see attempts.h.
 */
#include "policy/attempts.h"

#include "policy/failure.h"

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
	if (failure_look(world, takes, n, r->now_us, d))
		return true;
	if (d->reason == REASON_RATE_EXCEEDED) {
		d->level = "attempts";
		d->detail = SPAN("too much was refused to this address");
	}
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
	if (n > 0)
		failure_charge(world, takes, n, n, r->now_us);
}
