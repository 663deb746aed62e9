/*
 * fuzz_introspection - what an introspection server might answer.
 */
#include <stdlib.h>

#include "policy/build.h"
#include "policy/claims.h"
#include "policy/introspection.h"

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

static struct bundle bundle;

/* A bundle of one server. */
static void
make(void)
{
	struct row_settings settings = { .max_uri_bytes = 4096 };
	struct row_source secret = { .kind = SOURCE_SECRET };
	struct row_introspect row = {
		.timeout_ms = 1, .keep_s = 30, .flags = INTROSPECT_AUDIENCE_ANY
	};
	struct build *b = build_new();
	struct buf bytes;
	char why[200];

	row.url = build_text(b, SPAN("https://id.example/"));
	row.issuer = build_text(b, SPAN("https://id.example/"));
	row.scope_claim = build_text(b, SPAN("realm.roles"));
	(void)BUILD_ROW(b, SECTION_SETTINGS, &settings);
	(void)BUILD_ROW(b, SECTION_SOURCE, &secret);
	(void)BUILD_ROW(b, SECTION_INTROSPECT, &row);
	buf_init(&bytes, 1 << 20);
	if (!build_finish(b, &bytes) ||
	    !bundle_from(&bundle, buf_span(&bytes), why, sizeof(why)))
		abort();
	build_free(b);
	buf_fini(&bytes);
}

int
LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	struct claims claims;
	struct verdict v;
	struct arena a;
	const char *why;

	if (bundle.memory == NULL)
		make();
	arena_init(&a, 4096, 1 << 22);
	/* What is kept must be JSON again. */
	if (introspection_read(&bundle, 0, span_of(p, n), 1000, &a, &v, &why) &&
	    v.payload.n > 0 &&
	    !claims_read(v.payload, SPAN("scope"), &a, &claims, &why) &&
	    strcmp(why, "not strict JSON") == 0)
		abort();
	arena_fini(&a);
	return 0;
}
