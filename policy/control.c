/*
 * control - see control.h.  Files are read in control_load.c, their lines in
 * control_line.c.
 *
 * Rules are found by the narrowest thing that they name: a hash table has
 * those with a key, a subject, an application or a single address; the
 * few others are tried one by one.
 */
#include "policy/control_line.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/grow.h"
#include "base/siphash.h"
#include "policy/api_name.h"

enum found_by {
	BY_KEY = 1,
	BY_SUBJECT,
	BY_APPLICATION,
	BY_ADDRESS,
};

static uint64_t
hash_of(enum found_by by, struct span name)
{
	const struct siphash_key none = { 0, 0 };

	return siphash_64(&none, name) + (uint64_t)by;
}

static bool
is_one_address(const struct control_rule *r)
{
	return r->address.p != NULL && r->network.bits == 128;
}

/* Where a deny rule is found; false: among the rest. */
static bool
place_of(const struct control_rule *r, enum found_by *by, struct span *name)
{
	if (r->key.p != NULL) {
		*by = BY_KEY;
		*name = r->key;
	} else if (r->subject.p != NULL) {
		*by = BY_SUBJECT;
		*name = r->subject;
	} else if (r->application.p != NULL) {
		*by = BY_APPLICATION;
		*name = r->application;
	} else if (is_one_address(r)) {
		*by = BY_ADDRESS;
		*name = span_of(r->network.bytes, sizeof(r->network.bytes));
	} else {
		return false;
	}
	return true;
}

static bool
same_text(struct span a, struct span b)
{
	return (a.p == NULL) == (b.p == NULL) && span_eq(a, b);
}

/* The rule of this seq, or NULL. */
static struct control_rule *
rule_of(const struct control *c, uint64_t seq)
{
	size_t from = 0, to = c->n;

	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (c->rules[at]->seq == seq)
			return c->rules[at];
		if (c->rules[at]->seq < seq)
			from = at + 1;
		else
			to = at;
	}
	return NULL;
}

/* Take back what was said before. */
static const char *
take_back(struct control *c, uint64_t seq)
{
	struct control_rule *old = rule_of(c, seq);

	if (old == NULL ||
	    (old->change != CONTROL_DENY && old->change != CONTROL_MAINTENANCE))
		return "takes back what is no deny rule";
	old->gone = true;
	return NULL;
}

/* NULL when "r" is what may stand behind the lines before it. */
static const char *
follow(struct control *c, const struct control_rule *r)
{
	static const char wrong[] = "is not the line that comes next";

	if (r->change == CONTROL_COMPACT) {
		if (c->last > 0 || r->seq <= r->of)
			return wrong;
		c->last = r->seq;
		c->n_kept = r->of;
		return NULL;
	}
	if (c->n_kept > 0) {
		if (r->seq <= c->kept_last || r->seq >= c->last ||
		    r->change == CONTROL_ALLOW)
			return wrong;
		c->kept_last = r->seq;
		c->n_kept--;
		return NULL;
	}
	return r->seq == ++c->last ? NULL : wrong;
}

static const char *
append(struct control *c, const struct control_rule *r)
{
	struct control_rule **more, *copy;
	const char *why = follow(c, r);

	if (why == NULL && r->change == CONTROL_ALLOW)
		why = take_back(c, r->of);
	if (r->change != CONTROL_COMPACT)
		c->time_s = r->time_s;
	if (why != NULL || r->change == CONTROL_ALLOW ||
	    r->change == CONTROL_COMPACT)
		return why;
	copy = arena_alloc(&c->arena, sizeof(*copy));
	more = grow(c->rules, c->n, &c->size, sizeof(*more));
	if (more != NULL)
		c->rules = more;
	if (copy == NULL || more == NULL)
		return "out of memory";
	*copy = *r;
	c->rules[c->n++] = copy;
	return NULL;
}

/* NULL, or what is wrong with line "*number". */
static const char *
read_lines(struct control *c, struct span text, unsigned *number)
{
	struct span rest = text;

	while (rest.n > 0) {
		struct span line = span_cut(&rest, '\n');
		struct control_rule r;
		const char *why;

		if (rest.p == NULL) /* without its end: never written */
			break;
		++*number;
		why = control_line_read(line, &c->sum, &c->arena, &r);
		if (why == NULL)
			why = append(c, &r);
		if (why != NULL)
			return why;
		c->whole_bytes = (size_t)(rest.p - text.p);
	}
	return NULL;
}

struct control_rule **
control_tiers_of(const struct control *c, struct span application)
{
	return &c->tiers[hash_of(0, application) & (c->n_places - 1)];
}

/* Unless one that is newer stands in its place already. */
static void
index_tier(struct control *c, struct control_rule *r)
{
	struct control_rule **list = control_tiers_of(c, r->application);

	while (*list != NULL && !r->gone) {
		r->gone = same_text((*list)->issuer, r->issuer) &&
		    span_eq((*list)->application, r->application);
		list = &(*list)->next;
	}
	if (!r->gone)
		*list = r; /* at the end: the newest is the first */
}

static void
index_deny(struct control *c, struct control_rule *r)
{
	struct control_rule **list = &c->rest;
	enum found_by by;
	struct span name;

	if (place_of(r, &by, &name)) {
		list = &c->table[hash_of(by, name) & (c->n_places - 1)];
		c->has |= 1U << by;
	}
	r->next = *list;
	*list = r;
}

static const char *
build_index(struct control *c)
{
	c->n_places = 16;
	while (c->n_places < c->n * 2)
		c->n_places *= 2;
	c->table = calloc(c->n_places, sizeof(struct control_rule *));
	c->tiers = calloc(c->n_places, sizeof(struct control_rule *));
	if (c->table == NULL || c->tiers == NULL)
		return "out of memory";
	/* From the end, so that lists of deny rules have the oldest first. */
	for (size_t i = c->n; i-- > 0;) {
		struct control_rule *r = c->rules[i];

		if (r->change == CONTROL_TIER)
			index_tier(c, r);
		else if (r->gone)
			continue;
		else if (r->change == CONTROL_DENY)
			index_deny(c, r);
		else {
			r->next = c->closed;
			c->closed = r;
		}
	}
	return NULL;
}

struct control *
control_new(struct span text, uint64_t last, char *why, size_t why_size)
{
	struct control *c = calloc(1, sizeof(*c));
	const char *error = "out of memory";
	unsigned number = 0;

	if (c == NULL || text.n > CONTROL_BYTES_MAX) {
		free(c);
		(void)snprintf(why, why_size, "%s: too large", CONTROL_FILE);
		return NULL;
	}
	arena_init(&c->arena, text.n + 4096, text.n * 32 + 65536);
	text = arena_copy(&c->arena, text);
	if (text.p != NULL)
		error = read_lines(c, text, &number);
	if (error == NULL && (c->last < last || c->n_kept > 0))
		error = "is the last, but more were written";
	if (error == NULL)
		error = build_index(c);
	if (error == NULL)
		return c;
	(void)snprintf(why, why_size, "%s is damaged: line %u %s", CONTROL_FILE,
	    number, error);
	control_free(c);
	return NULL;
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	arena_fini(&c->arena);
	free(c->rules);
	free(c->table);
	free(c->tiers);
	free(c);
}

uint64_t
control_last(const struct control *c)
{
	return c->last;
}

size_t
control_whole_bytes(const struct control *c)
{
	return c->whole_bytes;
}

static bool
in_force(const struct control_rule *r, int64_t now_s)
{
	return !r->gone && (r->until_s == 0 || now_s < r->until_s);
}

const struct control_rule *
control_next(const struct control *c, int64_t now_s, size_t *at)
{
	while (*at < c->n) {
		const struct control_rule *r = c->rules[(*at)++];

		if (in_force(r, now_s) &&
		    (r->change != CONTROL_TIER || r->tier.n > 0))
			return r;
	}
	return NULL;
}

static bool
api_is(struct span name, struct span title, struct span version)
{
	return api_name_match(name, title, version) != API_NAME_OTHER;
}

static bool
asks_who(const struct control_rule *r)
{
	return r->issuer.p != NULL || r->subject.p != NULL ||
	    r->application.p != NULL || r->key.p != NULL;
}

static bool
is_named(struct span wanted, struct span has)
{
	return wanted.p == NULL || (has.p != NULL && span_eq(wanted, has));
}

/* By name; one of the file of applications by its id as well. */
static bool
is_application(struct span wanted, const struct principal *who)
{
	return is_named(wanted, who->application) ||
	    (who->registered != NULL && span_eq(wanted, who->application_id));
}

static bool
who_fits(const struct control_rule *r, const struct principal *who)
{
	return who->scheme.p != NULL && is_named(r->issuer, who->issuer) &&
	    is_named(r->subject, who->subject) &&
	    is_application(r->application, who) &&
	    is_named(r->key, who->key_id);
}

static bool
holds(const struct control_rule *r, const struct control_query *q)
{
	if (!in_force(r, q->now_s) || asks_who(r) != (q->who != NULL))
		return false;
	if (r->api.p != NULL && !api_is(r->api, q->title, q->version))
		return false;
	if (r->address.p != NULL &&
	    (!q->client->known ||
		!network_covers(&r->network, 1, &q->client->at)))
		return false;
	return q->who == NULL || who_fits(r, q->who);
}

static const struct control_rule *
find(const struct control_rule *list, const struct control_query *q)
{
	while (list != NULL && !holds(list, q))
		list = list->next;
	return list;
}

static const struct control_rule *
find_by(const struct control *c, enum found_by by, struct span name,
    const struct control_query *q)
{
	if ((c->has & 1U << by) == 0 || name.n == 0)
		return NULL;
	return find(c->table[hash_of(by, name) & (c->n_places - 1)], q);
}

const struct control_rule *
control_deny(const struct control *c, const struct control_query *q)
{
	const struct control_rule *r = find(c->rest, q);

	if (q->who == NULL)
		return r != NULL || !q->client->known
		    ? r
		    : find_by(c, BY_ADDRESS,
			  span_of(
			      q->client->at.bytes, sizeof(q->client->at.bytes)),
			  q);
	if (r == NULL)
		r = find_by(c, BY_KEY, q->who->key_id, q);
	if (r == NULL)
		r = find_by(c, BY_SUBJECT, q->who->subject, q);
	if (r == NULL)
		r = find_by(c, BY_APPLICATION, q->who->application, q);
	if (r == NULL && q->who->registered != NULL)
		r = find_by(c, BY_APPLICATION, q->who->application_id, q);
	/* "issuer" with a single address. */
	if (r == NULL && q->client->known)
		r = find_by(c, BY_ADDRESS,
		    span_of(q->client->at.bytes, sizeof(q->client->at.bytes)),
		    q);
	return r;
}

/* The rule for an application by this name or, before it, id; or NULL. */
static const struct control_rule *
tier_rule(const struct control *c, const struct principal *who,
    struct span application, int64_t now_s)
{
	const struct control_rule *r = *control_tiers_of(c, application);

	while (r != NULL &&
	    !(in_force(r, now_s) && span_eq(r->application, application) &&
		is_named(r->issuer, who->issuer)))
		r = r->next;
	return r;
}

struct span
control_tier(
    const struct control *c, const struct principal *who, int64_t now_s)
{
	const struct control_rule *r = NULL;

	if (who->scheme.p == NULL || who->application.p == NULL)
		return (struct span){ NULL, 0 };
	if (who->registered != NULL)
		r = tier_rule(c, who, who->application_id, now_s);
	if (r == NULL)
		r = tier_rule(c, who, who->application, now_s);
	return r != NULL && r->tier.n > 0 ? r->tier : (struct span){ NULL, 0 };
}

const struct control_rule *
control_maintenance(const struct control *c, struct span title,
    struct span version, int64_t now_s)
{
	const struct control_rule *r = c->closed;

	while (r != NULL &&
	    (!in_force(r, now_s) || !api_is(r->api, title, version)))
		r = r->next;
	return r;
}

void
control_write(
    const struct control *c, const struct control_rule *r, struct buf *to)
{
	struct control_rule next = *r;

	next.seq = c->last + 1;
	(void)control_line_write(&next, c->sum, to); /* "to" tells */
}
