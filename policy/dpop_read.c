/*
 * dpop_read - the parts of a proof, and what URL it means; see dpop.h.
 */
#include "policy/dpop.h"

#include "base/ascii.h"
#include "base/json.h"
#include "policy/path.h"
#include "policy/url.h"

#define DEPTH_MAX 8
#define SECONDS_MAX (INT64_C(1) << 40)

/* The text of the object "jwk" in the header, which has been read. */
static bool
find_jwk(struct span json, struct arena *a, struct span *jwk)
{
	struct json_scan s;

	json_scan_init(&s, json, DEPTH_MAX, a);
	if (json_scan_next(&s) != JSON_OBJECT)
		return false;
	while (json_scan_next(&s) == JSON_NAME) {
		bool found = span_eq(s.value, SPAN("jwk"));
		enum json_event e = json_scan_next(&s);
		size_t from = s.offset;

		if (!json_scan_skip(&s))
			return false;
		if (!found)
			continue;
		/* The last event was the end of the object: its brace. */
		*jwk = span_of(json.p + from, s.offset + 1 - from);
		return e == JSON_OBJECT;
	}
	return false;
}

/* Whole seconds; a fraction is cut off (RFC 7519 section 2). */
static bool
read_seconds(struct span number, int64_t *seconds)
{
	struct span whole = span_cut(&number, '.');
	uint64_t v;

	for (size_t i = 0; i < number.n; i++)
		if (!ascii_is_digit(number.p[i]))
			return false;
	if (!span_to_u64(whole, SECONDS_MAX, &v))
		return false;
	*seconds = (int64_t)v;
	return true;
}

static bool
read_claim(struct json_scan *s, struct dpop_proof *p, bool *issued)
{
	const struct {
		const char *name;
		struct span *to;
	} texts[] = { { "htm", &p->method }, { "htu", &p->url },
		{ "jti", &p->id }, { "ath", &p->token_hash } };
	struct span name = s->value;
	enum json_event e = json_scan_next(s);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!span_eq(name, span_str(texts[i].name)))
			continue;
		*texts[i].to = s->value;
		return e == JSON_STRING;
	}
	if (span_eq(name, SPAN("iat"))) {
		*issued = true;
		return e == JSON_NUMBER && read_seconds(s->value, &p->issued_s);
	}
	return json_scan_skip(s);
}

static bool
read_claims(struct dpop_proof *p, struct arena *a, const char **why)
{
	struct json_scan s;
	enum json_event e;
	bool issued = false;

	*why = "a claim of the proof is of the wrong type, or not strict JSON";
	json_scan_init(&s, p->jwt.payload, DEPTH_MAX, a);
	if (json_scan_next(&s) != JSON_OBJECT)
		return false;
	while ((e = json_scan_next(&s)) == JSON_NAME)
		if (!read_claim(&s, p, &issued))
			return false;
	if (e != JSON_OBJECT_END || json_scan_next(&s) != JSON_END)
		return false;
	*why = "the proof lacks jti, htm, htu, iat or ath";
	return issued && p->id.n > 0 && p->method.n > 0 && p->url.n > 0 &&
	    p->token_hash.n > 0;
}

bool
dpop_read(
    struct span text, struct arena *a, struct dpop_proof *p, const char **why)
{
	*p = (struct dpop_proof){ .jwk = { NULL, 0 } };
	*why = "the proof is too long";
	if (text.n > DPOP_PROOF_BYTES_MAX)
		return false;
	if (!jwt_split(text, a, &p->jwt, why))
		return false;
	*why = "the type of the proof is not dpop+jwt";
	if (!span_eq_nocase(p->jwt.header.type, SPAN("dpop+jwt")))
		return false;
	*why = "the proof has no key";
	if (!find_jwk(p->jwt.header_json, a, &p->jwk))
		return false;
	return read_claims(p, a, why);
}

/* The path of an absolute URL, "/" where it has none. */
static struct span
path_of(struct span url)
{
	size_t at = 0;

	while (at + 2 < url.n && !span_starts(span_skip(url, at), SPAN("://")))
		at++;
	url = span_skip(url, at + 3);
	for (at = 0; at < url.n && url.p[at] != '/';)
		at++;
	return at < url.n ? span_skip(url, at) : SPAN("/");
}

static struct span
canonical(struct span path, struct arena *a)
{
	struct decision d;
	struct path p;

	if (!path_parse(path, SPAN(""), SPAN(""), a, &p, &d))
		return (struct span){ NULL, 0 };
	return p.canonical;
}

bool
dpop_url_fits(
    struct span url, struct span public_url, struct span rest, struct arena *a)
{
	struct span got, front;
	struct url g, w;
	const char *why;

	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] == '?' || url.p[i] == '#')
			url.n = i;
	if (!url_parse(url, &g, &why) || !url_parse(public_url, &w, &why) ||
	    g.unix_path.p != NULL || w.unix_path.p != NULL || g.tls != w.tls ||
	    g.port != w.port || !span_eq_nocase(g.host, w.host))
		return false;
	got = canonical(path_of(url), a);
	front = w.path.n > 0 ? canonical(w.path, a) : SPAN("");
	if (got.p == NULL || front.p == NULL)
		return false;
	if (front.n + rest.n == 0)
		rest = SPAN("/");
	return span_starts(got, front) &&
	    span_eq(span_skip(got, front.n), rest);
}
