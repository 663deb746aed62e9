/*
 * change_name - see change_name.h.
 */
#include "policy/change_name.h"

#include "policy/credential_fields.h"
#include "policy/field.h"
#include "policy/reserved.h"

#define NAME_BYTES_MAX 128

/* In CGI spelling; beside reserved_in_request(). */
static const struct span request[] = { SPAN_INIT("AUTHORIZATION"),
	SPAN_INIT("CONTENT_*"), SPAN_INIT("DPOP"), SPAN_INIT("TRACEPARENT"),
	SPAN_INIT("TRACESTATE"), SPAN_INIT("CDN_LOOP"),
	SPAN_INIT("MAX_FORWARDS") };

/* What the client's own may not be read from. */
static const struct span hidden[] = { SPAN_INIT("AUTHORIZATION"),
	SPAN_INIT("DPOP"), SPAN_INIT("CONTENT_LENGTH"),
	SPAN_INIT("CONTENT_TYPE") };

/* Beside reserved_in_answer(). */
static const struct span answer[] = { SPAN_INIT("Cache-Control"),
	SPAN_INIT("CDN-Cache-Control"), SPAN_INIT("Surrogate-Control"),
	SPAN_INIT("Pragma"), SPAN_INIT("Expires"), SPAN_INIT("Age"),
	SPAN_INIT("Vary"), SPAN_INIT("Content-Encoding"),
	SPAN_INIT("Content-Range"), SPAN_INIT("Content-Type"),
	SPAN_INIT("Location"), SPAN_INIT("Refresh"), SPAN_INIT("Date"),
	SPAN_INIT("WWW-Authenticate"), SPAN_INIT("Authentication-Info"),
	SPAN_INIT("RateLimit*"), SPAN_INIT("X-RateLimit*"),
	SPAN_INIT("Access-Control-*"), SPAN_INIT("X-Content-Type-Options"),
	SPAN_INIT("Via"), SPAN_INIT("X-Mgw*") };

static const struct span wide[] = { SPAN_INIT("Strict-Transport-Security"),
	SPAN_INIT("Clear-Site-Data"), SPAN_INIT("Alt-Svc"),
	SPAN_INIT("Service-Worker-Allowed"), SPAN_INIT("NEL"),
	SPAN_INIT("Report-To"), SPAN_INIT("Reporting-Endpoints"),
	SPAN_INIT("Public-Key-Pins*"), SPAN_INIT("Origin-Agent-Cluster"),
	SPAN_INIT("Accept-CH"), SPAN_INIT("Critical-CH"),
	SPAN_INIT("Set-Cookie*") };

static const struct span cookies[] = { SPAN_INIT("Set-Cookie*") };

#define FITS(name, rules) \
	reserved_fits(name, rules, sizeof(rules) / sizeof(*(rules)))

/* As CGI spells it; "room" has NAME_BYTES_MAX. */
static struct span
fold(struct span name, char *room)
{
	for (size_t i = 0; i < name.n; i++)
		room[i] = credential_fold(name.p[i]);
	return span_of(room, name.n);
}

static const char *
header_wrong(enum change_kind kind, enum change_how how, struct span name)
{
	char room[NAME_BYTES_MAX];
	struct span folded;

	if (!field_is_token(name) || name.n > sizeof(room))
		return "is no name of a header";
	if (kind == CHANGE_ANSWER) {
		if (reserved_in_answer(name) || FITS(name, answer))
			return "is the gate's to write, or nobody's";
		if (how != CHANGE_REMOVE && FITS(name, cookies))
			return "carries credentials: it can only be removed";
		return NULL;
	}
	/* CGI has no other: no client's field could be told from it. */
	if (!field_is_name(name))
		return "may have letters, digits, '-', '_' and '.' alone";
	folded = fold(name, room);
	if (reserved_in_request(folded) || FITS(folded, request))
		return "is the gate's to write, or nobody's";
	return NULL;
}

const char *
change_name_wrong(enum change_kind kind, enum change_how how, struct span name)
{
	if (kind == CHANGE_PATH)
		return name.n > 0 || how != CHANGE_SET ? "has a name" : NULL;
	if (kind != CHANGE_QUERY)
		return header_wrong(kind, how, name);
	return name.n == 0 || name.n > NAME_BYTES_MAX ||
		span_has_control(name) || !span_is_utf8(name)
	    ? "is no name of a parameter"
	    : NULL;
}

bool
change_name_is_hidden(struct span header)
{
	char room[NAME_BYTES_MAX];
	struct span folded;

	if (header.n > sizeof(room))
		return true;
	folded = fold(header, room);
	return reserved_in_request(folded) || FITS(folded, hidden);
}

bool
change_name_is_wide(struct span header)
{
	return FITS(header, wide);
}
