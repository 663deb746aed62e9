/*
 * credential - see credential.h.
 */
#include "policy/credential.h"

#define BLOCK 16

/*
 * 1 for a letter, digit or one of "-._~+/" (RFC 9110 section 11.2), else
 * 0.  Without branches: on the letters of a token they go wrong half of
 * the time.
 */
static inline unsigned char
is_token68_byte(unsigned char c)
{
	unsigned char letter = (unsigned char)((c | 0x20) - 'a') < 26;
	unsigned char digit = (unsigned char)(c - '-') <= '9' - '-';
	unsigned char plus = c == '+', line = c == '_', wave = c == '~';

	/* A sum: of "or" compilers make a shift, which is no vector. */
	return (unsigned char)(letter + digit + plus + line + wave);
}

/* By blocks, whose bytes the compiler looks at all at once. */
static bool
are_token68_bytes(const unsigned char *p, size_t n)
{
	unsigned char all = 1;

	for (; n >= BLOCK; p += BLOCK, n -= BLOCK) {
		for (int i = 0; i < BLOCK; i++)
			all &= is_token68_byte(p[i]);
	}
	while (n-- > 0)
		all &= is_token68_byte(p[n]);
	return all != 0;
}

/* Some of those, then any number of "=". */
static bool
is_token68(struct span s)
{
	while (s.n > 0 && s.p[s.n - 1] == '=')
		s.n--;
	return s.n > 0 && are_token68_bytes((const unsigned char *)s.p, s.n);
}

/* Whether the auth-scheme is one that comes before tokens here. */
static bool
is_token_scheme(const struct row_scheme *s, struct span scheme)
{
	if ((s->flags & SCHEME_DPOP) != 0 &&
	    span_eq_nocase(scheme, SPAN("DPoP")))
		return true;
	return (s->flags & SCHEME_DPOP_ONLY) == 0 &&
	    span_eq_nocase(scheme, SPAN("Bearer"));
}

/* Cut "Bearer" off, which Authorization must have and others may. */
static bool
cut_bearer(const struct row_scheme *s, struct span *value, bool must,
    struct decision *d)
{
	struct span rest = *value, scheme = span_cut(&rest, ' ');

	if (rest.p != NULL && is_token_scheme(s, scheme))
		*value = span_trim(rest);
	else if (must)
		return refuse(d, REASON_CREDENTIAL_MALFORMED,
		    (s->flags & SCHEME_DPOP_ONLY) != 0
			? SPAN("not of the form \"DPoP TOKEN\"")
			: SPAN("not of the form \"Bearer TOKEN\""));
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
		return cut_bearer(c->scheme, value, authorization, d);
	return !span_has_control(*value) ||
	    refuse(d, REASON_CREDENTIAL_MALFORMED,
		SPAN("control byte in the credential"));
}
