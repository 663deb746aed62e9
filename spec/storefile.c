/*
 * storefile - see storefile.h.
 */
#include "spec/storefile.h"

#include "base/clock.h"
#include "policy/reference.h"
#include "policy/store.h"
#include "spec/fields.h"
#include "spec/keysource.h"

#define TIMEOUT_DEFAULT_US (10 * US_PER_MS)
#define TIMEOUT_MIN_US US_PER_MS
#define TIMEOUT_MAX_US US_PER_S
#define PREFIX_MAX 40

/* Everybody could read the password on its way. */
static void
check_place(const struct spec_store *s, struct diag *d)
{
	struct store_place p;
	const char *why;

	if (s->url.text.p == NULL || reference_in(s->url.text))
		return;
	if (!store_place_parse(s->url.text, &p, &why))
		diag_error(d, s->url.place, "store-url", "url: %s", why);
	else if (s->password != NULL && !store_place_is_private(&p))
		diag_error(d, s->url.place, "store-password",
		    "a password needs rediss:// or unix: others could read it");
}

static void
check_secrets(const struct spec_store *s, struct diag *d)
{
	if (s->key == NULL && s->password == NULL)
		diag_error(d, s->place, "store-key",
		    "store needs key: ${env:NAME} or ${file:PATH}, the same "
		    "on all machines, by which counters are named");
	if (s->user.text.p != NULL && s->password == NULL)
		diag_error(d, s->user.place, "store-password",
		    "a user needs a password");
}

static void
check_prefix(const struct spec_store *s, struct diag *d)
{
	if (s->prefix.text.n > PREFIX_MAX || span_has_control(s->prefix.text))
		diag_error(d, s->prefix.place, "value",
		    "prefix may have %d bytes, and no control bytes",
		    PREFIX_MAX);
}

static struct spec_store *
read_store(struct policyfile *f, const struct node *n, const char *bundle,
    struct diag *d)
{
	const struct keysource r = keysource_of(f, bundle, d);
	struct spec_store *s = arena_alloc(d->arena, sizeof(*s));
	const struct node *password = tree_get(n, "password");
	const struct node *key = tree_get(n, "key");
	uint64_t timeout_us = TIMEOUT_DEFAULT_US;

	if (s == NULL) {
		d->failed = true;
		return NULL;
	}
	s->place = n->place;
	field_reference(n, "url", &s->url, d);
	field_text(n, "user", &s->user, d);
	field_text(n, "prefix", &s->prefix, d);
	field_text(n, "ca", &s->ca, d);
	if (password != NULL)
		s->password = keysource_secret(&r, password, "password");
	if (key != NULL)
		s->key = keysource_secret(&r, key, "key");
	if (s->ca.text.p != NULL)
		s->ca.text = keysource_path(&r, s->ca.text);
	field_duration(
	    n, "timeout", TIMEOUT_MIN_US, TIMEOUT_MAX_US, &timeout_us, d);
	s->timeout_us = (uint32_t)timeout_us;
	check_place(s, d);
	/* One that is wrong has been told already. */
	if (password == NULL || s->password != NULL)
		if (key == NULL || s->key != NULL)
			check_secrets(s, d);
	check_prefix(s, d);
	return s;
}

static uint32_t
flags_of(enum tier_down down)
{
	switch (down) {
	case TIER_DOWN_ALLOW:
		return TIER_STORE | TIER_STORE_ALLOW;
	case TIER_DOWN_REFUSE:
		return TIER_STORE | TIER_STORE_REFUSE;
	default:
		return TIER_STORE;
	}
}

static bool
can_hold(const struct spec_tier *t)
{
	for (uint32_t i = 0; i < t->n_limits; i++)
		if (!store_can_hold(&t->limits[i]))
			return false;
	return true;
}

static void
settle(struct spec_tier *t, const struct spec_store *s, bool all,
    enum tier_down otherwise, struct diag *d)
{
	enum tier_down down = t->down == TIER_DOWN_UNSET ? otherwise : t->down;

	if ((t->flags & TIER_UNLIMITED) != 0 || t->place == TIER_LOCAL ||
	    (t->place == TIER_PLACE_UNSET && (!all || !can_hold(t)))) {
		if (t->down != TIER_DOWN_UNSET)
			diag_error(d, t->name.place, "store-tier",
			    "tier '%.*s' has when-down, and is counted on "
			    "this machine",
			    SPAN_ARG(t->name.text));
		return;
	}
	if (s == NULL)
		diag_error(d, t->name.place, "store-tier",
		    "tier '%.*s' is shared: a store is missing",
		    SPAN_ARG(t->name.text));
	else if (!can_hold(t))
		diag_error(d, t->name.place, "store-tier",
		    "tier '%.*s' cannot be shared: a store counts requests "
		    "and bytes, up to 2^52, and none that are in progress",
		    SPAN_ARG(t->name.text));
	t->flags |= flags_of(down);
}

void
storefile_read(struct policyfile *f, const struct node *root,
    const char *bundle, struct diag *d)
{
	static const char *const keys[] = { "url", "user", "password", "key",
		"ca", "prefix", "timeout", "tiers", "when-down", NULL };
	static const char *const which[] = { "named", "all", NULL };
	const struct node *n = tree_get(root, "store");
	int all = 0, down = 0;

	if (n != NULL && fields_check(n, "store", keys, d)) {
		f->store = read_store(f, n, bundle, d);
		field_choice(n, "tiers", which, &all, d);
		field_choice(n, "when-down", tier_down_words, &down, d);
	}
	for (struct spec_tier *t = f->tiers; t != NULL; t = t->next)
		settle(t, f->store, all == 1,
		    (enum tier_down)(TIER_DOWN_LOCAL + down), d);
}
