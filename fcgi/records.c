/*
 * records - see records.h.
 */
#include "fcgi/records.h"

enum {
	TYPE_BEGIN_REQUEST = 1,
	TYPE_PARAMS = 4,
	TYPE_STDIN = 5
};

#define BEGIN_BYTES 8 /* of the body of BEGIN_REQUEST */

enum pair_state {
	PAIR_NAME_LENGTH,
	PAIR_NAME_LENGTH_MORE,
	PAIR_VALUE_LENGTH,
	PAIR_VALUE_LENGTH_MORE,
	PAIR_BYTES,
};

void
records_init(struct records *w)
{
	*w = (struct records){ .state = RECORDS_BEGIN };
}

static bool
bad(struct records *w, const char *why)
{
	w->state = RECORDS_BAD;
	w->why = why;
	return false;
}

/* What the record whose head is complete may be in this state. */
static bool
take_head(struct records *w)
{
	const unsigned char *h = w->head;
	unsigned id = (unsigned)h[2] << 8 | h[3];

	w->n_head = 0;
	w->type = h[1];
	w->content_left = (unsigned)h[4] << 8 | h[5];
	w->padding_left = h[6];
	if (h[0] != 1)
		return bad(w, "not FastCGI version 1");
	if (id == 0)
		return bad(w, "management record");
	if (w->state == RECORDS_BEGIN) {
		w->id = id;
		if (w->type != TYPE_BEGIN_REQUEST ||
		    w->content_left != BEGIN_BYTES)
			return bad(w, "no BEGIN_REQUEST");
		return true;
	}
	if (id != w->id)
		return bad(w, "two requests on one connection");
	if (w->state == RECORDS_PARAMS && w->type == TYPE_PARAMS) {
		w->params_bytes += w->content_left;
		if (w->params_bytes > RECORDS_PARAMS_MAX)
			return bad(w, "more than 64 kB of parameters");
		if (w->content_left > 0)
			return true;
		if (w->pair_state != PAIR_NAME_LENGTH)
			return bad(w, "half a parameter");
		w->state = RECORDS_STDIN;
		return true;
	}
	if (w->state == RECORDS_STDIN && w->type == TYPE_STDIN) {
		w->stdin_bytes += w->content_left;
		if (w->content_left == 0)
			w->state = RECORDS_END;
		return true;
	}
	return bad(w, "record of an unexpected type");
}

/* One byte of a length: 0 to 127, or four bytes with the high bit set. */
static bool
take_length(struct records *w, unsigned char c)
{
	bool name = w->pair_state <= PAIR_NAME_LENGTH_MORE;
	uint32_t *length = name ? &w->name_left : &w->value_left;

	if (w->pair_state == PAIR_NAME_LENGTH ||
	    w->pair_state == PAIR_VALUE_LENGTH) {
		*length = c & 0x7f;
		w->length_left = c & 0x80 ? 3 : 0;
	} else {
		*length = *length << 8 | c;
		w->length_left--;
	}
	if (w->length_left > 0) {
		w->pair_state =
		    name ? PAIR_NAME_LENGTH_MORE : PAIR_VALUE_LENGTH_MORE;
		return true;
	}
	/* libfcgi allocates what a length says before it has come. */
	if (*length > RECORDS_PARAMS_MAX)
		return bad(w, "parameter longer than 64 kB");
	w->pair_state = name ? PAIR_VALUE_LENGTH : PAIR_BYTES;
	if (w->pair_state == PAIR_BYTES && w->name_left == 0)
		return bad(w, "parameter without a name");
	return true;
}

/*
 * Bytes of names and values; how many were used.  libfcgi joins a pair to
 * "name=value" and ends it with NUL, so '=' in a name or a NUL anywhere
 * would make another pair of it.
 */
static size_t
take_pair_bytes(struct records *w, struct span s)
{
	bool name = w->name_left > 0;
	uint32_t *left = name ? &w->name_left : &w->value_left;
	struct span part = span_of(s.p, s.n < *left ? s.n : *left);

	if (span_has(part, '\0') || (name && span_has(part, '='))) {
		bad(w, "parameter with NUL, or '=' in its name");
		return part.n;
	}
	*left -= (uint32_t)part.n;
	if (w->name_left == 0 && w->value_left == 0)
		w->pair_state = PAIR_NAME_LENGTH;
	return part.n;
}

static void
walk_params(struct records *w, struct span s)
{
	while (s.n > 0 && w->state != RECORDS_BAD) {
		if (w->pair_state == PAIR_BYTES) {
			s = span_skip(s, take_pair_bytes(w, s));
			continue;
		}
		take_length(w, (unsigned char)s.p[0]);
		s = span_skip(s, 1);
	}
}

bool
records_walk(struct records *w, struct span s)
{
	while (s.n > 0 && w->state != RECORDS_BAD) {
		struct span part;

		if (w->content_left > 0) {
			part = span_of(
			    s.p, s.n < w->content_left ? s.n : w->content_left);
			w->content_left -= (unsigned)part.n;
			s = span_skip(s, part.n);
			if (w->type == TYPE_PARAMS)
				walk_params(w, part);
			else if (w->type == TYPE_BEGIN_REQUEST &&
			    w->content_left == 0)
				w->state = RECORDS_PARAMS;
			continue;
		}
		if (w->padding_left > 0) {
			size_t n =
			    s.n < w->padding_left ? s.n : w->padding_left;

			w->padding_left -= (unsigned)n;
			s = span_skip(s, n);
			continue;
		}
		if (w->state == RECORDS_END)
			return bad(w, "bytes behind the end of the request");
		w->head[w->n_head++] = (unsigned char)s.p[0];
		s = span_skip(s, 1);
		if (w->n_head == sizeof(w->head) && !take_head(w))
			return false;
	}
	return w->state != RECORDS_BAD;
}
