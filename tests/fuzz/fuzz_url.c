/*
 * Any bytes as a backend URL: what is read lies inside what was given.
 */
#include <stdlib.h>

#include "policy/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
inside(struct span part, const uint8_t *p, size_t n)
{
	const char *from = (const char *)p;

	if (part.n > 0 && (part.p < from || part.p + part.n > from + n))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct url u;
	const char *why = NULL;

	if (!url_parse(span_of(p, n), &u, &why)) {
		if (why == NULL)
			abort();
		return 0;
	}
	inside(u.host, p, n);
	inside(u.path, p, n);
	inside(u.query, p, n);
	inside(u.unix_path, p, n);
	(void)url_is_local(&u); /* must only not read beyond */
	return 0;
}
