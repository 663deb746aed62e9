/*
 * config_cert - where a proxy tells of its client's certificate; part of
 * config_keys.h.
 *
 *	client-cert-header Client-Cert rfc9440
 *	client-cert-secret X-Proxy-Secret ${file:proxy.secret}
 *
 * Without a secret, or without a proxy to show it, everybody could claim
 * any certificate: then the gate does not start.
 */
#include "fcgi/config_keys.h"
#include "policy/credential_fields.h"
#include "policy/field.h"
#include "policy/reference.h"

/* "X-Proxy-Secret" as HTTP_X_PROXY_SECRET. */
static bool
cgi_name(struct origin *o, struct span name, struct span *to)
{
	static const char *const taken[] = { "Authorization", "Connection",
		"Content-Length", "Content-Type", "Cookie", "Forwarded", "Host",
		"X-Forwarded-For", NULL };
	char *p = arena_alloc(&o->config->arena, name.n + 5);

	if (p == NULL)
		return origin_wrong(o, "out of memory");
	if (!field_is_token(name))
		return origin_wrong(o, "needs the name of a header");
	for (size_t i = 0; taken[i] != NULL; i++)
		if (span_eq_nocase(name, span_str(taken[i])))
			return origin_wrong(
			    o, "%s means something else", taken[i]);
	memcpy(p, "HTTP_", 5);
	for (size_t i = 0; i < name.n; i++)
		p[5 + i] = credential_fold(name.p[i]);
	*to = span_of(p, name.n + 5);
	return true;
}

bool
set_client_cert_header(struct origin *o, struct span value)
{
	struct certificate_rules *c = &o->config->certificate;
	struct span name = span_cut(&value, ' ');

	c->form = CERTIFICATE_RFC9440;
	value = span_trim(value);
	if (value.n > 0 && !certificate_form_parse(value, &c->form))
		return origin_wrong(o, "must be HEADER [rfc9440|pem]");
	o->config->certificate_origin = o->place;
	return cgi_name(o, name, &c->header);
}

/* What it refers to is looked up when all of the file is known. */
bool
set_client_cert_secret(struct origin *o, struct span value)
{
	struct certificate_rules *c = &o->config->certificate;
	struct span name = span_cut(&value, ' ');

	value = span_trim(value);
	if (value.n == 0)
		return origin_wrong(o, "must be HEADER SECRET");
	c->secret = arena_copy(&o->config->arena, value);
	if (c->secret.p == NULL)
		return origin_wrong(o, "out of memory");
	if (o->config->certificate_origin == NULL)
		o->config->certificate_origin = o->place;
	return cgi_name(o, name, &c->secret_header);
}

bool
set_client_cert_pass(struct origin *o, struct span value)
{
	bool *pass = &o->config->certificate.pass;

	*pass = span_eq(value, SPAN("yes"));
	return *pass || span_eq(value, SPAN("no")) ||
	    origin_wrong(o, "must be yes or no");
}

bool
config_cert_finish(struct origin *o)
{
	struct config *c = o->config;
	struct certificate_rules *r = &c->certificate;
	char why[512] = "";

	if (r->header.n == 0 && r->secret.n == 0)
		return !r->pass ||
		    origin_wrong(
			o, "client-cert-pass needs client-cert-header");
	o->place = c->certificate_origin;
	if (r->header.n == 0)
		return origin_wrong(
		    o, "client-cert-secret needs client-cert-header");
	if (r->secret.n == 0)
		return origin_wrong(o,
		    "client-cert-header needs client-cert-secret: without it "
		    "anybody could claim any certificate");
	if (c->n_trusted_proxies == 0)
		return origin_wrong(o,
		    "client-cert-header needs trusted-proxy: the address of "
		    "who sends it");
	if (span_eq(r->header, r->secret_header))
		return origin_wrong(
		    o, "certificate and secret need a header each");
	if (reference_in(r->secret))
		r->secret = reference_expand(r->secret,
		    span_str(c->file != NULL ? c->file : ""), config_lookup, c,
		    &c->arena, why, sizeof(why));
	if (r->secret.p == NULL)
		return origin_wrong(o, "%s", why);
	if (r->secret.n < CERTIFICATE_SECRET_BYTES_MIN)
		return origin_wrong(o, "the secret is shorter than %d bytes",
		    CERTIFICATE_SECRET_BYTES_MIN);
	return field_is_value(r->secret) ||
	    origin_wrong(o, "the secret cannot stand in a header");
}
