/*
 * reference - see reference.h.
 */
#include "policy/reference.h"

/* RFC 3875 section 4.1, and what Apache, lighttpd and FastCGI add. */
static const char *const of_the_request[] = { "AUTH_TYPE", "CONTENT_LENGTH",
	"CONTENT_TYPE", "DOCUMENT_ROOT", "DOCUMENT_URI", "FCGI_ROLE",
	"GATEWAY_INTERFACE", "HTTPS", "MGW_PEER_SECRET", "PATH_INFO",
	"PATH_TRANSLATED", "QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST",
	"REMOTE_IDENT", "REMOTE_PORT", "REMOTE_USER", "REQUEST_METHOD",
	"REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_FILENAME", "SCRIPT_NAME",
	"SCRIPT_URI", "SCRIPT_URL", "SERVER_ADDR", "SERVER_ADMIN",
	"SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SIGNATURE",
	"SERVER_SOFTWARE", "UNIQUE_ID" };

static const char *const prefixes[] = { "HTTP_", "SSL_", "REDIRECT_",
	"CONTEXT_", "PROXY_" };

bool
reference_in(struct span text)
{
	for (size_t i = 0; i + 1 < text.n; i++)
		if (text.p[i] == '$' && text.p[i + 1] == '{')
			return true;
	return false;
}

bool
reference_name_ok(struct span name)
{
	if (name.n == 0 || (name.p[0] >= '0' && name.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (name.n >= n &&
		    span_eq_nocase(span_of(name.p, n), span_str(prefixes[i])))
			return false;
	}
	for (size_t i = 0; i < sizeof(of_the_request) / sizeof(*of_the_request);
	     i++)
		if (span_eq_nocase(name, span_str(of_the_request[i])))
			return false;
	return true;
}

static bool
fail(const char **why, const char *text)
{
	*why = text;
	return false;
}

bool
reference_next(struct span *rest, struct reference *r, const char **why)
{
	size_t i = 0;

	*r = (struct reference){ .literal = *rest };
	while (i < rest->n && !span_starts(span_skip(*rest, i), SPAN("${")))
		i++;
	if (i == rest->n) {
		*rest = (struct span){ NULL, 0 };
		return true;
	}
	r->literal.n = i;
	*rest = span_skip(*rest, i + 2);
	r->name = span_cut(rest, '}');
	if (rest->p == NULL)
		return fail(why, "'}' is missing");
	if (span_starts(r->name, SPAN("env:"))) {
		r->kind = REFERENCE_ENV;
		r->name = span_skip(r->name, 4);
		if (!reference_name_ok(r->name))
			return fail(why,
			    "not a name of a variable, or one "
			    "that requests set");
	} else if (span_starts(r->name, SPAN("file:"))) {
		r->kind = REFERENCE_FILE;
		r->name = span_skip(r->name, 5);
		if (r->name.n == 0 || span_has_control(r->name))
			return fail(why, "not a path");
	} else {
		return fail(why, "only ${env:NAME} and ${file:PATH} are known");
	}
	if (rest->n == 0)
		*rest = (struct span){ NULL, 0 };
	return true;
}
