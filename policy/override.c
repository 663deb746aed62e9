/*
 * override - see override.h.
 */
#include "policy/override.h"

#include "base/ascii.h"
#include "policy/sign.h"

/* "Pet Shop" becomes "PET_SHOP": what every shell can set. */
static struct span
readable(struct span s, struct arena *a)
{
	char *p = arena_alloc(a, s.n + 1);

	for (size_t i = 0; p != NULL && i < s.n; i++) {
		char c = ascii_upper(s.p[i]);

		p[i] =
		    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
	}
	return span_of(p, p != NULL ? s.n : 0);
}

static bool
is_only_one(const struct bundle *b, struct span title)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++)
		n += span_eq_nocase(
		    bundle_text(b, bundle_api(b, i)->title), title);
	return n == 1;
}

static struct span
readable_name(const struct override *o, struct span set, struct arena *a)
{
	const struct bundle *b = o->bundle;
	struct span title = bundle_text(b, o->api->title), name;

	if (set.n > 0)
		return readable(set, a);
	name = readable(title, a);
	if (!is_only_one(b, title))
		name = arena_printf(a, "%.*s_%.*s", SPAN_ARG(name),
		    SPAN_ARG(readable(bundle_text(b, o->api->version), a)));
	if (o->operation != NULL)
		name = arena_printf(a, "%.*s_%.*s", SPAN_ARG(name),
		    SPAN_ARG(readable(
			bundle_text(b, o->operation->operation_id), a)));
	return name;
}

static struct span
api_id(const struct override *o, struct arena *a)
{
	static const char hex[] = "0123456789abcdef";
	struct span text = arena_printf(a, "%.*s:%.*s",
	    SPAN_ARG(bundle_text(o->bundle, o->api->title)),
	    SPAN_ARG(bundle_text(o->bundle, o->api->version)));
	unsigned char sum[SHA256_BYTES];
	char digits[64];

	if (text.p == NULL || !sign_sha256(text, sum))
		return (struct span){ NULL, 0 };
	for (size_t i = 0; i < sizeof(sum); i++) {
		digits[2 * i] = hex[sum[i] >> 4];
		digits[2 * i + 1] = hex[sum[i] & 15];
	}
	return arena_printf(a, "api_%.*s", (int)sizeof(digits), digits);
}

static struct span
name_of_3x(const struct override *o, struct span set, struct arena *a)
{
	if (set.n > 0)
		return set;
	return o->operation != NULL
	    ? bundle_text(o->bundle, o->operation->operation_id)
	    : api_id(o, a);
}

/* By which its list was referred to, or absent. */
static struct span
set_of(const struct override *o)
{
	if (o->list.n == 0)
		return (struct span){ NULL, 0 };
	return bundle_text(
	    o->bundle, bundle_endpoint(o->bundle, o->list.first)->set);
}

static bool
is_nameless(const struct override *o, struct span set)
{
	return o->operation != NULL && set.n == 0 &&
	    o->operation->operation_id.n == 0;
}

static unsigned
count(const struct span *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (names[i].p == NULL)
			return 0;
	return n;
}

unsigned
override_names(const struct override *o, unsigned index, struct arena *a,
    struct span names[OVERRIDE_NAMES_MAX])
{
	const struct bundle *b = o->bundle;
	struct span set = set_of(o);
	unsigned n = 0;

	if (is_nameless(o, set))
		return 0;
	names[n++] = arena_printf(a, "MGW_%s_%.*s_%u",
	    o->sandbox ? "SANDBOX" : "ENDPOINT",
	    SPAN_ARG(readable_name(o, set, a)), index);
	names[n++] = arena_printf(a, "%.*s_%s_endpoint_%u",
	    SPAN_ARG(name_of_3x(o, set, a)), o->sandbox ? "sand" : "prod",
	    index);
	if (o->operation == NULL)
		names[n++] = arena_printf(a, "%.*s.%.*s.%s.endpoint.%u",
		    SPAN_ARG(bundle_text(b, o->api->title)),
		    SPAN_ARG(bundle_text(b, o->api->version)),
		    o->sandbox ? "sand" : "prod", index);
	return count(names, n);
}

unsigned
override_logins(const struct override *o, enum override_login which,
    struct arena *a, struct span names[OVERRIDE_LOGINS_MAX])
{
	struct span title = bundle_text(o->bundle, o->api->title);
	struct span version = bundle_text(o->bundle, o->api->version);
	const char *word = which == OVERRIDE_USER ? "username" : "password";
	const char *type = o->sandbox ? "sand" : "prod";
	struct span set = set_of(o);
	unsigned n = 0;

	if (is_nameless(o, set))
		return 0;
	names[n++] = arena_printf(a, "MGW_%s_%.*s_%s",
	    o->sandbox ? "SANDBOX" : "ENDPOINT",
	    SPAN_ARG(readable_name(o, set, a)),
	    which == OVERRIDE_USER ? "USER" : "PASSWORD");
	names[n++] = arena_printf(
	    a, "%.*s_%s_basic_%s", SPAN_ARG(name_of_3x(o, set, a)), type, word);
	if (o->operation != NULL)
		return count(names, n);
	names[n++] = arena_printf(a, "%.*s.%.*s.%s.basic.%s", SPAN_ARG(title),
	    SPAN_ARG(version), type, word);
	names[n++] = arena_printf(
	    a, "%.*s.%.*s.basic.%s", SPAN_ARG(title), SPAN_ARG(version), word);
	return count(names, n);
}
