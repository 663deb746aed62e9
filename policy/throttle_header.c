/*
 * throttle_header - what an answer tells of the limits of its caller.
 *
 * RateLimit-Policy and RateLimit are lists of the structured fields of RFC
 * 9651, one member a limit, named by its tier; X-RateLimit-* know a single
 * limit, and get the one that is nearest to its end.
 */
#include "base/clock.h"
#include "policy/throttle.h"

/* The largest integer of a structured field (RFC 9651 section 3.3.1). */
#define FIELD_INTEGER_MAX UINT64_C(999999999999999)

static void
add_number(struct buf *to, const char *before, uint64_t v)
{
	buf_add_str(to, before);
	buf_add_u64(to, v < FIELD_INTEGER_MAX ? v : FIELD_INTEGER_MAX);
}

static uint64_t
seconds_up(uint64_t us)
{
	return us / US_PER_S + (us % US_PER_S != 0);
}

/* Never later than Retry-After says. */
static uint64_t
reset_s(const struct take *t)
{
	return seconds_up(t->refused ? t->wait_us : t->reset_us);
}

/* The length of the window that stands now, or of the period. */
static uint64_t
window_s(const struct take *t)
{
	if (t->limit->calendar != CALENDAR_NONE)
		return seconds_up((uint64_t)(t->until_us - t->from_us));
	return seconds_up(t->limit->period_us);
}

/* The name of limit "i", unique among those that are told. */
static void
write_name(const struct bundle *b, const struct receipt *receipt, unsigned i,
    struct buf *to)
{
	struct span name = bundle_text(b, receipt->tiers[i]->name);
	bool at_two_levels = false, two_limits = false;

	for (unsigned k = 0; k < receipt->n; k++) {
		if (k == i || !receipt->own[k] ||
		    receipt->tiers[k] != receipt->tiers[i])
			continue;
		if (receipt->levels[k] == receipt->levels[i])
			two_limits = true;
		else
			at_two_levels = true;
	}
	buf_add_char(to, '"');
	for (size_t k = 0; k < name.n; k++) {
		char c = name.p[k];

		buf_add_char(to,
		    c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? '_' : c);
	}
	if (at_two_levels) {
		buf_add_char(to, '-');
		buf_add_str(to, receipt->levels[i]);
	}
	if (two_limits) {
		add_number(to, "-", i);
		add_number(to, "-", window_s(&receipt->takes[i]));
	}
	buf_add_char(to, '"');
}

static void
write_ietf(
    const struct bundle *b, const struct receipt *receipt, struct buf *to)
{
	const char *before = "RateLimit-Policy: ";

	for (unsigned i = 0; i < receipt->n; i++) {
		const struct take *t = &receipt->takes[i];

		if (!receipt->own[i])
			continue;
		buf_add_str(to, before);
		before = ", ";
		write_name(b, receipt, i, to);
		add_number(to, ";q=", t->limit->count);
		if (t->limit->unit == LIMIT_BYTES)
			buf_add_str(to, ";qu=\"content-bytes\"");
		if (t->limit->unit == LIMIT_CONCURRENT)
			buf_add_str(to, ";qu=\"concurrent-requests\"");
		else
			add_number(to, ";w=", window_s(t));
	}
	before = "\r\nRateLimit: ";
	for (unsigned i = 0; i < receipt->n; i++) {
		if (!receipt->own[i])
			continue;
		buf_add_str(to, before);
		before = ", ";
		write_name(b, receipt, i, to);
		add_number(to, ";r=", receipt->takes[i].remaining);
		if (receipt->takes[i].limit->unit != LIMIT_CONCURRENT)
			add_number(to, ";t=", reset_s(&receipt->takes[i]));
	}
	buf_add_str(to, "\r\n");
}

/* A limit that refuses goes before all, then the one with the least left. */
static unsigned
nearest(const struct receipt *receipt, unsigned first)
{
	unsigned best = first;

	for (unsigned i = first + 1; i < receipt->n; i++) {
		const struct take *t = &receipt->takes[i];
		const struct take *u = &receipt->takes[best];

		if (!receipt->own[i])
			continue;
		if (t->refused != u->refused ? t->refused
			: t->refused         ? t->wait_us > u->wait_us
					     : t->remaining < u->remaining)
			best = i;
	}
	return best;
}

static void
write_legacy(const struct receipt *receipt, unsigned first, struct buf *to)
{
	const struct take *t = &receipt->takes[nearest(receipt, first)];

	add_number(to, "X-RateLimit-Limit: ", t->limit->count);
	add_number(to, "\r\nX-RateLimit-Remaining: ", t->remaining);
	add_number(to, "\r\nX-RateLimit-Reset: ", reset_s(t));
	buf_add_str(to, "\r\n");
}

void
throttle_write_headers(
    const struct bundle *b, const struct receipt *receipt, struct buf *to)
{
	uint32_t headers = bundle_settings(b, 0)->rate_headers;
	unsigned first = 0;

	while (first < receipt->n && !receipt->own[first])
		first++;
	if (first == receipt->n)
		return;
	if (headers == RATE_HEADERS_IETF || headers == RATE_HEADERS_BOTH)
		write_ietf(b, receipt, to);
	if (headers == RATE_HEADERS_LEGACY || headers == RATE_HEADERS_BOTH)
		write_legacy(receipt, first, to);
}
