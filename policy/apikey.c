/*
 * apikey - a key that somebody was given, looked up in the key file.
 */
#include "base/clock.h"
#include "policy/api_name.h"
#include "policy/failure.h"
#include "policy/keyfile.h"
#include "policy/network.h"
#include "policy/verdict.h"

#define KNOWN_S 86400

/* An entry that lists none is for all. */
static bool
lists_api(const struct key_entry *e, struct span title, struct span version)
{
	for (size_t i = 0; i < e->n_apis; i++) {
		if (api_name_match(e->apis[i], title, version) !=
		    API_NAME_OTHER)
			return true;
	}
	return e->n_apis == 0;
}

static bool
entry_holds(const struct credential_call *c, const struct key_entry *e,
    struct decision *d)
{
	if (e->revoked)
		return refuse(
		    d, REASON_REVOKED, SPAN("the key has been revoked"));
	if (e->expires_s != 0 && c->request->now_us / 1000000 >= e->expires_s)
		return refuse(d, REASON_EXPIRED, SPAN("the key has expired"));
	if (e->n_addresses > 0 &&
	    (!c->request->client.known ||
		!network_covers(e->networks, (unsigned)e->n_addresses,
		    &c->request->client.at)))
		return refuse(d, REASON_ADDRESS_REFUSED,
		    SPAN("the key is not for this address"));
	if (!lists_api(e, bundle_text(c->bundle, c->api->title),
		bundle_text(c->bundle, c->api->version)))
		return refuse(d, REASON_CLAIM_REFUSED,
		    SPAN("the key is not for this API"));
	return true;
}

/* What "mgw_ID_SECRET" says it is; absent of any other key. */
static struct span
name_of(struct span key)
{
	struct span rest = span_skip(key, 4), id = span_cut(&rest, '_');

	return span_starts(key, SPAN("mgw_")) && rest.p != NULL
	    ? id
	    : (struct span){ NULL, 0 };
}

/*
 * Keys that have passed are remembered, so that they pass also when their
 * address fails too often.  Whether they are good is looked up each time.
 */
#define KNOWN_PARTS 3

static void
name_known(
    struct span key, const uint64_t *generation, struct span parts[KNOWN_PARTS])
{
	parts[0] = SPAN("api-key");
	parts[1] = key;
	parts[2] = span_of(generation, sizeof(*generation));
}

static bool
is_known(const struct credential_call *c, struct span key, uint64_t generation)
{
	struct span parts[KNOWN_PARTS];
	struct verdict v;

	name_known(key, &generation, parts);
	return bundle_settings(c->bundle, 0)->failures.n > 0 &&
	    c->world->recall != NULL &&
	    c->world->recall(
		c->world->world, parts, KNOWN_PARTS, c->request->arena, &v) &&
	    v.expires_s > c->request->now_us / US_PER_S;
}

static void
make_known(
    const struct credential_call *c, struct span key, uint64_t generation)
{
	struct verdict v = { .key_id = { "", 0 },
		.payload = { "", 0 },
		.expires_s = c->request->now_us / US_PER_S + KNOWN_S };
	struct span parts[KNOWN_PARTS];

	name_known(key, &generation, parts);
	if (bundle_settings(c->bundle, 0)->failures.n > 0 &&
	    c->world->remember != NULL)
		c->world->remember(c->world->world, parts, KNOWN_PARTS, &v);
}

bool
api_key_check(
    const struct credential_call *c, struct principal *who, struct decision *d)
{
	const struct key_entry *e = NULL;
	struct source source = { 0 };
	struct span key;
	bool known;

	if (!credential_find(c, false, &key, d))
		return false;
	switch (c->world->source(c->world->world, c->scheme->source, &source)) {
	case SOURCE_OK:
		break;
	case SOURCE_DOWN:
		return refuse(
		    d, REASON_VERIFIER_DOWN, SPAN("the key file is not there"));
	case SOURCE_FAULT:
		return refuse(
		    d, REASON_FAULT, SPAN("the key file cannot be used"));
	}
	if (source.key_file == NULL ||
	    key_file_lookup(source.key_file, key, &e) == KEY_FILE_FAULT)
		return refuse(
		    d, REASON_FAULT, SPAN("the key file cannot be used"));
	known = e != NULL && is_known(c, key, source.generation);
	if (!known && !failure_guard(c, name_of(key), d))
		return false;
	if (e == NULL) {
		(void)refuse(
		    d, REASON_KEY_INVALID, SPAN("the key is not known"));
		d->claimed = name_of(key);
		return false;
	}
	if (!entry_holds(c, e, d))
		return false;
	if (!known)
		make_known(c, key, source.generation);
	who->scheme = bundle_text(c->bundle, c->scheme->name);
	who->issuer = SPAN("");
	who->subject = e->owner;
	who->application = e->application;
	who->application_owner = e->owner;
	who->key_id = e->id;
	who->tier = e->tier;
	who->scopes = e->scopes;
	who->expires_s = e->expires_s;
	return true;
}
