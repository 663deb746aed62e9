/*
 * mgw-throttle - deny callers, and see who is denied, while gates run.
 *
 * Changes are appended to a file of the state directory, see
 * policy/control.h, and are in force with the next request of every
 * process.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shown.h"
#include "tools/keys.h"
#include "tools/running.h"
#include "tools/show.h"
#include "tools/state_place.h"
#include "tools/throttle.h"

enum option {
	OPTION_STATE,
	OPTION_ISSUER,
	OPTION_SUBJECT,
	OPTION_APPLICATION,
	OPTION_KEY,
	OPTION_API,
	OPTION_ADDRESS,
	OPTION_UNTIL,
	OPTION_NOTE,
	OPTION_AUTHOR,
	OPTION_TIER,
	OPTION_LIMITED,
	OPTION_LEVEL,
	OPTION_ALL,
	OPTION_JSON,
};

static const struct args_option options[] = {
	{ 's', "state", "DIR", "the state directory" },
	{ 'i', "issuer", "ISSUER", "callers whose token this issuer made" },
	{ 'S', "subject", "SUBJECT", "the caller, or the owner of a key" },
	{ 'a', "application", "NAME", "callers with this application" },
	{ 'k', "key", "ID", "the API key, or the signing key, of this id" },
	{ 0, "api", "TITLE[/VERSION]", "requests to this API" },
	{ 'A', "address", "ADDRESS|NETWORK", "clients from there" },
	{ 'u', "until", "WHEN", "RFC 3339 time, date, 30d, 12h, or \"never\"" },
	{ 'n', "note", "TEXT", "why; kept in the file, told to nobody" },
	{ 0, "author", "NAME", "who changes it; else the user's name" },
	{ 't', "tier", "TIER", "set: the tier; empty: as before" },
	{ 'l', "limited", NULL, "show: who is refused now, alone" },
	{ 0, "level", "LEVEL", "reset: this level alone" },
	{ 0, "all", NULL, "reset: everybody" },
	{ 'j', "json", NULL, "show: print JSON" },
	{ 0, NULL, NULL, NULL },
};

const struct args_program throttle_program = {
	"mgw-throttle",
	"deny|allow|set|maintenance|show|reset|compact [OPTION]... [ID|KEY]",
	"deny      refuse with \"blocked\" whatever fits all that is named\n"
	"allow     take such a rule back: the one with this ID, or those that "
	"name\n"
	"          exactly the same\n"
	"maintenance\n"
	"          refuse all requests to --api with \"maintenance\"\n"
	"set       give --application this --tier, whatever its credential "
	"names\n"
	"show      the rules in force, who is refused now and until when, and "
	"the\n"
	"          busiest keys\n"
	"reset     let the counters of KEY, as show prints it, begin anew\n"
	"compact   leave out of the file of rules what is of no use any more;\n"
	"          done by itself when that is much\n"
	"\n"
	"Without --state: MGW_STATE, else ~/.mgw/state, "
	"else " STATE_PLACE_SYSTEM
	".\nA change is in force with the next request.\n"
	"Exit: 0 done, 1 nothing found, 2 wrong use or cannot read or write.",
	options,
};

#define BIT(option) (1U << OPTION_##option)
#define WHO_BITS                                                               \
	(BIT(ISSUER) | BIT(SUBJECT) | BIT(APPLICATION) | BIT(KEY) | BIT(API) | \
	    BIT(ADDRESS))
#define CHANGE_BITS (BIT(NOTE) | BIT(AUTHOR))

int
throttle_fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "mgw-throttle: ");
	shown_print(stderr, span_str(what));
	(void)fprintf(stderr, ": %s\n", why);
	return 2;
}

static int
make_deny(struct call *c, struct control_rule rules[THROTTLE_RULES_MAX])
{
	rules[0] = c->rule;
	return 1;
}

static bool
same(struct span a, struct span b)
{
	return (a.p == NULL) == (b.p == NULL) && span_eq(a, b);
}

/* "a" names who "b" names. */
static bool
names_same(const struct control_rule *a, const struct control_rule *b)
{
	return same(a->issuer, b->issuer) && same(a->subject, b->subject) &&
	    same(a->application, b->application) && same(a->key, b->key) &&
	    same(a->api, b->api) && same(a->address, b->address);
}

/* Expired ones as well: they may be there for somebody's eyes. */
static int
make_allow(struct call *c, struct control_rule rules[THROTTLE_RULES_MAX])
{
	const struct control_rule *r;
	uint64_t id = 0;
	size_t at = 0;
	int n = 0;

	if (c->operand != NULL &&
	    !span_to_u64(span_str(c->operand), INT64_MAX, &id)) {
		(void)args_wrong(&throttle_program, "an ID is a number");
		return -1;
	}
	while (n < THROTTLE_RULES_MAX &&
	    (r = control_next(c->control, 0, &at)) != NULL) {
		if ((r->change != CONTROL_DENY &&
			r->change != CONTROL_MAINTENANCE) ||
		    (c->operand != NULL ? r->seq != id
					: !names_same(r, &c->rule)))
			continue;
		rules[n++] = (struct control_rule){ .change = CONTROL_ALLOW,
			.time_s = c->rule.time_s,
			.author = c->rule.author,
			.note = c->rule.note,
			.of = r->seq };
	}
	if (n == 0)
		(void)fprintf(stderr, "mgw-throttle: no such rule\n");
	return n;
}

/* What is left of a rule that is to be added: nothing, or an exit code. */
static int
check_rule(struct call *c, enum control_change change)
{
	const char *why;

	c->rule.change = change;
	why = control_check(&c->rule);
	if (why == NULL)
		return 0;
	return args_wrong(&throttle_program, "the rule %s", why);
}

static int
deny(struct call *c)
{
	int rc = check_rule(c, CONTROL_DENY);

	return rc != 0 ? rc : throttle_append(c, make_deny);
}

static int
maintenance(struct call *c)
{
	int rc = check_rule(c, CONTROL_MAINTENANCE);

	return rc != 0 ? rc : throttle_append(c, make_deny);
}

static int
allow(struct call *c)
{
	struct control_rule who = c->rule;
	const char *why;

	if ((c->operand != NULL) == ((c->used & WHO_BITS) != 0))
		return args_wrong(
		    &throttle_program, "allow takes an ID, or who it names");
	if (c->operand == NULL) {
		who.change = CONTROL_DENY;
		why = control_check(&who);
		if (why != NULL)
			return args_wrong(&throttle_program, "it %s", why);
	}
	return throttle_append(c, make_allow);
}

static int
set(struct call *c)
{
	int rc = check_rule(c, CONTROL_TIER);

	if (rc == 0 && c->rule.tier.n > 0)
		rc = throttle_check_tier(c);
	return rc != 0 ? rc : throttle_append(c, make_deny);
}

static int
no_key(void)
{
	(void)fprintf(stderr, "mgw-throttle: no such key is known\n");
	return 1;
}

/* True: there were some whose counters are not to be had. */
static bool
tell_kept(const struct state_resets *done)
{
	static const char *const why[STATE_COUNTER__MAX] = {
		[STATE_COUNTER_SHARED] = "it shares a counter with others, "
					 "since the table is full: see --all",
		[STATE_COUNTER_HELD] = "requests in progress end by themselves",
		[STATE_COUNTER_STORE] = "the store of several machines counts "
					"it",
	};
	bool any = false;

	for (int i = 0; i < STATE_COUNTER__MAX; i++) {
		if (done->kept[i] == 0)
			continue;
		any = true;
		(void)fprintf(stderr, "mgw-throttle: not reset: %s\n", why[i]);
	}
	return any;
}

static int
reset(struct call *c)
{
	int64_t now_us = clock_wall_us();
	struct state_resets done;

	if ((c->operand != NULL) == c->all)
		return args_wrong(
		    &throttle_program, "reset takes a KEY or --all");
	if (c->all) {
		if (c->level.p != NULL)
			return args_wrong(
			    &throttle_program, "--all is of every level");
		state_reset_all(c->state, now_us);
		return 0;
	}
	done = state_reset(
	    c->state, c->level, span_str(c->operand), &c->arena, now_us);
	return tell_kept(&done) || done.n > 0 ? done.n == 0 : no_key();
}

static const struct {
	const char *name;
	int (*run)(struct call *c);
	unsigned options;
	const char *operand; /* NULL: none */
	bool writes;
} commands[] = {
	{ "deny", deny, WHO_BITS | CHANGE_BITS | BIT(UNTIL), NULL, true },
	{ "allow", allow, WHO_BITS | CHANGE_BITS, "one ID", true },
	{ "set", set,
	    BIT(APPLICATION) | BIT(ISSUER) | BIT(TIER) | BIT(UNTIL) |
		CHANGE_BITS,
	    NULL, true },
	{ "maintenance", maintenance, BIT(API) | BIT(UNTIL) | CHANGE_BITS, NULL,
	    true },
	{ "show", throttle_show, BIT(JSON) | BIT(LIMITED), NULL, false },
	{ "reset", reset, BIT(LEVEL) | BIT(ALL), "one KEY", true },
	{ "compact", throttle_compact, BIT(AUTHOR), NULL, true },
};

/* Who is at the keyboard, as far as it is known. */
static struct span
author(struct call *c)
{
	const struct passwd *me = getpwuid(getuid());
	const char *name = getuid() == 0 ? getenv("SUDO_USER") : NULL;

	if (name == NULL && me != NULL)
		name = me->pw_name;
	if (name == NULL)
		return arena_printf(
		    &c->arena, "uid %lu", (unsigned long)getuid());
	return arena_copy(&c->arena, span_str(name));
}

/* False after a message. */
static bool
set_option(void *arg, int option, const char *value)
{
	struct call *c = arg;
	struct control_rule *r = &c->rule;
	struct span s = span_str(value);

	c->used |= 1U << option;
	switch ((enum option)option) {
	case OPTION_STATE:
		c->dir = value;
		return true;
	case OPTION_ISSUER:
		r->issuer = s;
		return true;
	case OPTION_SUBJECT:
		r->subject = s;
		return true;
	case OPTION_APPLICATION:
		r->application = s;
		return true;
	case OPTION_KEY:
		r->key = s;
		return true;
	case OPTION_API:
		r->api = s;
		return true;
	case OPTION_ADDRESS:
		r->address = s;
		return true;
	case OPTION_UNTIL:
		return keys_when(s, c->now_s, &r->until_s) ||
		    throttle_fail("--until",
			"must be an RFC 3339 time, a date, 30d, 12h, 15m "
			"or never") == 0;
	case OPTION_NOTE:
		r->note = s;
		return true;
	case OPTION_AUTHOR:
		r->author = s;
		return true;
	case OPTION_TIER:
		r->tier = s;
		return true;
	case OPTION_LIMITED:
		c->limited = true;
		return true;
	case OPTION_LEVEL:
		c->level = s;
		return true;
	case OPTION_ALL:
		c->all = true;
		return true;
	case OPTION_JSON:
		c->json = true;
	}
	return true;
}

static int
run_command(struct call *c, size_t i)
{
	char why[512];
	int rc;

	if (commands[i].writes)
		running_warn_new(throttle_program.name, c->dir);
	c->state = commands[i].writes
	    ? state_open(c->dir, NULL, why, sizeof(why))
	    : state_view(c->dir, why, sizeof(why));
	if (c->state == NULL) {
		(void)fprintf(stderr, "mgw-throttle: %s\n", why);
		return 2;
	}
	c->rule.time_s = c->now_s;
	if (c->rule.author.p == NULL)
		c->rule.author = author(c);
	rc = commands[i].run(c);
	if (rc == 0 && commands[i].run != allow && c->rule.api.n > 0)
		running_warn_api(
		    throttle_program.name, c->state, &c->arena, c->rule.api);
	control_free(c->control);
	state_close(c->state);
	return show_end(throttle_program.name) ? rc : 2;
}

static int
run(struct call *c, const char *command, int n_operands)
{
	char room[4096];

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (command == NULL || strcmp(command, commands[i].name) != 0)
			continue;
		if ((c->used & ~(commands[i].options | BIT(STATE))) != 0)
			return args_wrong(&throttle_program,
			    "an option does not belong to \"%s\"", command);
		if (n_operands > (commands[i].operand != NULL))
			return args_wrong(&throttle_program, "\"%s\" takes %s",
			    command,
			    commands[i].operand != NULL ? commands[i].operand
							: "no operand");
		if (c->dir == NULL)
			c->dir = state_place(room, sizeof(room));
		return run_command(c, i);
	}
	return args_wrong(&throttle_program,
	    "which of deny, allow, set, maintenance, show, reset, compact?");
}

int
main(int argc, char **argv)
{
	static struct call c;
	struct args_command line;
	int rc;

	c.now_s = clock_wall_us() / US_PER_S;
	arena_init(&c.arena, 65536, 64 << 20);
	if (args_read_command(
		&throttle_program, argc, argv, set_option, &c, &line, &rc)) {
		c.operand = line.operand;
		rc = run(&c, line.name, line.n_operands);
	}
	arena_fini(&c.arena);
	return rc;
}
