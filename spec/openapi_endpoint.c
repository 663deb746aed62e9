/*
 * openapi_endpoint - endpoints as a document names them: x-mgw-backend and
 * x-mgw-sandbox-backend, x-wso2-production-endpoints and
 * x-wso2-sandbox-endpoints, by value or by reference.
 */
#include "base/clock.h"
#include "spec/endpoints.h"
#include "spec/fields.h"
#include "spec/openapi_in.h"

#define WSO2_BY_NAME "#/x-wso2-endpoints/"
#define OURS_BY_NAME "#/x-mgw-endpoints/"

/* Of a list of maps with one key each, as WSO2 has them, or of a map. */
static const struct node *
find_named(const struct node *from, struct span name)
{
	if (!tree_is(from, NODE_LIST))
		return tree_get_span(from, name);
	for (const struct node *e = from->first; e != NULL; e = e->next) {
		const struct node *found = tree_get_span(e, name);

		if (found != NULL)
			return found;
	}
	return NULL;
}

/* What the map of an endpoint object or the reference to one means. */
static const struct node *
find_endpoint(struct reader *r, const struct node *n, struct span *name)
{
	const struct node *found;

	*name = (struct span){ NULL, 0 };
	if (n->kind == NODE_MAP)
		return n;
	if (n->kind != NODE_STRING ||
	    !span_starts(n->text, SPAN(WSO2_BY_NAME))) {
		diag_error(r->d, n->place, "wso2-endpoint",
		    "%.*s must be a map with 'urls', or "
		    "'" WSO2_BY_NAME "NAME'",
		    SPAN_ARG(n->name));
		return NULL;
	}
	*name = span_skip(n->text, strlen(WSO2_BY_NAME));
	found = find_named(tree_get(r->root, "x-wso2-endpoints"), *name);
	if (tree_is(found, NODE_MAP))
		return found;
	diag_error(r->d, n->place, "wso2-endpoint",
	    "'%.*s' is not in x-wso2-endpoints", SPAN_ARG(*name));
	return NULL;
}

static void
read_wso2_url(struct reader *r, const struct node *n, struct spec_set *set,
    struct spec_url **urls)
{
	struct spec_text t;

	if (!reader_text(r, n, "a backend URL", false, &t))
		return;
	if (span_starts(t.text, SPAN("etcd("))) {
		diag_error(r->d, t.place, "wso2-endpoint",
		    "endpoints from etcd are not supported");
		return;
	}
	(void)endpoints_add(t, true, set, urls, r->d); /* it has reported */
}

static void
read_wso2_type(struct reader *r, const struct node *n, struct spec_set *set)
{
	static const char *const types[] = { "http", "load_balance", "failover",
		"address", NULL };

	if (n == NULL)
		return;
	if (n->kind != NODE_STRING || !span_is_one_of(n->text, types))
		diag_error(r->d, n->place, "wso2-endpoint",
		    "type must be http, load_balance, failover or address");
	else if (span_eq(n->text, SPAN("failover")))
		set->balance = BALANCE_FAILOVER;
}

static void
unread(struct reader *r, const struct node *m)
{
	diag_warning(r->d, m->name_place, "wso2-unsupported",
	    "'%.*s' of an endpoint has no effect", SPAN_ARG(m->name));
}

/* A time without an answer; the answer itself may go on for longer. */
static void
read_wso2_advanced(struct reader *r, const struct node *n, struct spec_set *set)
{
	uint64_t ms = 0;

	if (!tree_is(n, NODE_MAP)) {
		diag_error(r->d, n->place, "kind",
		    "advanceEndpointConfig must be a map");
		return;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		if (span_eq(m->name, SPAN("retryConfig")))
			set->retry = retry_read_wso2(m, r->d);
		else if (span_eq(m->name, SPAN("circuitBreaker")))
			set->breaker = breaker_read_wso2(m, r->d);
		else if (!span_eq(m->name, SPAN("timeoutInMillis")))
			unread(r, m);
		if (!span_eq(m->name, SPAN("timeoutInMillis")))
			continue;
		field_number(n, "timeoutInMillis", 1, 86400000, &ms, r->d);
		set->first_byte_us = ms * US_PER_MS;
		set->idle_us = ms * US_PER_MS;
	}
}

static struct spec_url *
read_wso2_endpoint(struct reader *r, const struct node *n)
{
	struct spec_set *set = endpoints_set(r->d);
	struct span name;
	const struct node *map = find_endpoint(r, n, &name), *urls;
	struct spec_url *list = NULL;

	if (map == NULL || set == NULL)
		return NULL;
	set->name = name;
	urls = tree_get(map, "urls");
	if (!tree_is(urls, NODE_LIST) || urls->first == NULL) {
		diag_error(r->d, map->place, "wso2-endpoint",
		    "'urls' with at least one URL is needed");
		return NULL;
	}
	if (urls->n > ENDPOINTS_MAX)
		diag_error(r->d, urls->place, "too-large", "more than %d URLs",
		    ENDPOINTS_MAX);
	for (const struct node *u = urls->first; u != NULL; u = u->next)
		read_wso2_url(r, u, set, &list);
	read_wso2_type(r, tree_get(map, "type"), set);
	for (const struct node *m = map->first; m != NULL; m = m->next) {
		if (span_eq(m->name, SPAN("advanceEndpointConfig")))
			read_wso2_advanced(r, m, set);
		else if (span_eq(m->name, SPAN("securityConfig")))
			set->reach.login = reach_read_wso2(m, r->d);
		else if (m != urls && !span_eq(m->name, SPAN("type")))
			unread(r, m);
	}
	return list;
}

static struct spec_url *
read_ours(struct reader *r, const struct node *n, const char *what)
{
	const struct node *found = n;
	struct span name = { NULL, 0 };
	struct spec_url *list;

	if (n->kind == NODE_STRING &&
	    span_starts(n->text, SPAN(OURS_BY_NAME))) {
		name = span_skip(n->text, strlen(OURS_BY_NAME));
		found = find_named(tree_get(r->root, "x-mgw-endpoints"), name);
	}
	if (found == NULL) {
		diag_error(r->d, n->place, "server-url",
		    "'%.*s' is not in x-mgw-endpoints", SPAN_ARG(name));
		return NULL;
	}
	list = endpoints_read(found, what, NULL, r->d);
	if (list != NULL)
		list->set->name = name;
	return list;
}

struct spec_url *
read_backend(struct reader *r, const struct node *map, bool sandbox)
{
	const char *ours = sandbox ? "x-mgw-sandbox-backend" : "x-mgw-backend";
	const char *wso2 = sandbox ? WSO2_SANDBOX : WSO2_PRODUCTION;

	if (tree_get(map, ours) != NULL)
		return read_ours(r, tree_get(map, ours), ours);
	return tree_get(map, wso2) != NULL
	    ? read_wso2_endpoint(r, tree_get(map, wso2))
	    : NULL;
}
