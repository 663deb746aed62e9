/*
 * certificates - see certificates.h.
 */
#include "spec/certificates.h"

#include "base/ascii.h"
#include "spec/fields.h"

#define SHA256_DIGITS 64

static const char *const rule_keys[CERTIFICATE_RULE__MAX] = {
	[CERTIFICATE_SHA256] = "sha256",
	[CERTIFICATE_SERIAL] = "serial",
	[CERTIFICATE_SUBJECT] = "subject",
	[CERTIFICATE_NAME] = "name",
};

/* Lower case digits without the colons of openssl; n == 0: not these. */
static struct span
hex_digits(struct span s, struct arena *a)
{
	char *to = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; to != NULL && i < s.n; i++) {
		if (s.p[i] == ':')
			continue;
		if (ascii_hex(s.p[i]) < 0)
			return SPAN("");
		to[n++] = ascii_lower(s.p[i]);
	}
	return span_of(to, n);
}

static void
check_value(struct spec_certificate *c, struct diag *d)
{
	struct span *s = &c->value.text;

	if (c->rule == CERTIFICATE_SHA256 || c->rule == CERTIFICATE_SERIAL)
		*s = hex_digits(*s, d->arena);
	while (c->rule == CERTIFICATE_SERIAL && s->n > 1 && s->p[0] == '0')
		*s = span_skip(*s, 1);
	if (c->rule == CERTIFICATE_SHA256 ? s->n != SHA256_DIGITS : s->n == 0)
		diag_error(d, c->value.place, "certificate",
		    "%s is not hexadecimal digits%s", rule_keys[c->rule],
		    c->rule == CERTIFICATE_SHA256 ? ", 64 of them" : "");
	if (c->rule == CERTIFICATE_NAME && !span_starts(*s, SPAN("dns:")) &&
	    !span_starts(*s, SPAN("uri:")) && !span_starts(*s, SPAN("email:")))
		diag_error(d, c->value.place, "certificate",
		    "name must begin with dns:, uri: or email:");
	if (c->rule == CERTIFICATE_SERIAL && c->issuer.text.p == NULL)
		diag_error(d, c->value.place, "certificate",
		    "serial needs issuer: each has numbers of its own");
}

static struct spec_certificate *
read_one(const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "sha256", "serial", "subject",
		"name", "issuer", "application", "tier", "scopes", NULL };
	struct spec_certificate *c = arena_alloc(d->arena, sizeof(*c));
	int n_rules = 0;

	if (c == NULL) {
		d->failed = true;
		return NULL;
	}
	if (!fields_check(n, "a certificate", keys, d))
		return NULL;
	for (int i = 0; i < CERTIFICATE_RULE__MAX; i++) {
		if (tree_get(n, rule_keys[i]) == NULL)
			continue;
		n_rules++;
		c->rule = (enum certificate_rule)i;
		field_text(n, rule_keys[i], &c->value, d);
	}
	field_text(n, "issuer", &c->issuer, d);
	field_text(n, "application", &c->application, d);
	field_text(n, "tier", &c->tier, d);
	field_words(n, "scopes", &c->scopes, d);
	if (n_rules != 1)
		diag_error(d, n->place, "certificate",
		    "a certificate needs exactly one of sha256, serial, "
		    "subject and name");
	else if (c->value.text.p != NULL)
		check_value(c, d);
	return c;
}

struct spec_certificates *
certificates_read(const struct node *n, struct diag *d)
{
	struct spec_certificates *c = arena_alloc(d->arena, sizeof(*c));
	struct spec_certificate **end;

	if (c == NULL) {
		d->failed = true;
		return NULL;
	}
	c->any = n->kind == NODE_STRING && span_eq(n->text, SPAN("any"));
	if (c->any)
		return c;
	if (n->kind != NODE_LIST || n->first == NULL) {
		diag_error(d, n->place, "kind",
		    "certificates must be a list, or the word any");
		return NULL;
	}
	end = &c->list;
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		*end = read_one(m, d);
		if (*end != NULL)
			end = &(*end)->next;
	}
	return c;
}

struct range
certificates_emit(struct build *b, const struct spec_certificates *all)
{
	struct range r = { build_n(b, SECTION_CERTIFICATE), 0 };

	for (const struct spec_certificate *c = all->list; c; c = c->next) {
		struct row_certificate row = { .rule = (uint32_t)c->rule };

		row.value = build_text(b, c->value.text);
		row.issuer = build_text(b, c->issuer.text);
		row.application = build_text(b, c->application.text);
		row.tier = build_text(b, c->tier.text);
		row.scopes.first = build_n(b, SECTION_STRING);
		for (const struct spec_word *w = c->scopes; w; w = w->next)
			row.scopes.n += build_strings(b, &w->text.text, 1).n;
		(void)BUILD_ROW(b, SECTION_CERTIFICATE, &row);
		r.n++;
	}
	return r;
}
