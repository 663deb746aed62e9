/*
 * bundle_check - is every row of a bundle as format.h says?
 *
 * Run once when a bundle is loaded, so that nothing has to be checked
 * while a request is served.  Most of it is a table, in
 * bundle_check_rules.c; here is what rows have to do with one another.
 */
#include "policy/bundle_check_part.h"

#include <stdio.h>

#include "policy/change.h"
#include "policy/condition.h"
#include "policy/cors.h"
#include "policy/endpoint.h"
#include "policy/error_body.h"
#include "policy/failure.h"
#include "policy/field.h"
#include "policy/store.h"

bool
bundle_bad_row(
    char *why, size_t why_size, enum section s, uint32_t row, const char *what)
{
	(void)snprintf(why, why_size, "damaged: row %u of %s: %s",
	    (unsigned)row, bundle_section_name(s), what);
	return false; /* a cut message is well enough */
}

static bool
check_strings(const struct bundle *b, char *why, size_t why_size)
{
	const struct text *t = (const void *)b->rows[SECTION_STRING].p;

	if (b->text.n == 0 || b->text.p[0] != '\0' ||
	    b->text.p[b->text.n - 1] != '\0')
		return bundle_bad_row(why, why_size, SECTION_TEXT, 0, "no NUL");
	for (uint32_t i = 0; i < bundle_n(b, SECTION_STRING); i++) {
		if (!bundle_check_text(b, t[i]))
			return bundle_bad_row(
			    why, why_size, SECTION_STRING, i, "text");
	}
	return true;
}

/* Methods in order, without doubles; each operation knows its item. */
static bool
check_items(const struct bundle *b, char *why, size_t why_size)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ITEM); i++) {
		const struct row_item *item = bundle_item(b, i);
		struct span last = { NULL, 0 };

		if (item->operations.n == 0 || item->allow.n == 0)
			return bundle_bad_row(
			    why, why_size, SECTION_ITEM, i, "no operation");
		for (uint32_t k = 0; k < item->operations.n; k++) {
			const struct row_operation *op =
			    bundle_operation(b, item->operations.first + k);
			struct span method = bundle_text(b, op->method);

			if (op->item != i || op->api != item->api ||
			    span_cmp(last, method) >= 0)
				return bundle_bad_row(why, why_size,
				    SECTION_ITEM, i, "operations");
			last = method;
		}
	}
	return true;
}

/* An operation is public by having no alternative, never by accident. */
static bool
check_operations(const struct bundle *b, char *why, size_t why_size)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_OPERATION); i++) {
		const struct row_operation *op = bundle_operation(b, i);
		bool secured = (op->flags & OPERATION_SECURED) != 0;

		if (secured != (op->alternatives.n > 0))
			return bundle_bad_row(why, why_size, SECTION_OPERATION,
			    i, "secured without alternatives, or the reverse");
	}
	return true;
}

static bool
settings_ok(const struct row_settings *s)
{
	return (s->failures.n == 0 || s->failures.n == FAILURE__MAX) &&
	    (s->client_v6_bits == 0 ||
		(s->client_v6_bits >= 32 && s->client_v6_bits <= 128));
}

static bool
is_secret(const struct bundle *b, uint32_t source)
{
	return source == ROW_NONE ||
	    bundle_source(b, source)->kind == SOURCE_SECRET;
}

/* A tier that is counted elsewhere is never counted nowhere. */
static bool
check_store(const struct bundle *b, char *why, size_t why_size)
{
	uint32_t n = bundle_n(b, SECTION_STORE);

	if (n > 1 ||
	    (n == 1 &&
		(!is_secret(b, bundle_store(b, 0)->password) ||
		    !is_secret(b, bundle_store(b, 0)->key))))
		return bundle_bad_row(
		    why, why_size, SECTION_STORE, 0, "more than one, or key");
	for (uint32_t i = 0; i < bundle_n(b, SECTION_TIER); i++) {
		const struct row_tier *t = bundle_tier(b, i);
		bool shared = (t->flags & TIER_STORE) != 0;

		if (!shared &&
		    (t->flags & (TIER_STORE_ALLOW | TIER_STORE_REFUSE)) != 0)
			return bundle_bad_row(
			    why, why_size, SECTION_TIER, i, "store");
		for (uint32_t k = 0; shared && k < t->limits.n; k++)
			if (n == 0 ||
			    !store_can_hold(
				bundle_limit(b, t->limits.first + k)))
				return bundle_bad_row(why, why_size,
				    SECTION_TIER, i,
				    "cannot be counted in a store");
	}
	return true;
}

/* A feed without issuers would be about nobody. */
static bool
revocation_ok(const struct bundle *b, const struct row_revocation *r)
{
	if ((r->file.n > 0) == (r->feed.n > 0) || !is_secret(b, r->password))
		return false;
	return r->feed.n == 0 ||
	    (r->issuers.n > 0 && r->every_s > 0 && r->max_age_s > 0 &&
		r->timeout_ms > 0);
}

static bool
check_revocation(const struct bundle *b, char *why, size_t why_size)
{
	uint32_t n = bundle_n(b, SECTION_REVOCATION);

	if (n > REVOCATIONS_MAX)
		return bundle_bad_row(
		    why, why_size, SECTION_REVOCATION, n - 1, "too many");
	for (uint32_t i = 0; i < n; i++)
		if (!revocation_ok(b, bundle_revocation(b, i)))
			return bundle_bad_row(why, why_size, SECTION_REVOCATION,
			    i, "file, feed or its times");
	return true;
}

static bool
certificate_ok(const struct row_certificate *c)
{
	return c->value.n > 0 &&
	    (c->rule != CERTIFICATE_SERIAL || c->issuer.n > 0);
}

static bool
check_rest(const struct bundle *b, char *why, size_t why_size)
{
	if (!endpoint_checks_ok(b))
		return bundle_bad_row(why, why_size, SECTION_HEALTH, 0,
		    "a path, time or count that cannot be");
	if (!endpoint_lists_ok(b))
		return bundle_bad_row(why, why_size, SECTION_ENDPOINT, 0,
		    "a list too long, or mixed");
	for (uint32_t i = 0; i < bundle_n(b, SECTION_CERTIFICATE); i++) {
		if (!certificate_ok(bundle_certificate(b, i)))
			return bundle_bad_row(why, why_size,
			    SECTION_CERTIFICATE, i, "value or issuer");
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_CORS); i++) {
		if (!cors_row_ok(b, bundle_cors(b, i)))
			return bundle_bad_row(why, why_size, SECTION_CORS, i,
			    "origins, credentials or limits");
	}
	if (!check_store(b, why, why_size) ||
	    !check_revocation(b, why, why_size))
		return false;
	for (uint32_t i = 0; i < bundle_n(b, SECTION_NAME); i++) {
		if (bundle_name(b, i)->name.n == 0)
			return bundle_bad_row(
			    why, why_size, SECTION_NAME, i, "no name");
	}
	return true;
}

/* Of an older bundle they may be fewer; each can be sent as a name. */
static bool
identities_ok(const struct bundle *b, struct range r)
{
	if (r.n > IDENTITY__MAX)
		return false;
	for (uint32_t i = 0; i < r.n; i++)
		if (!field_is_token(bundle_string(b, r.first + i)) &&
		    bundle_string(b, r.first + i).n > 0)
			return false;
	return true;
}

bool
bundle_check(const struct bundle *b, char *why, size_t why_size)
{
	if (bundle_n(b, SECTION_SETTINGS) != 1)
		return bundle_bad_row(
		    why, why_size, SECTION_SETTINGS, 0, "not exactly one");
	if (!settings_ok(bundle_settings(b, 0)))
		return bundle_bad_row(
		    why, why_size, SECTION_SETTINGS, 0, "number");
	/* Only then can what a row refers to be looked at. */
	if (!check_strings(b, why, why_size) ||
	    !bundle_check_rules(b, why, why_size))
		return false;
	if (!identities_ok(b, bundle_settings(b, 0)->identities))
		return bundle_bad_row(
		    why, why_size, SECTION_SETTINGS, 0, "identities");
	return bundle_check_tree(b, why, why_size) &&
	    check_items(b, why, why_size) &&
	    check_operations(b, why, why_size) &&
	    bundle_check_tokens(b, why, why_size) &&
	    bundle_check_backends(b, why, why_size) &&
	    check_rest(b, why, why_size) && condition_check(b, why, why_size) &&
	    change_check(b, why, why_size) &&
	    error_body_check(b, why, why_size) &&
	    bundle_check_limits(b, why, why_size);
}
