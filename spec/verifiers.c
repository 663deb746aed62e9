/*
 * verifiers - see verifiers.h.
 */
#include "spec/verifiers.h"

#include "spec/fields.h"

static void
read_verifier(struct policyfile *f, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "jwt", "introspect", "api-key",
		"wso2-key", "basic", "host", "dpop", NULL };
	static const char *const proofs[] = { "off", "allowed", "required",
		NULL };
	struct spec_verifier *v = arena_alloc(d->arena, sizeof(*v));
	enum spec_switch api_key = SWITCH_UNSET, basic = SWITCH_UNSET;
	struct spec_verifier **end;
	int dpop = SPEC_DPOP_OFF;
	unsigned n_verifiers = n->n;
	bool wso2 = tree_get(n, "wso2-key") != NULL;

	if (v == NULL) {
		d->failed = true;
		return;
	}
	v->name = (struct spec_text){ n->name, n->name_place };
	if (!fields_check(n, "an entry of schemes", keys, d))
		return;
	field_words(n, wso2 ? "wso2-key" : "jwt", &v->issuers, d);
	field_words(n, "introspect", &v->introspects, d);
	field_switch(n, "api-key", &api_key, d);
	field_switch(n, "basic", &basic, d);
	field_text(n, "host", &v->host, d);
	field_choice(n, "dpop", proofs, &dpop, d);
	v->dpop = (enum spec_proofs)dpop;
	if (tree_get(n, "dpop") != NULL)
		n_verifiers--;
	/* JWTs, and tokens that are none. */
	if (v->issuers != NULL && v->introspects != NULL && !wso2)
		n_verifiers--;
	if (n_verifiers != 1 || api_key == SWITCH_FALSE ||
	    basic == SWITCH_FALSE) {
		diag_error(d, n->name_place, "scheme-verifier",
		    "scheme '%.*s' needs one verifier: {jwt: [ISSUER...]}, "
		    "{introspect: [NAME...]} (or both of these), "
		    "{api-key: true}, {wso2-key: [ISSUER...]}, {basic: true} "
		    "or {host: NAME}",
		    SPAN_ARG(n->name));
		return;
	}
	v->kind = api_key == SWITCH_TRUE ? SCHEME_API_KEY
	    : basic == SWITCH_TRUE       ? SCHEME_BASIC
	    : v->host.text.p != NULL     ? SCHEME_HOST
	    : wso2                       ? SCHEME_WSO2_KEY
	    : v->issuers != NULL         ? SCHEME_JWT
					 : SCHEME_OPAQUE;
	for (end = &f->verifiers; *end != NULL;)
		end = &(*end)->next;
	*end = v;
}

void
verifiers_read(struct policyfile *f, const struct node *n, struct diag *d)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind", "schemes must be a map, not %s",
		    tree_kind_name(n->kind));
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next)
		read_verifier(f, m, d);
}
