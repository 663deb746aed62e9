/*
 * introspection - see introspection.h.
 */
#include "policy/introspection.h"

#include "base/json.h"

#define DEPTH_MAX 16
#define KEY_BYTES 64 /* of a verdict, left free */

/* One walk over the answer. */
struct reading {
	const struct bundle *bundle;
	const struct row_introspect *row;
	struct json_scan scan;
	struct buf kept;
	bool active;
	bool needed_only; /* leave out what nobody reads */
	bool has_expiry;
	int64_t expires_s;
};

/* "name" is "path", or the first name on it. */
static bool
leads(struct span path, struct span name)
{
	return span_starts(path, name) &&
	    (path.n == name.n || path.p[name.n] == '.');
}

static bool
is_read(const struct reading *r, struct span name)
{
	static const char *const names[] = { "exp", "nbf", "iat", "iss", "aud",
		"sub", "jti", "cnf", "azp", "client_id", "username", "tier",
		"keytype", "consumerKey", "application", "subscribedAPIs",
		NULL };
	struct range claims = r->row->claims;

	if (span_is_one_of(name, names) ||
	    leads(bundle_text(r->bundle, r->row->scope_claim), name))
		return true;
	for (uint32_t i = 0; i < claims.n; i++)
		if (leads(bundle_text(r->bundle,
			      bundle_claim(r->bundle, claims.first + i)->path),
			name))
			return true;
	return false;
}

/* Not a time that ever comes. */
static bool
is_never(struct span name, struct span value)
{
	return (span_eq(name, SPAN("nbf")) || span_eq(name, SPAN("exp"))) &&
	    span_eq(value, SPAN("9223372036854775807"));
}

static void
note_expiry(struct reading *r, struct span number)
{
	struct span rest = number, whole = span_cut(&rest, '.');
	uint64_t s;

	/* What is spelt in another way is judged when it is used. */
	r->has_expiry = span_to_u64(whole, UINT64_C(1) << 53, &s);
	if (r->has_expiry)
		r->expires_s = (int64_t)s;
}

static void
keep(struct reading *r, struct span name, struct span value)
{
	buf_add_char(&r->kept, r->kept.n == 0 ? '{' : ',');
	json_write_string(&r->kept, name);
	buf_add_char(&r->kept, ':');
	buf_add(&r->kept, value);
}

/* The member just named. */
static bool
read_member(struct reading *r)
{
	struct span name = r->scan.value;
	enum json_event e = json_scan_next(&r->scan);
	size_t begin = r->scan.offset;
	struct span value;

	if (e == JSON_ERROR || !json_scan_skip(&r->scan))
		return false;
	value = span_of(r->scan.text.p + begin, r->scan.at - begin);
	if (span_eq(name, SPAN("active"))) {
		r->active = e == JSON_TRUE;
		return true;
	}
	if (is_never(name, value))
		return true;
	if (span_eq(name, SPAN("exp")) && e == JSON_NUMBER)
		note_expiry(r, value);
	if (!r->needed_only || is_read(r, name))
		keep(r, name, value);
	return true;
}

static bool
read_answer(struct reading *r, struct span answer, struct arena *a)
{
	enum json_event e;

	json_scan_init(&r->scan, answer, DEPTH_MAX, a);
	buf_reset(&r->kept);
	if (json_scan_next(&r->scan) != JSON_OBJECT)
		return false;
	while ((e = json_scan_next(&r->scan)) == JSON_NAME)
		if (!read_member(r))
			return false;
	if (r->kept.n == 0)
		buf_add_char(&r->kept, '{');
	buf_add_char(&r->kept, '}');
	return e == JSON_OBJECT_END && json_scan_next(&r->scan) == JSON_END;
}

bool
introspection_read(const struct bundle *b, uint32_t row, struct span answer,
    int64_t now_s, struct arena *a, struct verdict *v, const char **why)
{
	struct reading r = { .bundle = b, .row = bundle_introspect(b, row) };
	bool ok;

	*v = (struct verdict){ .key_id = { "", 0 }, .payload = { "", 0 } };
	buf_init(&r.kept, 8 * INTROSPECTION_BYTES_MAX);
	ok = answer.n <= INTROSPECTION_BYTES_MAX && read_answer(&r, answer, a);
	if (ok && r.active && r.kept.n > VERDICT_BYTES_MAX - KEY_BYTES) {
		r.needed_only = true;
		ok = read_answer(&r, answer, a);
	}
	v->expires_s =
	    now_s + (r.active ? r.row->keep_s : r.row->keep_inactive_s);
	if (r.active && r.has_expiry && r.expires_s < v->expires_s)
		v->expires_s = r.expires_s;
	if (ok && r.active) {
		v->payload = arena_copy(a, buf_span(&r.kept));
		ok = !r.kept.failed && v->payload.p != NULL;
	}
	buf_fini(&r.kept);
	*why = a->full ? "out of memory" : "the answer is no JSON object";
	return ok;
}
