/*
 * discovery - see discovery.h.
 */
#include "fcgi/discovery.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "fcgi/fetch.h"
#include "policy/url.h"

#define DEPTH_MAX 32
#define METADATA_BYTES_MAX (64 * 1024)
#define ARENA_BYTES_MAX (4 * METADATA_BYTES_MAX)

/* http only from this machine to itself, as for every key set. */
static bool
is_safe(struct span text)
{
	const char *why;
	struct url u;

	return url_parse(text, &u, &why) && u.unix_path.p == NULL &&
	    (u.tls || url_is_local(&u));
}

/* Both members; false: no object of strict JSON. */
static bool
read_members(struct span metadata, struct arena *a, struct span *issuer,
    struct span *keys)
{
	struct json_scan s;
	enum json_event e;

	json_scan_init(&s, metadata, DEPTH_MAX, a);
	if (json_scan_next(&s) != JSON_OBJECT)
		return false;
	while ((e = json_scan_next(&s)) == JSON_NAME) {
		struct span name = s.value, *to = NULL;

		if (span_eq(name, SPAN("issuer")))
			to = issuer;
		else if (span_eq(name, SPAN("jwks_uri")))
			to = keys;
		if (to != NULL && json_scan_next(&s) == JSON_STRING)
			*to = s.value;
		if (!json_scan_skip(&s))
			return false;
	}
	return e == JSON_OBJECT_END && json_scan_next(&s) == JSON_END;
}

struct span
discovery_read(
    struct span metadata, struct span issuer, struct arena *a, const char **why)
{
	struct span none = { NULL, 0 }, found = none, keys = none;

	*why = "the metadata is no JSON object";
	if (!read_members(metadata, a, &found, &keys))
		return none;
	*why = "the metadata is of another issuer";
	if (found.n == 0 || !span_eq(found, issuer))
		return none;
	*why = "the metadata has no usable jwks_uri";
	if (keys.n == 0 || span_has_control(keys) || span_has(keys, ' ') ||
	    !is_safe(keys))
		return none;
	*why = "out of memory";
	return arena_copy(a, keys);
}

/* The time that is left of "total_ms" since "start_us", at least one. */
static unsigned
left_ms(unsigned total_ms, int64_t start_us)
{
	int64_t gone_ms = (clock_mono_us() - start_us) / US_PER_MS;

	return gone_ms < (int64_t)total_ms ? total_ms - (unsigned)gone_ms : 1;
}

bool
discovery_fetch(struct span place, size_t max_bytes, unsigned total_ms,
    struct buf *body, int64_t *max_age_s, char *why, size_t why_size)
{
	int64_t start_us = clock_mono_us(), age_s = -1;
	struct span issuer = place, url = span_cut(&issuer, ' ');
	struct span keys = { NULL, 0 };
	const char *reason;
	struct arena a;
	struct buf metadata;
	bool ok;

	if (issuer.p == NULL)
		return fetch_url(
		    url, max_bytes, total_ms, body, max_age_s, why, why_size);
	arena_init(&a, 4096, ARENA_BYTES_MAX);
	buf_init(&metadata, METADATA_BYTES_MAX);
	ok = fetch_url(url, METADATA_BYTES_MAX, total_ms, &metadata, &age_s,
	    why, why_size);
	if (ok) {
		keys = discovery_read(buf_span(&metadata), issuer, &a, &reason);
		ok = keys.p != NULL;
		if (!ok)
			(void)snprintf(why, why_size, "%s", reason);
	}
	ok = ok &&
	    fetch_url(keys, max_bytes, left_ms(total_ms, start_us), body,
		max_age_s, why, why_size);
	/* Both are good for as long as the shorter lived of them. */
	if (ok && age_s >= 0 && (*max_age_s < 0 || age_s < *max_age_s))
		*max_age_s = age_s;
	buf_fini(&metadata);
	arena_fini(&a);
	return ok;
}
