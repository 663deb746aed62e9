/*
 * credential - see credential.h.
 */
#include "policy/credential.h"

/*
 * A letter, digit or one of "-._~+/", a bit for each.  Branches on the
 * letters of a token go wrong half of the time, and cost a microsecond.
 */
static bool
is_token68_char(char c)
{
	static const uint64_t set[4] = { UINT64_C(0x3ffe80000000000),
		UINT64_C(0x47fffffe87fffffe), 0, 0 };
	unsigned char at = (unsigned char)c;

	return (set[at >> 6] >> (at & 63) & 1) != 0;
}

/* RFC 9110 section 11.2; no blank, comma or control byte is among them. */
static bool
is_token68(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_token68_char(s.p[n]))
		n++;
	if (n == 0)
		return false;
	while (n < s.n && s.p[n] == '=')
		n++;
	return n == s.n;
}

/* Cut "Bearer" off, which Authorization must have and others may. */
static bool
cut_bearer(struct span *value, bool must, struct decision *d)
{
	struct span rest = *value, scheme = span_cut(&rest, ' ');

	if (rest.p != NULL && span_eq_nocase(scheme, SPAN("Bearer")))
		*value = span_trim(rest);
	else if (must)
		return refuse(d, REASON_CREDENTIAL_MALFORMED,
		    SPAN("not of the form \"Bearer TOKEN\""));
	return is_token68(*value) ||
	    refuse(d, REASON_CREDENTIAL_MALFORMED,
		SPAN("the token has bytes that no token has"));
}

bool
credential_find(const struct credential_call *c, bool bearer,
    struct span *value, struct decision *d)
{
	const struct row_name *name = bundle_name(c->bundle, c->scheme->field);
	const struct field *f = &c->request->fields[c->scheme->field];
	bool authorization = name->kind == NAME_HEADER &&
	    span_eq(
		bundle_text(c->bundle, name->name), SPAN("HTTP_AUTHORIZATION"));

	*value = span_trim(f->value);
	/* Web servers may set the variable empty where no field came. */
	if (f->n == 0 || (f->n == 1 && value->n == 0))
		return refuse(d, REASON_CREDENTIAL_MISSING,
		    SPAN("no credential was sent"));
	/* Equal headers arrive joined by a comma; a pick would be a guess. */
	if (f->n > 1 || (name->kind == NAME_HEADER && span_has(*value, ',')))
		return refuse(d, REASON_CREDENTIAL_DUPLICATE,
		    SPAN("the credential came more than once"));
	if (bearer)
		return cut_bearer(value, authorization, d);
	return !span_has_control(*value) ||
	    refuse(d, REASON_CREDENTIAL_MALFORMED,
		SPAN("control byte in the credential"));
}
