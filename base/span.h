/*
 * span - a view of bytes that somebody else owns.
 *
 * Parsers cut spans into smaller spans; nothing is copied and nothing
 * is NUL-terminated.  A span is valid as long as the bytes it points to.
 * An absent value is {NULL, 0}; an empty one has a pointer and n == 0.
 */
#ifndef MGW_BASE_SPAN_H
#define MGW_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

/* A literal as an expression, and as a static initialiser. */
#define SPAN(lit) ((struct span){ "" lit, sizeof(lit) - 1 })
#define SPAN_INIT(lit)                  \
	{                               \
		"" lit, sizeof(lit) - 1 \
	}

/* For printf: "%.*s", SPAN_ARG(s).  Only for bytes already known clean. */
#define SPAN_ARG(s) (int)(s).n, (s).p

static inline struct span
span_of(const void *p, size_t n)
{
	return (struct span){ p, n };
}

/* NULL gives the absent span. */
static inline struct span
span_str(const char *s)
{
	return (struct span){ s, s != NULL ? strlen(s) : 0 };
}

static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
span_starts(struct span s, struct span prefix)
{
	return s.n >= prefix.n &&
	    (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool
span_ends(struct span s, struct span suffix)
{
	return s.n >= suffix.n &&
	    (suffix.n == 0 ||
		memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

static inline bool
span_has(struct span s, char c)
{
	return s.n > 0 && memchr(s.p, c, s.n) != NULL;
}

/* Everything behind the first "n" bytes; "n" may exceed the length. */
static inline struct span
span_skip(struct span s, size_t n)
{
	if (n > s.n)
		n = s.n;
	return (struct span){ s.n > 0 ? s.p + n : s.p, s.n - n };
}

/*
 * Cut "*rest" at the first "c": returns what is before it and leaves in
 * "*rest" what is behind it.  Without a "c" all is returned and "*rest"
 * becomes the absent span, so a loop runs while rest.p != NULL.
 */
struct span span_cut(struct span *rest, char c);

/* ASCII case is folded; for header names and schemes (RFC 9110 5.1). */
bool span_eq_nocase(struct span a, struct span b);

/* It is one of these words, a list that ends with NULL. */
bool span_is_one_of(struct span s, const char *const *words);

/* Without spaces and tabs at both ends (OWS, RFC 9110 section 5.6.3). */
struct span span_trim(struct span s);

/*
 * Decimal digits only, at least one, no sign, at most "max".
 * False leaves "*v" as it was.
 */
bool span_to_u64(struct span s, uint64_t max, uint64_t *v);

/* Byte order as memcmp, a shorter prefix first; for sorting. */
int span_cmp(struct span a, struct span b);

/* Well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms. */
bool span_is_utf8(struct span s);

/* Some byte below 0x20, or 0x7f. */
bool span_has_control(struct span s);

#endif
