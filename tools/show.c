/*
 * show - see show.h.
 */
#include "tools/show.h"

#include <errno.h>

#include "policy/json.h"

/* How many bytes at the start of "s" are a control; 0 if they are none. */
static size_t
control(struct span s)
{
	unsigned char c = (unsigned char)s.p[0];

	if (c < 0x20 || c == 0x7f)
		return 1;
	/* U+0080 to U+009F, which some terminals obey. */
	if (c == 0xc2 && s.n > 1 && ((unsigned char)s.p[1] & 0xe0) == 0x80)
		return 2;
	return 0;
}

static void
show(FILE *to, struct span s, const char *escape, bool lines)
{
	while (s.n > 0) {
		size_t n = control(s);

		if (n == 0 || (lines && s.p[0] == '\n')) {
			(void)fputc(s.p[0], to); /* show_end tells */
			s = span_skip(s, 1);
			continue;
		}
		(void)fprintf(to, "%s%02x", escape,
		    (unsigned)(unsigned char)s.p[n - 1]); /* likewise */
		s = span_skip(s, n);
	}
}

void
show_text(FILE *to, struct span s)
{
	show(to, s, "\\x", false);
}

bool
show_json(FILE *to, const struct json_object *o)
{
	struct buf b;
	bool good;

	buf_init(&b, 1 << 28);
	json_write(o, true, &b);
	buf_add_char(&b, '\n');
	show(to, buf_span(&b), "\\u00", true);
	good = !b.failed;
	buf_fini(&b);
	return good;
}

bool
show_end(const char *program)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	(void)fprintf(stderr, "%s: standard output: %s\n", program,
	    strerror(errno)); /* nowhere else to tell */
	return false;
}
