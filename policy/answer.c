/*
 * answer - see answer.h.
 */
#include "policy/answer.h"

#include "base/json.h"
#include "policy/challenge.h"
#include "policy/cors.h"
#include "policy/error_body.h"

/* Far more than all challenges and texts of one refusal. */
#define ANSWER_BYTES_MAX (64 * 1024)

/* What to wait when a stage that says "later" does not say how long. */
#define RETRY_DEFAULT_S 5

/* What every answer of our own says, whatever its type. */
#define NEVER_STORED                  \
	"Cache-Control: no-store\r\n" \
	"X-Content-Type-Options: nosniff\r\n"

static enum error_format
format_of(const struct policy *p, const struct ruling *v)
{
	if (v->match.api != NULL)
		return (enum error_format)v->match.api->errors;
	return (enum error_format)bundle_settings(p->bundle, 0)->errors;
}

static void
write_member(struct buf *to, const char *name, struct span value)
{
	buf_add_char(to, ',');
	json_write_string(to, span_str(name));
	buf_add_char(to, ':');
	json_write_string(to, value);
}

/*
 * RFC 9457.  The type is a name, not an address: what a reason means
 * stands in the manual of the gate that was asked.
 */
static void
write_problem(struct buf *to, const struct request *r, const struct decision *d)
{
	const char *word = reason_word(d->reason);
	const char *title = reason_title(d->reason);

	buf_add_str(to, "{\"type\":\"urn:mgw:reason:");
	buf_add_str(to, word);
	buf_add_str(to, "\",\"status\":");
	buf_add_u64(to, reason_status(d->reason));
	write_member(to, "title", span_str(title));
	write_member(
	    to, "detail", d->detail.n > 0 ? d->detail : span_str(title));
	if (r->id.n > 0)
		write_member(to, "instance", r->id);
	write_member(to, "reason", span_str(word));
	buf_add_str(to, "}\n");
}

static void
write_fault(struct buf *to, const struct decision *d)
{
	const char *title = reason_title(d->reason);

	buf_add_str(to, "{\"fault\":{\"code\":");
	buf_add_u64(to, reason_wso2_code(d->reason));
	write_member(to, "message", span_str(title));
	write_member(
	    to, "description", d->detail.n > 0 ? d->detail : span_str(title));
	buf_add_str(to, "}}\n");
}

static uint32_t
retry_after(const struct decision *d)
{
	switch (d->reason) {
	case REASON_RATE_EXCEEDED:
	case REASON_QUOTA_EXCEEDED:
	case REASON_CONCURRENCY_EXCEEDED:
		return d->retry_after_s > 0 ? d->retry_after_s : 1;
	case REASON_BREAKER_OPEN:
	case REASON_MAINTENANCE:
	case REASON_OVERLOADED:
	case REASON_VERIFIER_DOWN:
	case REASON_STORE_DOWN:
		return d->retry_after_s > 0 ? d->retry_after_s
					    : RETRY_DEFAULT_S;
	default:
		return d->retry_after_s;
	}
}

/* A path that is unknown allows no method: then the value is empty. */
static void
write_allow(struct buf *to, const struct policy *p, const struct ruling *v)
{
	buf_add_str(to, "Allow: ");
	if (v->match.item != NULL)
		buf_add(to, bundle_text(p->bundle, v->match.item->allow));
	buf_add_str(to, "\r\n");
}

/* RFC 9209: whose fault it is, for who runs what stands before us. */
static void
write_proxy_status(struct buf *to, const struct decision *d)
{
	struct span error = d->proxy_error;

	switch (d->reason) {
	case REASON_UPSTREAM_CONNECT:
	case REASON_BREAKER_OPEN:
		if (error.n == 0)
			error = SPAN("destination_unavailable");
		break;
	case REASON_UPSTREAM_BROKEN:
		if (error.n == 0)
			error = SPAN("http_response_incomplete");
		break;
	case REASON_UPSTREAM_TIMEOUT:
		if (error.n == 0)
			error = SPAN("http_response_timeout");
		break;
	default:
		return;
	}
	buf_add_str(to, "Proxy-Status: mgw; error=");
	buf_add(to, error);
	buf_add_str(to, "\r\n");
}

static void
write_headers(struct buf *to, const struct policy *p, const struct request *r,
    const struct ruling *v, struct span type)
{
	const struct decision *d = &v->decision;
	uint32_t retry_s = retry_after(d);

	buf_add_str(to, "Content-Type: ");
	buf_add(to, type);
	buf_add_str(to, "\r\n" NEVER_STORED);
	challenge_write(p->bundle, v, to);
	if (reason_status(d->reason) == 405)
		write_allow(to, p, v);
	if (retry_s > 0) {
		buf_add_str(to, "Retry-After: ");
		buf_add_u64(to, retry_s);
		buf_add_str(to, "\r\n");
	}
	write_proxy_status(to, d);
	if (v->receipt.n > 0)
		throttle_write_headers(p->bundle, &v->receipt, to);
	cors_write(p->bundle, r, &v->match, false, to);
}

/* Its media type is returned. */
static struct span
write_body(struct buf *to, const struct policy *p, const struct request *r,
    const struct ruling *v)
{
	const struct row_error_body *own =
	    error_body_find(p->bundle, v->match.api, v->decision.reason);

	if (own != NULL) {
		error_body_write(p->bundle, own, r, &v->decision, to);
		return bundle_text(p->bundle, own->type);
	}
	if (format_of(p, v) == ERRORS_WSO2) {
		write_fault(to, &v->decision);
		return SPAN("application/json");
	}
	write_problem(to, r, &v->decision);
	return SPAN("application/problem+json");
}

/* A preflight has no body: without memory it is a fault like others. */
static void
make_plain(struct answer *a)
{
	if (a->status == 204)
		a->status = reason_status(REASON_FAULT);
	a->headers =
	    SPAN("Content-Type: application/problem+json\r\n" NEVER_STORED);
	a->body = SPAN("{\"type\":\"about:blank\"}\n");
}

static void
make_preflight(const struct policy *p, const struct request *r,
    const struct ruling *v, struct buf *to)
{
	if (v->match.item != NULL)
		write_allow(to, p, v);
	cors_write(p->bundle, r, &v->match, cors_is_preflight(r), to);
}

void
answer_make(const struct policy *p, const struct request *r,
    const struct ruling *v, struct answer *a)
{
	struct buf headers, body;

	*a = (struct answer){ .status = 204 };
	buf_init(&headers, ANSWER_BYTES_MAX);
	buf_init(&body, ANSWER_BYTES_MAX);
	if (v->decision.reason == REASON_NONE) {
		make_preflight(p, r, v, &headers);
	} else {
		a->status = reason_status(v->decision.reason);
		write_headers(&headers, p, r, v, write_body(&body, p, r, v));
	}
	a->headers = arena_copy(r->arena, buf_span(&headers));
	a->body = arena_copy(r->arena, buf_span(&body));
	if (headers.failed || body.failed || a->headers.p == NULL ||
	    a->body.p == NULL)
		make_plain(a);
	buf_fini(&headers);
	buf_fini(&body);
}

void
answer_health(struct answer *a)
{
	*a = (struct answer){ .status = 200,
		.headers =
		    SPAN("Content-Type: application/json\r\n" NEVER_STORED),
		.body = SPAN("{\"status\":\"healthy\"}\n") };
}
