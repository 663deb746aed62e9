/*
 * passing_login - see passing_login.h.
 */
#include "fcgi/passing_login.h"

#include "base/base64.h"
#include "fcgi/passing.h"
#include "policy/credential_fields.h"
#include "policy/field.h"

static enum backend_auth
auth_of(const struct upstream_call *c)
{
	const struct row_security *s = c->backend->security;

	return s != NULL ? (enum backend_auth)s->auth : BACKEND_AUTH_NONE;
}

bool
passing_login_hides(const struct upstream_call *c, struct span full)
{
	const struct bundle *b = c->policy->bundle;
	const struct row_api *api = c->ruling->match.api;
	struct span name = span_skip(full, 5);

	switch (auth_of(c)) {
	case BACKEND_AUTH_NONE:
		return false;
	case BACKEND_AUTH_HEADER:
		if (credential_name_eq(
			name, bundle_text(b, c->backend->security->header)))
			return true;
		return credential_name_eq(name, SPAN("Authorization")) &&
		    (api == NULL || (api->flags & API_KEEP_CREDENTIAL) == 0);
	default:
		return credential_name_eq(name, SPAN("Authorization"));
	}
}

/* The secret that the row names, or that this machine has in its place. */
static bool
get_secret(const struct upstream_call *c, struct span *secret)
{
	const struct outside *w = c->policy->outside;
	struct source s;

	*secret = c->backend->password;
	if (secret->n > 0)
		return true;
	if (w == NULL ||
	    w->source(w->world, c->backend->security->secret, &s) != SOURCE_OK)
		return false;
	*secret = s.secret;
	return true;
}

static void
add_basic(struct buf *b, struct span user, struct span password)
{
	struct buf pair;

	buf_init(&pair, user.n + password.n + 1);
	buf_add(&pair, user);
	buf_add_char(&pair, ':');
	buf_add(&pair, password);
	b->failed |= pair.failed;
	base64_encode(b, buf_span(&pair));
	if (pair.p != NULL)
		explicit_bzero(pair.p, pair.size);
	buf_fini(&pair);
}

bool
passing_login_line(
    const struct upstream_call *c, struct span *line, struct decision *d)
{
	enum backend_auth auth = auth_of(c);
	struct span secret = c->token;
	struct buf b;

	*line = (struct span){ NULL, 0 };
	if (auth == BACKEND_AUTH_NONE)
		return true;
	if (auth != BACKEND_AUTH_OAUTH2 && !get_secret(c, &secret))
		return refuse(d, REASON_FAULT, SPAN("no backend credential"));
	if (!passing_begin(&b, c->request->arena,
		256 + 2 * (secret.n + c->backend->user.n)))
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	switch (auth) {
	case BACKEND_AUTH_BASIC:
		buf_add_str(&b, "Authorization: Basic ");
		add_basic(&b, c->backend->user, secret);
		break;
	case BACKEND_AUTH_OAUTH2:
		buf_add_str(&b, "Authorization: Bearer ");
		buf_add(&b, secret);
		break;
	default:
		buf_add(&b,
		    bundle_text(
			c->policy->bundle, c->backend->security->header));
		buf_add_str(&b, ": ");
		buf_add(&b, secret);
	}
	*line = passing_end(&b, c->request->arena);
	/* Of a secret with control bytes nothing is sent. */
	if (b.failed || secret.n == 0 || !field_is_value(*line))
		return refuse(d, REASON_FAULT, SPAN("no backend credential"));
	return true;
}
