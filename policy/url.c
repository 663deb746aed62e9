/*
 * url - see url.h.
 */
#include "policy/url.h"

#include <arpa/inet.h>

#include "base/ascii.h"

#define PORT_MAX 65535
#define HOST_MAX 253

static bool
fail(const char **why, const char *text)
{
	*why = text;
	return false;
}

/* pchar, '/' and '?' of RFC 3986 section 3.3, with whole escapes. */
static bool
is_url_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			if (s.n - i < 3 || ascii_hex(s.p[i + 1]) < 0 ||
			    ascii_hex(s.p[i + 2]) < 0)
				return false;
			i += 2;
		} else if (!ascii_is_alnum(c) &&
		    !span_has(SPAN("-._~!$&'()*+,;=:@/?"), c)) {
			return false;
		}
	}
	return true;
}

/* The last label decides (WHATWG URL, "ends in a number"). */
static bool
looks_like_number(struct span host)
{
	struct span rest = host, label = host;

	while (rest.p != NULL) {
		struct span next = span_cut(&rest, '.');

		if (next.n > 0)
			label = next;
	}
	if (label.n == 0)
		return true;
	if (label.n >= 2 && label.p[0] == '0' &&
	    (label.p[1] == 'x' || label.p[1] == 'X'))
		return true;
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_is_digit(label.p[i]))
			return false;
	return true;
}

static bool
to_address(struct span host, int family, void *address)
{
	char text[INET6_ADDRSTRLEN + 1];

	if (host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	return inet_pton(family, text, address) == 1;
}

static bool
check_host(struct span host, bool bracketed, const char **why)
{
	unsigned char address[16];

	if (bracketed)
		return to_address(host, AF_INET6, address) ||
		    fail(why, "not an IPv6 address");
	if (host.n == 0)
		return fail(why, "no host");
	if (host.n > HOST_MAX)
		return fail(why, "host too long");
	if (to_address(host, AF_INET, address))
		return true;
	for (size_t i = 0; i < host.n; i++)
		if (!ascii_is_alnum(host.p[i]) && host.p[i] != '-' &&
		    host.p[i] != '.' && host.p[i] != '_')
			return fail(why,
			    "a host name of letters, digits, "
			    "'-' and '.' is needed");
	if (looks_like_number(host))
		return fail(why, "not an IPv4 address");
	return true;
}

static bool
parse_authority(struct span authority, struct url *u, const char **why)
{
	struct span port = { NULL, 0 };
	bool bracketed = authority.n > 0 && authority.p[0] == '[';
	uint64_t number;

	if (span_has(authority, '@'))
		return fail(why, "a user name or password is not allowed");
	if (bracketed) {
		struct span rest = span_skip(authority, 1);

		u->host = span_cut(&rest, ']');
		if (rest.p == NULL)
			return fail(why, "']' is missing");
		if (rest.n > 0) {
			if (rest.p[0] != ':')
				return fail(why, "bad port");
			port = span_skip(rest, 1);
		}
	} else {
		port = authority;
		u->host = span_cut(&port, ':');
	}
	if (!check_host(u->host, bracketed, why))
		return false;
	if (port.p != NULL) {
		if (!span_to_u64(port, PORT_MAX, &number) || number == 0)
			return fail(why, "bad port");
		u->port = (uint32_t)number;
	}
	return true;
}

/* "rest" is what follows the authority: empty, or begins with / or ?. */
static bool
parse_path(struct span rest, struct url *u, const char **why)
{
	if (span_has(rest, '#'))
		return fail(why, "a fragment is not allowed");
	if (!is_url_text(rest))
		return fail(why, "a byte that no URL may have");
	u->path = span_cut(&rest, '?');
	u->query = rest;
	while (u->path.n > 0 && u->path.p[u->path.n - 1] == '/')
		u->path.n--;
	return true;
}

static bool
parse_unix(struct span rest, struct url *u, const char **why)
{
	if (rest.n == 0 || rest.p[0] != '/')
		return fail(why, "a UNIX socket needs an absolute path");
	u->unix_path = span_cut(&rest, ':');
	if (span_has_control(u->unix_path))
		return fail(why, "a control byte in the path of the socket");
	/* sun_path of struct sockaddr_un, with its NUL. */
	if (u->unix_path.n > 107)
		return fail(why, "path of the UNIX socket too long");
	if (rest.p == NULL)
		return true;
	if (rest.n > 0 && rest.p[0] != '/')
		return fail(why, "bad path behind the UNIX socket");
	return parse_path(rest, u, why);
}

bool
url_parse_rest(struct span rest, struct url *u, const char **why)
{
	size_t n = 0;

	while (n < rest.n && strchr("/?#", rest.p[n]) == NULL)
		n++;
	return parse_authority(span_of(rest.p, n), u, why) &&
	    parse_path(span_skip(rest, n), u, why);
}

bool
url_parse(struct span text, struct url *u, const char **why)
{
	*u = (struct url){ 0 };
	u->path = SPAN("");
	if (span_starts(text, SPAN("unix:")))
		return parse_unix(span_skip(text, 5), u, why);
	if (text.n >= 8 && span_eq_nocase(span_of(text.p, 8), SPAN("https://")))
		u->tls = true;
	else if (text.n < 7 ||
	    !span_eq_nocase(span_of(text.p, 7), SPAN("http://")))
		return fail(why, "not an http, https or unix URL");
	u->port = u->tls ? 443 : 80;
	return url_parse_rest(span_skip(text, u->tls ? 8 : 7), u, why);
}

static bool
is_local_4(const unsigned char a[4])
{
	return a[0] == 127 || a[0] == 0 || (a[0] == 169 && a[1] == 254);
}

static bool
is_local_6(const unsigned char a[16])
{
	static const unsigned char zero[16];
	static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };

	/* IPv4 inside: mapped, compatible (with :: and ::1) and NAT64. */
	if (memcmp(a, zero, 12) == 0 || memcmp(a, nat64, 12) == 0 ||
	    (memcmp(a, zero, 10) == 0 && a[10] == 0xff && a[11] == 0xff))
		return memcmp(a, zero, 12) == 0 || is_local_4(a + 12);
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

bool
url_is_local(const struct url *u)
{
	unsigned char address[16];
	struct span host = u->host;

	if (u->unix_path.p != NULL)
		return true;
	if (to_address(host, AF_INET, address))
		return is_local_4(address);
	if (to_address(host, AF_INET6, address))
		return is_local_6(address);
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (span_eq_nocase(host, SPAN("localhost")))
		return true;
	return host.n > 10 &&
	    span_eq_nocase(
		span_of(host.p + host.n - 10, 10), SPAN(".localhost"));
}
