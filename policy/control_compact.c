/*
 * control_compact - a file of rules without what is of no use any more.
 *
 * Kept is what somebody is held to, or was until a day ago; and a tier that
 * was taken away, where one for more callers would count in its place.
 */
#include "base/clock.h"
#include "policy/control_line.h"

/* Below this nothing is gained. */
#define COMPACT_BYTES_MIN (1024 * 1024)
#define KEPT_S 86400

/* Where one is taken away, another for more callers would count. */
static bool
hides_another(const struct control *c, const struct control_rule *r)
{
	const struct control_rule *o = *control_tiers_of(c, r->application);

	while (o != NULL &&
	    (o->tier.n == 0 || !span_eq(o->application, r->application)))
		o = o->next;
	return o != NULL;
}

static bool
is_of_use(const struct control *c, const struct control_rule *r, int64_t now_s)
{
	if (r->gone || (r->until_s != 0 && now_s - KEPT_S > r->until_s))
		return false;
	return r->change != CONTROL_TIER || r->tier.n > 0 ||
	    hides_another(c, r);
}

bool
control_compact(
    const struct control *c, struct span author, int64_t now_s, struct buf *to)
{
	struct control_rule first = { .change = CONTROL_COMPACT,
		.seq = c->last + 1,
		.time_s = now_s,
		.author = author };
	struct hash128 sum = { 0, 0 };

	/* A clock that is far ahead for once ends no rule for ever. */
	if (now_s > c->time_s)
		now_s = c->time_s;
	for (size_t i = 0; i < c->n; i++)
		first.of += is_of_use(c, c->rules[i], now_s);
	sum = control_line_write(&first, sum, to);
	for (size_t i = 0; i < c->n; i++)
		if (is_of_use(c, c->rules[i], now_s))
			sum = control_line_write(c->rules[i], sum, to);
	return !to->failed;
}

bool
control_wants_compact(const struct control *c, int64_t now_s)
{
	struct buf text;
	bool wants;

	if (c->whole_bytes < COMPACT_BYTES_MIN)
		return false;
	buf_init(&text, CONTROL_BYTES_MAX);
	wants = control_compact(c, SPAN(""), now_s, &text) &&
	    text.n <= c->whole_bytes / 2;
	buf_fini(&text);
	return wants;
}

unsigned
control_percent(const struct control *c)
{
	return (unsigned)(c->whole_bytes * 100 / CONTROL_BYTES_MAX);
}
