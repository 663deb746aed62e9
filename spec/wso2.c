/*
 * wso2 - extensions of WSO2 that restrict who may call.
 *
 * mgw does not enforce them.  Where what it does enforce lets nobody in
 * whom WSO2 would refuse, that is a warning; elsewhere an error, unless
 * mgw.yaml says that the document's own "security" is what counts.
 */
#include "spec/fields.h"
#include "spec/link.h"
#include "spec/openapi_in.h"

/* False after an error. */
static bool
read_type(struct reader *r, const struct node *n, unsigned *types)
{
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = { { "oauth2", SPEC_APP_TOKEN }, { "jwt", SPEC_APP_TOKEN },
		{ "basic_auth", SPEC_APP_BASIC }, { "basic", SPEC_APP_BASIC },
		{ "api_key", SPEC_APP_KEY } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (n->kind == NODE_STRING &&
		    span_eq(n->text, span_str(known[i].name))) {
			*types |= known[i].bit;
			return true;
		}
	}
	diag_error(r->d, n->place, "wso2-unsupported",
	    "security type is not one of oauth2, basic_auth, api_key");
	return false;
}

static void
read_app_security(
    struct reader *r, const struct node *map, struct spec_app_security *s)
{
	const struct node *n = tree_get(map, WSO2_APP_SECURITY), *list;

	if (n == NULL)
		return;
	list = tree_get(n, "security-types");
	if (!tree_is(n, NODE_MAP) ||
	    (list != NULL && !tree_is(list, NODE_LIST))) {
		diag_error(r->d, n->place, "kind",
		    WSO2_APP_SECURITY " must be a map with a list of "
				      "'security-types'");
		return;
	}
	s->given = true;
	s->place = n->name_place;
	/* WSO2 takes oauth2 where no type is named. */
	if (list == NULL || list->first == NULL)
		s->types = SPEC_APP_TOKEN;
	else
		for (n = list->first; n != NULL; n = n->next)
			(void)read_type(r, n, &s->types); /* it has reported */
}

void
read_wso2_root(struct reader *r)
{
	const struct node *n = tree_get(r->root, WSO2_MUTUAL_SSL);

	read_app_security(r, r->root, &r->doc->app_security);
	if (n == NULL)
		return;
	r->doc->certificate_place = n->name_place;
	r->doc->wants_certificate =
	    n->kind != NODE_STRING || !span_eq(n->text, SPAN("optional"));
	if (!r->doc->wants_certificate)
		diag_warning(r->d, n->name_place, "wso2-unsupported",
		    "'" WSO2_MUTUAL_SSL "' has no effect");
}

void
read_wso2_operation(
    struct reader *r, const struct node *n, struct spec_operation *o)
{
	read_app_security(r, n, &o->app_security);
}

/* A limit that is not counted lets more pass. */
void
read_wso2_item(struct reader *r, const struct node *n)
{
	const struct node *tier = tree_get(n, WSO2_TIER);

	if (tier != NULL)
		diag_error(r->d, tier->name_place, "wso2-unsupported",
		    "'" WSO2_TIER "' is not read in a path item: name it in "
		    "each operation");
}

static unsigned
type_of(const struct spec_scheme *s)
{
	switch (s->type) {
	case SPEC_SCHEME_API_KEY:
		return SPEC_APP_KEY;
	case SPEC_SCHEME_HTTP_BASIC:
		return SPEC_APP_BASIC;
	case SPEC_SCHEME_HTTP_BEARER:
	case SPEC_SCHEME_HTTP_DPOP:
	case SPEC_SCHEME_OAUTH2:
	case SPEC_SCHEME_OPENID:
		return SPEC_APP_TOKEN;
	case SPEC_SCHEME_HTTP_OTHER:
	case SPEC_SCHEME_MTLS:
		break;
	}
	return 0;
}

/* Every way in asks for one of "types" at least. */
static bool
asks_for(const struct spec_operation *op, unsigned types)
{
	for (const struct spec_alternative *a = op->checks; a; a = a->next) {
		bool found = false;

		for (const struct spec_requirement *r = a->requirements; r;
		     r = r->next)
			found |= r->resolved == NULL ||
			    (type_of(r->resolved) & types) != 0;
		if (!found)
			return false;
	}
	return op->checks != NULL;
}

static void
judge_operation(const struct spec_document *doc, const struct spec_path *path,
    const struct spec_operation *op, struct diag *d)
{
	const struct spec_app_security *s =
	    op->app_security.given ? &op->app_security : &doc->app_security;
	enum spec_switch off = op->disable_security != SWITCH_UNSET
	    ? op->disable_security
	    : doc->disable_security;

	/* Without a type that is known there was an error already. */
	if (s->types != 0 && off != SWITCH_TRUE && !asks_for(op, s->types))
		diag_error(d, op->method.place, "wso2-unsupported",
		    "%.*s %.*s would let in callers that "
		    "'" WSO2_APP_SECURITY "' refuses: say the same in "
		    "'security'",
		    SPAN_ARG(op->method.text), SPAN_ARG(path->template.text));
}

static void
warn(const struct spec_app_security *s, struct diag *d)
{
	if (s->given)
		diag_warning(d, s->place, "wso2-unsupported",
		    "'" WSO2_APP_SECURITY "' has no effect: 'security' "
		    "decides");
}

void
link_wso2(const struct spec_document *doc, struct diag *d)
{
	bool as_documented = doc->security_required == SWITCH_FALSE;

	warn(&doc->app_security, d);
	if (doc->wants_certificate && as_documented)
		diag_warning(d, doc->certificate_place, "wso2-unsupported",
		    "'" WSO2_MUTUAL_SSL "' has no effect");
	else if (doc->wants_certificate && doc->certificates == NULL)
		diag_error(d, doc->certificate_place, "wso2-unsupported",
		    "'" WSO2_MUTUAL_SSL "' needs certificates in mgw.yaml: "
		    "any, or a list");
	for (const struct spec_path *p = doc->paths; p != NULL; p = p->next)
		for (const struct spec_operation *op = p->operations; op;
		     op = op->next) {
			warn(&op->app_security, d);
			if (!as_documented)
				judge_operation(doc, p, op, d);
		}
}
