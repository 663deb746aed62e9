/*
 * fuzz_application_wso2 - four documents, with "|" between them:
 * what is joined has lines that say each what an application is.
 */
#include <stdlib.h>

#include "policy/application.h"
#include "policy/application_wso2.h"
#include "policy/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct application_issuer issuer = { SPAN("Default"),
		SPAN("https://id.example/") };
	struct span documents[APPLICATION_WSO2__MAX];
	struct span rest = span_of(bytes, n), line;
	struct application app;
	unsigned left_out, number = 0;
	struct arena a;
	struct buf to;
	char why[200];

	for (int i = 0; i < APPLICATION_WSO2__MAX; i++)
		documents[i] = span_cut(&rest, '|');
	buf_init(&to, 1 << 24);
	arena_init(&a, 4096, APPLICATION_ARENA_MAX);
	if (application_wso2_join(
		documents, &issuer, 1, &to, &left_out, why, sizeof(why))) {
		rest = buf_span(&to);
		while (words_line(&rest, &line, &number)) {
			line = arena_copy(&a, line);
			/* One that is too long is refused as a whole later. */
			if (line.p != NULL && line.n <= APPLICATION_LINE_MAX &&
			    application_read(line, &a, &app) != NULL)
				abort();
			arena_reset(&a);
		}
	}
	arena_fini(&a);
	buf_fini(&to);
	return 0;
}
