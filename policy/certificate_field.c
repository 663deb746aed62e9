/*
 * certificate_field - see certificate_field.h.
 */
#include "policy/certificate_field.h"

#include "base/base64.h"
#include "policy/path.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

bool
certificate_form_parse(struct span word, enum certificate_form *form)
{
	if (span_eq(word, SPAN("rfc9440")))
		*form = CERTIFICATE_RFC9440;
	else if (span_eq(word, SPAN("pem")))
		*form = CERTIFICATE_PEM;
	else
		return false;
	return true;
}

bool
certificate_field_is(const struct certificate_rules *rules, struct span name)
{
	return rules->header.n > 0 &&
	    (span_eq(name, rules->header) ||
		span_eq(name, rules->secret_header));
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ":BASE64:" and nothing else: no parameter has a meaning. */
static bool
read_byte_sequence(
    struct span value, struct arena *a, struct span *der, const char **why)
{
	*why = "not one Byte Sequence (RFC 9440)";
	if (value.n < 2 || value.p[0] != ':' || value.p[value.n - 1] != ':')
		return false;
	value.n -= 2;
	value.p++;
	return base64_decode(value, a, der);
}

/* Base64 with blanks in it, in the place of the line ends of PEM. */
static bool
read_base64(struct span s, struct arena *a, struct span *bytes)
{
	char *to = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; to != NULL && i < s.n; i++)
		if (!is_blank(s.p[i]))
			to[n++] = s.p[i];
	return to != NULL && n > 0 && base64_decode(span_of(to, n), a, bytes);
}

/* What stands between the two lines of PEM, with nothing around them. */
static bool
cut_armour(struct span *s)
{
	static const struct span begin = SPAN_INIT(BEGIN), end = SPAN_INIT(END);

	while (s->n > 0 && is_blank(s->p[s->n - 1]))
		s->n--;
	if (!span_starts(*s, begin) || s->n < begin.n + end.n ||
	    !span_ends(*s, end))
		return false;
	*s = span_of(s->p + begin.n, s->n - begin.n - end.n);
	return true;
}

static bool
read_pem(struct span value, struct arena *a, struct span *der, const char **why)
{
	struct span inner;

	*why = "bad escape";
	if (span_has(value, '%')) {
		char *to = arena_alloc(a, value.n);
		size_t n = 0;

		if (to == NULL || !path_unescape(value, to, &n))
			return false;
		value = span_of(to, n);
	}
	*why = "not one certificate in PEM or base64";
	if (span_starts(value, SPAN(BEGIN)))
		return cut_armour(&value) && read_base64(value, a, der);
	if (!read_base64(value, a, &inner))
		return false;
	/* Some encode the PEM once more. */
	if (!span_starts(inner, SPAN(BEGIN))) {
		*der = inner;
		return true;
	}
	return cut_armour(&inner) && read_base64(inner, a, der);
}

bool
certificate_field_read(struct span value, enum certificate_form form,
    struct arena *a, struct span *der, const char **why)
{
	*why = "too long";
	if (value.n > CERTIFICATE_FIELD_BYTES_MAX)
		return false;
	return form == CERTIFICATE_PEM ? read_pem(value, a, der, why)
				       : read_byte_sequence(value, a, der, why);
}
