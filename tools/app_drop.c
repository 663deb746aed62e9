/*
 * app_drop - what a change of an application takes away.
 */
#include "tools/app.h"

static bool
used(const struct call *c, enum option o)
{
	return (c->used >> o & 1) != 0;
}

/* Options say what all of a kind are: those that were there go. */
static void
drop_credentials(struct application *app, enum application_by by, bool sandbox)
{
	struct application_credential **at = &app->credentials;

	while (*at != NULL) {
		if ((*at)->key.by == by && (*at)->sandbox == sandbox)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
}

void
app_drop_subscriptions(struct application *app, struct span api, bool blocked)
{
	struct application_subscription **at = &app->subscriptions;

	while (*at != NULL) {
		if ((*at)->blocked == blocked &&
		    (api.p == NULL || span_eq((*at)->api, api)))
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
}

void
app_drop_replaced(const struct call *c, struct application *app)
{
	const struct span none = { NULL, 0 };

	/* What is given stands behind the line, so that here it goes. */
	if (used(c, OPTION_UUID))
		app->uuid = none;
	if (used(c, OPTION_TIER))
		app->tier = none;
	if (used(c, OPTION_TYPE))
		app->key_type = none;
	if (used(c, OPTION_GROUP))
		app->n_groups = 0;
	if (used(c, OPTION_SUBSCRIPTION))
		app_drop_subscriptions(app, none, false);
	if (used(c, OPTION_CLIENT))
		drop_credentials(app, APPLICATION_BY_CLIENT, false);
	if (used(c, OPTION_SANDBOX_CLIENT))
		drop_credentials(app, APPLICATION_BY_CLIENT, true);
	if (used(c, OPTION_USER))
		drop_credentials(app, APPLICATION_BY_USER, false);
	if (used(c, OPTION_HOST_USER))
		drop_credentials(app, APPLICATION_BY_HOST_USER, false);
	if (used(c, OPTION_CERTIFICATE))
		drop_credentials(app, APPLICATION_BY_CERTIFICATE, false);
}
