/*
 * reserved - see reserved.h.
 */
#include "policy/reserved.h"

static const struct span request[] = {
	SPAN_INIT("HOST"), SPAN_INIT("CONNECTION"), SPAN_INIT("KEEP_ALIVE"),
	SPAN_INIT("TE"), SPAN_INIT("TRAILER"), SPAN_INIT("TRANSFER_ENCODING"),
	SPAN_INIT("UPGRADE"), SPAN_INIT("EXPECT"), SPAN_INIT("HTTP2_SETTINGS"),
	SPAN_INIT("PROXY*"), SPAN_INIT("X_HTTP_METHOD*"),
	SPAN_INIT("X_METHOD_OVERRIDE"), SPAN_INIT("X_ORIGINAL_*"),
	SPAN_INIT("X_REWRITE_*"), SPAN_INIT("X_OVERRIDE_URL"),
	SPAN_INIT("X_SCRIPT_NAME"), SPAN_INIT("X_FORWARDED*"),
	SPAN_INIT("FORWARDED"), SPAN_INIT("X_REAL_IP"),
	SPAN_INIT("X_CLIENT_IP"), SPAN_INIT("X_CLUSTER_CLIENT_IP"),
	SPAN_INIT("TRUE_CLIENT_IP"), SPAN_INIT("CF_CONNECTING_IP"),
	SPAN_INIT("CLIENT_CERT*"), SPAN_INIT("X_CLIENT_CERT*"),
	SPAN_INIT("SSL_*"), SPAN_INIT("X_SSL_*"), SPAN_INIT("REMOTE_*"),
	SPAN_INIT("X_REMOTE_*"), SPAN_INIT("X_FORWARD_FOR"),
	SPAN_INIT("X_MGW*"), SPAN_INIT("X_WSO2*"), SPAN_INIT("X_JWT_ASSERTION"),
	SPAN_INIT("X_REQUEST_ID"), SPAN_INIT("VIA"), SPAN_INIT("CDN_LOOP"),
	SPAN_INIT("TRACEPARENT"), SPAN_INIT("TRACESTATE"),
	SPAN_INIT("COOKIE"), /* without credentials, elsewhere */
};

static const struct span answer[] = {
	SPAN_INIT("Status"),
	SPAN_INIT("X-Sendfile*"),
	SPAN_INIT("X-LIGHTTPD-*"),
	SPAN_INIT("X-Accel-*"),
	SPAN_INIT("X-LiteSpeed-*"),
	SPAN_INIT("X-Reproxy-*"),
	SPAN_INIT("Variable-*"),
	SPAN_INIT("Script-Control"),
	SPAN_INIT("Connection"),
	SPAN_INIT("Keep-Alive"),
	SPAN_INIT("Proxy-*"),
	SPAN_INIT("TE"),
	SPAN_INIT("Trailer"),
	SPAN_INIT("Transfer-Encoding"),
	SPAN_INIT("Upgrade"),
	SPAN_INIT("HTTP2-Settings"),
	SPAN_INIT("Content-Length"),
	SPAN_INIT("X-Request-Id"),
};

bool
reserved_fits(struct span name, const struct span *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct span rule = rules[i];

		if (rule.p[rule.n - 1] != '*') {
			if (span_eq_nocase(name, rule))
				return true;
			continue;
		}
		rule.n--;
		if (name.n >= rule.n &&
		    span_eq_nocase(span_of(name.p, rule.n), rule))
			return true;
	}
	return false;
}

bool
reserved_in_request(struct span name)
{
	return reserved_fits(name, request, sizeof(request) / sizeof(*request));
}

bool
reserved_in_answer(struct span name)
{
	return reserved_fits(name, answer, sizeof(answer) / sizeof(*answer));
}
