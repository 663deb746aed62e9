/*
 * wso2key - see wso2key.h.
 */
#include "policy/wso2key.h"

#include "base/json.h"
#include "policy/network.h"
#include "policy/token.h"
#include "policy/userfile.h"

#define ADDRESSES_MAX 64

/* The text that "json" is; absent: it is none. */
static struct span
text_of(const struct credential_call *call, struct span json)
{
	struct span none = { NULL, 0 };
	struct json_scan scan;

	json_scan_init(&scan, json, 1, call->request->arena);
	return json_scan_next(&scan) == JSON_STRING ? scan.value : none;
}

/* "10.0.0.0/8, 2001:db8::1"; what cannot be read is nobody's address. */
static bool
address_fits(const struct credential_call *call, struct span json)
{
	const struct client *client = &call->request->client;
	struct span rest;
	unsigned n = 0;

	if (json.p == NULL)
		return true;
	rest = text_of(call, json);
	if (rest.p == NULL)
		return false;
	if (span_trim(rest).n == 0)
		return true;
	while (rest.p != NULL && n++ < ADDRESSES_MAX) {
		struct span one = span_trim(span_cut(&rest, ','));
		struct network network;

		if (client->known && network_parse(one, &network) &&
		    network_covers(&network, 1, &client->at))
			return true;
	}
	return false;
}

/* Which page sent a request is what its sender says; so none may be asked. */
static bool
needs_no_page(const struct credential_call *call, struct span json)
{
	struct span text = text_of(call, json);

	return json.p == NULL || (text.p != NULL && span_trim(text).n == 0);
}

static bool
user_is_there(const struct credential_call *call,
    const struct row_issuer *issuer, struct span subject,
    const struct user_entry **user, struct decision *d)
{
	struct source source = { 0 };

	*user = NULL;
	if (issuer->users == 0)
		return true;
	switch (call->world->source(
	    call->world->world, issuer->users - 1, &source)) {
	case SOURCE_OK:
		break;
	case SOURCE_DOWN:
		return refuse(d, REASON_VERIFIER_DOWN,
		    SPAN("the user file is not there"));
	case SOURCE_FAULT:
		return refuse(
		    d, REASON_FAULT, SPAN("the user file cannot be used"));
	}
	if (source.users == NULL)
		return refuse(
		    d, REASON_FAULT, SPAN("the user file cannot be used"));
	if (subject.n > 0)
		*user = user_file_find(source.users, subject);
	return *user != NULL ||
	    refuse(d, REASON_REVOKED, SPAN("the user of the key is gone"));
}

bool
wso2_key_holds(const struct credential_call *call,
    const struct row_issuer *issuer, const struct claims *c, struct span *tier,
    const struct user_entry **user, struct decision *d)
{
	if (!user_is_there(call, issuer, c->subject, user, d))
		return false;
	if (!address_fits(call, c->addresses))
		return refuse(d, REASON_ADDRESS_REFUSED,
		    SPAN("the key is not for this address"));
	if (!needs_no_page(call, c->referers))
		return refuse(d, REASON_CLAIM_REFUSED,
		    SPAN("the key is for some pages only, which nobody can "
			 "check"));
	return token_lists_api(call, c->subscriptions, tier) ||
	    token_lists_api(call, c->allowed, tier) ||
	    refuse(
		d, REASON_CLAIM_REFUSED, SPAN("the key is not for this API"));
}
