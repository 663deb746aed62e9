/*
 * openapi - a document of OpenAPI 2.0, 3.0 or 3.1 becomes a model.
 *
 * The parts: openapi_server (where it is served and from), _security
 * (schemes and requirements), _path (templates), _item (methods),
 * _ext (x-mgw-* and x-wso2-*).
 */
#include "spec/openapi_in.h"

static const char *const keys_2[] = { "swagger", "info", "host", "basePath",
	"schemes", "consumes", "produces", "paths", "definitions", "parameters",
	"responses", "securityDefinitions", "security", "tags", "externalDocs",
	NULL };
static const char *const keys_3_0[] = { "openapi", "info", "servers", "paths",
	"components", "security", "tags", "externalDocs", NULL };
static const char *const keys_3_1[] = { "openapi", "info", "servers", "paths",
	"components", "security", "tags", "externalDocs", "webhooks",
	"jsonSchemaDialect", "$self", NULL };

#define VERSIONS_READ "OpenAPI 2.0, 3.0 and 3.1 are read"

/* "3.1.0", "3.0.4-rc1"; also "3.1", which is common and clear. */
static bool
minor_of(struct span version, uint64_t *minor)
{
	struct span rest = version, patch;
	uint64_t number;

	if (!span_eq(span_cut(&rest, '.'), SPAN("3")) || rest.p == NULL)
		return false;
	if (!span_to_u64(span_cut(&rest, '.'), 9, minor))
		return false;
	if (rest.p == NULL)
		return true;
	patch = span_cut(&rest, '-');
	return span_to_u64(patch, UINT32_MAX, &number);
}

static bool
read_version_3(struct reader *r, const struct node *n)
{
	struct spec_text t = { .place = n->place };
	uint64_t minor;

	if (!reader_text(r, n, "'openapi'", true, &t))
		return false;
	if (!minor_of(t.text, &minor) || minor > 2) {
		diag_error(r->d, t.place, "openapi-version",
		    "version '%.*s' is not known: " VERSIONS_READ,
		    SPAN_ARG(t.text));
		return false;
	}
	r->minor = (unsigned)minor;
	r->doc->dialect = minor == 0 ? DIALECT_3_0 : DIALECT_3_1;
	if (minor == 2)
		diag_warning(r->d, t.place, "openapi-version",
		    "OpenAPI 3.2 is read as 3.1: what is new in 3.2 is not "
		    "served");
	return true;
}

static bool
read_version(struct reader *r)
{
	const struct node *swagger = tree_get(r->root, "swagger");
	const struct node *openapi = tree_get(r->root, "openapi");
	struct spec_text t;

	if (swagger != NULL && openapi != NULL) {
		diag_error(r->d, swagger->name_place, "openapi-version",
		    "both 'swagger' and 'openapi' are given");
		return false;
	}
	if (openapi != NULL)
		return read_version_3(r, openapi);
	if (swagger == NULL) {
		diag_error(r->d, r->root->place, "openapi-version",
		    "not an OpenAPI document: neither 'openapi' nor "
		    "'swagger' is given; " VERSIONS_READ);
		return false;
	}
	r->doc->dialect = DIALECT_2_0;
	if (!reader_text(r, swagger, "'swagger'", true, &t))
		return false;
	if (span_eq(t.text, SPAN("2.0")))
		return true;
	diag_error(r->d, t.place, "openapi-version",
	    "version '%.*s' is not known: " VERSIONS_READ, SPAN_ARG(t.text));
	return false;
}

/* A name that makes its way into files and messages. */
static void
read_name(struct reader *r, const struct node *info, const char *key,
    bool loose, struct spec_text *t)
{
	const struct node *n = tree_get(info, key);

	if (n == NULL) {
		diag_error(r->d, info->place, "info-missing",
		    "info.%s is missing", key);
		return;
	}
	if (!reader_text(r, n, key, loose, t))
		return;
	if (t->text.n == 0 || span_has_control(t->text))
		diag_error(r->d, n->place, "info-missing",
		    "info.%s is empty or has control characters", key);
}

static void
read_info(struct reader *r)
{
	const struct node *info = tree_get(r->root, "info");

	if (info == NULL) {
		diag_error(r->d, r->root->place, "info-missing",
		    "'info' with title and version is missing");
		return;
	}
	if (!reader_is(r, info, "info", NODE_MAP))
		return;
	read_name(r, info, "title", false, &r->doc->title);
	/* version: 1.0 without quotes is a number in YAML. */
	read_name(r, info, "version", true, &r->doc->version);
}

static void
read_root(struct reader *r)
{
	const struct node *security = tree_get(r->root, "security");
	const char *const *known = keys_2;

	if (r->doc->dialect != DIALECT_2_0)
		known = r->doc->dialect == DIALECT_3_0 ? keys_3_0 : keys_3_1;
	reader_keys(r, r->root, "an OpenAPI document", known);
	read_info(r);
	read_root_extensions(r);
	read_servers(r);
	read_schemes(r);
	if (security != NULL)
		read_security(r, security, &r->doc->security);
	read_paths(r);
	judge_auth_types(r);
	ref_check_all(&r->doc->refs, r->doc->dialect == DIALECT_2_0);
}

static struct spec_document *
new_document(const char *shown, struct diag *d)
{
	struct spec_document *doc = arena_alloc(d->arena, sizeof(*doc));

	if (doc == NULL) {
		diag_error(d, (struct place){ shown, 0, 0 }, "memory",
		    "out of memory");
		return NULL;
	}
	doc->file = shown;
	doc->errors = -1;
	doc->max_body_bytes = UINT64_MAX;
	return doc;
}

static struct spec_document *
read_document(struct spec_document *doc, struct diag *d)
{
	struct reader r = { .d = d, .doc = doc, .root = doc->root };

	if (r.root == NULL)
		return NULL;
	if (!reader_is(&r, r.root, "an OpenAPI document", NODE_MAP) ||
	    !read_version(&r))
		return NULL;
	table_init(&r.schemes, d->arena);
	table_init(&r.operation_ids, d->arena);
	table_init(&r.paths, d->arena);
	read_root(&r);
	return doc;
}

struct spec_document *
openapi_read(const char *path, struct diag *d)
{
	struct spec_document *doc = new_document(path, d);

	if (doc == NULL)
		return NULL;
	doc->root = ref_open(&doc->refs, path, d);
	return read_document(doc, d);
}

struct spec_document *
openapi_parse(struct span text, const char *shown, struct diag *d)
{
	struct spec_document *doc = new_document(shown, d);

	if (doc == NULL)
		return NULL;
	doc->root = ref_open_text(&doc->refs, text, shown, d);
	return read_document(doc, d);
}
