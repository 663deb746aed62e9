/*
 * show - see show.h.
 */
#include "tools/show.h"

#include <errno.h>

#include "base/shown.h"
#include "policy/json.h"

/* Lines and blanks are the printer's own; in a text they are escaped. */
static void
print_json(FILE *to, struct span s)
{
	while (s.n > 0) {
		size_t n = shown_control(s);

		if (n == 0 || s.p[0] == '\n') {
			(void)fputc(s.p[0], to); /* show_end tells */
			s = span_skip(s, 1);
			continue;
		}
		(void)fprintf(to, "\\u00%02x",
		    (unsigned)(unsigned char)s.p[n - 1]); /* likewise */
		s = span_skip(s, n);
	}
}

bool
show_json(FILE *to, const struct json_object *o)
{
	struct buf b;
	bool good;

	buf_init(&b, 1 << 28);
	json_write(o, true, &b);
	buf_add_char(&b, '\n');
	print_json(to, buf_span(&b));
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
