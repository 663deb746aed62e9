/*
 * fuzz_applications - files of applications: what is read can be written
 * and read again, and each line is found by its id.
 */
#include <stdlib.h>

#include "policy/application.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char why[200];
	struct applications *again,
	    *f = applications_new(span_of(bytes, n), why, sizeof(why));
	struct application app, found;
	struct arena a;
	struct buf b;
	size_t at = 0, count = 0;

	if (f == NULL)
		return 0;
	arena_init(&a, 4096, APPLICATION_ARENA_MAX);
	buf_init(&b, 1 << 26);
	while (applications_next(f, &at, &a, &app)) {
		const struct application_key key = { .by = APPLICATION_BY_ID,
			.first = app.id };

		if (applications_find(f, &key, &a, &found) !=
			APPLICATIONS_FOUND ||
		    !span_eq(found.text, app.text))
			abort();
		(void)application_subscribed(
		    &app, SPAN("title"), SPAN("1")); /* it reads all */
		application_write(&app, &b);
		arena_reset(&a);
		count++;
	}
	again = applications_new(buf_span(&b), why, sizeof(why));
	if (again == NULL || applications_n(again) != count)
		abort();
	applications_free(again);
	applications_free(f);
	arena_fini(&a);
	buf_fini(&b);
	return 0;
}
