/*
 * application_check - see application_check.h.
 *
 * Each kind of credential leads to an application by keys of its own, so
 * that what one kind verifies is never taken for another: a client id
 * stands with the issuer of its token, a user, and the API key of one, with
 * the user file.
 */
#include "policy/application_check.h"

#include "base/base64url.h"
#include "policy/sign.h"
#include "policy/userfile.h"

#define KEYS_MAX 3

/* How it was found, for the trace. */
static const char *const by_words[APPLICATION_BY__MAX] = {
	[APPLICATION_BY_ID] = "the name it goes by",
	[APPLICATION_BY_NAME] = "the name and owner it goes by",
	[APPLICATION_BY_CLIENT] = "its client id",
	[APPLICATION_BY_USER] = "its user",
	[APPLICATION_BY_HOST_USER] = "the web server's user",
	[APPLICATION_BY_CERTIFICATE] = "its certificate",
};

static unsigned
add(struct application_key *keys, unsigned n, enum application_by by,
    struct span first, struct span second)
{
	/* Of a pair, both. */
	if (first.n == 0 || (second.p != NULL && second.n == 0))
		return n;
	if (second.p == NULL && by != APPLICATION_BY_ID &&
	    by != APPLICATION_BY_USER && by != APPLICATION_BY_CERTIFICATE)
		return n;
	keys[n] = (struct application_key){ by, first, second };
	return n + 1;
}

/* The thumbprint of RFC 8705 as hexadecimal digits; absent: it is none. */
static struct span
digest_of(struct span thumbprint, struct arena *a)
{
	static const char digits[] = "0123456789abcdef";
	struct span bytes, none = { NULL, 0 };
	char *hex = arena_alloc(a, 2 * SHA256_BYTES);

	if (hex == NULL || !base64url_decode(thumbprint, a, &bytes) ||
	    bytes.n != SHA256_BYTES)
		return none;
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		hex[2 * i] = digits[c >> 4];
		hex[2 * i + 1] = digits[c & 15];
	}
	return span_of(hex, 2 * SHA256_BYTES);
}

/* What may lead to the application, the surest first. */
static unsigned
keys_of(const struct credential_call *c, const struct principal *who,
    struct application_key keys[static KEYS_MAX])
{
	const struct span none = { NULL, 0 };
	unsigned n = 0;

	switch ((enum scheme_kind)c->scheme->kind) {
	case SCHEME_JWT:
	case SCHEME_OPAQUE:
		return add(keys, n, APPLICATION_BY_CLIENT, who->issuer,
		    who->client_id);
	case SCHEME_WSO2_KEY:
		n = add(keys, n, APPLICATION_BY_CLIENT, who->issuer,
		    who->client_id);
		if (who->user == NULL)
			return n;
		/* As if the user had come with his password. */
		n = add(keys, n, APPLICATION_BY_USER, who->user->name, none);
		return add(
		    keys, n, APPLICATION_BY_ID, who->user->application, none);
	case SCHEME_API_KEY:
		n = add(keys, n, APPLICATION_BY_ID, who->application, none);
		return add(keys, n, APPLICATION_BY_NAME, who->application_owner,
		    who->application);
	case SCHEME_BASIC:
		n = add(keys, n, APPLICATION_BY_USER, who->subject, none);
		return add(keys, n, APPLICATION_BY_ID, who->application, none);
	case SCHEME_MTLS:
		n = add(keys, n, APPLICATION_BY_CERTIFICATE,
		    digest_of(who->key_id, c->request->arena), none);
		return add(keys, n, APPLICATION_BY_ID, who->application, none);
	case SCHEME_HOST:
		return add(keys, n, APPLICATION_BY_HOST_USER,
		    span_skip(who->issuer, 5), who->subject); /* "host:" */
	default:
		return 0;
	}
}

static bool
find(const struct credential_call *c, const struct principal *who,
    struct application *app, struct application_key *key, bool *found,
    struct decision *d)
{
	const struct row_applications *row = bundle_applications(c->bundle, 0);
	struct application_key keys[KEYS_MAX];
	struct source source = { 0 };
	unsigned n = keys_of(c, who, keys);

	*found = false;
	if (c->world->source(c->world->world, row->source, &source) !=
		SOURCE_OK ||
	    source.applications == NULL)
		return refuse(d, REASON_VERIFIER_DOWN,
		    SPAN("the applications cannot be read"));
	for (unsigned i = 0; i < n && !*found; i++) {
		enum applications_result r = applications_find(
		    source.applications, &keys[i], c->request->arena, app);

		if (r == APPLICATIONS_FAULT)
			return refuse(d, REASON_VERIFIER_DOWN,
			    SPAN("the applications cannot be read"));
		*found = r == APPLICATIONS_FOUND;
		*key = keys[i];
	}
	return true;
}

static void
set_if_given(struct span *to, struct span value)
{
	if (value.p != NULL)
		*to = value;
}

/* Who it is the file says; of the limits, what the credential does not. */
static bool
fill(const struct credential_call *c, const struct application *app,
    const struct application_key *key, struct principal *who)
{
	const struct application_credential *credential =
	    application_credential(app, key);
	const struct application_subscription *s =
	    application_subscribed(app, bundle_text(c->bundle, c->api->title),
		bundle_text(c->bundle, c->api->version));

	who->registered = app;
	who->subscription = s;
	who->application = app->name;
	who->application_id = app->id;
	who->application_owner = app->owner;
	set_if_given(&who->application_uuid, app->uuid);
	set_if_given(&who->key_type, app->key_type);
	if (credential != NULL && credential->sandbox)
		who->key_type = SPAN("SANDBOX");
	if (who->application_tier.p == NULL)
		who->application_tier = app->tier;
	if (who->subscription_tier.p == NULL && s != NULL)
		who->subscription_tier = s->tier;
	return principal_add_groups(
	    who, c->request->arena, app->groups, app->n_groups);
}

static void
note(const struct credential_call *c, int alternative,
    const struct application *app, const struct application_key *key,
    const struct decision *d)
{
	struct span text = d->detail;

	if (c->world->note == NULL)
		return;
	if (d->reason == REASON_NONE && app == NULL)
		text = SPAN("none in the file has this credential");
	else if (d->reason == REASON_NONE)
		text = arena_printf(c->request->arena,
		    "%.*s (%.*s of %.*s), by %s", SPAN_ARG(app->id),
		    SPAN_ARG(app->name), SPAN_ARG(app->owner),
		    by_words[key->by]);
	c->world->note(
	    c->world->world, "application", alternative, d->reason, text);
}

/* What is needed, and neither the token nor the file has. */
static bool
subscribed(const struct credential_call *c, const struct principal *who,
    struct decision *d)
{
	uint32_t flags = bundle_applications(c->bundle, 0)->flags;

	if (who->registered == NULL && (flags & APPLICATIONS_KNOWN) != 0)
		return refuse(d, REASON_CLAIM_REFUSED,
		    SPAN("no application has this credential"));
	if (who->subscribed || who->subscription != NULL ||
	    (!who->subscription_needed &&
		(flags & APPLICATIONS_SUBSCRIBED) == 0))
		return true;
	/* That it is blocked is told first, by application_check(). */
	return (who->registered != NULL && who->registered->blocked) ||
	    refuse(d, REASON_CLAIM_REFUSED,
		SPAN("the application is not subscribed to this API"));
}

bool
application_recognise(const struct credential_call *c, int alternative,
    struct principal *who, struct decision *d)
{
	struct application_key key = { .by = APPLICATION_BY_ID };
	struct application *app;
	bool found, ok;

	if (bundle_n(c->bundle, SECTION_APPLICATIONS) == 0)
		return true;
	app = arena_alloc(c->request->arena, sizeof(*app));
	if (app == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	ok = find(c, who, app, &key, &found, d);
	if (ok && found && !fill(c, app, &key, who))
		ok = refuse(d, REASON_FAULT, SPAN("out of memory"));
	ok = ok && subscribed(c, who, d);
	note(c, alternative, who->registered, &key, d);
	return ok;
}

bool
application_has_rules(const struct bundle *b, const struct match *m)
{
	return bundle_n(b, SECTION_APPLICATIONS) > 0 ||
	    (m->operation != NULL && m->operation->groups.n > 0);
}

static bool
has_group(
    const struct bundle *b, struct range groups, const struct principal *who)
{
	for (uint32_t i = 0; i < groups.n; i++) {
		if (principal_has_group(
			who, bundle_string(b, groups.first + i)))
			return true;
	}
	return groups.n == 0;
}

bool
application_check(const struct bundle *b, const struct match *m,
    const struct principal *who, struct decision *d)
{
	if (who->registered != NULL && who->registered->blocked)
		return refuse(
		    d, REASON_BLOCKED, SPAN("the application is blocked"));
	if (who->subscription != NULL && who->subscription->blocked)
		return refuse(d, REASON_BLOCKED,
		    SPAN("the application is blocked for this API"));
	if (has_group(b, m->operation->groups, who))
		return true;
	if (who->scheme.p == NULL)
		return refuse(d, REASON_CREDENTIAL_MISSING,
		    SPAN("only callers of some groups may do this"));
	return refuse(
	    d, REASON_CLAIM_REFUSED, SPAN("the caller has none of the groups"));
}
