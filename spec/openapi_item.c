/*
 * openapi_item - a path item and its operations.
 */
#include "spec/openapi_in.h"

struct method {
	const char *key, *name; /* name == NULL: never served */
};

/* The last one is OpenAPI 3.2's; TRACE would show credentials. */
static const struct method methods[] = { { "get", "GET" }, { "put", "PUT" },
	{ "post", "POST" }, { "delete", "DELETE" }, { "options", "OPTIONS" },
	{ "head", "HEAD" }, { "patch", "PATCH" }, { "trace", NULL },
	{ "query", NULL } };

#define N_METHODS (sizeof(methods) / sizeof(methods[0]))

static const char *const item_keys_2[] = { "$ref", "get", "put", "post",
	"delete", "options", "head", "patch", "parameters", NULL };
static const char *const item_keys_3[] = { "$ref", "get", "put", "post",
	"delete", "options", "head", "patch", "trace", "parameters", "servers",
	"summary", "description", NULL };
static const char *const item_keys_3_2[] = { "$ref", "get", "put", "post",
	"delete", "options", "head", "patch", "trace", "parameters", "servers",
	"summary", "description", "query", "additionalOperations", NULL };
static const char *const operation_keys_2[] = { "tags", "summary",
	"description", "externalDocs", "operationId", "consumes", "produces",
	"parameters", "responses", "schemes", "deprecated", "security", NULL };
static const char *const operation_keys_3[] = { "tags", "summary",
	"description", "externalDocs", "operationId", "parameters",
	"requestBody", "responses", "callbacks", "deprecated", "security",
	"servers", NULL };

/* The path item itself, and what its $ref means or NULL. */
struct item {
	struct spec_path *path;
	struct node *own, *target;
	struct spec_url *endpoints; /* of "servers" */
};

static const struct node *
item_get(const struct item *i, const char *key)
{
	const struct node *n = tree_get(i->own, key);

	return n != NULL ? n : tree_get(i->target, key);
}

static struct spec_word *
variable(const struct spec_path *p, struct span name)
{
	struct spec_word *w = p->variables;

	while (w != NULL && !span_eq(w->text.text, name))
		w = w->next;
	return w;
}

static void
read_parameter(struct reader *r, const struct spec_path *p, struct node *n,
    struct table *declared)
{
	const struct node *in = tree_get(n, "in"), *name = tree_get(n, "name");

	if (!tree_is(in, NODE_STRING) || !tree_is(name, NODE_STRING) ||
	    !span_eq(in->text, SPAN("path")))
		return;
	if (variable(p, name->text) == NULL)
		diag_warning(r->d, name->place, "path-parameter",
		    "'%.*s' has no variable {%.*s}", SPAN_ARG(p->template.text),
		    SPAN_ARG(name->text));
	else if (!table_put(declared, name->text, n))
		r->d->failed = true;
}

static void
read_parameters(struct reader *r, const struct spec_path *p,
    const struct node *list, struct table *declared)
{
	if (list == NULL || !reader_is(r, list, "parameters", NODE_LIST))
		return;
	for (struct node *e = list->first; e != NULL; e = e->next) {
		struct node *n = ref_resolve(&r->doc->refs, e);

		if (n != NULL && reader_is(r, n, "a parameter", NODE_MAP))
			read_parameter(r, p, n, declared);
	}
}

/* Variables that neither the path item nor this operation declares. */
static void
check_parameters(
    struct reader *r, const struct item *i, const struct node *operation)
{
	struct table declared;

	table_init(&declared, r->d->arena);
	read_parameters(r, i->path, item_get(i, "parameters"), &declared);
	read_parameters(
	    r, i->path, tree_get(operation, "parameters"), &declared);
	for (struct spec_word *w = i->path->variables; w; w = w->next)
		if (table_get(&declared, w->text.text) == NULL)
			diag_warning(r->d, operation->name_place,
			    "path-parameter",
			    "the variable {%.*s} of '%.*s' is no parameter",
			    SPAN_ARG(w->text.text),
			    SPAN_ARG(i->path->template.text));
}

static void
read_operation_id(struct reader *r, struct node *n, struct spec_operation *o)
{
	const struct node *other;

	if (!reader_text(r, n, "operationId", true, &o->operation_id))
		return;
	if (n->text.n == 0 || span_has_control(n->text)) {
		diag_error(r->d, n->place, "operation-id",
		    "operationId is empty or has control characters");
		return;
	}
	other = table_get(&r->operation_ids, n->text);
	if (other != NULL)
		diag_warning(r->d, n->place, "operation-id",
		    "operationId '%.*s' is already used in line %u",
		    SPAN_ARG(n->text), other->place.line);
	else if (!table_put(&r->operation_ids, n->text, n))
		r->d->failed = true;
}

static void
read_flags(struct reader *r, const struct node *n, struct spec_operation *o)
{
	const struct node *deprecated = tree_get(n, "deprecated");
	enum spec_switch on = SWITCH_UNSET;

	if (deprecated != NULL &&
	    reader_switch(r, deprecated, "deprecated", &on))
		o->deprecated = on == SWITCH_TRUE;
}

static struct spec_operation *
read_operation(struct reader *r, const struct item *i, const struct node *n,
    const struct method *m)
{
	bool v2 = r->doc->dialect == DIALECT_2_0;
	const struct node *security = tree_get(n, "security");
	const struct node *servers = v2 ? NULL : tree_get(n, "servers");
	struct node *id = tree_get(n, "operationId");
	struct spec_operation *o;

	if (!reader_is(r, n, "an operation", NODE_MAP))
		return NULL;
	o = reader_alloc(r, sizeof(*o));
	if (o == NULL)
		return NULL;
	o->method = (struct spec_text){ span_str(m->name), n->name_place };
	o->max_body_bytes = UINT64_MAX;
	reader_keys(
	    r, n, "an operation", v2 ? operation_keys_2 : operation_keys_3);
	if (id != NULL)
		read_operation_id(r, id, o);
	if (security != NULL)
		read_security(r, security, &o->security);
	o->endpoints = i->endpoints;
	if (servers != NULL)
		o->endpoints = read_server_list(r, servers, NULL);
	read_operation_extensions(r, n, o);
	read_flags(r, n, o);
	check_parameters(r, i, n);
	return o;
}

static void
read_methods(struct reader *r, struct item *i)
{
	struct spec_operation **tail = &i->path->operations;

	for (size_t k = 0; k < N_METHODS; k++) {
		const struct method *m = &methods[k];
		const struct node *n = item_get(i, m->key);

		if (n == NULL ||
		    (m->name == NULL && k == N_METHODS - 1 && r->minor < 2))
			continue;
		if (m->name == NULL) {
			diag_warning(r->d, n->name_place, "method",
			    "the method %s is never served", m->key);
			continue;
		}
		*tail = read_operation(r, i, n, m);
		if (*tail != NULL)
			tail = &(*tail)->next;
	}
	if (r->minor == 2 && item_get(i, "additionalOperations") != NULL)
		diag_warning(r->d,
		    item_get(i, "additionalOperations")->name_place, "method",
		    "additionalOperations are not served");
}

/* Both may say something; what stands beside the $ref wins. */
static void
check_conflicts(struct reader *r, const struct item *i)
{
	for (const struct node *m = i->own->first; m != NULL; m = m->next)
		if (tree_get_span(i->target, m->name) != NULL)
			diag_warning(r->d, m->name_place, "ref-sibling",
			    "'%.*s' stands here and behind $ref: the one "
			    "here counts",
			    SPAN_ARG(m->name));
}

static void
check_keys(struct reader *r, const struct node *n)
{
	const char *const *known = item_keys_2;

	if (r->doc->dialect != DIALECT_2_0)
		known = r->minor == 2 ? item_keys_3_2 : item_keys_3;
	reader_keys(r, n, "a path item", known);
	note_item_extensions(r, n);
}

void
read_item(struct reader *r, struct spec_path *p, struct node *n)
{
	struct item i = { .path = p, .own = n };
	const struct node *servers;

	if (!reader_is(r, n, "a path item", NODE_MAP))
		return;
	check_keys(r, n);
	if (ref_of(n) != NULL) {
		i.target = ref_resolve(&r->doc->refs, n);
		if (i.target == NULL ||
		    !reader_is(r, i.target, "a path item", NODE_MAP))
			return;
		check_keys(r, i.target);
		check_conflicts(r, &i);
	} else if (tree_get(n, "$ref") != NULL) {
		(void)reader_is(r, tree_get(n, "$ref"), "$ref", NODE_STRING);
	}
	servers = item_get(&i, "servers");
	if (servers != NULL && r->doc->dialect != DIALECT_2_0)
		i.endpoints = read_server_list(r, servers, NULL);
	read_methods(r, &i);
}
