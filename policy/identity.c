/*
 * identity - see identity.h.
 */
#include "policy/identity.h"

struct span
identity_name(const struct bundle *b, enum identity i)
{
	static const struct span names[IDENTITY__MAX] = {
		[IDENTITY_SUBJECT] = SPAN_INIT("X-Mgw-Subject"),
		[IDENTITY_APPLICATION] = SPAN_INIT("X-Mgw-Application"),
		[IDENTITY_ISSUER] = SPAN_INIT("X-Mgw-Issuer"),
		[IDENTITY_SCOPES] = SPAN_INIT("X-Mgw-Scopes"),
		[IDENTITY_KEY_ID] = SPAN_INIT("X-Mgw-Key-Id"),
		[IDENTITY_TIER] = SPAN_INIT("X-Mgw-Tier"),
	};
	struct range own = bundle_settings(b, 0)->identities;

	if (own.n == 0)
		return names[i];
	/* A bundle may be older than what can be told. */
	return (uint32_t)i < own.n ? bundle_string(b, own.first + (uint32_t)i)
				   : (struct span){ NULL, 0 };
}

struct span
identity_value(const struct principal *who, enum identity i)
{
	const struct span values[IDENTITY__MAX] = {
		[IDENTITY_SUBJECT] = who->subject,
		[IDENTITY_APPLICATION] = who->application,
		[IDENTITY_ISSUER] = who->issuer,
		[IDENTITY_SCOPES] = who->scopes,
		[IDENTITY_KEY_ID] = who->key_id,
		[IDENTITY_TIER] = who->tier,
		[IDENTITY_CLIENT_ID] = who->client_id,
		[IDENTITY_KEY_TYPE] = who->key_type,
		[IDENTITY_APPLICATION_ID] = who->application_id,
		[IDENTITY_APPLICATION_OWNER] = who->application_owner,
	};

	if (who->scheme.p == NULL)
		return (struct span){ NULL, 0 };
	return values[i];
}
