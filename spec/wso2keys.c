/*
 * wso2keys - see wso2keys.h.
 */
#include "spec/wso2keys.h"

#include "spec/fields.h"
#include "spec/issuers.h"

static void
read_one(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "issuer", "keys", "audiences",
		"algorithms", "leeway", "scope-claim", "trust-claims",
		"required-claims", "claim-map", "expiry", "subject", NULL };
	static const char *const expiry[] = { "required", "optional", NULL };
	static const char *const subject[] = { "any", "user", NULL };
	struct spec_issuer *i = arena_alloc(r->d->arena, sizeof(*i));
	int lasting = 0, user = 0;

	if (i == NULL) {
		r->d->failed = true;
		return;
	}
	if (!fields_check(n, "an entry of wso2-keys", keys, r->d))
		return;
	i->of_keys = true;
	issuers_read_common(r, i, n);
	issuers_read_audiences(r, i, n);
	field_choice(n, "expiry", expiry, &lasting, r->d);
	field_choice(n, "subject", subject, &user, r->d);
	i->lasting = lasting == 1;
	i->of_users = user == 1;
	if (i->of_users && r->f->users == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "subject: user needs users: {file: ...}");
	issuers_add(r, i);
	r->f->n_key_issuers++;
}

void
wso2keys_read(const struct keysource *r, const struct node *n)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_LIST) {
		diag_error(r->d, n->place, "kind",
		    "wso2-keys must be a list, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (n = n->first; n != NULL; n = n->next)
		read_one(r, n);
}
