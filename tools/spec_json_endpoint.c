/*
 * spec_json_endpoint - backends as mgw-spec show has them.
 */
#include "tools/spec_json.h"

static const char *const balance_words[] = { "round-robin", "least-in-flight",
	"hash", "failover" };
static const char *const hash_words[] = { "address", "subject", "field" };
static const char *const name_words[] = { "header", "query", "cookie" };

static void
put_statuses(struct json_object *o, const struct bundle *b, struct range r)
{
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++)
		(void)json_append(
		    list, json_new_int(bundle_index(b, r.first + i)));
	(void)json_put(o, "statuses", list);
}

static struct json_object *
retry_json(const struct bundle *b, const struct row_retry *row)
{
	struct json_object *o = json_new_object();

	spec_put_number(o, "count", row->count);
	spec_put_number(o, "interval_ms", row->interval_ms);
	spec_put_number(o, "factor_milli", row->factor_milli);
	spec_put_number(o, "max_interval_ms", row->max_interval_ms);
	spec_put_number(o, "budget_percent", row->budget_percent);
	put_statuses(o, b, row->statuses);
	return o;
}

static struct json_object *
breaker_json(const struct bundle *b, const struct row_breaker *row)
{
	struct json_object *o = json_new_object();

	spec_put_number(o, "volume", row->volume);
	spec_put_number(o, "ratio_ppm", row->ratio_ppm);
	spec_put_number(o, "window_ms", row->window_ms);
	spec_put_number(o, "reset_ms", row->reset_ms);
	put_statuses(o, b, row->statuses);
	return o;
}

static struct json_object *
health_json(const struct bundle *b, const struct row_health *row)
{
	struct json_object *o = json_new_object();

	spec_put_text(o, "path", b, row->path);
	spec_put_number(o, "period_ms", row->period_ms);
	spec_put_number(o, "timeout_ms", row->timeout_ms);
	spec_put_number(o, "healthy", row->healthy);
	spec_put_number(o, "unhealthy", row->unhealthy);
	put_statuses(o, b, row->statuses);
	return o;
}

/* How it stands among the others of its list. */
static void
put_balance(
    struct json_object *o, const struct bundle *b, const struct row_endpoint *e)
{
	spec_put_word(o, "balance", balance_words, e->balance);
	spec_put_number(o, "weight", e->weight);
	if (e->balance == BALANCE_HASH)
		spec_put_word(o, "hash_by", hash_words, e->hash_by);
	if (e->hash_name.n > 0) {
		const struct row_name *n = bundle_name(b, e->hash_name.first);

		spec_put_word(o, "hash_in", name_words, n->kind);
		spec_put_text(o, "hash_field", b, n->shown);
	}
}

void
spec_put_spike(struct json_object *o, const struct bundle *b, struct range r)
{
	if (r.n > 0)
		spec_put_text(o, "spike", b,
		    bundle_tier(b, bundle_spike(b, r.first)->tier)->name);
}

/* Of secrets, whether there are any. */
static struct json_object *
security_json(const struct bundle *b, const struct row_security *s)
{
	static const char *const auth_words[] = { "none", "basic", "header",
		"oauth2" };
	static const char *const token_words[] = { "basic", "post" };
	struct json_object *o = json_new_object();

	if (s->tls_name.n > 0)
		spec_put_text(o, "tls_name", b, s->tls_name);
	spec_put_flag(o, "client_certificate", s->certificate != ROW_NONE);
	spec_put_word(o, "credential", auth_words, s->auth);
	if (s->user.n > 0)
		spec_put_text(o, "user", b, s->user);
	if (s->header.n > 0)
		spec_put_text(o, "header", b, s->header);
	if (s->auth != BACKEND_AUTH_OAUTH2)
		return o;
	spec_put_text(o, "token_url", b, s->token_url);
	spec_put_text(o, "scopes", b, s->scopes);
	spec_put_text(o, "resource", b, s->resource);
	spec_put_word(o, "token_auth", token_words, s->token_auth);
	spec_put_number(o, "timeout_ms", s->timeout_ms);
	return o;
}

/* What it is told of the way of a request, where that is not the usual. */
static void
put_way(
    struct json_object *o, const struct bundle *b, const struct row_endpoint *e)
{
	static const char *const forwards[] = { "usual", "set", "append",
		"pass", "off" };
	static const char *const traces[] = { "pass", "make", "off" };

	if (e->host_rule == HOST_NAME)
		spec_put_text(o, "host", b, e->host_name);
	else if (e->host_rule == HOST_CLIENT)
		(void)json_put(o, "host", json_new_string(SPAN("client")));
	if (e->forwarded != FORWARD_USUAL)
		spec_put_word(o, "forwarded", forwards, e->forwarded);
	if (e->x_forwarded != FORWARD_USUAL)
		spec_put_word(o, "x_forwarded", forwards, e->x_forwarded);
	if ((e->flags & ENDPOINT_PREFIX) != 0)
		spec_put_flag(o, "x_forwarded_prefix", true);
	if ((e->flags & ENDPOINT_NO_VIA) != 0)
		spec_put_flag(o, "via", false);
	if (e->trace != TRACE_PASS)
		spec_put_word(o, "traceparent", traces, e->trace);
}

struct json_object *
spec_endpoints_json(const struct bundle *b, struct range r)
{
	static const char *const versions[] = { "off", "auto",
		"prior-knowledge" };
	struct json_object *list = json_new_array();

	for (uint32_t i = 0; i < r.n; i++) {
		const struct row_endpoint *e = bundle_endpoint(b, r.first + i);
		struct json_object *o = json_new_object();

		spec_put_text(o, "url", b, e->url);
		spec_put_flag(o, "from_document",
		    (e->flags & ENDPOINT_FROM_DOCUMENT) != 0);
		spec_put_number(o, "connect_ms", e->connect_ms);
		spec_put_number(o, "first_byte_ms", e->first_byte_ms);
		spec_put_number(o, "between_bytes_ms", e->idle_ms);
		spec_put_number(o, "total_ms", e->total_ms);
		if (e->retry.n > 0)
			(void)json_put(o, "retry",
			    retry_json(b, bundle_retry(b, e->retry.first)));
		if (e->breaker.n > 0)
			(void)json_put(o, "breaker",
			    breaker_json(
				b, bundle_breaker(b, e->breaker.first)));
		spec_put_spike(o, b, e->spike);
		if (e->health.n > 0)
			(void)json_put(o, "health_check",
			    health_json(b, bundle_health(b, e->health.first)));
		put_way(o, b, e);
		if (e->http2 != HTTP2_OFF)
			spec_put_word(o, "http2", versions, e->http2);
		if (e->proxy.n > 0)
			spec_put_text(o, "proxy", b,
			    bundle_proxy(b, e->proxy.first)->url);
		if (e->ca_file.n > 0)
			spec_put_text(o, "ca_file", b, e->ca_file);
		if (e->security.n > 0)
			(void)json_put(o, "security",
			    security_json(
				b, bundle_security(b, e->security.first)));
		if (r.n > 1 || e->balance != BALANCE_ROUND_ROBIN)
			put_balance(o, b, e);
		(void)json_append(list, o);
	}
	return list;
}
