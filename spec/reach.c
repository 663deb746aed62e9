/*
 * reach - see reach.h.
 */
#include "spec/reach.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "policy/field.h"
#include "policy/reference.h"
#include "policy/reserved.h"
#include "policy/url.h"
#include "spec/fields.h"
#include "spec/link.h"

#define TIMEOUT_MAX_US (INT64_C(10) * US_PER_S)
#define HEADER_BYTES_MAX 128

const char *const reach_keys[] = { "tls", "credential", "host", "forwarded",
	"x-forwarded", "x-forwarded-prefix", "via", "traceparent", "proxy",
	"http2", NULL };

static void *
make(struct diag *d, size_t bytes)
{
	void *p = arena_alloc(d->arena, bytes);

	d->failed |= p == NULL;
	return p;
}

static struct spec_source *
read_certificate(const struct keysource *r, const struct node *n)
{
	struct spec_source *s = make(r->d, sizeof(*s));

	if (s == NULL || !node_text(n, "certificate", false, &s->value, r->d))
		return NULL;
	s->kind = SOURCE_SECRET;
	s->how = SOURCE_FILE;
	s->value.text = keysource_path(r, s->value.text);
	return s;
}

static void
check_name(const struct spec_text *name, struct diag *d)
{
	const char *why;
	struct url u;

	if (name->text.p == NULL ||
	    (url_parse(
		 arena_printf(d->arena, "https://%.*s", SPAN_ARG(name->text)),
		 &u, &why) &&
		span_eq(u.host, name->text)))
		return;
	diag_error(d, name->place, "value", "'%.*s' is no host name",
	    SPAN_ARG(name->text));
}

static struct spec_tls *
read_tls(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "ca-file", "name", "certificate",
		"key", NULL };
	struct spec_tls *t = make(r->d, sizeof(*t));
	const struct node *certificate = tree_get(n, "certificate");
	const struct node *key = tree_get(n, "key");

	if (t == NULL || !fields_check(n, "tls", keys, r->d))
		return NULL;
	field_text(n, "ca-file", &t->ca_file, r->d);
	if (t->ca_file.text.p != NULL)
		t->ca_file.text = keysource_path(r, t->ca_file.text);
	field_text(n, "name", &t->name, r->d);
	check_name(&t->name, r->d);
	if ((certificate == NULL) != (key == NULL)) {
		diag_error(r->d, n->place, "missing-key",
		    "tls needs both certificate and key, or neither");
		return t;
	}
	if (certificate == NULL)
		return t;
	t->certificate = read_certificate(r, certificate);
	t->key = keysource_secret(r, key, "key");
	if (t->certificate == NULL || t->key == NULL)
		t->certificate = t->key = NULL;
	return t;
}

static void
read_basic(
    const struct keysource *r, const struct node *n, struct spec_login *l)
{
	static const char *const keys[] = { "user", "password", NULL };
	const struct node *password;

	l->auth = BACKEND_AUTH_BASIC;
	if (!fields_check(n, "basic", keys, r->d))
		return;
	password = tree_get(n, "password");
	field_reference(n, "user", &l->user, r->d);
	if (password != NULL)
		l->secret = keysource_secret(r, password, "password");
	if (password == NULL || tree_get(n, "user") == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "basic needs user and password");
	/* RFC 7617 section 2: the first colon ends the name. */
	else if (span_has(l->user.text, ':') && !reference_in(l->user.text))
		diag_error(
		    r->d, l->user.place, "value", "user may not have a colon");
}

bool
reach_may_carry(struct span name)
{
	char cgi[HEADER_BYTES_MAX];

	if (name.n == 0 || name.n > sizeof(cgi) || link_is_framing(name))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!ascii_is_alnum(name.p[i]) && name.p[i] != '-')
			return false;
		cgi[i] = name.p[i] == '-' ? '_' : ascii_upper(name.p[i]);
	}
	return !reserved_in_request(span_of(cgi, name.n)) &&
	    !span_starts(span_of(cgi, name.n), SPAN("CONTENT_")) &&
	    !span_eq(span_of(cgi, name.n), SPAN("CDN_LOOP"));
}

static void
read_header(
    const struct keysource *r, const struct node *n, struct spec_login *l)
{
	static const char *const keys[] = { "name", "value", NULL };
	const struct node *value;

	l->auth = BACKEND_AUTH_HEADER;
	if (!fields_check(n, "header", keys, r->d))
		return;
	value = tree_get(n, "value");
	field_text(n, "name", &l->header, r->d);
	if (value != NULL)
		l->secret = keysource_secret(r, value, "value");
	if (value == NULL || tree_get(n, "name") == NULL)
		diag_error(r->d, n->place, "missing-key",
		    "header needs name and value");
	else if (l->header.text.p != NULL && !reach_may_carry(l->header.text))
		diag_error(r->d, l->header.place, "value",
		    "header '%.*s' cannot carry it", SPAN_ARG(l->header.text));
}

static void
check_token_url(const struct spec_login *l, struct diag *d)
{
	const char *why;
	struct url u;

	if (l->token_url.text.p == NULL || reference_in(l->token_url.text))
		return;
	if (!url_parse(l->token_url.text, &u, &why))
		diag_error(
		    d, l->token_url.place, "key-url", "token-url: %s", why);
	else if (u.unix_path.p != NULL || (!u.tls && !url_is_local(&u)))
		diag_error(d, l->token_url.place, "key-url",
		    "tokens must be fetched over https, or http on this "
		    "machine");
}

static void
read_oauth2(
    const struct keysource *r, const struct node *n, struct spec_login *l)
{
	static const char *const keys[] = { "token-url", "client-id",
		"client-secret", "scopes", "resource", "auth", "timeout",
		NULL };
	static const char *const needed[] = { "token-url", "client-id",
		"client-secret" };
	static const char *const words[] = { "basic", "post", NULL };
	const struct node *secret;

	l->auth = BACKEND_AUTH_OAUTH2;
	l->timeout_us = 2 * US_PER_S;
	if (!fields_check(n, "oauth2", keys, r->d))
		return;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (tree_get(n, needed[i]) == NULL)
			diag_error(r->d, n->place, "missing-key",
			    "oauth2 needs %s", needed[i]);
	field_reference(n, "token-url", &l->token_url, r->d);
	check_token_url(l, r->d);
	field_reference(n, "client-id", &l->user, r->d);
	secret = tree_get(n, "client-secret");
	if (secret != NULL)
		l->secret = keysource_secret(r, secret, "client-secret");
	field_words(n, "scopes", &l->scopes, r->d);
	field_text(n, "resource", &l->resource, r->d);
	field_choice(n, "auth", words, &l->token_auth, r->d);
	field_duration(n, "timeout", 100 * US_PER_MS, TIMEOUT_MAX_US,
	    &l->timeout_us, r->d);
}

static struct spec_login *
read_login(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "basic", "header", "oauth2", NULL };
	struct spec_login *l = make(r->d, sizeof(*l));
	const struct node *m;

	if (l == NULL || !fields_check(n, "credential", keys, r->d))
		return NULL;
	l->place = n->place;
	if (n->n != 1) {
		diag_error(r->d, n->place, "value",
		    "credential needs one of basic, header and oauth2");
		return NULL;
	}
	m = n->first;
	if (span_eq(m->name, SPAN("basic")))
		read_basic(r, m, l);
	else if (span_eq(m->name, SPAN("header")))
		read_header(r, m, l);
	else if (span_eq(m->name, SPAN("oauth2")))
		read_oauth2(r, m, l);
	/* What is wrong has been told. */
	return l->secret != NULL ? l : NULL;
}

static void
read_host(const struct node *n, struct spec_reach *to, struct diag *d)
{
	field_text(n, "host", &to->host, d);
	if (to->host.text.p != NULL && !field_is_host(to->host.text))
		diag_error(d, to->host.place, "value",
		    "host must be endpoint, client, or a host: '%.*s'",
		    SPAN_ARG(to->host.text));
}

static void
read_choice(const struct node *n, const char *key, const char *const *words,
    int *to, struct diag *d)
{
	int choice = -1;

	field_choice(n, key, words, &choice, d);
	if (choice >= 0)
		*to = choice + 1;
}

static void
read_on(const struct node *n, const char *key, int *to, struct diag *d)
{
	enum spec_switch on = SWITCH_UNSET;

	field_switch(n, key, &on, d);
	if (on != SWITCH_UNSET)
		*to = on == SWITCH_TRUE ? 2 : 1;
}

/* What the backend is told of the way that a request has come. */
static void
read_way(const struct node *n, struct spec_reach *to, struct diag *d)
{
	/* In the order of enum forward_rule, behind FORWARD_USUAL. */
	static const char *const forwards[] = { "set", "append", "pass", "off",
		NULL };
	static const char *const traces[] = { "pass", "make", "off", NULL };

	static const char *const versions[] = { "off", "auto",
		"prior-knowledge", NULL };

	read_host(n, to, d);
	read_choice(n, "http2", versions, &to->http2, d);
	read_choice(n, "forwarded", forwards, &to->forwarded, d);
	read_choice(n, "x-forwarded", forwards, &to->x_forwarded, d);
	read_on(n, "x-forwarded-prefix", &to->prefix, d);
	read_on(n, "via", &to->via, d);
	read_choice(n, "traceparent", traces, &to->trace, d);
}

static void
check_proxy(const struct spec_proxy *p, struct diag *d)
{
	const char *why;
	struct url u;

	if (p->url.text.p == NULL || reference_in(p->url.text))
		return;
	if (!url_parse(p->url.text, &u, &why))
		diag_error(d, p->url.place, "proxy", "proxy: %s", why);
	else if (u.tls || u.unix_path.p != NULL || u.path.n > 0 ||
	    u.query.p != NULL)
		diag_error(d, p->url.place, "proxy",
		    "a proxy is http://HOST:PORT, and no more");
}

static struct spec_proxy *
read_proxy(const struct keysource *r, const struct node *n)
{
	static const char *const keys[] = { "url", "user", "password", "except",
		NULL };
	struct spec_proxy *p = make(r->d, sizeof(*p));
	const struct node *password = tree_get(n, "password");

	if (p == NULL)
		return NULL;
	p->place = n->place;
	if (n->kind == NODE_STRING) {
		p->off = span_eq(n->text, SPAN("off"));
		if (!p->off && node_text(n, "proxy", true, &p->url, r->d))
			check_proxy(p, r->d);
		return p;
	}
	if (!fields_check(n, "proxy", keys, r->d))
		return p;
	field_reference(n, "url", &p->url, r->d);
	check_proxy(p, r->d);
	field_text(n, "user", &p->user, r->d);
	if (password != NULL)
		p->password = keysource_secret(r, password, "password");
	field_words(n, "except", &p->except, r->d);
	if (tree_get(n, "url") == NULL)
		diag_error(r->d, n->place, "missing-key", "proxy needs url");
	if ((password == NULL) != (p->user.text.p == NULL) ||
	    span_has(p->user.text, ':'))
		diag_error(r->d, n->place, "proxy",
		    "proxy needs both user, without a colon, and password, or "
		    "neither");
	return p;
}

void
reach_read(
    const struct keysource *r, const struct node *n, struct spec_reach *to)
{
	const struct node *tls = tree_get(n, "tls");
	const struct node *login = tree_get(n, "credential");

	if (tls != NULL)
		to->tls = read_tls(r, tls);
	if (login != NULL)
		to->login = read_login(r, login);
	read_way(n, to, r->d);
	if (tree_get(n, "proxy") != NULL)
		to->proxy = read_proxy(r, tree_get(n, "proxy"));
}

void
reach_read_shared(
    const struct keysource *r, const struct node *map, struct spec_reach *to)
{
	const struct node *n = tree_get(map, "backends");

	if (n == NULL || !fields_check(n, "backends", reach_keys, r->d))
		return;
	reach_read(r, n, to);
	if (tree_get(n, "credential") != NULL ||
	    (to->tls != NULL &&
		(to->tls->certificate != NULL || to->tls->name.text.p != NULL)))
		diag_error(r->d, n->place, "backend-credential",
		    "credential, and name, certificate and key of tls, belong "
		    "to the endpoints that they are for: write them there");
}

struct spec_login *
reach_read_wso2(const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "type", "username", NULL };
	struct spec_text type = { { NULL, 0 }, n->place };
	struct spec_login *l = make(d, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->place = n->place;
	l->auth = BACKEND_AUTH_BASIC;
	if (tree_get(n, "password") != NULL) {
		diag_error(d, n->place, "secret-inline",
		    "a document may not have a password: the environment has "
		    "it, see mgw-spec env");
		return NULL;
	}
	if (!fields_check(n, "securityConfig", keys, d))
		return NULL;
	field_text(n, "type", &type, d);
	field_text(n, "username", &l->user, d);
	if (type.text.p == NULL || !span_eq_nocase(type.text, SPAN("basic")))
		diag_error(d, type.place, "wso2-endpoint",
		    "type of securityConfig must be basic");
	else if (span_has(l->user.text, ':'))
		diag_error(
		    d, l->user.place, "value", "username may not have a colon");
	return l;
}

static void
fall_back(struct spec_reach *to, const struct spec_reach *from)
{
	int *const ours[] = { &to->forwarded, &to->x_forwarded, &to->prefix,
		&to->via, &to->trace, &to->http2 };
	const int theirs[] = { from->forwarded, from->x_forwarded, from->prefix,
		from->via, from->trace, from->http2 };

	if (to->tls == NULL)
		to->tls = from->tls;
	if (to->login == NULL)
		to->login = from->login;
	if (to->proxy == NULL)
		to->proxy = from->proxy;
	if (to->host.text.p == NULL)
		to->host = from->host;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (*ours[i] == 0)
			*ours[i] = theirs[i];
}

struct spec_reach
reach_of(const struct spec_url *url, const struct spec_document *doc,
    const struct policyfile *f)
{
	struct spec_reach r = url->reach;

	if (url->set != NULL)
		fall_back(&r, &url->set->reach);
	fall_back(&r, &doc->reach);
	fall_back(&r, &f->reach);
	return r;
}

void
reach_check(const struct spec_url *url, struct diag *d)
{
	bool login = url->reach.login != NULL ||
	    (url->set != NULL && url->set->reach.login != NULL);
	bool tls = url->reach.tls != NULL ||
	    (url->set != NULL && url->set->reach.tls != NULL);
	const char *why;
	struct url u;

	if (reference_in(url->url.text) ||
	    !url_parse(url->url.text, &u, &why) || u.tls)
		return;
	if (tls)
		diag_error(d, url->url.place, "endpoint",
		    "tls is said of an endpoint that is not https");
	if (login && !url_is_local(&u))
		diag_error(d, url->url.place, "backend-credential",
		    "a credential needs https, or a backend on this machine: "
		    "others could read it");
}
