/*
 * revocation_feed - see revocation_feed.h.
 */
#include "policy/revocation_feed.h"

#include "base/base64url.h"
#include "base/json.h"

#define DEPTH_MAX 4
#define FIELD_BYTES_MAX 66 /* of a number modulo the order of P-521 */

/* Shorter ones are no signature that mgw verifies. */
#define SIGNATURE_MIN 86

/* The orders of P-256, P-384 and P-521: a signature is two numbers. */
static const struct {
	size_t n; /* bytes */
	const char *order;
} curves[] = {
	{ 32,
	    "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
	    "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25"
	    "\x51" },
	{ 48,
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xc7\x63\x4d\x81\xf4\x37\x2d\xdf"
	    "\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29"
	    "\x73" },
	{ 66,
	    "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	    "\xff\xfa\x51\x86\x87\x83\xbf\x2f\x96\x6b\x7f\xcc\x01\x48\xf7\x09"
	    "\xa5\xd0\x3b\xb5\xc9\xb8\x89\x9c\x47\xae\xbb\x6f\xb7\x1e\x91\x38"
	    "\x64\x09" },
};

struct walk {
	const struct span *issuers;
	size_t n;
	revoked_each *each;
	void *user;
	struct arena scratch; /* of one entry */
};

static void
tell(const struct walk *w, enum revoked_kind kind, struct span value,
    int64_t expires_s)
{
	struct revoked_entry e = {
		.kind = kind, .value = value, .expires_s = expires_s
	};

	for (size_t i = 0; i < w->n; i++) {
		e.issuer = w->issuers[i];
		w->each(w->user, &e);
	}
}

/* (r, s) also as (r, order - s). */
static void
tell_twin(struct walk *w, struct span raw, int64_t expires_s)
{
	char other[2 * FIELD_BYTES_MAX];
	struct buf text;

	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		size_t n = curves[i].n;
		int borrow = 0;

		if (raw.n != 2 * n)
			continue;
		memcpy(other, raw.p, n);
		for (size_t k = n; k-- > 0;) {
			int digit = (unsigned char)curves[i].order[k] -
			    (unsigned char)raw.p[n + k] - borrow;

			borrow = digit < 0;
			other[n + k] = (char)(digit + 256 * borrow);
		}
		if (borrow != 0) /* it was none */
			return;
		buf_init(&text, 512);
		base64url_encode(&text, span_of(other, 2 * n));
		if (!text.failed)
			tell(w, REVOKED_SIGNATURE, buf_span(&text), expires_s);
		buf_fini(&text);
		return;
	}
}

static void
tell_value(struct walk *w, struct span value, int64_t expires_s)
{
	struct span raw;

	tell(w, REVOKED_JTI, value, expires_s);
	arena_reset(&w->scratch);
	if (value.n < SIGNATURE_MIN ||
	    !base64url_decode(value, &w->scratch, &raw))
		return;
	tell(w, REVOKED_SIGNATURE, value, expires_s);
	tell_twin(w, raw, expires_s);
}

/*
 * Milliseconds, as a number or its text; in whole seconds, rounded up.  It
 * is when the token ends, and for so long again leeway may let that in.
 */
static bool
read_time(struct json_scan *s, int64_t *expires_s)
{
	enum json_event e = json_scan_next(s);
	uint64_t ms;

	if ((e != JSON_NUMBER && e != JSON_STRING) ||
	    !span_to_u64(s->value, INT64_MAX, &ms))
		return false;
	*expires_s =
	    (int64_t)(ms / 1000) + (ms % 1000 != 0) + REVOKED_FEED_LEEWAY_S;
	return true;
}

static const char *
read_entry(struct json_scan *s, struct span *value, int64_t *expires_s)
{
	enum json_event e;

	*value = (struct span){ NULL, 0 };
	*expires_s = 0;
	while ((e = json_scan_next(s)) == JSON_NAME) {
		struct span name = s->value;

		if (span_eq(name, SPAN("jwt_signature")) ||
		    span_eq(name, SPAN("jwtSignature"))) {
			if (value->p != NULL ||
			    json_scan_next(s) != JSON_STRING)
				return "a signature is no text";
			*value = s->value;
		} else if (span_eq(name, SPAN("expiry_time")) ||
		    span_eq(name, SPAN("expiryTime"))) {
			if (*expires_s != 0 || !read_time(s, expires_s))
				return "a time is no number";
		} else if (!json_scan_skip(s)) {
			return "it is no JSON";
		}
	}
	if (e != JSON_OBJECT_END)
		return "it is no JSON";
	if (value->n == 0 || value->n > REVOKED_FEED_VALUE_MAX ||
	    *expires_s == 0)
		return "an entry has no signature or no time";
	return NULL;
}

const char *
revoked_feed_walk(struct span json, const struct span *issuers, size_t n,
    revoked_each *each, void *user)
{
	struct walk w = {
		.issuers = issuers, .n = n, .each = each, .user = user
	};
	const char *why = NULL;
	struct json_scan s;
	enum json_event e;
	struct arena a;

	arena_init(&a, 4096, json.n + 65536);
	arena_init(&w.scratch, 4096, 65536);
	json_scan_init(&s, json, DEPTH_MAX, &a);
	if (json_scan_next(&s) != JSON_ARRAY)
		why = "it is no list in JSON";
	while (why == NULL && (e = json_scan_next(&s)) != JSON_ARRAY_END) {
		int64_t expires_s;
		struct span value;

		why = e == JSON_OBJECT ? read_entry(&s, &value, &expires_s)
				       : "it is no list of objects";
		if (why == NULL)
			tell_value(&w, value, expires_s);
	}
	if (why == NULL && json_scan_next(&s) != JSON_END)
		why = "it is no JSON";
	arena_fini(&w.scratch);
	arena_fini(&a);
	return why;
}
