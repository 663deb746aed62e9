/*
 * reference - see reference.h.
 */
#include "policy/reference.h"

#include <stdio.h>

#include "base/ascii.h"
#include "base/file.h"

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
	if (name.n == 0 || ascii_is_digit(name.p[0]))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!ascii_is_alnum(name.p[i]) && name.p[i] != '_')
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

/* More than any URL or path of ours. */
#define EXPANDED_BYTES_MAX 4096

static bool
add_file(struct buf *to, struct span path, struct span beside, struct arena *a,
    char *why, size_t why_size)
{
	struct span whole = file_beside(path, beside, a), text;
	struct buf b = { 0 };

	if (whole.p == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return false;
	}
	if (!file_read(whole.p, FILE_TRUSTED, EXPANDED_BYTES_MAX, &b, NULL, why,
		why_size))
		return false;
	text = buf_span(&b);
	while (span_ends(text, SPAN("\n")))
		text.n--;
	buf_add(to, text);
	if (text.n == 0)
		(void)snprintf(why, why_size, "%s: empty", whole.p);
	buf_fini(&b);
	return text.n > 0;
}

static bool
add_variable(struct buf *to, struct span name, reference_env *env, void *world,
    char *why, size_t why_size)
{
	struct span value = env(world, name);

	if (value.n == 0)
		(void)snprintf(why, why_size,
		    "the variable %.*s is missing or empty", SPAN_ARG(name));
	buf_add(to, value);
	return value.n > 0;
}

struct span
reference_expand(struct span text, struct span beside, reference_env *env,
    void *world, struct arena *a, char *why, size_t why_size)
{
	struct span rest = text, result = { NULL, 0 };
	const char *wrong = NULL;
	struct reference r;
	struct buf to;
	bool ok = true;

	if (!reference_in(text))
		return text;
	buf_init(&to, EXPANDED_BYTES_MAX);
	while (ok && rest.p != NULL) {
		ok = reference_next(&rest, &r, &wrong);
		if (!ok) {
			(void)snprintf(why, why_size, "%s", wrong);
			break;
		}
		buf_add(&to, r.literal);
		if (r.kind == REFERENCE_ENV)
			ok = add_variable(
			    &to, r.name, env, world, why, why_size);
		else if (r.kind == REFERENCE_FILE)
			ok = add_file(&to, r.name, beside, a, why, why_size);
	}
	if (ok && (to.failed || span_has_control(buf_span(&to))))
		(void)snprintf(why, why_size, "too long, or control bytes");
	else if (ok && (result = arena_copy(a, buf_span(&to))).p == NULL)
		(void)snprintf(why, why_size, "out of memory");
	buf_fini(&to);
	return result;
}
