/*
 * openapi_ext - x-mgw-* of our own, and x-wso2-* as WSO2 writes them.
 *
 * An x-mgw-* that is not known is an error: it was meant for us.  An
 * x-wso2-* that is not done here is a warning that names it.
 */
#include "spec/applications.h"
#include "spec/changes.h"
#include "spec/cors.h"
#include "spec/endpoints.h"
#include "spec/fields.h"
#include "spec/levels.h"
#include "spec/openapi_in.h"

static const char *const root_ours[] = { "x-mgw-base-path", "x-mgw-backend",
	"x-mgw-sandbox-backend", "x-mgw-endpoints", "x-mgw-tier",
	"x-mgw-max-body", "x-mgw-cors", "x-mgw-levels", "x-mgw-spike",
	"x-mgw-changes", "x-mgw-groups", NULL };
static const char *const operation_ours[] = { "x-mgw-backend",
	"x-mgw-sandbox-backend", "x-mgw-tier", "x-mgw-max-body",
	"x-mgw-changes", "x-mgw-groups", "x-mgw-timeouts", NULL };

#define WSO2_BASE_PATH "x-wso2-basePath"
#define WSO2_OPEN "x-wso2-disable-security"
#define WSO2_CORS "x-wso2-cors"
#define WSO2_REQUEST_CODE "x-wso2-request-interceptor"
#define WSO2_RESPONSE_CODE "x-wso2-response-interceptor"

static const char *const root_wso2[] = { WSO2_BASE_PATH, WSO2_PRODUCTION,
	WSO2_SANDBOX, "x-wso2-endpoints", WSO2_TIER, WSO2_OPEN, "x-wso2-owner",
	WSO2_APP_SECURITY, WSO2_MUTUAL_SSL, WSO2_CORS, WSO2_REQUEST_CODE,
	WSO2_RESPONSE_CODE, NULL };
static const char *const operation_wso2[] = { WSO2_PRODUCTION, WSO2_SANDBOX,
	WSO2_TIER, WSO2_OPEN, WSO2_APP_SECURITY, WSO2_REQUEST_CODE,
	WSO2_RESPONSE_CODE, NULL };

static const char *const nothing[] = { NULL };

struct known {
	const char *const *ours, *const *wso2;
	const char *where;
};

static void
check_names(struct reader *r, const struct node *map, const struct known *k)
{
	for (const struct node *m = map->first; m != NULL; m = m->next) {
		bool wso2 = span_starts(m->name, SPAN("x-wso2-"));

		r->doc->wso2 = r->doc->wso2 || wso2;
		if (span_starts(m->name, SPAN("x-mgw-")) &&
		    !span_is_one_of(m->name, k->ours)) {
			struct span hint =
			    diag_hint(m->name, k->ours, r->d->arena);

			diag_error(r->d, m->name_place, "extension-unknown",
			    "'%.*s' means nothing in %s%.*s", SPAN_ARG(m->name),
			    k->where, SPAN_ARG(hint));
		}
		if (wso2 && !span_is_one_of(m->name, k->wso2))
			diag_warning(r->d, m->name_place, "wso2-unsupported",
			    "'%.*s' has no effect in %s", SPAN_ARG(m->name),
			    k->where);
		/* It restricts who may call: ignoring it would open. */
		if (span_eq(m->name, SPAN("x-scope")))
			diag_error(r->d, m->name_place, "extension-unknown",
			    "'x-scope' is not read: name the scope in "
			    "'security'");
	}
}

/* Ours, then APIM's older name, then the usual one. */
static void
read_tier(struct reader *r, const struct node *map, struct spec_text *tier)
{
	static const char *const keys[] = { "x-mgw-tier", "x-throttling-tier",
		WSO2_TIER };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct node *n = tree_get(map, keys[i]);

		if (n == NULL)
			continue;
		if (reader_text(r, n, keys[i], false, tier) && n->text.n == 0)
			diag_error(
			    r->d, n->place, "kind", "%s is empty", keys[i]);
		return;
	}
}

static void
read_shared(struct reader *r, const struct node *map, struct spec_text *tier,
    enum spec_switch *open, uint64_t *max_body)
{
	const struct node *n = tree_get(map, WSO2_OPEN);

	read_tier(r, map, tier);
	if (n != NULL)
		(void)reader_switch(r, n, WSO2_OPEN, open); /* has reported */
	field_size(map, "x-mgw-max-body", 0, INT64_MAX, max_body, r->d);
}

/* Ours, else WSO2's; both are judged. */
static void
read_cors(struct reader *r)
{
	const struct node *ours = tree_get(r->root, "x-mgw-cors");
	const struct node *wso2 = tree_get(r->root, WSO2_CORS);

	if (wso2 != NULL)
		r->doc->cors = cors_read_wso2(wso2, r->d);
	if (ours != NULL)
		r->doc->cors = cors_read(ours, r->d);
}

/* What names code, and what is to be done instead of it. */
static void
read_changes(struct reader *r, const struct node *map,
    struct spec_changes **changes, struct spec_text *interceptors)
{
	static const char *const codes[] = {
		[INTERCEPTOR_REQUEST] = WSO2_REQUEST_CODE,
		[INTERCEPTOR_RESPONSE] = WSO2_RESPONSE_CODE,
	};
	const struct node *n = tree_get(map, "x-mgw-changes");

	if (n != NULL)
		*changes = changes_read(n, true, r->d);
	for (size_t i = 0; i < INTERCEPTOR__MAX; i++) {
		n = tree_get(map, codes[i]);
		/* Also as an object: it is code all the same. */
		if (n != NULL)
			interceptors[i] =
			    (struct spec_text){ span_str(codes[i]),
				    n->name_place };
	}
}

void
read_root_extensions(struct reader *r)
{
	static const struct known known = { root_ours, root_wso2,
		"an OpenAPI document" };
	const struct node *ours = tree_get(r->root, "x-mgw-base-path");
	const struct node *wso2 = tree_get(r->root, WSO2_BASE_PATH);
	const struct node *owner = tree_get(r->root, "x-wso2-owner");
	const struct node *base = ours != NULL ? ours : wso2;
	struct spec_document *doc = r->doc;
	struct spec_text t;

	check_names(r, r->root, &known);
	if (base != NULL && reader_text(r, base, "base path", false, &t))
		set_base_path(r, t, "base path");
	if (owner != NULL)
		(void)reader_text(r, owner, "x-wso2-owner", false, &doc->owner);
	doc->endpoints = read_backend(r, r->root, false);
	doc->sandbox = read_backend(r, r->root, true);
	read_shared(r, r->root, &doc->tier, &doc->disable_security,
	    &doc->max_body_bytes);
	doc->max_body_given = tree_get(r->root, "x-mgw-max-body") != NULL;
	read_wso2_root(r);
	read_cors(r);
	levels_read(tree_get(r->root, "x-mgw-levels"), &doc->levels, r->d);
	field_text(r->root, "x-mgw-spike", &doc->spike, r->d);
	read_changes(r, r->root, &doc->changes, doc->interceptors);
	applications_read_groups(r->root, "x-mgw-groups", &doc->groups, r->d);
}

void
note_item_extensions(struct reader *r, const struct node *n)
{
	static const char *const told[] = { WSO2_TIER, NULL };
	static const struct known known = { nothing, told, "a path item" };

	check_names(r, n, &known);
	read_wso2_item(r, n);
}

void
read_operation_extensions(
    struct reader *r, const struct node *n, struct spec_operation *o)
{
	static const struct known known = { operation_ours, operation_wso2,
		"an operation" };
	const struct node *auth = tree_get(n, "x-auth-type");
	struct spec_url *own;

	check_names(r, n, &known);
	own = read_backend(r, n, false);
	if (own != NULL)
		o->endpoints = own;
	o->sandbox = read_backend(r, n, true);
	applications_read_groups(n, "x-mgw-groups", &o->groups, r->d);
	read_shared(r, n, &o->tier, &o->disable_security, &o->max_body_bytes);
	if (tree_get(n, "x-mgw-timeouts") != NULL)
		o->times = endpoints_times(tree_get(n, "x-mgw-timeouts"), r->d);
	read_wso2_operation(r, n, o);
	read_changes(r, n, &o->changes, o->interceptors);
	if (auth != NULL) {
		struct auth_type *a = reader_alloc(r, sizeof(*a));

		if (a == NULL)
			return;
		*a = (struct auth_type){ r->auth_types, o, auth };
		r->auth_types = a;
	}
}

/*
 * Others use the name as well: it opens an operation only where the
 * document says that it is WSO2's.
 */
void
judge_auth_types(struct reader *r)
{
	for (struct auth_type *a = r->auth_types; a != NULL; a = a->next) {
		const struct node *n = a->node;

		if (!r->doc->wso2)
			diag_warning(r->d, n->name_place, "wso2-alone",
			    "x-auth-type is read only in a document with an "
			    "x-wso2-* extension");
		else if (n->kind != NODE_STRING)
			diag_error(r->d, n->place, "kind",
			    "x-auth-type must be a string");
		else if (a->operation->disable_security == SWITCH_UNSET &&
		    span_eq(n->text, SPAN("None")))
			a->operation->disable_security = SWITCH_TRUE;
	}
}
