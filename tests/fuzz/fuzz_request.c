/*
 * fuzz_request - any list of parameters, "NAME=value" with NULs between:
 * refused with a reason, or a request that says where its body ends.
 */
#include <stdlib.h>

#include "policy/build.h"
#include "policy/request.h"

#define PARAMS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* A bundle that reads a header, a query parameter and a cookie. */
static const struct bundle *
bundle_to_ask(void)
{
	static struct bundle b;
	struct build *build;
	struct buf bytes;
	char why[200];

	if (b.memory != NULL)
		return &b;
	build = build_new();
	must(build != NULL);
	for (uint32_t kind = 0; kind < NAME_KIND__MAX; kind++) {
		struct row_name name = { .kind = kind };
		struct row_scheme scheme = { .field = kind,
			.source = ROW_NONE };

		name.name = build_text(build,
		    kind == NAME_HEADER ? SPAN("HTTP_X_KEY") : SPAN("key"));
		(void)BUILD_ROW(build, SECTION_NAME, &name);
		(void)BUILD_ROW(build, SECTION_SCHEME, &scheme);
	}
	(void)BUILD_ROW(build, SECTION_SETTINGS,
	    (&(struct row_settings){
		.max_uri_bytes = 4096, .max_header_bytes = 8192 }));
	must(build_finish(build, &bytes));
	build_free(build);
	must(bundle_from(&b, buf_span(&bytes), why, sizeof(why)));
	buf_fini(&bytes);
	return &b;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct network everybody = { .bits = 0 };
	static const struct request_rules rules = { .strip_prefix =
							SPAN_INIT(""),
		.client = { &everybody, 1, CLIENT_HEADER_AUTO },
		.certificate = { .header = SPAN_INIT("HTTP_CLIENT_CERT"),
		    .secret_header = SPAN_INIT("HTTP_S"),
		    .secret = SPAN_INIT("0123456789abcdef") } };
	struct param params[PARAMS_MAX];
	struct span rest = span_of(bytes, n);
	struct request r = { .params = params };
	struct decision d = { .reason = REASON_NONE };
	struct arena a;

	while (rest.p != NULL && r.n_params < PARAMS_MAX) {
		struct param *p = &params[r.n_params++];

		p->value = span_cut(&rest, '\0');
		p->name = span_cut(&p->value, '=');
	}
	arena_init(&a, 4096, 1 << 22);
	r.arena = &a;
	if (request_read(&r, bundle_to_ask(), &rules, &d)) {
		must(r.body_length >= BODY_LENGTH_UNKNOWN);
		must(r.path.n > 0 && (r.path.p[0] == '/' || r.path.n == 1));
		for (uint32_t i = 0; i < NAME_KIND__MAX; i++)
			must(r.fields[i].n <= 1);
	} else {
		must(d.reason != REASON_NONE);
	}
	arena_fini(&a);
	return 0;
}
