/*
 * words - see words.h.
 */
#include "policy/words.h"

#include "base/ascii.h"

#define WORD_BYTES_MAX 512

static bool
wrong(struct words *w, const char *why)
{
	w->why = why;
	return false;
}

bool
words_line(struct span *text, struct span *line, unsigned *number)
{
	while (text->p != NULL && text->n > 0) {
		++*number;
		*line = span_cut(text, '\n');
		if (span_ends(*line, SPAN("\r")))
			line->n--;
		*line = span_trim(*line);
		if (line->n > 0 && line->p[0] != '#')
			return true;
	}
	return false;
}

bool
words_next(struct words *w, struct span *word)
{
	bool quoted = false;
	size_t at = 0, n = 0;
	char *to;

	w->rest = span_trim(w->rest);
	*word = (struct span){ NULL, 0 };
	if (w->rest.n == 0)
		return true;
	to = (char *)(uintptr_t)w->rest.p;
	for (; at < w->rest.n; at++) {
		char c = w->rest.p[at];

		if (!quoted && (c == ' ' || c == '\t'))
			break;
		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && c == '\\') {
			if (++at == w->rest.n)
				break;
			c = w->rest.p[at];
			if (c != '"' && c != '\\')
				return wrong(w, "only \\\" and \\\\ are known");
		}
		if (n == WORD_BYTES_MAX)
			return wrong(w, "a word is too long");
		to[n++] = c;
	}
	if (quoted)
		return wrong(w, "a quote is not closed");
	w->rest = span_skip(w->rest, at);
	*word = span_of(to, n);
	return true;
}

bool
words_field(struct words *w, struct span *name, struct span *value)
{
	*name = (struct span){ NULL, 0 };
	if (!words_next(w, value))
		return false;
	if (value->p == NULL)
		return true;
	*name = span_cut(value, '=');
	if (value->p == NULL)
		return wrong(w, "a field is not NAME=VALUE");
	if (span_has_control(*value) || !span_is_utf8(*value))
		return wrong(w, "a value has control bytes or is not UTF-8");
	return true;
}

bool
words_is_id(struct span id)
{
	for (size_t i = 0; i < id.n; i++) {
		if (!ascii_is_alnum(id.p[i]) && !span_has(SPAN("-_."), id.p[i]))
			return false;
	}
	return id.n > 0 && id.n <= WORDS_ID_MAX;
}

void
words_write(struct buf *b, const char *name, struct span value)
{
	bool quote = value.n == 0;

	for (size_t i = 0; i < value.n; i++)
		quote |= memchr(" \t\"\\", value.p[i], 4) != NULL;
	buf_printf(b, " %s=", name);
	if (!quote) {
		buf_add(b, value);
		return;
	}
	buf_add_char(b, '"');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"' || value.p[i] == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, value.p[i]);
	}
	buf_add_char(b, '"');
}
