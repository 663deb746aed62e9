/*
 * maintenance - see maintenance.h.
 */
#include "policy/maintenance.h"

#include "base/clock.h"
#include "policy/control.h"

/* Of the bundle, or of this machine; 0: it is open. */
static uint32_t
configured_s(const struct policy *p, const struct row_api *api)
{
	uint32_t s = 0;

	if (p->maintenance_s != NULL)
		s = p->maintenance_s[api - bundle_api(p->bundle, 0)];
	return s > 0 ? s : api->maintenance_s;
}

/* Until a rule ends by itself; 0: some rule has no end. */
static uint32_t
left_s(const struct control_rule *rule, int64_t now_s)
{
	int64_t left = rule->until_s - now_s;

	if (rule->until_s == 0 || left < 1)
		return MAINTENANCE_DEFAULT_S;
	return left < MAINTENANCE_MAX_S ? (uint32_t)left : MAINTENANCE_MAX_S;
}

bool
maintenance_is_on(const struct policy *p, const struct request *r,
    const struct match *m, struct decision *d)
{
	const struct row_api *api = m->api;
	int64_t now_s = r->now_us / US_PER_S;
	const struct control_rule *rule = NULL;
	uint32_t s = configured_s(p, api);

	if (s == 0 && r->control != NULL)
		rule = control_maintenance(r->control,
		    bundle_text(p->bundle, api->title),
		    bundle_text(p->bundle, api->version), now_s);
	if (rule != NULL)
		s = left_s(rule, now_s);
	if (s == 0)
		return false;
	(void)refuse(
	    d, REASON_MAINTENANCE, SPAN("the API is closed for maintenance"));
	d->retry_after_s = s;
	return true;
}
