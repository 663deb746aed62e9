/*
 * http1 - see http1.h.
 */
#include "fcgi/http1.h"

#include "base/ascii.h"
#include "policy/field.h"

/* Longer chunk-size or trailer lines mean nothing good. */
#define LINE_BYTES_MAX 8192

/* All trailers of one answer together. */
#define TRAILER_BYTES_MAX (16 * 1024)

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_DATA,
	CHUNK_DATA_END, /* the CRLF behind a chunk's bytes */
	CHUNK_TRAILER,
};

static const struct span version = SPAN_INIT("HTTP/1.");

static long
bad(const char **why, const char *text)
{
	*why = text;
	return HTTP1_BAD;
}

/*
 * The line at the start of "bytes", without its CRLF.  Its length with
 * CRLF, HTTP1_MORE, or HTTP1_BAD for a bare LF.
 */
static long
take_line(struct span bytes, size_t max, struct span *line, const char **why)
{
	const char *lf;
	size_t n;

	if (bytes.n == 0)
		return HTTP1_MORE;
	lf = memchr(bytes.p, '\n', bytes.n < max ? bytes.n : max);
	if (lf == NULL) {
		return bytes.n < max ? HTTP1_MORE
				     : bad(why, "a line is too long");
	}
	n = (size_t)(lf - bytes.p);
	if (n == 0 || bytes.p[n - 1] != '\r')
		return bad(why, "a line ends without CR");
	*line = span_of(bytes.p, n - 1);
	return (long)n + 1;
}

/* HTTP-version SP status-code [SP reason], RFC 9112 section 4. */
static bool
parse_status_line(struct span line, struct http1_head *head)
{
	uint64_t minor, status;

	if (line.n < 12 || !span_starts(line, version) || line.p[8] != ' ')
		return false;
	if (!span_to_u64(span_of(line.p + 7, 1), 9, &minor) ||
	    !span_to_u64(span_of(line.p + 9, 3), 599, &status) || status < 100)
		return false;
	if (line.n > 12 && (line.p[12] != ' ' || !field_is_value(line)))
		return false;
	head->version_minor = (unsigned)minor;
	head->status = (unsigned)status;
	return true;
}

/* field-name ":" OWS field-value OWS, RFC 9112 section 5. */
static bool
parse_field(struct span line, struct http1_field *field, const char **why)
{
	struct span rest = line;
	struct span name = span_cut(&rest, ':');

	if (line.p[0] == ' ' || line.p[0] == '\t') {
		*why = "a field is folded";
		return false;
	}
	if (rest.p == NULL || !field_is_token(name)) {
		*why = "a field name is not a token";
		return false;
	}
	if (!field_is_value(rest)) {
		*why = "a field has control bytes";
		return false;
	}
	*field = (struct http1_field){ name, span_trim(rest) };
	return true;
}

/*
 * Count the field lines up to the empty one.  The head's length,
 * HTTP1_MORE or HTTP1_BAD; nothing is parsed before all of it is there,
 * so that a slow head costs little.
 */
static long
measure_head(struct span bytes, size_t *n_fields, const char **why)
{
	size_t at = 0, n = bytes.n < version.n ? bytes.n : version.n;
	size_t lines = 0;
	struct span line;

	if (!span_eq(span_of(bytes.p, n), span_of(version.p, n)))
		return bad(why, "not HTTP/1");
	for (;;) {
		long used = take_line(span_skip(bytes, at),
		    HTTP1_HEAD_BYTES_MAX - at, &line, why);

		if (used <= 0)
			return used;
		at += (size_t)used;
		if (line.n == 0)
			break;
		if (++lines > HTTP1_FIELDS_MAX + 1)
			return bad(why, "too many fields");
	}
	if (lines == 0)
		return bad(why, "no status line");
	*n_fields = lines - 1;
	return (long)at;
}

long
http1_parse_head(struct span bytes, struct arena *a, struct http1_head *head,
    const char **why)
{
	size_t n_fields;
	struct span line;
	long total, used;

	total = measure_head(bytes, &n_fields, why);
	if (total <= 0)
		return total;
	*head = (struct http1_head){ .n_fields = n_fields };
	if (n_fields > 0) {
		head->fields = arena_calloc(a, n_fields, sizeof(*head->fields));
		if (head->fields == NULL)
			return bad(why, "out of memory");
	}
	used = take_line(bytes, HTTP1_HEAD_BYTES_MAX, &line, why);
	if (used <= 0 || !parse_status_line(line, head))
		return bad(why, "bad status line");
	if (head->status == 101)
		return bad(why, "switches protocols unasked");
	for (size_t i = 0; i < n_fields; i++) {
		bytes = span_skip(bytes, (size_t)used);
		used = take_line(bytes, HTTP1_HEAD_BYTES_MAX, &line, why);
		if (used <= 0 || !parse_field(line, &head->fields[i], why))
			return HTTP1_BAD;
	}
	return total;
}

bool
http1_list_has(struct span list, struct span word)
{
	while (list.p != NULL) {
		struct span part = span_trim(span_cut(&list, ','));

		if (span_eq_nocase(part, word))
			return true;
	}
	return false;
}

struct framing_fields {
	bool has_length;
	bool chunked;
	bool close;
	uint64_t length;
};

/* RFC 9112 section 6; what two readers could understand differently. */
static bool
read_framing(
    const struct http1_head *head, struct framing_fields *f, const char **why)
{
	for (size_t i = 0; i < head->n_fields; i++) {
		struct span name = head->fields[i].name;
		struct span value = head->fields[i].value;

		if (span_eq_nocase(name, SPAN("Content-Length"))) {
			*why = f->has_length ? "two lengths" : "bad length";
			if (f->has_length ||
			    !span_to_u64(value, INT64_MAX, &f->length))
				return false;
			f->has_length = true;
		} else if (span_eq_nocase(name, SPAN("Transfer-Encoding"))) {
			*why = "unknown transfer coding";
			if (f->chunked || head->version_minor == 0 ||
			    !span_eq_nocase(value, SPAN("chunked")))
				return false;
			f->chunked = true;
		} else if (span_eq_nocase(name, SPAN("Connection"))) {
			f->close =
			    f->close || http1_list_has(value, SPAN("close"));
		}
	}
	if (f->has_length && f->chunked) {
		*why = "length and transfer coding";
		return false;
	}
	return true;
}

bool
http1_body_begin(const struct http1_head *head, bool head_request,
    struct http1_body *b, const char **why)
{
	struct framing_fields f = { 0 };

	*b = (struct http1_body){ .framing = HTTP1_UNTIL_CLOSE };
	if (!read_framing(head, &f, why))
		return false;
	if (head_request || head->status == 204 || head->status == 304) {
		b->framing = HTTP1_NO_BODY;
		b->done = true;
		/* A 204 that announces a body may well send one. */
		if (head->status == 204 && (f.chunked || f.length > 0))
			f.close = true;
	} else if (f.chunked) {
		b->framing = HTTP1_CHUNKED;
	} else if (f.has_length) {
		b->framing = HTTP1_LENGTH;
		b->left_bytes = f.length;
		b->done = f.length == 0;
	}
	b->reusable = b->framing != HTTP1_UNTIL_CLOSE && !f.close &&
	    head->version_minor > 0;
	return true;
}

/* chunk-size [chunk-ext], RFC 9112 section 7.1. */
static long
take_chunk_size(struct http1_body *b, struct span bytes, const char **why)
{
	struct span line;
	uint64_t size = 0;
	long used = take_line(bytes, LINE_BYTES_MAX, &line, why);
	size_t i;

	if (used <= 0)
		return used;
	for (i = 0; i < line.n; i++) {
		int digit = ascii_hex(line.p[i]);

		if (digit < 0)
			break;
		if (size > (uint64_t)INT64_MAX >> 4)
			return bad(why, "chunk size overflows");
		size = size << 4 | (unsigned)digit;
	}
	if (i == 0 || (i < line.n && line.p[i] != ';') || !field_is_value(line))
		return bad(why, "bad chunk size");
	b->left_bytes = size > 0 ? size : TRAILER_BYTES_MAX;
	b->state = size > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	return used;
}

/* A trailer line is checked and read over; the empty one is the end. */
static long
take_trailer(struct http1_body *b, struct span bytes, const char **why)
{
	struct http1_field field;
	struct span line;
	long used = take_line(bytes, LINE_BYTES_MAX, &line, why);

	if (used <= 0)
		return used;
	if (line.n == 0) {
		b->done = true;
		return used;
	}
	if (!parse_field(line, &field, why))
		return HTTP1_BAD;
	if ((uint64_t)used > b->left_bytes)
		return bad(why, "trailers are too long");
	b->left_bytes -= (uint64_t)used;
	return used;
}

/* As much of "bytes" as still belongs to the length or the chunk. */
static long
take_counted(struct http1_body *b, struct span bytes, struct span *piece)
{
	size_t n = bytes.n < b->left_bytes ? bytes.n : (size_t)b->left_bytes;

	*piece = span_of(bytes.p, n);
	b->left_bytes -= n;
	return (long)n;
}

static long
take_chunked(struct http1_body *b, struct span bytes, struct span *piece,
    const char **why)
{
	long used;

	switch ((enum chunk_state)b->state) {
	case CHUNK_SIZE:
		return take_chunk_size(b, bytes, why);
	case CHUNK_DATA:
		used = take_counted(b, bytes, piece);
		if (b->left_bytes == 0)
			b->state = CHUNK_DATA_END;
		return used;
	case CHUNK_DATA_END:
		if (bytes.p[0] != '\r' || (bytes.n > 1 && bytes.p[1] != '\n'))
			return bad(why, "no CRLF behind a chunk");
		if (bytes.n < 2)
			return HTTP1_MORE;
		b->state = CHUNK_SIZE;
		return 2;
	case CHUNK_TRAILER:
		return take_trailer(b, bytes, why);
	}
	return bad(why, "bad state");
}

long
http1_body_take(struct http1_body *b, struct span bytes, struct span *piece,
    const char **why)
{
	long used;

	*piece = (struct span){ NULL, 0 };
	if (b->done || bytes.n == 0)
		return HTTP1_MORE;
	switch (b->framing) {
	case HTTP1_LENGTH:
		used = take_counted(b, bytes, piece);
		b->done = b->left_bytes == 0;
		return used;
	case HTTP1_CHUNKED:
		return take_chunked(b, bytes, piece, why);
	case HTTP1_UNTIL_CLOSE:
		*piece = bytes;
		return (long)bytes.n;
	case HTTP1_NO_BODY:
		break;
	}
	return HTTP1_MORE;
}

bool
http1_body_close(struct http1_body *b)
{
	if (b->framing == HTTP1_UNTIL_CLOSE)
		b->done = true;
	b->reusable = false;
	return b->done;
}
