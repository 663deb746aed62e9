/*
 * published - see published.h.
 */
#include "policy/published.h"

#include "base/json.h"
#include "policy/assertion.h"
#include "policy/keyset.h"

#define DOCUMENT_BYTES_MAX (256 * 1024)
#define WELL_KNOWN "/.well-known/oauth-protected-resource"

/* Where the path of an absolute URL begins. */
static size_t
path_at(struct span url)
{
	size_t at = span_starts(url, SPAN("https://")) ? 8 : 7;

	while (at < url.n && url.p[at] != '/')
		at++;
	return at < url.n ? at : url.n;
}

/* RFC 9728 section 3.1: behind the host, before the path. */
void
published_metadata_url(
    const struct bundle *b, const struct row_api *api, struct buf *to)
{
	struct span url = bundle_text(b, api->public_url);
	size_t at = path_at(url);

	buf_add(to, span_of(url.p, at));
	buf_add_str(to, WELL_KNOWN);
	buf_add(to, span_skip(url, at));
}

/* Texts of a list, each once. */
struct list {
	struct buf *to;
	struct span *told;
	size_t n, max;
};

static void
tell(struct list *l, struct span s)
{
	for (size_t i = 0; i < l->n; i++)
		if (span_eq(l->told[i], s))
			return;
	if (l->n == l->max) {
		l->to->failed = true;
		return;
	}
	if (l->n > 0)
		buf_add_char(l->to, ',');
	json_write_string(l->to, s);
	l->told[l->n++] = s;
}

static bool
takes_bearer(const struct row_scheme *s)
{
	return s->kind == SCHEME_JWT || s->kind == SCHEME_OPAQUE;
}

/* Issuers that a client can ask for tokens: RFC 8414 wants https. */
static void
tell_issuers(const struct bundle *b, const struct row_scheme *s, struct list *l)
{
	if (!takes_bearer(s))
		return;
	for (uint32_t i = 0; i < s->issuers.n; i++) {
		uint32_t row = bundle_index(b, s->issuers.first + i);
		struct span name =
		    bundle_text(b, bundle_issuer(b, row)->issuer);

		if (span_starts(name, SPAN("https://")))
			tell(l, name);
	}
	for (uint32_t i = 0; i < s->introspects.n; i++) {
		uint32_t row = bundle_index(b, s->introspects.first + i);
		struct span name =
		    bundle_text(b, bundle_introspect(b, row)->issuer);

		if (span_starts(name, SPAN("https://")))
			tell(l, name);
	}
}

/* The scopes of tokens that the operation asks for. */
static void
tell_scopes(
    const struct bundle *b, const struct row_operation *op, struct list *l)
{
	for (uint32_t i = 0; i < op->alternatives.n; i++) {
		struct range r =
		    bundle_alternative(b, op->alternatives.first + i)
			->requirements;

		for (uint32_t k = 0; k < r.n; k++) {
			const struct row_requirement *q =
			    bundle_requirement(b, r.first + k);

			if (!takes_bearer(bundle_scheme(b, q->scheme)))
				continue;
			for (uint32_t n = 0; n < q->scopes.n; n++)
				tell(l, bundle_string(b, q->scopes.first + n));
		}
	}
}

/* Of what algorithms proofs may be, and whether tokens need them. */
static void
tell_proofs(const struct bundle *b, const struct row_api *api, struct list *l)
{
	bool taken = false, needed = true;

	for (uint32_t i = 0; i < api->schemes.n; i++) {
		const struct row_scheme *s =
		    bundle_scheme(b, api->schemes.first + i);

		taken |= (s->flags & SCHEME_DPOP) != 0;
		needed &=
		    !takes_bearer(s) || (s->flags & SCHEME_DPOP_ONLY) != 0;
	}
	if (!taken)
		return;
	l->n = 0;
	buf_add_str(l->to, ",\"dpop_signing_alg_values_supported\":[");
	for (int alg = 0; alg < ALG__MAX; alg++)
		if ((bundle_dpop(b, 0)->algorithms >> alg & 1) != 0)
			tell(l, span_str(algorithm_name((enum algorithm)alg)));
	buf_add_str(l->to, "],\"dpop_bound_access_tokens_required\":");
	buf_add_str(l->to, needed ? "true" : "false");
}

/* RFC 9728 section 2. */
static void
write_metadata(const struct bundle *b, const struct row_api *api,
    struct span *room, size_t n_room, struct buf *to)
{
	struct list l = { .to = to, .told = room, .max = n_room };

	buf_add_str(to, "{\"resource\":");
	json_write_string(to, bundle_text(b, api->public_url));
	buf_add_str(to, ",\"resource_name\":");
	json_write_string(to, bundle_text(b, api->title));
	buf_add_str(to, ",\"authorization_servers\":[");
	for (uint32_t i = 0; i < api->schemes.n; i++)
		tell_issuers(b, bundle_scheme(b, api->schemes.first + i), &l);
	l.n = 0;
	buf_add_str(to, "],\"scopes_supported\":[");
	for (uint32_t i = 0; i < api->operations.n; i++)
		tell_scopes(
		    b, bundle_operation(b, api->operations.first + i), &l);
	buf_add_str(to, "],\"bearer_methods_supported\":[\"header\"]");
	tell_proofs(b, api, &l);
	buf_add_str(to, "}\n");
}

/* "target" without its query is the place of the metadata of "api". */
static bool
is_metadata(
    const struct bundle *b, const struct row_api *api, struct span target)
{
	struct span url = bundle_text(b, api->public_url);

	target = span_cut(&target, '?');
	return (api->flags & API_RESOURCE_METADATA) != 0 &&
	    span_starts(target, SPAN(WELL_KNOWN)) &&
	    span_eq(span_skip(target, sizeof(WELL_KNOWN) - 1),
		span_skip(url, path_at(url)));
}

static bool
answer_with(struct buf *body, struct arena *a, struct answer *answer)
{
	*answer = (struct answer){ .status = 200,
		.headers = SPAN("Content-Type: application/json\r\n"
				"Cache-Control: max-age=300\r\n"
				"Access-Control-Allow-Origin: *\r\n"
				"X-Content-Type-Options: nosniff\r\n"),
		.body = arena_copy(a, buf_span(body)) };
	if (body->failed || answer->body.p == NULL)
		*answer = (struct answer){ .status = 500,
			.headers = SPAN("Cache-Control: no-store\r\n"),
			.body = SPAN("") };
	return true;
}

/* The public keys of assertions, for backends. */
static bool
find_keys(const struct policy *p, struct span target, struct arena *a,
    struct answer *answer)
{
	struct span path;
	struct buf body;

	if (bundle_n(p->bundle, SECTION_ASSERTION) == 0)
		return false;
	path =
	    bundle_text(p->bundle, bundle_assertion(p->bundle, 0)->keys_path);
	if (path.n == 0 || !span_eq(span_cut(&target, '?'), path))
		return false;
	buf_init(&body, DOCUMENT_BYTES_MAX);
	if (!assertion_keys(p, a, &body))
		body.failed = true;
	(void)answer_with(&body, a, answer);
	buf_fini(&body);
	return true;
}

bool
published_find(const struct policy *p, struct span method, struct span target,
    struct arena *a, struct answer *answer)
{
	const struct bundle *b = p->bundle;
	size_t n = bundle_n(b, SECTION_STRING) + bundle_n(b, SECTION_ISSUER) +
	    bundle_n(b, SECTION_INTROSPECT) + ALG__MAX + 1;
	struct span *room;
	struct buf body;
	bool found = false;

	if (!span_eq(method, SPAN("GET")) && !span_eq(method, SPAN("HEAD")))
		return false;
	if (find_keys(p, target, a, answer))
		return true;
	for (uint32_t i = 0; !found && i < bundle_n(b, SECTION_API); i++) {
		const struct row_api *api = bundle_api(b, i);

		if (!is_metadata(b, api, target))
			continue;
		room = arena_calloc(a, n, sizeof(*room));
		buf_init(&body, DOCUMENT_BYTES_MAX);
		if (room != NULL)
			write_metadata(b, api, room, n, &body);
		else
			body.failed = true;
		found = answer_with(&body, a, answer);
		buf_fini(&body);
	}
	return found;
}
