/*
 * claims_header - the JOSE header of a token; see claims.h.
 */
#include "policy/claims_part.h"

#define KEY_ID_BYTES_MAX 256

bool
claims_fail(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

bool
claims_next_is(struct reading *r, enum json_event wanted, const char *why)
{
	enum json_event e = json_scan_next(&r->scan);

	if (e == JSON_ERROR)
		return claims_fail(r, "not strict JSON");
	return e == wanted || claims_fail(r, why);
}

bool
claims_skip(struct reading *r)
{
	return json_scan_skip(&r->scan) || claims_fail(r, "not strict JSON");
}

bool
claims_read_text(struct reading *r, struct span *to)
{
	if (!claims_next_is(r, JSON_STRING, "a claim is no text"))
		return false;
	if (span_has_control(r->scan.value))
		return claims_fail(r, "control byte in a claim");
	*to = r->scan.value;
	return true;
}

static bool
read_header_member(struct reading *r, struct jose_header *h)
{
	struct span name = r->scan.value;

	if (span_eq(name, SPAN("alg")))
		return claims_read_text(r, &h->alg);
	if (span_eq(name, SPAN("kid"))) {
		if (!claims_read_text(r, &h->kid))
			return false;
		return h->kid.n <= KEY_ID_BYTES_MAX ||
		    claims_fail(r, "kid is too long");
	}
	if (span_eq(name, SPAN("typ")))
		return claims_read_text(r, &h->type);
	/*
	 * RFC 7515 section 4.1.11: nothing critical is understood here.
	 * RFC 7797 section 7 wants "b64" in "crit"; without it, it would
	 * still mean that something else was signed.
	 */
	if (span_eq(name, SPAN("crit")))
		return claims_fail(r, "crit is not understood");
	if (span_eq(name, SPAN("b64")))
		return claims_fail(r, "b64 is not understood");
	if (span_eq(name, SPAN("zip")) || span_eq(name, SPAN("enc")))
		return claims_fail(r, "not a plain JWS");
	/* Keys and links in the token ("jwk", "jku", "x5u") mean nothing. */
	return claims_skip(r);
}

bool
jose_header_read(
    struct span json, struct arena *a, struct jose_header *h, const char **why)
{
	const struct span prefix = SPAN("application/");
	struct reading r = { .arena = a };
	enum json_event e;
	bool good;

	*h = (struct jose_header){ 0 };
	json_scan_init(&r.scan, json, CLAIMS_DEPTH_MAX, a);
	good = claims_next_is(&r, JSON_OBJECT, "header is no object");
	while (good && (e = json_scan_next(&r.scan)) == JSON_NAME)
		good = read_header_member(&r, h);
	if (good &&
	    (e != JSON_OBJECT_END || json_scan_next(&r.scan) != JSON_END))
		good = claims_fail(&r, "not strict JSON");
	if (good && h->alg.p == NULL)
		good = claims_fail(&r, "no alg");
	if (h->type.n > prefix.n &&
	    span_eq_nocase(span_of(h->type.p, prefix.n), prefix))
		h->type = span_skip(h->type, prefix.n);
	*why = r.why;
	return good;
}
