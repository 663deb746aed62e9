/*
 * throttle_show - "show" of mgw-throttle.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "policy/json.h"
#include "tools/show.h"
#include "tools/throttle.h"

static const struct {
	const char *name;
	size_t offset;
} who[] = {
	{ "issuer", offsetof(struct control_rule, issuer) },
	{ "subject", offsetof(struct control_rule, subject) },
	{ "application", offsetof(struct control_rule, application) },
	{ "key", offsetof(struct control_rule, key) },
	{ "api", offsetof(struct control_rule, api) },
	{ "address", offsetof(struct control_rule, address) },
	{ "tier", offsetof(struct control_rule, tier) },
};

#define N_WHO (sizeof(who) / sizeof(who[0]))

static struct span
who_of(const struct control_rule *r, size_t i)
{
	return *(
	    const struct span *)(const void *)((const char *)r + who[i].offset);
}

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
	printf("%" PRIu64 "\t%s", r->seq,
	    r->change == CONTROL_DENY ? "deny" : "tier");
	for (size_t i = 0; i < N_WHO; i++) {
		struct span s = who_of(r, i);

		if (s.p == NULL)
			continue;
		printf(" %s=", who[i].name);
		show_text(stdout, s);
	}
	printf("\t");
	if (r->until_s != 0)
		printf("until %.*s", SPAN_ARG(time_text(c, r->until_s)));
	else
		printf("for ever");
	printf("\t%.*s ", SPAN_ARG(time_text(c, r->time_s)));
	show_text(stdout, r->author);
	if (r->note.n > 0) {
		printf("\t");
		show_text(stdout, r->note);
	}
	putchar('\n');
}

static struct json_object *
rule_json(struct call *c, const struct control_rule *r)
{
	struct json_object *o = json_new_object();

	json_put(o, "id", json_new_int((int64_t)r->seq));
	json_put(o, "change",
	    json_new_string(
		r->change == CONTROL_DENY ? SPAN("deny") : SPAN("tier")));
	for (size_t i = 0; i < N_WHO; i++)
		if (who_of(r, i).p != NULL)
			json_put(o, who[i].name, json_new_string(who_of(r, i)));
	if (r->until_s != 0)
		json_put(o, "until", json_new_string(time_text(c, r->until_s)));
	json_put(o, "time", json_new_string(time_text(c, r->time_s)));
	json_put(o, "author", json_new_string(r->author));
	if (r->note.p != NULL)
		json_put(o, "note", json_new_string(r->note));
	return o;
}

static int
show_all_json(struct call *c)
{
	struct json_object *o = json_new_object(), *rules = json_new_array();
	const struct control_rule *r;
	size_t at = 0;
	bool good;

	while ((r = control_next(c->control, c->now_s, &at)) != NULL)
		json_append(rules, rule_json(c, r));
	json_put(o, "rules", rules);
	good = show_json(stdout, o);
	json_free(o);
	return good ? 0 : 2;
}

int
throttle_show(struct call *c)
{
	const struct control_rule *r;
	char why[512];
	size_t at = 0;

	c->control = control_load(
	    c->dir, state_rules_seq(c->state), NULL, why, sizeof(why));
	if (c->control == NULL) {
		(void)throttle_fail("every request is refused", why);
		return 2;
	}
	if (c->json)
		return show_all_json(c);
	while ((r = control_next(c->control, c->now_s, &at)) != NULL)
		print_rule(c, r);
	return 0;
}
