/*
 * deny - see deny.h.
 */
#include "policy/deny.h"

#include <inttypes.h>

#include "base/clock.h"
#include "policy/control.h"

bool
deny_has_rules(const struct request *r)
{
	return r->control_lost ||
	    (r->control != NULL && control_last(r->control) > 0);
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
	if (r->control == NULL)
		return true;
	rule = control_deny(r->control, &q);
	if (rule == NULL)
		return true;
	(void)refuse(d, REASON_BLOCKED,
	    arena_printf(r->arena, "denied by rule %" PRIu64, rule->seq));
	d->level = "deny";
	return false;
}
