/*
 * throttle_show - "show" of mgw-throttle.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/shown.h"
#include "policy/json.h"
#include "tools/show.h"
#include "tools/throttle.h"

/* More busy ones are not printed. */
#define NAMES_SHOWN 50

static struct span
time_text(struct call *c, int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	char text[32];
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return SPAN("?");
	return arena_copy(&c->arena, span_str(text));
}

static void
print_rule(struct call *c, const struct control_rule *r)
{
	const char *name;

	printf("%" PRIu64 "\t%s", r->seq, control_word(r->change));
	for (size_t i = CONTROL_TEXT_WHO;; i++) {
		struct span s = control_text(r, i, &name);

		if (name == NULL)
			break;
		if (s.p == NULL)
			continue;
		printf(" %s=", name);
		shown_print(stdout, s);
	}
	printf("\t");
	if (r->until_s != 0)
		printf("until %.*s", SPAN_ARG(time_text(c, r->until_s)));
	else
		printf("for ever");
	printf("\t%.*s ", SPAN_ARG(time_text(c, r->time_s)));
	shown_print(stdout, r->author);
	if (r->note.n > 0) {
		printf("\t");
		shown_print(stdout, r->note);
	}
	putchar('\n');
}

static struct json_object *
rule_json(struct call *c, const struct control_rule *r)
{
	struct json_object *o = json_new_object();
	const char *name;

	json_put(o, "id", json_new_int((int64_t)r->seq));
	json_put(
	    o, "change", json_new_string(span_str(control_word(r->change))));
	for (size_t i = CONTROL_TEXT_WHO;; i++) {
		struct span s = control_text(r, i, &name);

		if (name == NULL)
			break;
		if (s.p != NULL)
			json_put(o, name, json_new_string(s));
	}
	if (r->until_s != 0)
		json_put(o, "until", json_new_string(time_text(c, r->until_s)));
	json_put(o, "time", json_new_string(time_text(c, r->time_s)));
	json_put(o, "author", json_new_string(r->author));
	if (r->note.p != NULL)
		json_put(o, "note", json_new_string(r->note));
	return o;
}

/* Those refused now first, then by how much they use. */
static int
by_use(const void *left, const void *right)
{
	const struct state_name *a = left, *b = right;

	if (a->until_us != b->until_us &&
	    (a->until_us == 0 || b->until_us == 0))
		return a->until_us == 0 ? 1 : -1;
	if (a->taken != b->taken)
		return a->taken < b->taken ? 1 : -1;
	return span_cmp(a->key, b->key);
}

/* False: the arena is full. */
static bool
find_names(struct call *c, struct state_name **list, size_t *n)
{
	int64_t now_us = c->now_s * US_PER_S;
	size_t kept = 0;

	if (!state_names(c->state, now_us, &c->arena, list, n))
		return false;
	for (size_t i = 0; i < *n; i++) {
		struct state_name *name = &(*list)[i];

		if (name->until_us <= now_us)
			name->until_us = 0;
		if (name->until_us == 0 && c->limited)
			continue;
		(*list)[kept++] = *name;
	}
	*n = kept;
	qsort(*list, *n, sizeof(**list), by_use);
	if (*n > NAMES_SHOWN && !c->limited)
		*n = NAMES_SHOWN;
	return true;
}

static const char *const counters[STATE_COUNTER__MAX] = {
	[STATE_COUNTER_SHARED] = "shared",
	[STATE_COUNTER_STORE] = "store",
};

static struct span
until_text(struct call *c, const struct state_name *name)
{
	return time_text(c, (name->until_us + US_PER_S - 1) / US_PER_S);
}

static void
print_name(struct call *c, const struct state_name *name)
{
	printf("%s\t", name->until_us != 0 ? "limited" : "busy");
	shown_print(stdout, name->level);
	putchar('\t');
	shown_print(stdout, name->key);
	if (name->most > 0)
		printf("\t%" PRIu64 " of %" PRIu64 " in progress", name->held,
		    name->most);
	else if (name->until_us != 0)
		printf("\tuntil %.*s", SPAN_ARG(until_text(c, name)));
	else
		printf("\t-");
	printf("\t%" PRIu64 " passed, %" PRIu64 " refused since %.*s",
	    name->taken, name->refused,
	    SPAN_ARG(time_text(c, name->first_us / US_PER_S)));
	if (counters[name->counter] != NULL)
		printf("\t%s", counters[name->counter]);
	putchar('\n');
}

static struct json_object *
name_json(struct call *c, const struct state_name *name)
{
	struct json_object *o = json_new_object();

	json_put(o, "level", json_new_string(name->level));
	json_put(o, "key", json_new_string(name->key));
	json_put(o, "limit", json_new_string(span_of(&name->limit, 1)));
	if (name->until_us != 0 && name->most == 0)
		json_put(o, "until", json_new_string(until_text(c, name)));
	if (name->most > 0) {
		json_put(o, "in_progress", json_new_int((int64_t)name->held));
		json_put(o, "most", json_new_int((int64_t)name->most));
	}
	json_put(o, "passed", json_new_int((int64_t)name->taken));
	json_put(o, "refused", json_new_int((int64_t)name->refused));
	json_put(o, "since",
	    json_new_string(time_text(c, name->first_us / US_PER_S)));
	if (counters[name->counter] != NULL)
		json_put(o, "counter",
		    json_new_string(span_str(counters[name->counter])));
	return o;
}

static bool
shown(const struct call *c, const struct control_rule *r)
{
	return !c->limited || r->change != CONTROL_TIER;
}

static int
show_all_json(struct call *c, const struct state_name *names, size_t n)
{
	struct json_object *o = json_new_object(), *rules = json_new_array();
	struct json_object *limited = json_new_array();
	struct json_object *busy = json_new_array();
	const struct control_rule *r;
	size_t at = 0;
	bool good;

	while ((r = control_next(c->control, c->now_s, &at)) != NULL)
		if (shown(c, r))
			json_append(rules, rule_json(c, r));
	for (size_t i = 0; i < n; i++)
		json_append(names[i].until_us != 0 ? limited : busy,
		    name_json(c, &names[i]));
	json_put(o, "rules", rules);
	json_put(o, "limited", limited);
	json_put(o, "busy", busy);
	good = show_json(stdout, o);
	json_free(o);
	return good ? 0 : 2;
}

int
throttle_show(struct call *c)
{
	const struct control_rule *r;
	struct state_name *names;
	char why[512];
	size_t at = 0, n;

	c->control = control_load(
	    c->dir, state_rules_seq(c->state), NULL, why, sizeof(why));
	if (c->control == NULL)
		return throttle_fail("every request is refused", why);
	if (!find_names(c, &names, &n))
		return throttle_fail("memory", "none left");
	if (c->json)
		return show_all_json(c, names, n);
	while ((r = control_next(c->control, c->now_s, &at)) != NULL)
		if (shown(c, r))
			print_rule(c, r);
	for (size_t i = 0; i < n; i++)
		print_name(c, &names[i]);
	return 0;
}
