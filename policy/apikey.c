/*
 * apikey - a key that somebody was given, looked up in the key file.
 */
#include "policy/credential.h"
#include "policy/keyfile.h"

/* "TITLE/VERSION", or "TITLE" for all versions; a title may have slashes. */
static bool
lists_api(const struct key_entry *e, struct span title, struct span version)
{
	for (size_t i = 0; i < e->n_apis; i++) {
		struct span rest = e->apis[i];

		if (!span_starts(rest, title))
			continue;
		rest = span_skip(rest, title.n);
		if (rest.n == 0 ||
		    (rest.p[0] == '/' && span_eq(span_skip(rest, 1), version)))
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
	if (!lists_api(e, bundle_text(c->bundle, c->api->title),
		bundle_text(c->bundle, c->api->version)))
		return refuse(d, REASON_CLAIM_REFUSED,
		    SPAN("the key is not for this API"));
	return true;
}

bool
api_key_check(
    const struct credential_call *c, struct principal *who, struct decision *d)
{
	const struct key_entry *e = NULL;
	struct source source = { 0 };
	struct span key;

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
	if (e == NULL)
		return refuse(
		    d, REASON_KEY_INVALID, SPAN("the key is not known"));
	if (!entry_holds(c, e, d))
		return false;
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
