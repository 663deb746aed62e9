/*
 * check_access - by whose word callers are let in; part of check.c.
 */
#include "fcgi/check_part.h"

/* Where the web server's word counts, for who configures it. */
static void
check_host_auth(struct report *r, const struct bundle *b)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_HOST_AUTH); i++) {
		const struct row_host_auth *h = bundle_host_auth(b, i);
		struct span first = bundle_string(b, h->hosts.first);

		check_item(r, "host-auth", bundle_text(b, h->name), true,
		    "REMOTE_USER counts for %.*s%s below %.*s/",
		    SPAN_ARG(first), h->hosts.n > 1 ? " and others" : "",
		    SPAN_ARG(bundle_text(b, h->prefix)));
	}
}

/* Who may tell of the client's certificate in a header. */
static void
check_client_cert(struct report *r)
{
	const struct certificate_rules *c = &r->config->certificate;

	if (c->header.n > 0)
		check_item(r, "client-cert", span_skip(c->header, 5), true,
		    "%s, from %u trusted proxies with the secret in %.*s%s",
		    c->form == CERTIFICATE_PEM ? "pem" : "rfc9440",
		    r->config->n_trusted_proxies,
		    SPAN_ARG(span_skip(c->secret_header, 5)),
		    c->pass ? "; passed on" : "");
}

/* For who looks why a proof is refused. */
static void
check_dpop(struct report *r, const struct bundle *b)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
		const struct row_api *a = bundle_api(b, i);

		for (uint32_t k = 0; k < a->schemes.n; k++) {
			const struct row_scheme *s =
			    bundle_scheme(b, a->schemes.first + k);

			if ((s->flags & SCHEME_DPOP) == 0)
				continue;
			check_item(r, "dpop", bundle_text(b, s->name), true,
			    "%s, of the last %us, for %.*s",
			    (s->flags & SCHEME_DPOP_ONLY) != 0 ? "required"
							       : "allowed",
			    (unsigned)bundle_dpop(b, 0)->window_s,
			    SPAN_ARG(bundle_text(b, a->public_url)));
		}
	}
}

void
check_access(struct report *r, const struct bundle *b)
{
	check_client_cert(r);
	check_host_auth(r, b);
	check_dpop(r, b);
}
