/*
 * hostauth - a user whom the web server itself has authenticated.
 *
 * It says so in REMOTE_USER and AUTH_TYPE, which no client can set: what a
 * client sends has a name that begins with HTTP_.  But a web server that
 * has several sites may hand all of them to one gate, and authenticate in
 * one place by LDAP, in another with a guest book; so the policy names the
 * host and the path where its word counts.
 */
#include "policy/credential.h"

#define USER_BYTES_MAX 256
#define GROUPS_BYTES_MAX 8192
#define GROUPS_MAX 256

/* The one value of a variable; false with "d": it comes twice, unlike. */
static bool
variable(const struct credential_call *c, struct span name, struct span *value,
    struct decision *d)
{
	return request_param_once(c->request, name, value) ||
	    refuse(d, REASON_BAD_REQUEST,
		SPAN("a variable of the web server comes twice"));
}

static bool
missing(struct decision *d, struct span detail)
{
	return refuse(d, REASON_CREDENTIAL_MISSING, detail);
}

static bool
is_one_of(const struct bundle *b, struct range list, struct span s)
{
	for (uint32_t i = 0; i < list.n; i++)
		if (span_eq_nocase(bundle_string(b, list.first + i), s))
			return true;
	return false;
}

/* "prefix" is "" or "/staff"; so is what the path had before it was cut. */
static bool
is_below(const struct request *r, struct span prefix)
{
	struct span path = r->path;

	if (prefix.n <= r->mount.n)
		path = r->mount;
	else if (!span_starts(prefix, r->mount))
		return false;
	else
		prefix = span_skip(prefix, r->mount.n);
	return span_starts(path, prefix) &&
	    (path.n == prefix.n || path.p[prefix.n] == '/');
}

/* The web server authenticates here, and in the way that is meant. */
static bool
place_holds(const struct credential_call *c, const struct row_host_auth *h,
    struct decision *d)
{
	const struct bundle *b = c->bundle;
	struct span host, mark, type;

	if (!variable(c, SPAN("SERVER_NAME"), &host, d) ||
	    !variable(c, SPAN("MGW_HOST_AUTH"), &mark, d) ||
	    !variable(c, SPAN("AUTH_TYPE"), &type, d))
		return false;
	if (host.n == 0 || !is_one_of(b, h->hosts, host))
		return missing(d,
		    SPAN("SERVER_NAME is no host whose authentication counts"));
	if (!is_below(c->request, bundle_text(b, h->prefix)))
		return missing(d,
		    SPAN("the path is outside the prefix where the web "
			 "server's authentication counts"));
	if (h->mark.n > 0 && !span_eq(mark, bundle_text(b, h->mark)))
		return missing(d, SPAN("MGW_HOST_AUTH is not the mark"));
	if (type.n == 0 ||
	    ((h->flags & HOST_AUTH_TYPE_ANY) == 0 &&
		!is_one_of(b, h->types, type)))
		return missing(
		    d, SPAN("AUTH_TYPE is no way to authenticate that counts"));
	return true;
}

static bool
read_user(
    const struct credential_call *c, struct span *user, struct decision *d)
{
	if (!variable(c, SPAN("REMOTE_USER"), user, d))
		return false;
	if (user->n == 0)
		return missing(
		    d, SPAN("the web server has authenticated nobody"));
	if (user->n > USER_BYTES_MAX || span_has_control(*user) ||
	    !span_is_utf8(*user))
		return refuse(d, REASON_CREDENTIAL_MALFORMED,
		    SPAN("REMOTE_USER is no name"));
	return true;
}

/* Cut "list" into names; false: too many, or no memory. */
static bool
split_groups(struct span list, struct span separator, struct arena *a,
    struct span **groups, size_t *n)
{
	*n = 0;
	*groups = arena_calloc(a, GROUPS_MAX, sizeof(**groups));
	if (*groups == NULL)
		return false;
	while (list.p != NULL) {
		struct span one = span_trim(span_cut(&list, separator.p[0]));

		if (one.n == 0)
			continue;
		if (*n == GROUPS_MAX)
			return false;
		(*groups)[(*n)++] = one;
	}
	return true;
}

/* The scopes of all groups, each group's behind those before it. */
static bool
add_scopes(const struct credential_call *c, const struct row_host_auth *h,
    struct principal *who)
{
	const struct bundle *b = c->bundle;

	for (uint32_t i = 0; i + 1 < h->group_scopes.n; i += 2) {
		uint32_t at = h->group_scopes.first + i;
		struct span scopes = bundle_string(b, at + 1);

		if (!principal_has_group(who, bundle_string(b, at)))
			continue;
		who->scopes = who->scopes.n == 0
		    ? scopes
		    : arena_printf(c->request->arena, "%.*s %.*s",
			  SPAN_ARG(who->scopes), SPAN_ARG(scopes));
		if (who->scopes.p == NULL)
			return false;
	}
	return true;
}

static bool
fill_groups(const struct credential_call *c, const struct row_host_auth *h,
    struct principal *who, struct decision *d)
{
	struct arena *a = c->request->arena;
	struct span list, *groups;
	size_t n;

	if (h->groups.n == 0)
		return true;
	if (!variable(c, bundle_text(c->bundle, h->groups), &list, d))
		return false;
	if (list.n == 0)
		return true;
	if (list.n > GROUPS_BYTES_MAX || span_has_control(list))
		return refuse(d, REASON_CREDENTIAL_MALFORMED,
		    SPAN("the list of groups is too long, or no text"));
	if (!split_groups(
		list, bundle_text(c->bundle, h->separator), a, &groups, &n))
		return a->full ? refuse(d, REASON_FAULT, SPAN("out of memory"))
			       : refuse(d, REASON_CREDENTIAL_MALFORMED,
				     SPAN("the list of groups is too long"));
	return (principal_add_groups(who, a, groups, n) &&
		   add_scopes(c, h, who)) ||
	    refuse(d, REASON_FAULT, SPAN("out of memory"));
}

bool
host_check(
    const struct credential_call *c, struct principal *who, struct decision *d)
{
	const struct row_host_auth *h =
	    bundle_host_auth(c->bundle, c->scheme->host - 1);
	struct span user;

	/* First the place: elsewhere a user is somebody else. */
	if (!place_holds(c, h, d) || !read_user(c, &user, d))
		return false;
	if (!fill_groups(c, h, who, d)) {
		d->claimed = user;
		return false;
	}
	who->scheme = bundle_text(c->bundle, c->scheme->name);
	/* So that no user of theirs is one of ours. */
	who->issuer = arena_printf(c->request->arena, "host:%.*s",
	    SPAN_ARG(bundle_text(c->bundle, h->name)));
	who->subject = user;
	return who->issuer.p != NULL ||
	    refuse(d, REASON_FAULT, SPAN("out of memory"));
}
