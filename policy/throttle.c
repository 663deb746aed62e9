/*
 * throttle - see throttle.h.
 */
#include "policy/throttle.h"

#include <inttypes.h>

#include "base/clock.h"

/* Longer periods are quotas: a client should not wait for them. */
#define RATE_PERIOD_MAX_US (60 * US_PER_S)

/* The largest integer of a structured field (RFC 8941 section 3.3.1). */
#define FIELD_INTEGER_MAX UINT64_C(999999999999999)

static struct span
index_name(uint32_t i)
{
	static const char digits[] = "01234567";

	static_assert(sizeof(digits) > TAKES_MAX, "a digit for each");
	return span_of(&digits[i], 1);
}

/*
 * Add the limits of "tier" at "level", counted under "parts", of which
 * the last is left free for the number of the limit.  False: too many.
 */
static bool
add_level(struct receipt *to, const struct bundle *b, uint32_t tier,
    const char *level, const struct take *parts)
{
	const struct row_tier *row = bundle_tier(b, tier);

	if ((row->flags & TIER_UNLIMITED) != 0)
		return true;
	for (uint32_t i = 0; i < row->limits.n; i++) {
		struct take *t = &to->takes[to->n];

		if (to->n == TAKES_MAX)
			return false;
		*t = *parts;
		t->parts[0] = span_str(level);
		t->parts[t->n_parts++] = index_name(i);
		t->limit = bundle_limit(b, row->limits.first + i);
		t->pass_over = (row->flags & TIER_PASS_OVER_QUOTA) != 0;
		to->tiers[to->n] = row;
		to->levels[to->n++] = level;
	}
	return true;
}

static bool
add_api(struct receipt *to, const struct bundle *b, const struct match *m)
{
	struct take parts = { .parts = { SPAN(""),
				  bundle_text(b, m->api->title),
				  bundle_text(b, m->api->version) },
		.n_parts = 3 };

	return m->api->tier == ROW_NONE ||
	    add_level(to, b, m->api->tier, "api", &parts);
}

static bool
add_operation(struct receipt *to, const struct bundle *b, const struct match *m)
{
	struct take parts = { .parts = { SPAN(""),
				  bundle_text(b, m->api->title),
				  bundle_text(b, m->api->version),
				  bundle_text(b, m->item->path),
				  bundle_text(b, m->operation->method) },
		.n_parts = 5 };

	if (m->operation->tier == ROW_NONE ||
	    (m->api->tier != ROW_NONE &&
		(m->api->flags & API_TIER_REPLACES) != 0))
		return true;
	return add_level(to, b, m->operation->tier, "operation", &parts);
}

static bool
add_subject(struct receipt *to, const struct bundle *b, uint32_t tier,
    const struct principal *who)
{
	struct take parts = { .parts = { SPAN(""), who->issuer, who->subject,
				  who->application },
		.n_parts = 4 };

	if (who->subject.n == 0 && who->application.n == 0)
		parts.parts[parts.n_parts++] = who->key_id;
	return add_level(to, b, tier, "subject", &parts);
}

/*
 * Row of the tier that a credential means by this name, or ROW_NONE: not
 * one that is for resources alone.
 */
static uint32_t
find_tier(const struct bundle *b, struct span name)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++) {
		const struct row_tier *t = bundle_tier(b, i);
		uint32_t of = t->flags &
		    (TIER_OF_RESOURCE | TIER_OF_APPLICATION |
			TIER_OF_SUBSCRIPTION);

		if (of != TIER_OF_RESOURCE &&
		    span_eq(bundle_text(b, t->name), name))
			return i;
	}
	return ROW_NONE;
}

int
throttle_culprit(const struct receipt *receipt)
{
	int found = -1;

	for (unsigned i = 0; i < receipt->n; i++) {
		const struct take *t = &receipt->takes[i];

		if (!t->refused && !t->over)
			continue;
		if (found == -1 || t->wait_us > receipt->takes[found].wait_us)
			found = (int)i;
	}
	return found;
}

static uint64_t
seconds_up(uint64_t us)
{
	uint64_t s = us / US_PER_S + (us % US_PER_S != 0);

	return s < FIELD_INTEGER_MAX ? s : FIELD_INTEGER_MAX;
}

/* Some printable ASCII to stand in a header and in a message. */
static char
clean(char c)
{
	return c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? '_' : c;
}

static struct span
clean_name(const struct bundle *b, const struct row_tier *tier, struct arena *a)
{
	struct span name = bundle_text(b, tier->name);
	char *p = arena_alloc(a, name.n + 1);

	for (size_t i = 0; p != NULL && i < name.n; i++)
		p[i] = clean(name.p[i]);
	return p != NULL ? span_of(p, name.n) : SPAN("?");
}

static bool
exceeded(const struct bundle *b, const struct request *r,
    const struct receipt *receipt, struct decision *d)
{
	enum reason reason = REASON_RATE_EXCEEDED;
	int culprit = throttle_culprit(receipt);
	uint64_t s = 1;

	if (culprit == -1)
		return refuse(d, REASON_FAULT, SPAN("refused by no limit"));
	for (unsigned i = 0; i < receipt->n; i++) {
		const struct take *t = &receipt->takes[i];

		if (!t->refused)
			continue;
		if (t->limit->period_us > RATE_PERIOD_MAX_US)
			reason = REASON_QUOTA_EXCEEDED;
		if (seconds_up(t->wait_us) > s)
			s = seconds_up(t->wait_us);
	}
	refuse(d, reason,
	    arena_printf(r->arena, "the limit of tier %.*s for this %s",
		SPAN_ARG(clean_name(b, receipt->tiers[culprit], r->arena)),
		receipt->levels[culprit]));
	d->retry_after_s = s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
	return false;
}

static bool
add_all(struct receipt *receipt, const struct bundle *b, const struct match *m,
    const struct principal *who, uint32_t tier)
{
	if (m->api != NULL && !add_api(receipt, b, m))
		return false;
	if (m->api != NULL && m->item != NULL && m->operation != NULL &&
	    !add_operation(receipt, b, m))
		return false;
	return tier == ROW_NONE || add_subject(receipt, b, tier, who);
}

bool
throttle_take(const struct outside *world, const struct bundle *b,
    const struct request *r, const struct match *m, const struct principal *who,
    struct receipt *receipt, struct decision *d)
{
	uint32_t tier = ROW_NONE;

	*receipt = (struct receipt){ 0 };
	if (who != NULL && who->scheme.p != NULL && who->tier.p != NULL) {
		tier = find_tier(b, who->tier);
		if (tier == ROW_NONE && !span_eq(who->tier, SPAN("Unlimited")))
			return refuse(
			    d, REASON_CLAIM_REFUSED, SPAN("unknown tier"));
	}
	if (!add_all(receipt, b, m, who, tier))
		return refuse(d, REASON_FAULT, SPAN("too many limits"));
	if (receipt->n == 0)
		return true;
	if (world->take == NULL)
		return refuse(d, REASON_FAULT, SPAN("no counters"));
	switch (
	    world->take(world->world, receipt->takes, receipt->n, r->now_us)) {
	case TAKE_ALLOWED:
		receipt->charged = true;
		return true;
	case TAKE_REFUSED:
		return exceeded(b, r, receipt, d);
	case TAKE_FAULT:
		break;
	}
	*receipt = (struct receipt){ 0 };
	return refuse(d, REASON_FAULT, SPAN("the counters cannot tell"));
}

void
throttle_settle(const struct outside *world, struct receipt *receipt,
    int64_t now_us, uint64_t bytes, enum outcome outcome)
{
	(void)world; /* the limits there are count requests alone */
	(void)now_us;
	(void)bytes;
	(void)outcome;
	receipt->charged = false;
}

static void
add_number(struct buf *to, const char *before, uint64_t v)
{
	buf_add_str(to, before);
	buf_add_u64(to, v);
}

/* The name of limit "i", unique among those of the receipt. */
static void
write_name(const struct bundle *b, const struct receipt *receipt, unsigned i,
    struct buf *to)
{
	struct span name = bundle_text(b, receipt->tiers[i]->name);
	bool at_two_levels = false, two_limits = false;

	for (unsigned k = 0; k < receipt->n; k++) {
		if (k == i || receipt->tiers[k] != receipt->tiers[i])
			continue;
		if (receipt->levels[k] == receipt->levels[i])
			two_limits = true;
		else
			at_two_levels = true;
	}
	buf_add_char(to, '"');
	for (size_t k = 0; k < name.n; k++)
		buf_add_char(to, clean(name.p[k]));
	if (at_two_levels) {
		buf_add_char(to, '-');
		buf_add_str(to, receipt->levels[i]);
	}
	if (two_limits) {
		add_number(to, "-", i);
		add_number(
		    to, "-", seconds_up(receipt->takes[i].limit->period_us));
	}
	buf_add_char(to, '"');
}

static uint64_t
field_integer(uint64_t v)
{
	return v < FIELD_INTEGER_MAX ? v : FIELD_INTEGER_MAX;
}

void
throttle_write_headers(
    const struct bundle *b, const struct receipt *receipt, struct buf *to)
{
	if (receipt->n == 0)
		return;
	for (unsigned i = 0; i < receipt->n; i++) {
		const struct row_limit *l = receipt->takes[i].limit;

		buf_add_str(to, i == 0 ? "RateLimit-Policy: " : ", ");
		write_name(b, receipt, i, to);
		add_number(to, ";q=", field_integer(l->count));
		add_number(to, ";w=", seconds_up(l->period_us));
	}
	for (unsigned i = 0; i < receipt->n; i++) {
		const struct take *t = &receipt->takes[i];

		buf_add_str(to, i == 0 ? "\r\nRateLimit: " : ", ");
		write_name(b, receipt, i, to);
		add_number(to, ";r=", field_integer(t->remaining));
		/* Never later than Retry-After says. */
		add_number(to,
		    ";t=", seconds_up(t->refused ? t->wait_us : t->reset_us));
	}
	buf_add_str(to, "\r\n");
}
