/*
 * openapi_server - base path and backend URLs from servers, or from host,
 * basePath and schemes.
 */
#include "spec/openapi_in.h"

#include "policy/url.h"

#define SERVERS_MAX 100

static bool
wrong(struct reader *r, struct spec_text at, const char *text)
{
	diag_error(r->d, at.place, "server-url", "'%.*s': %s",
	    SPAN_ARG(at.text), text);
	return false;
}

/* Append a backend URL if it is one. */
static bool
add_url(struct reader *r, struct spec_text text, struct spec_url **list)
{
	const char *why = NULL;
	struct spec_url *u;
	struct url parsed;

	if (!url_parse(text.text, &parsed, &why))
		return wrong(r, text, why);
	u = reader_alloc(r, sizeof(*u));
	if (u == NULL)
		return false;
	u->url = text;
	u->from_document = true;
	while (*list != NULL)
		list = &(*list)->next;
	*list = u;
	return true;
}

/* "/" and "" are the root; no slash stays at the end. */
static struct span
without_slash(struct span path)
{
	if (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	return path.n > 0 ? path : SPAN("");
}

void
set_base_path(struct reader *r, struct spec_text written, const char *what)
{
	static const struct span mark = SPAN_INIT("{version}");
	struct span version = r->doc->version.text, rest = written.text;
	struct buf b;

	buf_init(&b, written.text.n * (version.n + 1) + 1);
	while (rest.n > 0) {
		bool here = version.p != NULL && span_starts(rest, mark);

		buf_add(&b, here ? version : span_of(rest.p, 1));
		rest = span_skip(rest, here ? mark.n : 1);
	}
	written.text = arena_copy(r->d->arena, buf_span(&b));
	if (b.failed || written.text.p == NULL)
		r->d->failed = true;
	buf_fini(&b);
	written.text = without_slash(written.text);
	if (written.text.n == 0 || path_check(r, written, what))
		r->doc->base_path = written;
}

/* The default of a server variable; p == NULL after an error. */
static struct span
variable_value(
    struct reader *r, const struct node *server, struct spec_text name)
{
	const struct node *v =
	    tree_get_span(tree_get(server, "variables"), name.text);
	const struct node *value = tree_get(v, "default");
	const struct node *choices = tree_get(v, "enum");
	struct spec_text t = { .text = { NULL, 0 } };
	bool found = choices == NULL;

	if (value == NULL) {
		diag_error(r->d, v != NULL ? v->place : name.place,
		    "server-variable", "the server variable {%.*s} has no %s",
		    SPAN_ARG(name.text),
		    v != NULL ? "default" : "entry in 'variables'");
		return t.text;
	}
	if (!reader_text(r, value, "default", true, &t))
		return t.text;
	for (const struct node *e = choices ? choices->first : NULL; e;
	     e = e->next)
		found = found || span_eq(e->text, t.text);
	if (!found)
		diag_warning(r->d, value->place, "server-variable",
		    "the default of {%.*s} is not in its enum",
		    SPAN_ARG(name.text));
	return t.text;
}

/* The URL with its variables filled in; p == NULL after an error. */
static struct span
fill(struct reader *r, const struct node *server, const struct node *url)
{
	struct span none = { NULL, 0 }, rest = url->text, filled = none;
	struct buf b;

	if (!span_has(rest, '{'))
		return rest;
	buf_init(&b, 65536);
	while (rest.p != NULL) {
		struct spec_text name = { .place = url->place };
		struct span value;

		buf_add(&b, span_cut(&rest, '{'));
		if (rest.p == NULL)
			break;
		name.text = span_cut(&rest, '}');
		value = variable_value(r, server, name);
		if (value.p == NULL)
			goto out;
		buf_add(&b, value);
	}
	if (!b.failed)
		filled = arena_copy(r->d->arena, buf_span(&b));
out:
	buf_fini(&b);
	return filled;
}

static bool
has_scheme(struct span url)
{
	size_t i = 0;

	while (i < url.n && url.p[i] != ':' && url.p[i] != '/')
		i++;
	return i > 0 && i < url.n && url.p[i] == ':';
}

/* Where the path begins behind "scheme://authority"; "" if there is none. */
static struct span
path_of(struct span url)
{
	struct span rest = url;

	if (has_scheme(url)) {
		(void)span_cut(&rest, ':');
		rest = span_skip(rest, span_starts(rest, SPAN("//")) ? 2 : 0);
		while (rest.n > 0 && rest.p[0] != '/')
			rest = span_skip(rest, 1);
	}
	return without_slash(rest);
}

/* One server: its base path, and its URL when it is a backend. */
static bool
read_server(struct reader *r, const struct node *n, struct spec_text *base,
    struct spec_text *backend)
{
	const struct node *url;
	struct span text;

	*backend = (struct spec_text){ .text = { NULL, 0 } };
	if (!reader_is(r, n, "a server", NODE_MAP))
		return false;
	url = tree_get(n, "url");
	if (url == NULL) {
		diag_error(r->d, n->place, "server-url",
		    "'url' is missing in the server");
		return false;
	}
	if (!reader_is(r, url, "url", NODE_STRING))
		return false;
	text = fill(r, n, url);
	if (text.p == NULL)
		return false;
	*base = (struct spec_text){ path_of(text), url->place };
	if (span_has(text, '?') || span_has(text, '#'))
		return wrong(r, (struct spec_text){ text, url->place },
		    "a server URL has no query and no fragment");
	if (!has_scheme(text)) {
		if (base->text.n > 0 && base->text.p[0] != '/')
			base->text = arena_printf(
			    r->d->arena, "/%.*s", SPAN_ARG(base->text));
		return base->text.p != NULL;
	}
	if (span_starts(text, SPAN("ws:")) || span_starts(text, SPAN("wss:"))) {
		diag_warning(r->d, url->place, "server-url",
		    "a WebSocket server is no backend here");
		return true;
	}
	*backend = (struct spec_text){ text, url->place };
	return true;
}

/* Plain HTTP to a host that is also named with TLS serves nobody. */
static void
drop_plain(struct reader *r, struct spec_url **urls)
{
	struct spec_url **at = urls;

	while (*at != NULL) {
		struct url plain, other;
		const char *why;
		bool drop = false;

		for (struct spec_url *u = *urls; u != NULL; u = u->next)
			drop = drop ||
			    (url_parse((*at)->url.text, &plain, &why) &&
				url_parse(u->url.text, &other, &why) &&
				!plain.tls && other.tls &&
				span_eq_nocase(plain.host, other.host));
		if (!drop) {
			at = &(*at)->next;
			continue;
		}
		diag_warning(r->d, (*at)->url.place, "servers-several",
		    "left out: the same host is named with https");
		*at = (*at)->next;
	}
}

/*
 * The backend is one server, the first: what stands beside it is mostly
 * staging, another region, or the base path of another version.
 */
struct spec_url *
read_server_list(
    struct reader *r, const struct node *list, struct spec_text *base_path)
{
	struct spec_text first = { .text = { NULL, 0 } };
	struct spec_url *urls = NULL;

	if (!reader_is(r, list, "servers", NODE_LIST))
		return NULL;
	if (list->n > SERVERS_MAX) {
		diag_error(r->d, list->place, "too-large",
		    "more than %d servers", SERVERS_MAX);
		return NULL;
	}
	for (const struct node *n = list->first; n != NULL; n = n->next) {
		struct spec_text base, backend;

		if (!read_server(r, n, &base, &backend))
			continue;
		if (first.text.p == NULL)
			first = base;
		if (!span_eq(base.text, first.text)) {
			diag_warning(r->d, base.place, "server-path",
			    "left out: its path is not that of the first "
			    "server");
			continue;
		}
		if (backend.text.p != NULL)
			(void)add_url(r, backend, &urls); /* has reported */
	}
	drop_plain(r, &urls);
	if (urls != NULL && urls->next != NULL) {
		if (r->doc->endpoints == NULL)
			diag_warning(r->d, list->place, "servers-several",
			    "only the first of these servers is taken as the "
			    "backend; name others in mgw.yaml or "
			    "x-mgw-backend");
		urls->next = NULL;
	}
	if (base_path != NULL && first.text.p != NULL)
		*base_path = first;
	return urls;
}

/* The best of "schemes": https, else http; "" after an error. */
static const char *
scheme_2(struct reader *r)
{
	const struct node *list = tree_get(r->root, "schemes");
	bool http = false;

	if (list == NULL) {
		diag_warning(r->d, r->root->place, "schemes",
		    "'schemes' is missing: https is taken");
		return "https";
	}
	if (!reader_is(r, list, "schemes", NODE_LIST))
		return "";
	for (const struct node *e = list->first; e != NULL; e = e->next) {
		if (!reader_is(r, e, "a scheme", NODE_STRING))
			return "";
		if (span_eq(e->text, SPAN("https")))
			return "https";
		http = http || span_eq(e->text, SPAN("http"));
	}
	if (!http)
		diag_error(r->d, list->place, "schemes",
		    "neither http nor https is among the schemes");
	return http ? "http" : "";
}

static void
read_host(struct reader *r)
{
	const struct node *host = tree_get(r->root, "host");
	struct spec_text url;
	const char *scheme;

	if (host == NULL || !reader_is(r, host, "host", NODE_STRING))
		return;
	if (span_has(host->text, '/') || span_has(host->text, '?')) {
		diag_error(r->d, host->place, "server-url",
		    "host is a name or address and a port, without scheme or "
		    "path");
		return;
	}
	scheme = scheme_2(r);
	if (scheme[0] == '\0')
		return;
	url.place = host->place;
	url.text = arena_printf(r->d->arena, "%s://%.*s%.*s", scheme,
	    SPAN_ARG(host->text), SPAN_ARG(r->doc->base_path.text));
	if (url.text.p == NULL)
		r->d->failed = true;
	else
		(void)add_url(r, url, &r->doc->servers); /* has reported */
}

/* An extension that names the base path stands above all of this. */
void
read_servers(struct reader *r)
{
	struct spec_text given = r->doc->base_path, base;
	const struct node *path = tree_get(r->root, "basePath");
	const struct node *servers = tree_get(r->root, "servers");

	base = (struct spec_text){ SPAN(""), r->root->place };
	r->doc->base_path = base;
	if (r->doc->dialect == DIALECT_2_0) {
		if (path != NULL &&
		    reader_text(r, path, "basePath", false, &base))
			set_base_path(r, base, "basePath");
		read_host(r);
	} else if (servers != NULL) {
		r->doc->servers = read_server_list(r, servers, &base);
		if (base.text.n > 0)
			set_base_path(r, base, "path of the server");
	}
	if (given.text.p != NULL)
		r->doc->base_path = given;
}
