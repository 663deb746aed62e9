/*
 * http2_answer - what libcurl has read, as bytes of HTTP/1.1; part of http2.
 */
#include "fcgi/http2_part.h"

#include <stdio.h>

/* libcurl has taken codings off already. */
static bool
add_field(struct http2 *h, struct span line)
{
	struct span rest = line, name = span_cut(&rest, ':');

	if (span_eq_nocase(name, SPAN("Transfer-Encoding"))) {
		h->coded = true;
		return true;
	}
	h->sized = h->sized || span_eq_nocase(name, SPAN("Content-Length"));
	buf_add(&h->head, line);
	buf_add_str(&h->head, "\r\n");
	return !h->head.failed;
}

/* "HTTP/2 200": begin anew, since an interim answer may have come before. */
static bool
begin_head(struct http2 *h, struct span line)
{
	struct span word;
	uint64_t status = 0;
	char text[64];

	(void)span_cut(&line, ' '); /* the version */
	word = span_cut(&line, ' ');
	buf_reset(&h->head);
	h->coded = h->sized = false;
	if (!span_to_u64(span_trim(word), 999, &status))
		return false;
	h->status = (unsigned)status;
	(void)snprintf(text, sizeof(text), "HTTP/1.1 %03u \r\n", h->status);
	buf_add_str(&h->head, text);
	return h->status >= 200 || ++h->interims <= HTTP1_INTERIM_MAX;
}

/* The empty line behind the last field. */
static bool
end_head(struct http2 *h)
{
	if (h->status < 200)
		return true;
	/* Two say how long it is (RFC 9112 section 6.3). */
	if (h->coded && h->sized)
		return false;
	h->chunked =
	    !h->sized && !h->head_only && h->status != 204 && h->status != 304;
	if (h->chunked)
		buf_add_str(&h->head, "Transfer-Encoding: chunked\r\n");
	buf_add_str(&h->head, "\r\n");
	buf_add(&h->in, buf_span(&h->head));
	h->begun = true;
	return !h->head.failed && !h->in.failed;
}

size_t
http2_take_line(char *p, size_t size, size_t n, void *user)
{
	struct http2 *h = user;
	struct span line = span_of(p, n * size);
	bool ok = true;

	n *= size;
	while (line.n > 0 &&
	    (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (h->begun)
		return n; /* a trailer */
	if (span_starts(line, SPAN("HTTP/")))
		ok = begin_head(h, line);
	else if (line.n == 0)
		ok = end_head(h);
	else
		ok = add_field(h, line);
	return ok && !h->head.failed ? n : 0;
}

size_t
http2_take_body(char *p, size_t size, size_t n, void *user)
{
	struct http2 *h = user;
	char frame[FRAME_BYTES_MAX];

	n *= size;
	if (!h->begun)
		return 0;
	if (h->in.n - h->in_at + n + FRAME_BYTES_MAX > IN_BYTES_MAX) {
		h->write_paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (h->in_at > 0) {
		memmove(h->in.p, h->in.p + h->in_at, h->in.n - h->in_at);
		h->in.n -= h->in_at;
		h->in_at = 0;
	}
	if (h->chunked) {
		(void)snprintf(frame, sizeof(frame), "%zx\r\n", n);
		buf_add_str(&h->in, frame);
	}
	buf_add(&h->in, span_of(p, n));
	if (h->chunked)
		buf_add_str(&h->in, "\r\n");
	return h->in.failed ? 0 : n;
}
