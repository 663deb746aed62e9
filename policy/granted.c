/*
 * granted - see granted.h.
 */
#include "policy/granted.h"

#include "base/json.h"

#define DEPTH_MAX 16

/* RFC 6749 appendix A.12 without blanks: they would end a credential. */
static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	return s.n > 0 && s.n <= GRANTED_TOKEN_MAX;
}

/* Whole seconds; what is no such number is as if it were not there. */
static void
read_life(struct granted *g, struct span number)
{
	struct span rest = number, whole = span_cut(&rest, '.');
	uint64_t s;

	if (!span_to_u64(whole, UINT64_MAX, &s))
		return;
	g->life_s = s < GRANTED_LIFE_S_MAX ? (uint32_t)s : GRANTED_LIFE_S_MAX;
}

/* The member just named; some servers write expires_in as a string. */
static bool
read_member(struct json_scan *scan, struct granted *g, bool *bearer)
{
	struct span name = scan->value;
	enum json_event e = json_scan_next(scan);
	bool string = e == JSON_STRING;

	if (string && span_eq(name, SPAN("access_token")))
		g->token = scan->value;
	else if (string && span_eq(name, SPAN("token_type")))
		*bearer = span_eq_nocase(scan->value, SPAN("Bearer"));
	else if ((string || e == JSON_NUMBER) &&
	    span_eq(name, SPAN("expires_in")))
		read_life(g, scan->value);
	return e != JSON_ERROR && json_scan_skip(scan);
}

bool
granted_read(
    struct span answer, struct arena *a, struct granted *g, const char **why)
{
	struct json_scan scan;
	enum json_event e;
	bool bearer = false;

	*g = (struct granted){ .life_s = GRANTED_LIFE_S };
	*why = "the answer is no JSON object";
	json_scan_init(&scan, answer, DEPTH_MAX, a);
	if (json_scan_next(&scan) != JSON_OBJECT)
		return false;
	while ((e = json_scan_next(&scan)) == JSON_NAME)
		if (!read_member(&scan, g, &bearer))
			return false;
	if (e != JSON_OBJECT_END || json_scan_next(&scan) != JSON_END)
		return false;
	*why = "the answer has no token of type Bearer";
	return bearer && is_token(g->token);
}
