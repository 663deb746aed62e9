/*
 * shown - see shown.h.
 */
#include "base/shown.h"

size_t
shown_control(struct span s)
{
	unsigned char c = s.n > 0 ? (unsigned char)s.p[0] : ' ';

	if (c < 0x20 || c == 0x7f)
		return 1;
	if (c == 0xc2 && s.n > 1 && ((unsigned char)s.p[1] & 0xe0) == 0x80)
		return 2;
	return 0;
}

void
shown_print(FILE *to, struct span s)
{
	size_t hidden = 0;

	for (; s.n > 0; s = span_skip(s, 1)) {
		if (hidden == 0)
			hidden = shown_control(s);
		/* Whether it could be written, who closes "to" tells. */
		if (hidden == 0)
			(void)fputc(s.p[0], to);
		else
			(void)fprintf(to, "\\x%02x", (unsigned char)s.p[0]);
		hidden -= hidden > 0;
	}
}

void
shown_ascii(struct buf *to, struct span s)
{
	for (; s.n > 0; s = span_skip(s, 1)) {
		unsigned char c = (unsigned char)s.p[0];

		if (c < 0x20 || c > 0x7e)
			buf_printf(to, "\\x%02x", c);
		else
			buf_add_char(to, (char)c);
	}
}
