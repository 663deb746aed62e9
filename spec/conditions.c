/*
 * conditions - see conditions.h.
 */
#include "spec/conditions.h"

#include "policy/condition.h"
#include "spec/fields.h"

#define ALL_DAYS 127
#define DAY_S 86400

#define TIER_OF_ANY \
	(TIER_OF_RESOURCE | TIER_OF_APPLICATION | TIER_OF_SUBSCRIPTION)

static const char *const day_words[] = { "mon", "tue", "wed", "thu", "fri",
	"sat", "sun", NULL };

struct reading {
	struct spec_tier *tiers;
	struct diag *d;
	unsigned depth;
};

static struct spec_condition *read_map(struct reading *r, const struct node *n);

static struct spec_condition *
new_condition(struct reading *r, enum condition_kind kind)
{
	struct spec_condition *c = arena_alloc(r->d->arena, sizeof(*c));

	if (c == NULL)
		r->d->failed = true;
	else
		c->kind = kind;
	return c;
}

/* Append to the parts of "to"; NULL is what could not be read. */
static void
add(struct spec_condition *to, struct spec_condition *part)
{
	struct spec_condition **end = &to->parts;

	while (*end != NULL)
		end = &(*end)->next;
	*end = part;
}

static void
wrong(struct reading *r, const struct node *n, const char *what)
{
	diag_error(r->d, n->place, "condition", "%s", what);
}

static struct spec_condition *
read_address(struct reading *r, const struct node *map)
{
	struct spec_condition *any = new_condition(r, CONDITION_ANY), *one;
	struct spec_word *words = NULL;

	field_words(map, "address", &words, r->d);
	for (; words != NULL && any != NULL; words = words->next) {
		one = new_condition(r, CONDITION_ADDRESS);
		if (one == NULL)
			return NULL;
		if (!network_parse(words->text.text, &one->network))
			diag_error(r->d, words->text.place, "condition",
			    "'%.*s' is no address, and no network such as "
			    "10.0.0.0/8",
			    SPAN_ARG(words->text.text));
		add(any, one);
	}
	return any;
}

static struct spec_condition *
read_words(struct reading *r, const struct node *map, const char *key,
    enum condition_kind kind)
{
	struct spec_condition *c = new_condition(r, kind);

	if (c != NULL)
		field_words(map, key, &c->values, r->d);
	return c;
}

/* {NAME: [VALUE...]} of headers, query parameters or claims. */
static struct spec_condition *
read_named(struct reading *r, const struct node *n, enum condition_kind kind,
    enum name_kind field)
{
	struct spec_condition *all = new_condition(r, CONDITION_ALL), *one;

	if (n->kind != NODE_MAP || n->first == NULL) {
		wrong(r, n, "a map from names to values is needed");
		return all;
	}
	for (const struct node *m = n->first; m && all != NULL; m = m->next) {
		char key[256];

		one = new_condition(r, kind);
		if (one == NULL)
			return NULL;
		one->field = field;
		one->name = m->name;
		if (m->name.n == 0 || m->name.n >= sizeof(key) ||
		    span_has_control(m->name))
			wrong(r, m, "this is no name");
		else if (m->kind != NODE_LIST || m->first != NULL) {
			memcpy(key, m->name.p, m->name.n);
			key[m->name.n] = '\0';
			field_words(n, key, &one->values, r->d);
		}
		add(all, one);
	}
	return all;
}

/* "08:30", to "24:00". */
static void
read_clock(
    struct reading *r, const struct node *map, const char *key, uint32_t *to_s)
{
	struct spec_text t = { { NULL, 0 }, { NULL, 0, 0 } };
	uint64_t hour, minute;
	struct span rest, first;

	field_text(map, key, &t, r->d);
	if (t.text.p == NULL)
		return;
	rest = t.text;
	first = span_cut(&rest, ':');
	if (first.n == 2 && rest.n == 2 && span_to_u64(first, 24, &hour) &&
	    span_to_u64(rest, 59, &minute) && hour * 60 + minute <= 24 * 60)
		*to_s = (uint32_t)(hour * 60 + minute) * 60;
	else
		diag_error(r->d, t.place, "condition",
		    "a time of the day is written \"08:30\"");
}

static struct spec_condition *
read_time(struct reading *r, const struct node *n)
{
	static const char *const keys[] = { "from", "until", "days", "timezone",
		NULL };
	struct spec_condition *c = new_condition(r, CONDITION_TIME);
	struct spec_word *days = NULL;

	if (c == NULL || !fields_check(n, "time", keys, r->d))
		return c;
	c->until_s = DAY_S;
	read_clock(r, n, "from", &c->from_s);
	read_clock(r, n, "until", &c->until_s);
	if (c->from_s == c->until_s)
		wrong(r, n, "from and until are the same");
	if (tree_get(n, "timezone") != NULL)
		c->zone = zone_read(r->tiers, tree_get(n, "timezone"), r->d);
	field_words(n, "days", &days, r->d);
	c->days = days == NULL ? ALL_DAYS : 0;
	for (; days != NULL; days = days->next) {
		int i = 0;

		while (day_words[i] != NULL &&
		    !span_eq(days->text.text, span_str(day_words[i])))
			i++;
		if (day_words[i] == NULL)
			diag_error(r->d, days->text.place, "condition",
			    "'%.*s' is no day: mon, tue, wed, thu, fri, sat, "
			    "sun",
			    SPAN_ARG(days->text.text));
		else
			c->days |= UINT32_C(1) << i;
	}
	return c;
}

static struct spec_condition *
read_list(struct reading *r, const struct node *n, enum condition_kind kind)
{
	struct spec_condition *c = new_condition(r, kind);

	if (n->kind != NODE_LIST || n->first == NULL) {
		wrong(r, n, "a list of conditions is needed");
		return c;
	}
	for (const struct node *m = n->first; m && c != NULL; m = m->next)
		add(c, read_map(r, m));
	return c;
}

static struct spec_condition *
read_member(struct reading *r, const struct node *map, const struct node *m)
{
	struct spec_condition *c;

	if (span_eq(m->name, SPAN("address")))
		return read_address(r, map);
	if (span_eq(m->name, SPAN("method")))
		return read_words(r, map, "method", CONDITION_METHOD);
	if (span_eq(m->name, SPAN("issuer")))
		return read_words(r, map, "issuer", CONDITION_ISSUER);
	if (span_eq(m->name, SPAN("header")))
		return read_named(r, m, CONDITION_FIELD, NAME_HEADER);
	if (span_eq(m->name, SPAN("query")))
		return read_named(r, m, CONDITION_FIELD, NAME_QUERY);
	if (span_eq(m->name, SPAN("claim")))
		return read_named(r, m, CONDITION_CLAIM, NAME_HEADER);
	if (span_eq(m->name, SPAN("time")))
		return read_time(r, m);
	if (span_eq(m->name, SPAN("any")))
		return read_list(r, m, CONDITION_ANY);
	if (span_eq(m->name, SPAN("all")))
		return read_list(r, m, CONDITION_ALL);
	c = read_map(r, m); /* "not" */
	if (c != NULL)
		c->negated = true;
	return c;
}

static struct spec_condition *
read_map(struct reading *r, const struct node *n)
{
	static const char *const keys[] = { "address", "header", "query",
		"claim", "issuer", "method", "time", "not", "any", "all",
		NULL };
	struct spec_condition *all = new_condition(r, CONDITION_ALL);
	unsigned before = r->d->n_errors;

	if (all == NULL || !fields_check(n, "a condition", keys, r->d))
		return all;
	if (n->first == NULL)
		wrong(r, n, "a condition that always holds is none");
	/* A map and its lists are two steps down. */
	if (r->depth + 2 >= CONDITION_DEPTH_MAX)
		wrong(r, n, "conditions within conditions, too deep");
	r->depth += 2;
	for (const struct node *m = n->first; m != NULL; m = m->next)
		if (r->d->n_errors == before)
			add(all, read_member(r, n, m));
	r->depth -= 2;
	return all;
}

static void
read_rule(struct reading *r, struct spec_rule **end, const struct node *n)
{
	static const char *const keys[] = { "when", "deny", "instead-of",
		"tier", NULL };
	struct spec_rule *rule = arena_alloc(r->d->arena, sizeof(*rule));
	enum spec_switch deny = SWITCH_UNSET;

	if (rule == NULL) {
		r->d->failed = true;
		return;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = rule;
	if (!fields_check(n, "an entry of conditions", keys, r->d))
		return;
	if (tree_get(n, "when") == NULL) {
		diag_error(
		    r->d, n->place, "missing-key", "a condition needs when");
		return;
	}
	rule->when = read_map(r, tree_get(n, "when"));
	field_switch(n, "deny", &deny, r->d);
	field_text(n, "instead-of", &rule->instead_of, r->d);
	field_text(n, "tier", &rule->tier, r->d);
	rule->deny = deny == SWITCH_TRUE;
	if (rule->deny
		? n->n != 2
		: rule->instead_of.text.p == NULL || rule->tier.text.p == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "a condition needs either deny: true, or instead-of and "
		    "tier");
}

void
conditions_read(struct spec_rule **rules, struct spec_tier *tiers,
    const struct node *n, struct diag *d)
{
	struct reading r = { .tiers = tiers, .d = d };

	if (n == NULL)
		return;
	if (n->kind != NODE_LIST) {
		diag_error(d, n->place, "kind",
		    "conditions must be a list, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next)
		read_rule(&r, rules, m);
}

/* Of the name, and of every level that "of" serves. */
static struct spec_tier *
find(struct spec_tier *tiers, struct span name, uint32_t of)
{
	for (struct spec_tier *t = tiers; t != NULL; t = t->next) {
		uint32_t own = t->flags & TIER_OF_ANY;

		if (span_eq(t->name.text, name) &&
		    (own == 0 || (of != 0 && (own & of) == of)))
			return t;
	}
	return NULL;
}

struct spec_tier *
conditions_tier(const struct spec_rule *rule, struct spec_tier *tiers,
    const struct spec_tier *t)
{
	if (rule->deny || rule->tier.text.p == NULL ||
	    !span_eq(rule->instead_of.text, t->name.text))
		return NULL;
	return find(tiers, rule->tier.text, t->flags & TIER_OF_ANY);
}

static void
link_rule(const struct spec_rule *rule, struct spec_tier *tiers, struct diag *d)
{
	bool found = false;

	for (struct spec_tier *t = tiers; t != NULL; t = t->next) {
		struct spec_tier *other;

		if (!span_eq(t->name.text, rule->instead_of.text))
			continue;
		found = true;
		other = conditions_tier(rule, tiers, t);
		if (other == NULL)
			link_tier_unknown(tiers, &rule->tier, LEVEL_API, d);
		/* Counted where limits of a request are added up. */
		else if (other->n_limits > t->n_limits)
			diag_error(d, rule->tier.place, "too-many-limits",
			    "tier '%.*s' has more limits than '%.*s'",
			    SPAN_ARG(other->name.text), SPAN_ARG(t->name.text));
	}
	if (!found)
		link_tier_unknown(tiers, &rule->instead_of, LEVEL_API, d);
}

void
conditions_link(
    struct spec_rule *rules, struct spec_tier *tiers, struct diag *d)
{
	for (; rules != NULL; rules = rules->next)
		if (!rules->deny && rules->instead_of.text.p != NULL &&
		    rules->tier.text.p != NULL)
			link_rule(rules, tiers, d);
}
