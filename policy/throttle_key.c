/*
 * throttle_key - see throttle_key.h.
 *
 * A name begins with the level and the number of the limit.  A tier that
 * has a key of its own stands in it, so that two tiers with equal keys do
 * not count together.  What is absent from a request is a part of its own:
 * a NUL, which no header, query or claim has.
 */
#include "policy/throttle_key.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/claims.h"
#include "policy/condition.h"
#include "policy/control.h"
#include "policy/endpoint.h"

/* One line in so long tells that tokens name tiers that nobody knows. */
#define UNKNOWN_LOG_US (10 * US_PER_S)
#define UNKNOWN_SHOWN_MAX 64

static const char *const level_words[LEVEL_UNKNOWN] = {
	[LEVEL_API] = "api",
	[LEVEL_OPERATION] = "operation",
	[LEVEL_SUBSCRIPTION] = "subscription",
	[LEVEL_APPLICATION] = "application",
	[LEVEL_SUBJECT] = "subject",
	[LEVEL_ADDRESS] = "address",
};

/*
 * In the place of an issuer, for what the file of applications says: its
 * applications count as one, whichever of their credentials is brought.
 */
static const struct span registered = SPAN_INIT("\0applications");

/* As a level counts where nothing else is said. */
static const struct {
	unsigned n;
	enum key_by kinds[3];
} level_keys[LEVEL_UNKNOWN] = {
	[LEVEL_API] = { 1, { KEY_BY_API } },
	[LEVEL_OPERATION] = { 1, { KEY_BY_OPERATION } },
	[LEVEL_SUBSCRIPTION] = { 2, { KEY_BY_APPLICATION, KEY_BY_API } },
	[LEVEL_APPLICATION] = { 1, { KEY_BY_APPLICATION } },
	[LEVEL_SUBJECT] = { 2, { KEY_BY_SUBJECT, KEY_BY_APPLICATION } },
	[LEVEL_ADDRESS] = { 2, { KEY_BY_ADDRESS, KEY_BY_API } },
};

unsigned
throttle_key_parts(enum key_by kind)
{
	switch (kind) {
	case KEY_BY_OPERATION:
		return 4;
	case KEY_BY_API:
	case KEY_BY_SUBJECT:
	case KEY_BY_APPLICATION:
	case KEY_BY_OWNER:
	case KEY_BY_CREDENTIAL:
	case KEY_BY_CLAIM:
		return 2;
	default:
		return 1;
	}
}

static struct span
index_name(uint32_t i)
{
	static const char digits[] = "0123456789abcdefghij";

	static_assert(sizeof(digits) > TAKES_MAX, "a digit for each");
	return span_of(&digits[i], 1);
}

static void
add_part(struct take *t, struct span part)
{
	/* The bundle's check, and level_keys, see to it. */
	assert(t->n_parts < TAKE_PARTS_MAX);
	t->parts[t->n_parts++] = part.p != NULL ? part : SPAN("\0");
}

/* A part of the caller, with the issuer that it means something with. */
static void
add_with_issuer(struct take *t, const struct principal *who, struct span part)
{
	add_part(t, who->issuer);
	add_part(t, part.n > 0 ? part : (struct span){ NULL, 0 });
}

static void
add_claim(
    struct take *t, const struct throttle_call *c, const struct row_key_part *k)
{
	struct span path = bundle_text(c->bundle, k->path);
	struct span value = { NULL, 0 };

	if (!claims_find(c->who->claims, path, c->request->arena, &value))
		value = (struct span){ NULL, 0 };
	add_with_issuer(t, c->who, value);
}

/* Add what "kind" stands for; true: it tells this caller from others. */
static bool
add_kind(struct take *t, const struct throttle_call *c, enum key_by kind,
    const struct row_key_part *k)
{
	const struct bundle *b = c->bundle;
	const struct match *m = c->match;
	const struct field *f;

	switch (kind) {
	case KEY_BY_API:
	case KEY_BY_OPERATION:
		add_part(t, bundle_text(b, m->api->title));
		add_part(t, bundle_text(b, m->api->version));
		if (kind == KEY_BY_API)
			return false;
		add_part(t, bundle_text(b, m->item->path));
		add_part(t, bundle_text(b, m->operation->method));
		return false;
	case KEY_BY_SUBJECT:
		add_with_issuer(t, c->who, c->who->subject);
		return true;
	case KEY_BY_APPLICATION:
		if (c->who->registered != NULL) {
			add_part(t, registered);
			add_part(t, c->who->application_id);
			return true;
		}
		add_with_issuer(t, c->who,
		    c->who->application_id.n > 0 ? c->who->application_id
						 : c->who->application);
		return true;
	case KEY_BY_OWNER:
		if (c->who->registered != NULL) {
			add_part(t, registered);
			add_part(t, c->who->application_owner);
			return true;
		}
		add_with_issuer(t, c->who, c->who->application_owner);
		return true;
	case KEY_BY_CREDENTIAL:
		add_with_issuer(t, c->who, c->who->key_id);
		return true;
	case KEY_BY_ADDRESS:
		t->client = true;
		add_part(t, request_client_key(c->request, b));
		return true;
	case KEY_BY_HEADER:
	case KEY_BY_QUERY:
		t->client = true;
		f = &c->request->fields[k->name];
		add_part(t, f->n > 0 ? f->value : (struct span){ NULL, 0 });
		return false; /* he may name another as well */
	case KEY_BY_CLAIM:
		add_claim(t, c, k);
		return true;
	default:
		return false;
	}
}

/* The name behind level and limit; true: it tells callers apart. */
static bool
add_key(struct take *t, const struct throttle_call *c, enum level level,
    const struct row_tier *tier, const struct row_level *rule)
{
	struct range key = tier->key;
	bool own = false;

	if (key.n > 0)
		add_part(t, bundle_text(c->bundle, tier->name));
	else if (rule != NULL)
		key = rule->key;
	for (uint32_t i = 0; i < key.n; i++) {
		const struct row_key_part *k =
		    bundle_key_part(c->bundle, key.first + i);

		own |= add_kind(t, c, (enum key_by)k->kind, k);
	}
	if (key.n > 0)
		return own;
	for (unsigned i = 0; i < level_keys[level].n; i++)
		own |= add_kind(t, c, level_keys[level].kinds[i], NULL);
	/* Who has neither name is known by his key. */
	if (level >= LEVEL_SUBSCRIPTION && level <= LEVEL_SUBJECT &&
	    c->who->application.n == 0 && c->who->application_id.n == 0) {
		if (level != LEVEL_SUBJECT)
			add_part(t, c->who->subject);
		if (c->who->subject.n == 0)
			add_part(t, c->who->key_id);
	}
	/* WSO2 counts an application's use for each of its users. */
	if (level == LEVEL_APPLICATION &&
	    (c->match->api->flags & API_WSO2) != 0)
		add_part(t, c->who->subject);
	return own;
}

/* The first of the tier's conditions that holds chooses another. */
static uint32_t
tier_in_force(const struct throttle_call *c, uint32_t tier)
{
	struct range r = bundle_tier(c->bundle, tier)->conditions;
	struct condition_call call = {
		.bundle = c->bundle, .request = c->request, .who = c->who
	};

	for (uint32_t i = 0; i < r.n; i++)
		if (condition_holds(&call, r.first + i))
			return bundle_condition(c->bundle, r.first + i)->tier;
	return tier;
}

/* What the limits of a tier count. */
struct counted {
	const char *word;
	enum level level;              /* with what the bundle says of it, */
	const struct row_level *rule;  /* or NULL; */
	const struct row_spike *spike; /* or else backends */
};

/* By their list, or all those of an API. */
static void
add_backend(
    struct take *t, const struct throttle_call *c, const struct row_spike *s)
{
	if (s->name.n > 0)
		add_part(t, bundle_text(c->bundle, s->name));
	else
		(void)add_kind(t, c, KEY_BY_API, NULL); /* tells nobody apart */
}

/* The takes of all limits of "tier". */
static bool
add_limits(
    const struct throttle_call *c, uint32_t tier, const struct counted *what)
{
	const struct row_tier *row =
	    bundle_tier(c->bundle, tier_in_force(c, tier));
	struct receipt *to = c->receipt;

	if ((row->flags & TIER_UNLIMITED) != 0)
		return true;
	for (uint32_t i = 0; i < row->limits.n; i++) {
		struct take *t = &to->takes[to->n];

		if (to->n == TAKES_MAX)
			return refuse(
			    c->decision, REASON_FAULT, SPAN("too many limits"));
		*t = (struct take){
			.limit = bundle_limit(c->bundle, row->limits.first + i),
			.pass_over = (row->flags & TIER_PASS_OVER_QUOTA) != 0,
			.store = row->flags &
			    (TIER_STORE | TIER_STORE_ALLOW | TIER_STORE_REFUSE)
		};
		add_part(t, span_str(what->word));
		add_part(t, index_name(i));
		to->own[to->n] = what->spike == NULL &&
		    add_key(t, c, what->level, row, what->rule);
		if (what->spike != NULL)
			add_backend(t, c, what->spike);
		throttle_set_window(c->bundle, t, c->request->now_us);
		to->tiers[to->n] = row;
		to->levels[to->n++] = what->word;
	}
	return true;
}

static bool
add_level(const struct throttle_call *c, enum level level, uint32_t tier,
    const struct row_level *rule)
{
	const struct counted what = { level_words[level], level, rule, NULL };

	return add_limits(c, tier, &what);
}

static bool
add_spike(const struct throttle_call *c, struct range spike)
{
	struct counted what = { .word = "spike" };

	if (spike.n == 0)
		return true;
	what.spike = bundle_spike(c->bundle, spike.first);
	return add_limits(c, what.spike->tier, &what);
}

/* What the backends that the caller is to have may be sent in all. */
static bool
add_spikes(const struct throttle_call *c)
{
	struct range list =
	    endpoint_list(c->match, endpoint_is_sandbox(c->who));
	struct range none = { 0, 0 };
	bool good = add_spike(c, c->match->api->spike) &&
	    add_spike(c,
		list.n > 0 ? bundle_endpoint(c->bundle, list.first)->spike
			   : none);

	c->receipt->n_spikes = c->receipt->n;
	return good;
}

/* What is said of a level: for this API, else for all. */
static const struct row_level *
find_rule(const struct throttle_call *c, enum level level)
{
	const struct bundle *b = c->bundle;
	const struct row_level *found = NULL;

	for (uint32_t i = 0; i < bundle_n(b, SECTION_LEVEL); i++) {
		const struct row_level *l = bundle_level(b, i);

		if (l->level != level)
			continue;
		if (l->api == ROW_NONE)
			found = found != NULL ? found : l;
		else if (bundle_api(b, l->api) == c->match->api)
			return l;
	}
	return found;
}

/* A tier serves a level when it has the level's bit, or none. */
static bool
serves(const struct row_tier *t, enum level level)
{
	uint32_t of = t->flags &
	    (TIER_OF_RESOURCE | TIER_OF_APPLICATION | TIER_OF_SUBSCRIPTION);

	if (of == 0)
		return true;
	if (level == LEVEL_SUBSCRIPTION)
		return (of & TIER_OF_SUBSCRIPTION) != 0;
	if (level == LEVEL_APPLICATION)
		return (of & TIER_OF_APPLICATION) != 0;
	return of != TIER_OF_RESOURCE;
}

uint32_t
throttle_find_tier(const struct bundle *b, struct span name, enum level level)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++) {
		const struct row_tier *t = bundle_tier(b, i);

		if (serves(t, level) && span_eq(bundle_text(b, t->name), name))
			return i;
	}
	return ROW_NONE;
}

/*
 * A name from a credential is no reason to fail: the tier that is
 * configured for such names counts, and the log tells, not each time.
 */
static bool
unknown_tier(const struct throttle_call *c, struct span name, enum level level,
    uint32_t *tier)
{
	static _Atomic int64_t told_us;
	const struct row_level *rule = find_rule(c, LEVEL_UNKNOWN);
	int64_t now_us = clock_mono_us(), last_us = atomic_load(&told_us);

	if (name.n > UNKNOWN_SHOWN_MAX)
		name.n = UNKNOWN_SHOWN_MAX;
	if ((last_us == 0 || now_us - last_us >= UNKNOWN_LOG_US) &&
	    atomic_compare_exchange_strong(&told_us, &last_us, now_us))
		log_warn("unknown tier=%.*s of %s, named by issuer=%.*s: %s",
		    SPAN_ARG(name), level_words[level],
		    SPAN_ARG(c->who->issuer),
		    rule != NULL ? "unknown-tier counts"
				 : "refused, no unknown-tier is configured");
	if (rule == NULL)
		return refuse(
		    c->decision, REASON_CLAIM_REFUSED, SPAN("unknown tier"));
	*tier = rule->tier;
	return true;
}

/* A level of the caller: what the credential names, else the rule's. */
static bool
add_caller(const struct throttle_call *c, enum level level, struct span name)
{
	const struct row_level *rule = find_rule(c, level);
	uint32_t tier = rule != NULL ? rule->tier : ROW_NONE;

	if (name.p != NULL) {
		tier = throttle_find_tier(c->bundle, name, level);
		if (tier == ROW_NONE && span_eq(name, SPAN("Unlimited")))
			return true;
		if (tier == ROW_NONE && !unknown_tier(c, name, level, &tier))
			return false;
	}
	return tier == ROW_NONE || add_level(c, level, tier, rule);
}

static bool
add_resource(const struct throttle_call *c)
{
	const struct match *m = c->match;
	bool replaced = m->api->tier != ROW_NONE &&
	    (m->api->flags & API_TIER_REPLACES) != 0;

	if (m->api->tier != ROW_NONE &&
	    !add_level(c, LEVEL_API, m->api->tier, NULL))
		return false;
	return replaced || m->operation->tier == ROW_NONE ||
	    add_level(c, LEVEL_OPERATION, m->operation->tier, NULL);
}

/* What mgw-throttle has set goes before what the credential names. */
static struct span
application_tier(const struct throttle_call *c)
{
	const struct control *control = c->request->control;
	struct span set = { NULL, 0 };

	if (control != NULL)
		set = control_tier(
		    control, c->who, c->request->now_us / US_PER_S);
	return set.p != NULL ? set : c->who->application_tier;
}

/*
 * WSO2 counts who came with a password by the subscription policy "Default",
 * where there is one and nothing else is said.
 */
static struct span
subscription_tier(const struct throttle_call *c)
{
	const struct span name = SPAN("Default");
	const struct row_level *rule = find_rule(c, LEVEL_SUBSCRIPTION);
	const struct principal *who = c->who;
	uint32_t tier;

	if (who->subscription_tier.p != NULL || who->claims.p != NULL ||
	    (c->match->api->flags & API_WSO2) == 0 ||
	    !span_eq(who->issuer, SPAN("basic")) ||
	    (rule != NULL && rule->tier != ROW_NONE))
		return who->subscription_tier;
	tier = throttle_find_tier(c->bundle, name, LEVEL_SUBSCRIPTION);
	if (tier == ROW_NONE ||
	    (bundle_tier(c->bundle, tier)->flags & TIER_OF_SUBSCRIPTION) == 0)
		return who->subscription_tier;
	return name;
}

bool
throttle_collect(const struct throttle_call *c)
{
	static const struct principal nobody;
	struct throttle_call call = *c;
	const struct principal *who = c->who;

	if (c->match->api == NULL || c->match->item == NULL ||
	    c->match->operation == NULL)
		return true;
	if (who == NULL || who->scheme.p == NULL) {
		call.who = &nobody;
		return add_spikes(&call) && add_resource(&call) &&
		    add_caller(&call, LEVEL_ADDRESS, (struct span){ NULL, 0 });
	}
	return add_spikes(&call) && add_resource(&call) &&
	    add_caller(&call, LEVEL_SUBSCRIPTION, subscription_tier(c)) &&
	    add_caller(&call, LEVEL_APPLICATION, application_tier(c)) &&
	    add_caller(&call, LEVEL_SUBJECT, who->tier);
}
