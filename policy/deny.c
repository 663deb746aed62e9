/*
 * deny - see deny.h.
 */
#include "policy/deny.h"

#include <inttypes.h>

#include "base/clock.h"
#include "policy/condition.h"
#include "policy/control.h"

bool
deny_has_rules(const struct bundle *b, const struct request *r)
{
	return r->control_lost || bundle_settings(b, 0)->deny.n > 0 ||
	    (r->control != NULL && control_last(r->control) > 0);
}

/* Those of mgw.yaml; once what is asked for can be told. */
static bool
conditions_allow(const struct bundle *b, const struct request *r,
    const struct principal *who, struct decision *d)
{
	struct range rules = bundle_settings(b, 0)->deny;
	struct condition_call call = { .bundle = b, .request = r, .who = who };

	for (uint32_t i = 0; i < rules.n; i++) {
		uint32_t row = rules.first + i;
		bool holds;

		if (condition_asks_who(b, row) != (who != NULL))
			continue;
		holds = condition_holds(&call, row);
		if (r->arena->full)
			return refuse(d, REASON_FAULT, SPAN("out of memory"));
		/* Which of two it is by would be a guess. */
		if (call.twice)
			return refuse(d, REASON_BAD_REQUEST,
			    SPAN("a field that a rule reads comes twice"));
		if (!holds)
			continue;
		(void)refuse(d, REASON_BLOCKED,
		    arena_printf(
			r->arena, "denied by condition %" PRIu32, i + 1));
		d->level = "deny";
		return false;
	}
	return true;
}

bool
deny_check(const struct bundle *b, const struct request *r,
    const struct match *m, const struct principal *who, struct decision *d)
{
	struct control_query q = { .client = &r->client,
		.title = bundle_text(b, m->api->title),
		.version = bundle_text(b, m->api->version),
		.who = who,
		.now_s = r->now_us / US_PER_S };
	const struct control_rule *rule;

	if (r->control_lost)
		return refuse(d, REASON_VERIFIER_DOWN,
		    SPAN("who is denied cannot be known now"));
	rule = r->control != NULL ? control_deny(r->control, &q) : NULL;
	if (rule == NULL)
		return conditions_allow(b, r, who, d);
	(void)refuse(d, REASON_BLOCKED,
	    arena_printf(r->arena, "denied by rule %" PRIu64, rule->seq));
	d->level = "deny";
	return false;
}
