/*
 * emit_reach - rows of how endpoints are reached; part of emit.
 */
#include "spec/emit_part.h"

#include "base/clock.h"
#include "spec/reach.h"

/* A source that several endpoints name is read once. */
static uint32_t
source_row(struct emit *e, const struct spec_source *s, uint32_t *row)
{
	if (s == NULL)
		return ROW_NONE;
	if (*row == 0)
		*row = emit_source(e, s) + 1;
	return *row - 1;
}

static struct text
join(struct emit *e, const struct spec_word *words)
{
	struct span all = { NULL, 0 };

	for (; words != NULL; words = words->next) {
		all = arena_printf(e->arena, "%.*s%s%.*s", SPAN_ARG(all),
		    all.n > 0 ? " " : "", SPAN_ARG(words->text.text));
		e->failed |= all.p == NULL;
	}
	return build_text(e->b, all);
}

static void
fill_login(struct emit *e, struct spec_login *l, struct row_security *row)
{
	struct span origin =
	    arena_printf(e->arena, "%s:%u", l->place.file, l->place.line);

	e->failed |= origin.p == NULL;
	row->auth = (uint32_t)l->auth;
	row->secret = source_row(e, l->secret, &l->secret_row);
	row->user = build_text(e->b, l->user.text);
	row->header = build_text(e->b, l->header.text);
	row->token_url = build_text(e->b, l->token_url.text);
	row->scopes = join(e, l->scopes);
	row->resource = build_text(e->b, l->resource.text);
	row->origin = build_text(e->b, origin);
	row->token_auth = (uint32_t)l->token_auth;
	row->timeout_ms = (uint32_t)(l->timeout_us / US_PER_MS);
}

/* Endpoints that have the same share a row. */
static struct range
share(struct build *b, const struct row_security *row)
{
	for (uint32_t i = 0; i < build_n(b, SECTION_SECURITY); i++)
		if (memcmp(build_at(b, SECTION_SECURITY, i), row,
			sizeof(*row)) == 0)
			return (struct range){ i, 1 };
	return (struct range){ BUILD_ROW(b, SECTION_SECURITY, row), 1 };
}

static struct range
proxy_row(struct emit *e, struct spec_proxy *p)
{
	struct row_proxy row = { .password = ROW_NONE };
	struct span origin;

	if (p == NULL || p->off)
		return (struct range){ 0, 0 };
	if (p->row > 0)
		return (struct range){ p->row - 1, 1 };
	origin = arena_printf(e->arena, "%s:%u", p->place.file, p->place.line);
	e->failed |= origin.p == NULL;
	row.url = build_text(e->b, p->url.text);
	row.user = build_text(e->b, p->user.text);
	row.origin = build_text(e->b, origin);
	row.except = emit_words(e, p->except);
	if (p->password != NULL)
		row.password = emit_source(e, p->password);
	p->row = BUILD_ROW(e->b, SECTION_PROXY, &row) + 1;
	return (struct range){ p->row - 1, 1 };
}

static void
fill_way(struct build *b, const struct spec_reach *r, struct row_endpoint *row)
{
	struct span host = r->host.text;

	if (host.p != NULL && span_eq(host, SPAN("client"))) {
		row->host_rule = HOST_CLIENT;
	} else if (host.p != NULL && !span_eq(host, SPAN("endpoint"))) {
		row->host_rule = HOST_NAME;
		row->host_name = build_text(b, host);
	}
	/* These words begin behind FORWARD_USUAL: plus one already. */
	row->forwarded = (uint32_t)r->forwarded;
	row->x_forwarded = (uint32_t)r->x_forwarded;
	row->trace = r->trace > 0 ? (uint32_t)r->trace - 1 : TRACE_PASS;
	row->http2 = r->http2 > 0 ? (uint32_t)r->http2 - 1 : HTTP2_OFF;
	if (r->via == 1)
		row->flags |= ENDPOINT_NO_VIA;
	if (r->prefix == 2)
		row->flags |= ENDPOINT_PREFIX;
}

void
emit_reach(struct emit *e, const struct spec_document *doc,
    const struct spec_url *url, struct row_endpoint *row)
{
	struct spec_reach reach = reach_of(url, doc, e->spec->policy);
	struct row_security s = {
		.certificate = ROW_NONE, .key = ROW_NONE, .secret = ROW_NONE
	};
	struct spec_tls *tls = reach.tls;

	fill_way(e->b, &reach, row);
	row->proxy = proxy_row(e, reach.proxy);
	if (tls != NULL) {
		row->ca_file = build_text(e->b, tls->ca_file.text);
		s.tls_name = build_text(e->b, tls->name.text);
		s.certificate =
		    source_row(e, tls->certificate, &tls->certificate_row);
		s.key = source_row(e, tls->key, &tls->key_row);
	}
	if (reach.login != NULL)
		fill_login(e, reach.login, &s);
	if (s.tls_name.n == 0 && s.certificate == ROW_NONE &&
	    s.auth == BACKEND_AUTH_NONE)
		return;
	if (url->reach.tls != NULL || url->reach.login != NULL)
		s.flags |= SECURITY_OF_ONE;
	row->security = share(e->b, &s);
}
