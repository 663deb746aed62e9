/*
 * app_show - "list" and "show" of mgw-app.
 */
#include "base/shown.h"
#include "policy/json.h"
#include "tools/app.h"
#include "tools/show.h"

/* What "list" and "show" print, in this order. */
enum column {
	COLUMN_ID,
	COLUMN_STATE,
	COLUMN_NAME,
	COLUMN_OWNER,
	COLUMN_TYPE,
	COLUMN_TIER,
	COLUMN_GROUPS,
	COLUMN_SUBSCRIPTIONS,
	COLUMN_CREDENTIALS,
	COLUMN__MAX,
};

static const char *const column_names[COLUMN__MAX] = { "id", "state", "name",
	"owner", "type", "tier", "groups", "subscriptions", "credentials" };

/* Append one to a list with commas. */
static void
join(struct call *c, struct span *all, struct span one)
{
	*all = all->n == 0 ? one
			   : arena_printf(&c->arena, "%.*s,%.*s",
				 SPAN_ARG(*all), SPAN_ARG(one));
}

/* "TITLE/1:Gold", or "!TITLE/1" where it is blocked. */
static struct span
subscription_text(struct call *c, const struct application_subscription *s)
{
	return arena_printf(&c->arena, "%s%.*s%s%.*s", s->blocked ? "!" : "",
	    SPAN_ARG(s->api), s->tier.n > 0 ? ":" : "", SPAN_ARG(s->tier));
}

static const char *
kind_of(const struct application_credential *k)
{
	static const enum option options[APPLICATION_BY__MAX] = {
		[APPLICATION_BY_CLIENT] = OPTION_CLIENT,
		[APPLICATION_BY_USER] = OPTION_USER,
		[APPLICATION_BY_HOST_USER] = OPTION_HOST_USER,
		[APPLICATION_BY_CERTIFICATE] = OPTION_CERTIFICATE,
	};

	return app_field_names[k->sandbox ? OPTION_SANDBOX_CLIENT
					  : options[k->key.by]];
}

/* As it stands in the file: "ISSUER ID", or a name. */
static struct span
credential_text(struct call *c, const struct application_credential *k)
{
	if (k->key.second.p == NULL)
		return k->key.first;
	return arena_printf(&c->arena, "%.*s %.*s", SPAN_ARG(k->key.first),
	    SPAN_ARG(k->key.second));
}

static void
columns_of(struct call *c, const struct application *app,
    struct span columns[static COLUMN__MAX])
{
	struct span groups = SPAN(""), apis = SPAN(""), credentials = SPAN("");

	for (size_t i = 0; i < app->n_groups; i++)
		join(c, &groups, app->groups[i]);
	for (const struct application_subscription *s = app->subscriptions;
	     s != NULL; s = s->next)
		join(c, &apis, subscription_text(c, s));
	for (const struct application_credential *k = app->credentials;
	     k != NULL; k = k->next)
		join(c, &credentials,
		    arena_printf(&c->arena, "%s=%.*s", kind_of(k),
			SPAN_ARG(credential_text(c, k))));
	columns[COLUMN_ID] = app->id;
	columns[COLUMN_STATE] = app->blocked ? SPAN("blocked") : SPAN("active");
	columns[COLUMN_NAME] = app->name;
	columns[COLUMN_OWNER] = app->owner;
	columns[COLUMN_TYPE] = app->key_type;
	columns[COLUMN_TIER] = app->tier;
	columns[COLUMN_GROUPS] = groups;
	columns[COLUMN_SUBSCRIPTIONS] = apis;
	columns[COLUMN_CREDENTIALS] = credentials;
}

static void
put_text(struct json_object *o, const char *name, struct span s)
{
	/* Without memory a member is missing, which show tells. */
	if (s.n > 0)
		(void)json_put(o, name, json_new_string(s));
}

static struct json_object *
subscriptions_json(const struct application *app)
{
	struct json_object *list = json_new_array();

	for (const struct application_subscription *s = app->subscriptions;
	     s != NULL; s = s->next) {
		struct json_object *o = json_new_object();

		put_text(o, "api", s->api);
		put_text(o, "tier", s->tier);
		(void)json_put(o, "blocked", json_new_bool(s->blocked));
		(void)json_append(list, o); /* as above */
	}
	return list;
}

static struct json_object *
credentials_json(struct call *c, const struct application *app)
{
	struct json_object *list = json_new_array();

	for (const struct application_credential *k = app->credentials;
	     k != NULL; k = k->next) {
		struct json_object *o = json_new_object();

		put_text(o, "kind", span_str(kind_of(k)));
		put_text(o, "value", credential_text(c, k));
		(void)json_append(list, o); /* as above */
	}
	return list;
}

static struct json_object *
json_of(struct call *c, const struct application *app)
{
	struct json_object *o = json_new_object(), *groups = json_new_array();
	struct span columns[COLUMN__MAX];

	columns_of(c, app, columns);
	for (int i = 0; i < COLUMN_GROUPS; i++)
		put_text(o, column_names[i], columns[i]);
	put_text(o, "uuid", app->uuid);
	for (size_t i = 0; i < app->n_groups; i++)
		(void)json_append(groups, json_new_string(app->groups[i]));
	(void)json_put(o, "groups", groups); /* as above */
	(void)json_put(o, "subscriptions", subscriptions_json(app));
	(void)json_put(o, "credentials", credentials_json(c, app));
	return o;
}

int
app_list(struct call *c)
{
	struct span columns[COLUMN__MAX];
	struct json_object *all;
	struct application app;
	bool good = true;
	size_t at = 0, n = 0;

	if (!app_open(c, false))
		return 2;
	all = json_new_array();
	for (; applications_next(c->apps, &at, &c->arena, &app); n++) {
		if (c->json) {
			good &= json_append(all, json_of(c, &app));
			arena_reset(&c->arena);
			continue;
		}
		columns_of(c, &app, columns);
		for (int i = 0; i < COLUMN__MAX; i++) {
			if (i > 0)
				(void)putchar('\t'); /* show_end tells */
			shown_print(
			    stdout, columns[i].n > 0 ? columns[i] : SPAN("-"));
		}
		(void)putchar('\n'); /* likewise */
		arena_reset(&c->arena);
	}
	if (c->json)
		good = good && show_json(stdout, all);
	json_free(all);
	return good && n == applications_n(c->apps) ? 0 : 2;
}

int
app_show(struct call *c)
{
	struct span columns[COLUMN__MAX];
	struct application app;
	struct json_object *o;
	bool good = true;

	if (!app_open(c, false))
		return 2;
	if (!app_find(c, &app))
		return 1;
	if (c->json) {
		o = json_of(c, &app);
		good = show_json(stdout, o);
		json_free(o);
		return good ? 0 : 2;
	}
	columns_of(c, &app, columns);
	for (int i = 0; i < COLUMN__MAX; i++) {
		(void)printf("%s: ", column_names[i]); /* show_end tells */
		shown_print(stdout, columns[i].n > 0 ? columns[i] : SPAN("-"));
		(void)putchar('\n'); /* likewise */
	}
	return 0;
}
