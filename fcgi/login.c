/*
 * login - see login.h.
 */
#include "fcgi/login.h"

#include <stdio.h>

#include "policy/reference.h"
#include "policy/url.h"

/* Far more than all authorities there are. */
#define CA_BYTES_MAX (4 * 1024 * 1024)

static bool
wrong(const struct login_making *m, const struct backend *b, const char *what)
{
	(void)snprintf(m->why, m->why_size, "%.*s: %s", SPAN_ARG(b->url), what);
	return false;
}

/* What a text of the row stands for. */
static bool
expand(const struct login_making *m, const struct backend *b, struct text t,
    struct span *to)
{
	const struct bundle *bundle = m->override->bundle;
	char why[256];

	*to = reference_expand(bundle_text(bundle, t), bundle->path,
	    config_lookup, (void *)(uintptr_t)m->config, m->arena, why,
	    sizeof(why));
	return to->p != NULL || wrong(m, b, why);
}

/* The first of these names that is set, or nothing. */
static struct span
find(const struct login_making *m, enum override_login which)
{
	struct span names[OVERRIDE_LOGINS_MAX], value = { NULL, 0 };
	unsigned n = 0;

	if (m->overrides)
		n = override_logins(m->override, which, m->arena, names);
	for (unsigned i = 0; i < n && value.n == 0; i++)
		value = config_override(m->config, names[i]);
	return value;
}

/* The name by which it would be set, for a message. */
static bool
missing(const struct login_making *m, const struct backend *b,
    enum override_login which)
{
	struct span names[OVERRIDE_LOGINS_MAX];
	char why[256] = "no user or password for it";

	if (override_logins(m->override, which, m->arena, names) > 0)
		(void)snprintf(why, sizeof(why), "%s for it: set %.*s",
		    which == OVERRIDE_USER ? "no user" : "no password",
		    SPAN_ARG(names[0]));
	return wrong(m, b, why);
}

static bool
set_basic(const struct login_making *m, struct backend *b)
{
	const struct row_security *s = b->security;

	/* The names are those of a list: what is one endpoint's stays so. */
	if (s->secret == ROW_NONE || (s->flags & SECURITY_OF_ONE) == 0) {
		b->password = find(m, OVERRIDE_PASSWORD);
		b->user = find(m, OVERRIDE_USER);
	}
	if (b->password.n == 0 && s->secret == ROW_NONE)
		return missing(m, b, OVERRIDE_PASSWORD);
	if (b->user.n == 0 && s->user.n == 0)
		return missing(m, b, OVERRIDE_USER);
	if (b->user.n == 0 && !expand(m, b, s->user, &b->user))
		return false;
	return !span_has(b->user, ':') ||
	    wrong(m, b, "its user may not have a colon");
}

static bool
set_oauth2(const struct login_making *m, struct backend *b)
{
	const char *reason;
	struct url u;

	if (!expand(m, b, b->security->user, &b->user) ||
	    !expand(m, b, b->security->token_url, &b->token_url))
		return false;
	if (!url_parse(b->token_url, &u, &reason))
		return wrong(m, b, "its token-url is no URL");
	return (u.unix_path.p == NULL && (u.tls || url_is_local(&u))) ||
	    wrong(
		m, b, "its token-url must be https, or http from this machine");
}

/* Who may change the file decides whom we trust. */
static bool
check_ca(const struct login_making *m, const struct backend *b)
{
	char why[256];
	struct buf bytes;
	bool ok;

	if (b->ca_file.n == 0 || !b->tls)
		return true;
	ok = file_read(b->ca_file.p, FILE_TRUSTED, CA_BYTES_MAX, &bytes, NULL,
	    why, sizeof(why));
	if (!ok)
		return wrong(m, b, why);
	ok = memmem(bytes.p, bytes.n, "-----BEGIN", 10) != NULL;
	buf_fini(&bytes);
	return ok || wrong(m, b, "its ca-file has no certificate in PEM");
}

/* The connection is judged again when it is made: connect.c. */
static bool
check_place(const struct login_making *m, const struct backend *b)
{
	const struct url u = { .host = b->host, .unix_path = b->unix_path };

	if (b->tls || url_is_local(&u))
		return true;
	if (b->security->certificate != ROW_NONE)
		return wrong(m, b, "its client certificate needs https");
	return b->security->auth == BACKEND_AUTH_NONE ||
	    wrong(m, b,
		"its credential needs https, or a backend on this machine");
}

bool
login_set(const struct login_making *m, struct backend *b)
{
	if (!check_ca(m, b))
		return false;
	if (b->security == NULL)
		return true;
	if (!check_place(m, b))
		return false;
	switch ((enum backend_auth)b->security->auth) {
	case BACKEND_AUTH_BASIC:
		return set_basic(m, b);
	case BACKEND_AUTH_OAUTH2:
		return set_oauth2(m, b);
	default:
		return true;
	}
}

/* "host", or ".suffix" of it; a name may end with a dot. */
static bool
is_host(struct span host, struct span rule)
{
	if (span_ends(host, SPAN(".")))
		host.n--;
	if (rule.n > 0 && rule.p[0] == '.' && host.n > rule.n)
		host = span_skip(host, host.n - rule.n);
	return span_eq_nocase(host, rule);
}

static bool
is_excepted(const struct bundle *bundle, const struct backend *b)
{
	struct range list = b->proxy->except;

	for (uint32_t i = 0; i < list.n; i++)
		if (is_host(b->host, bundle_string(bundle, list.first + i)))
			return true;
	return false;
}

bool
login_set_proxy(const struct login_making *m, struct backend *b)
{
	const struct bundle *bundle = m->override->bundle;
	const struct url place = { .host = b->host, .unix_path = b->unix_path };
	const char *reason;
	struct url u;

	if (b->proxy == NULL)
		return true;
	/* What is on this machine is not seen from another. */
	if (url_is_local(&place) || is_excepted(bundle, b)) {
		b->proxy = NULL;
		return true;
	}
	if (!expand(m, b, b->proxy->url, &b->proxy_url))
		return false;
	b->proxy_user = bundle_text(bundle, b->proxy->user);
	return (url_parse(b->proxy_url, &u, &reason) && !u.tls &&
		   u.unix_path.p == NULL && u.path.n == 0 &&
		   u.query.p == NULL) ||
	    wrong(m, b, "its proxy is not http://HOST:PORT");
}
