/*
 * Any bytes as mgw.yaml and a document, parted by a line "%%": what is
 * imported without an error is a bundle that the gate takes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/bundle.h"
#include "spec/emit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
emit(struct spec *s)
{
	struct buf bytes, text;
	struct bundle b;
	char why[256];

	buf_init(&bytes, BUNDLE_BYTES_MAX);
	buf_init(&text, 1024 * 1024);
	diag_write(s->diag, &text);
	if (s->diag->n_errors == 0 && !s->diag->failed &&
	    emit_bundle(s, &bytes)) {
		if (!bundle_from(&b, buf_span(&bytes), why, sizeof(why))) {
			fprintf(stderr, "%s\n", why);
			abort();
		}
		bundle_close(&b);
	}
	buf_fini(&text);
	buf_fini(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char mark[] = "\n%%\n";
	struct span policy = span_of(p, n), document = policy;
	const char *at = n > 0 ? memmem(p, n, mark, 4) : NULL;
	struct arena arena;
	struct diag d = { .arena = &arena };
	struct spec s = { .diag = &d };

	if (at != NULL) {
		policy.n = (size_t)(at - policy.p);
		document = span_skip(document, policy.n + 4);
	}
	/* These would be read from the disk. */
	if (memmem(policy.p, policy.n, "tiers-file", 10) != NULL ||
	    (memmem(policy.p, policy.n, "bodies", 6) != NULL &&
		memmem(policy.p, policy.n, "file", 4) != NULL))
		return 0;
	arena_init(&arena, 64 * 1024, 64 * 1024 * 1024);
	s.documents = openapi_parse(document, "shop.yaml", &d);
	s.policy = policyfile_parse(policy, "mgw.yaml", NULL, &d);
	if (s.policy != NULL) {
		link_spec(&s);
		emit(&s);
	}
	arena_fini(&arena);
	return 0;
}
