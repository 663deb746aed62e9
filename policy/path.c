/*
 * path - see path.h.
 */
#include "policy/path.h"

#include "base/ascii.h"

bool
path_unescape(struct span s, char *to, size_t *n)
{
	size_t used = 0;

	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] != '%') {
			to[used++] = s.p[i];
			continue;
		}
		if (s.n - i < 3 || (high = ascii_hex(s.p[i + 1])) < 0 ||
		    (low = ascii_hex(s.p[i + 2])) < 0)
			return false;
		to[used++] = (char)(high << 4 | low);
		i += 2;
	}
	*n = used;
	return true;
}

/* pchar without pct-encoded (RFC 3986 section 3.3). */
static bool
is_plain(char c)
{
	return ascii_is_alnum(c) || span_has(SPAN("-._~!$&'()*+,;=:@"), c);
}

/* "to" has room for three bytes for each of "s". */
static size_t
escape(char *to, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_plain(s.p[i])) {
			to[n++] = s.p[i];
			continue;
		}
		to[n++] = '%';
		to[n++] = hex[c >> 4];
		to[n++] = hex[c & 15];
	}
	return n;
}

/*
 * "." and "..", also with a parameter behind: servers that cut ";..." off
 * before they resolve dots would climb.
 */
static bool
is_dots(struct span s)
{
	struct span name = span_cut(&s, ';');

	return span_eq(name, SPAN(".")) || span_eq(name, SPAN(".."));
}

/*
 * An escaped escape of a byte that is refused: a backend that decodes
 * twice would see it.
 */
static bool
is_escaped_twice(struct span s)
{
	for (; s.n >= 3; s = span_skip(s, 1)) {
		struct span three = span_of(s.p, 3);

		if (span_eq(three, SPAN("%00")) ||
		    span_eq_nocase(three, SPAN("%2e")) ||
		    span_eq_nocase(three, SPAN("%2f")) ||
		    span_eq_nocase(three, SPAN("%5c")))
			return true;
	}
	return false;
}

/* Is the decoded segment one that everybody reads alike? */
static bool
check_segment(struct span s, struct decision *d)
{
	if (span_has(s, '/') || span_has(s, '\0') || span_has(s, '\\'))
		return refuse(d, REASON_PATH_AMBIGUOUS,
		    SPAN("slash, backslash or NUL inside a path segment"));
	if (span_has_control(s))
		return refuse(
		    d, REASON_BAD_REQUEST, SPAN("control byte in the path"));
	if (!span_is_utf8(s))
		return refuse(d, REASON_BAD_REQUEST, SPAN("path is not UTF-8"));
	if (is_dots(s))
		return refuse(
		    d, REASON_PATH_AMBIGUOUS, SPAN("dot segment in the path"));
	if (span_has(s, '%') && is_escaped_twice(s))
		return refuse(
		    d, REASON_PATH_AMBIGUOUS, SPAN("path is escaped twice"));
	return true;
}

/*
 * Cut scheme and authority off an absolute-form target.  It is accepted
 * only as another spelling of the same request (RFC 9112 section 3.2.2).
 */
static bool
cut_authority(struct span *target, struct span host, struct decision *d)
{
	struct span rest = *target;
	size_t n = 0;

	if (rest.n > 7 && span_eq_nocase(span_of(rest.p, 7), SPAN("http://")))
		rest = span_skip(rest, 7);
	else if (rest.n > 8 &&
	    span_eq_nocase(span_of(rest.p, 8), SPAN("https://")))
		rest = span_skip(rest, 8);
	else
		return refuse(d, REASON_BAD_REQUEST,
		    SPAN("request target is not a path"));
	while (n < rest.n && !span_has(SPAN("/?#"), rest.p[n]))
		n++;
	if (n == 0 || span_has(span_of(rest.p, n), '@') ||
	    !span_eq_nocase(span_of(rest.p, n), host))
		return refuse(d, REASON_BAD_REQUEST,
		    SPAN("request target names another host"));
	*target = span_skip(rest, n);
	return true;
}

/* What may not stand in a target at all, whoever reads it. */
static bool
check_bytes(struct span target, struct decision *d)
{
	for (size_t i = 0; i < target.n; i++) {
		unsigned char c = (unsigned char)target.p[i];

		if (c <= ' ' || c == 0x7f)
			return refuse(d, REASON_BAD_REQUEST,
			    SPAN("control byte or space in the target"));
		if (c == '#')
			return refuse(d, REASON_PATH_AMBIGUOUS,
			    SPAN("fragment in the target"));
	}
	return true;
}

/* Decode the segments of "raw", which is what stands behind each '/'. */
static bool
read_segments(
    struct span raw, struct arena *a, struct path *p, struct decision *d)
{
	size_t n = 1;
	char *bytes;

	for (size_t i = 0; i < raw.n; i++)
		n += raw.p[i] == '/';
	p->segments = arena_calloc(a, n, sizeof(*p->segments));
	bytes = arena_alloc(a, raw.n + 1);
	if (p->segments == NULL || bytes == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	while (raw.p != NULL) {
		struct span *s = &p->segments[p->n_segments++];

		*s = span_cut(&raw, '/');
		if (s->n == 0 && raw.p != NULL)
			return refuse(d, REASON_PATH_AMBIGUOUS,
			    SPAN("empty segment in the path"));
		if (!path_unescape(*s, bytes, &n))
			return refuse(d, REASON_BAD_REQUEST,
			    SPAN("bad escape in the path"));
		*s = span_of(bytes, n);
		bytes += n;
		if (!check_segment(*s, d))
			return false;
	}
	return true;
}

/* Cut the prefix; what equals it exactly means the root behind it. */
static bool
cut_prefix(struct path *p, struct span strip, struct decision *d)
{
	size_t n = 0;

	if (strip.n > 0 && strip.p[0] == '/')
		strip = span_skip(strip, 1);
	if (strip.n > 0 && strip.p[strip.n - 1] == '/')
		strip.n--;
	if (strip.n == 0)
		return true;
	while (strip.p != NULL) {
		struct span want = span_cut(&strip, '/');

		if (n == p->n_segments || !span_eq(p->segments[n], want))
			return refuse(d, REASON_NO_ROUTE,
			    SPAN("outside the prefix of this gate"));
		n++;
	}
	if (n == p->n_segments)
		p->segments[--n] = SPAN("");
	p->segments += n;
	p->n_segments -= n;
	return true;
}

static bool
write_canonical(struct path *p, struct arena *a, struct decision *d)
{
	size_t room = 0, n = 0;
	char *to;

	for (size_t i = 0; i < p->n_segments; i++)
		room += 1 + 3 * p->segments[i].n;
	to = arena_alloc(a, room);
	if (to == NULL)
		return refuse(d, REASON_FAULT, SPAN("out of memory"));
	for (size_t i = 0; i < p->n_segments; i++) {
		to[n++] = '/';
		n += escape(to + n, p->segments[i]);
	}
	p->canonical = span_of(to, n);
	return true;
}

bool
path_parse(struct span target, struct span host, struct span strip,
    struct arena *a, struct path *p, struct decision *d)
{
	struct span path;

	*p = (struct path){ 0 };
	if (!check_bytes(target, d))
		return false;
	if ((target.n == 0 || target.p[0] != '/') &&
	    !cut_authority(&target, host, d))
		return false;
	p->query = target;
	path = span_cut(&p->query, '?');
	if (path.n > 0)
		path = span_skip(path, 1);
	else /* "http://host" and "http://host?query" mean its root */
		path = SPAN("");
	return read_segments(path, a, p, d) && cut_prefix(p, strip, d) &&
	    write_canonical(p, a, d);
}
