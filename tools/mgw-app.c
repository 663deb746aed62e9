/*
 * mgw-app - keep the file of applications while the gate runs.
 *
 * Each change is of one line, and the whole file is read back as the gate
 * reads it before it is replaced: what would be refused is never written.
 */
#include <stdlib.h>

#include "base/shown.h"
#include "policy/words.h"
#include "tools/app.h"
#include "tools/show.h"

const char *const app_field_names[OPTION__FIELDS] = {
	[OPTION_NAME] = "name",
	[OPTION_OWNER] = "owner",
	[OPTION_UUID] = "uuid",
	[OPTION_TIER] = "tier",
	[OPTION_TYPE] = "type",
	[OPTION_GROUP] = "group",
	[OPTION_SUBSCRIPTION] = "subscription",
	[OPTION_CLIENT] = "client",
	[OPTION_SANDBOX_CLIENT] = "sandbox-client",
	[OPTION_USER] = "user",
	[OPTION_HOST_USER] = "host-user",
	[OPTION_CERTIFICATE] = "certificate",
};

static const struct args_option options[] = {
	[OPTION_NAME] = { 'n', "name", "TEXT",
	    "its name; add: ID when absent" },
	[OPTION_OWNER] = { 'o', "owner", "TEXT", "who answers for it" },
	[OPTION_UUID] = { 0, "uuid", "TEXT", "told to backends" },
	[OPTION_TIER] = { 't', "tier", "TIER",
	    "its throttling tier; subscribe: that of the subscription" },
	[OPTION_TYPE] = { 0, "type", "PRODUCTION|SANDBOX",
	    "where its requests go" },
	[OPTION_GROUP] = { 'g', "group", "GROUP",
	    "a group it is of; may come again, as all that follow" },
	[OPTION_SUBSCRIPTION] = { 's', "subscription", "API[:TIER]",
	    "an API, TITLE or TITLE/VERSION, that it may use" },
	[OPTION_CLIENT] = { 'c', "client", "'ISSUER ID'",
	    "a client id of this issuer's tokens" },
	[OPTION_SANDBOX_CLIENT] = { 0, "sandbox-client", "'ISSUER ID'",
	    "the same, of requests for the sandbox" },
	[OPTION_USER] = { 'u', "user", "NAME", "a user of the user file" },
	[OPTION_HOST_USER] = { 0, "host-user", "'HOST-AUTH NAME'",
	    "a user whom the web server authenticates" },
	[OPTION_CERTIFICATE] = { 0, "certificate", "SHA256",
	    "of a client certificate" },
	[OPTION_FILE] = { 'f', "file", "FILE",
	    "the file of applications; \"add\" makes it" },
	[OPTION_API] = { 'a', "api", "API",
	    "what subscribe, unsubscribe, block and unblock are about" },
	[OPTION_JSON] = { 'j', "json", NULL, "list, show: print JSON" },
	{ 0, NULL, NULL, NULL },
};

const struct args_program app_program = {
	"mgw-app",
	"add|list|show|set|subscribe|unsubscribe|block|unblock|remove "
	"--file FILE [OPTION]... [ID]",
	"add ID          a new application of --owner\n"
	"list            a line an application: id, state, name, owner, type,\n"
	"                tier, groups, subscriptions, credentials\n"
	"show ID         all about one application\n"
	"set ID          change what the options name; an empty one takes all\n"
	"                of its kind away\n"
	"subscribe ID    let it use --api, with --tier\n"
	"unsubscribe ID  end that\n"
	"block ID        it is refused from the next request on; with --api\n"
	"                for this API alone\n"
	"unblock ID      end that\n"
	"remove ID       take it out of the file\n"
	"\n"
	"Exit: 0 done, 1 refused or not found, 2 wrong use or cannot read.",
	options,
};

#define BIT(option) (1U << OPTION_##option)
#define FIELD_BITS (BIT(_FIELDS) - 1)

static bool
used(const struct call *c, enum option o)
{
	return (c->used >> o & 1) != 0;
}

bool
app_open(struct call *c, bool change)
{
	char why[400];

	if (!edited_open(&c->edited, app_program.name, c->file,
		APPLICATIONS_BYTES_MAX, change))
		return false;
	c->apps = applications_new(buf_span(&c->edited.text), why, sizeof(why));
	return c->apps != NULL || edited_fail(&c->edited, why);
}

static enum applications_result
find(struct call *c, struct application *app)
{
	const struct application_key key = { .by = APPLICATION_BY_ID,
		.first = span_str(c->operand) };

	return applications_find(c->apps, &key, &c->arena, app);
}

bool
app_find(struct call *c, struct application *app)
{
	if (find(c, app) == APPLICATIONS_FOUND)
		return true;
	(void)fprintf(stderr, "mgw-app: no application with id ");
	shown_print(stderr, span_str(c->operand));
	(void)fprintf(stderr, "\n");
	return false;
}

/* The number of the line of "id" in the text, from 1; 0: not found. */
static unsigned
line_number(struct call *c, struct span id)
{
	struct span rest = buf_span(&c->edited.text), line, word;
	unsigned number = 0;

	while (words_line(&rest, &line, &number)) {
		struct words w = { arena_copy(&c->arena, line), NULL };

		if (w.rest.p == NULL)
			return 0;
		if (words_next(&w, &word) && span_eq(word, id))
			return number;
	}
	return 0;
}

/* "line" in place of that of "id"; without "id" it is a new one. */
static int
save(struct call *c, struct span id, struct span line)
{
	struct applications *checked;
	unsigned number = id.p != NULL ? line_number(c, id) : 0;
	char why[400];

	if (id.p != NULL && number == 0) {
		(void)edited_fail(&c->edited, "the line is not found");
		return 2;
	}
	if (!edited_replace(&c->edited, number, line))
		return 2;
	checked = applications_new(buf_span(&c->edited.text), why, sizeof(why));
	if (checked == NULL) {
		(void)edited_fail(&c->edited, why);
		return 1;
	}
	applications_free(checked);
	return edited_save(&c->edited) ? 0 : 2;
}

/* The line of "app", with the values of the options behind it. */
static int
save_app(struct call *c, const struct application *app, struct span id)
{
	struct buf line;
	int rc = 2;

	buf_init(&line, APPLICATION_LINE_MAX + 1);
	application_write(app, &line);
	for (size_t i = 0; i < c->n_values; i++) {
		const struct app_value *v = &c->values[i];

		if (v->text.n == 0)
			continue;
		line.n--; /* the end */
		words_write(&line, app_field_names[v->option], v->text);
		buf_add_char(&line, '\n');
	}
	if (line.failed)
		(void)edited_fail(&c->edited, "the line is too long");
	else
		rc = save(c, id, buf_span(&line));
	buf_fini(&line);
	return rc;
}

/* A name and an owner there always are: they stand in the line. */
static void
take_names(struct call *c, struct application *app)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_values; i++) {
		const struct app_value *v = &c->values[i];

		if (v->option == OPTION_NAME)
			app->name = v->text;
		else if (v->option == OPTION_OWNER)
			app->owner = v->text;
		else
			c->values[n++] = *v;
	}
	c->n_values = n;
}

static int
add(struct call *c)
{
	struct application app = { .id = span_str(c->operand) };
	struct application other;

	if (!used(c, OPTION_OWNER))
		return args_wrong(&app_program, "add needs --owner");
	if (!app_open(c, true))
		return 2;
	if (find(c, &other) != APPLICATIONS_NONE) {
		(void)edited_fail(&c->edited, "this id is there already");
		return 1;
	}
	app.name = app.id;
	take_names(c, &app);
	return save_app(c, &app, (struct span){ NULL, 0 });
}

static int
set(struct call *c)
{
	struct application app;

	if ((c->used & FIELD_BITS) == 0)
		return args_wrong(&app_program, "set needs something to set");
	if (!app_open(c, true))
		return 2;
	if (!app_find(c, &app))
		return 1;
	app_drop_replaced(c, &app);
	take_names(c, &app);
	return save_app(c, &app, app.id);
}

/* Put a subscription, or a block, of --api at the end of those there are. */
static bool
put_api(struct call *c, struct application *app, bool blocked)
{
	struct application_subscription **at, *s;

	app_drop_subscriptions(app, c->api, blocked);
	s = arena_alloc(&c->arena, sizeof(*s));
	if (s == NULL)
		return edited_fail(&c->edited, "out of memory");
	*s = (struct application_subscription){
		.api = c->api, .tier = c->tier, .blocked = blocked
	};
	for (at = &app->subscriptions; *at != NULL; at = &(*at)->next)
		;
	*at = s;
	return true;
}

static bool
has_api(const struct call *c, const struct application *app, bool blocked)
{
	const struct application_subscription *s = app->subscriptions;

	while (s != NULL && !(s->blocked == blocked && span_eq(s->api, c->api)))
		s = s->next;
	return s != NULL;
}

static int
subscribe(struct call *c)
{
	struct application app;

	if (!used(c, OPTION_API))
		return args_wrong(&app_program, "subscribe needs --api");
	if (!app_open(c, true))
		return 2;
	if (!app_find(c, &app))
		return 1;
	for (size_t i = 0; i < c->n_values; i++)
		c->tier = c->values[i].text;
	c->n_values = 0;
	return put_api(c, &app, false) ? save_app(c, &app, app.id) : 2;
}

static int
unsubscribe(struct call *c)
{
	struct application app;

	if (!used(c, OPTION_API))
		return args_wrong(&app_program, "unsubscribe needs --api");
	if (!app_open(c, true))
		return 2;
	if (!app_find(c, &app))
		return 1;
	if (!has_api(c, &app, false)) {
		(void)edited_fail(&c->edited, "there is no such subscription");
		return 1;
	}
	app_drop_subscriptions(&app, c->api, false);
	return save_app(c, &app, app.id);
}

static int
set_blocked(struct call *c, bool blocked)
{
	struct application app;

	if (!app_open(c, true))
		return 2;
	if (!app_find(c, &app))
		return 1;
	if (!used(c, OPTION_API))
		app.blocked = blocked;
	else if (!blocked)
		app_drop_subscriptions(&app, c->api, true);
	else if (!put_api(c, &app, true))
		return 2;
	return save_app(c, &app, app.id);
}

static int
block(struct call *c)
{
	return set_blocked(c, true);
}

static int
unblock(struct call *c)
{
	return set_blocked(c, false);
}

static int
remove_app(struct call *c)
{
	struct application app;

	if (!app_open(c, true))
		return 2;
	if (!app_find(c, &app))
		return 1;
	return save(c, app.id, SPAN(""));
}

static const struct {
	const char *name;
	int (*run)(struct call *c);
	bool operand;
	unsigned options;
} commands[] = {
	{ "add", add, true, FIELD_BITS },
	{ "list", app_list, false, BIT(JSON) },
	{ "show", app_show, true, BIT(JSON) },
	{ "set", set, true, FIELD_BITS },
	{ "subscribe", subscribe, true, BIT(API) | BIT(TIER) },
	{ "unsubscribe", unsubscribe, true, BIT(API) },
	{ "block", block, true, BIT(API) },
	{ "unblock", unblock, true, BIT(API) },
	{ "remove", remove_app, true, 0 },
};

/* False after a message. */
static bool
set_option(void *arg, int option, const char *value)
{
	struct call *c = arg;
	struct span text = span_str(value != NULL ? value : "");

	if (span_has_control(text) || !span_is_utf8(text))
		return args_wrong(&app_program,
			   "an option has control bytes, or is not UTF-8") == 0;
	c->used |= 1U << option;
	if (option < OPTION__FIELDS) {
		if (c->n_values == VALUES_MAX)
			return args_wrong(&app_program, "too many options") ==
			    0;
		c->values[c->n_values++] =
		    (struct app_value){ (enum option)option, text };
	} else if (option == OPTION_FILE) {
		c->file = value;
	} else if (option == OPTION_API) {
		c->api = text;
	} else {
		c->json = true;
	}
	return true;
}

static int
run(struct call *c, const char *command, int n_operands)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int rc;

		if (command == NULL || strcmp(command, commands[i].name) != 0)
			continue;
		if ((c->used & ~(commands[i].options | BIT(FILE))) != 0)
			return args_wrong(&app_program,
			    "an option does not belong to \"%s\"", command);
		if (n_operands != (commands[i].operand ? 1 : 0))
			return args_wrong(&app_program, "\"%s\" takes %s",
			    command,
			    commands[i].operand ? "an ID" : "no operand");
		if (c->file == NULL)
			return args_wrong(&app_program, "--file is needed");
		rc = commands[i].run(c);
		applications_free(c->apps);
		edited_close(&c->edited);
		return show_end(app_program.name) ? rc : 2;
	}
	return args_wrong(&app_program,
	    "which of add, list, show, set, subscribe, unsubscribe, block, "
	    "unblock, remove?");
}

int
main(int argc, char **argv)
{
	static struct call c;
	struct args_command line;
	int rc;

	c.edited.lock = -1;
	arena_init(&c.arena, 65536, (size_t)4 * APPLICATIONS_BYTES_MAX);
	if (args_read_command(
		&app_program, argc, argv, set_option, &c, &line, &rc)) {
		c.operand = line.operand;
		rc = run(&c, line.name, line.n_operands);
	}
	arena_fini(&c.arena);
	return rc;
}
