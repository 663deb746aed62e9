/*
 * failure - see failure.h.
 */
#include "policy/failure.h"

#include "base/clock.h"

/* Longer names are cut: they are only to be told apart. */
#define NAME_MAX_BYTES 128

static const unsigned bits[] = {
	[FAILURE_ADDRESS] = 64, [FAILURE_56] = 56, [FAILURE_48] = 48
};

static const struct span numbers[] = { SPAN_INIT("0"), SPAN_INIT("1"),
	SPAN_INIT("2"), SPAN_INIT("3") };

static struct take *
add(struct take *takes, unsigned *n, const struct bundle *b,
    enum failure_limit which, struct span address)
{
	uint32_t first = bundle_settings(b, 0)->failures.first;
	struct take *t = &takes[(*n)++];

	*t = (struct take){ .parts = { SPAN("failures"), numbers[which],
				address },
		.n_parts = 3,
		.limit = bundle_limit(b, first + (uint32_t)which),
		.failure = true };
	return t;
}

/* The counters of a request; 0: none.  False: the arena is full. */
static bool
collect(const struct bundle *b, const struct request *r, struct span name,
    struct take takes[FAILURE__MAX], unsigned *n)
{
	const struct client *c = &r->client;
	bool v6 = c->known && !network_is_v4(&c->at);
	struct span address = { NULL, 0 };
	struct take *t;

	*n = 0;
	if (bundle_settings(b, 0)->failures.n == 0)
		return true;
	for (int i = v6 ? FAILURE_48 : FAILURE_ADDRESS; i >= 0; i--) {
		address = client_key(c, bits[i], r->arena);
		if (address.p == NULL)
			return false;
		(void)add(takes, n, b, (enum failure_limit)i, address);
	}
	if (name.n == 0)
		return true;
	if (name.n > NAME_MAX_BYTES)
		name.n = NAME_MAX_BYTES;
	t = add(takes, n, b, FAILURE_NAME, address);
	t->parts[t->n_parts++] = name;
	return true;
}

bool
failure_look(const struct outside *world, struct take *takes, unsigned n,
    int64_t now_us, struct decision *d)
{
	uint64_t wait_us = 0;

	switch (world->look(world->world, takes, n, now_us)) {
	case TAKE_ALLOWED:
		return true;
	case TAKE_REFUSED:
		break;
	case TAKE_DOWN: /* it is asked of this machine alone */
	case TAKE_FAULT:
		return refuse(
		    d, REASON_FAULT, SPAN("the counters cannot tell"));
	}
	for (unsigned i = 0; i < n; i++)
		if (takes[i].refused && takes[i].wait_us > wait_us)
			wait_us = takes[i].wait_us;
	(void)refuse(d, REASON_RATE_EXCEEDED, SPAN("too much failed"));
	d->retry_after_s = (uint32_t)(wait_us / US_PER_S) + 1;
	return false;
}

void
failure_charge(const struct outside *world, struct take *takes, unsigned n,
    unsigned n_networks, int64_t now_us)
{
	/*
	 * Who is held counts no more: else one address would fill the count
	 * of its network, and have all others there held as well.
	 */
	if (world->look(world->world, takes, n_networks, now_us) !=
	    TAKE_ALLOWED)
		return;
	/* From the widest on, each alone; others may be at it as well. */
	for (unsigned i = 0; i < n; i++)
		if (world->take(world->world, &takes[i], 1, now_us) !=
		    TAKE_ALLOWED)
			return;
}

bool
failure_guard(
    const struct credential_call *c, struct span name, struct decision *d)
{
	const struct outside *world = c->world;
	struct take takes[FAILURE__MAX];
	unsigned n;

	if (!collect(c->bundle, c->request, name, takes, &n))
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	if (n == 0 || world->look == NULL ||
	    failure_look(world, takes, n, c->request->now_us, d))
		return true;
	if (d->reason == REASON_RATE_EXCEEDED) {
		d->level = "failures";
		d->detail = SPAN("too much failed from this address; only "
				 "credentials that are known are looked at");
	}
	return false;
}

/*
 * What a guess looks like.  Coming without a credential is how many a
 * client begins, and tries nothing.
 */
static bool
is_failure(enum reason r)
{
	switch (reason_status(r)) {
	case 400:
	case 404:
		return true;
	case 401:
	case 403:
		return r != REASON_CREDENTIAL_MISSING &&
		    r != REASON_CERTIFICATE_MISSING &&
		    r != REASON_HTTPS_REQUIRED;
	default:
		return false;
	}
}

void
failure_count(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct decision *d)
{
	struct take takes[FAILURE__MAX];
	unsigned n;

	if (!is_failure(d->reason) || world->look == NULL ||
	    !collect(b, r, d->claimed, takes, &n) || n == 0)
		return;
	failure_charge(
	    world, takes, n, d->claimed.n > 0 ? n - 1 : n, r->now_us);
}
